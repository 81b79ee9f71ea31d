"""The form of a dead letter: whatever was set aside comes back as it was, or is marked as cut."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.dead_letters import (
    LETTER_BYTES,
    DeadLetter,
    from_record,
    mark_of,
    mark_record,
    to_record,
)
from streams.topics import DEAD_LETTER_BYTES

LETTER = DeadLetter("exchanges", 3, 17, 1_790_000_000_000, "not_json", "Expecting a value", b"MOH", b"{")
LETTERS = st.builds(
    DeadLetter,
    topic=st.from_regex(r"[A-Za-z0-9._-]{1,40}", fullmatch=True),
    partition=st.integers(0, 10_000),
    offset=st.integers(0, 2**63 - 1),
    timestamp_ms=st.none() | st.integers(0, 2**53),
    reason=st.from_regex(r"[a-z_]{1,30}", fullmatch=True),
    detail=st.text(st.characters(exclude_categories=["Cs"]), max_size=200),
    key=st.none() | st.binary(max_size=40),
    value=st.none() | st.binary(max_size=400),
    headers=st.lists(
        st.tuples(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), st.binary(max_size=40)),
        max_size=5,
    ).map(tuple),
)


@given(LETTERS)
def test_a_letter_comes_back_as_it_was(letter: DeadLetter) -> None:
    """Also with no key, no value, an empty value, and headers named like the letter's own."""
    key, value, headers = to_record(letter)
    assert from_record(key, value, headers) == letter
    assert mark_of(headers) is None


def test_the_form_is_the_documented_one() -> None:
    """Key, value and headers as other systems read them."""
    key, value, headers = to_record(LETTER)
    assert (key, value) == (b"exchanges/3/17", b"{")
    assert dict(headers) == {
        "reason": b"not_json",
        "detail": b"Expecting a value",
        "source_topic": b"exchanges",
        "source_partition": b"3",
        "source_offset": b"17",
        "source_timestamp": b"1790000000000",
        "source_key": b"MOH",
    }


def test_an_original_header_cannot_pass_for_a_letters_own() -> None:
    """A producer's header `reason` or `truncated` stays a header of the original."""
    tricky = (("reason", b"fine"), ("truncated", b"1"), ("h.reason", b"x"), ("replayed", b"1"))
    letter = DeadLetter("t", 0, 0, None, "not_json", "", None, b"x", tricky)
    assert from_record(*to_record(letter)) == letter


@pytest.mark.parametrize(
    "huge",
    [
        DeadLetter("t", 0, 0, 0, "oversized", "", b"k", b"x" * (LETTER_BYTES + 1), (("a", b"b"),)),
        DeadLetter("t", 0, 0, 0, "oversized", "", b"k" * LETTER_BYTES, b"x" * 5_000_000),
        DeadLetter("t", 0, 0, 0, "oversized", "", None, b"body", (("n" * 10, b"v" * LETTER_BYTES),)),
        DeadLetter("t", 0, 0, 0, "oversized", "d" * 99_999, None, b"body", ((("h" * 90), b""),) * 90_000),
    ],
    ids=["body", "key", "header", "many headers"],
)
def test_what_does_not_fit_is_cut_and_marked(huge: DeadLetter) -> None:
    """The message stays under the topic's limit, says so, and keeps the beginning of the body."""
    key, value, headers = to_record(huge)
    size = len(key) + len(value) + sum(len(name.encode()) + len(held) + 12 for name, held in headers)
    assert size < DEAD_LETTER_BYTES
    cut = from_record(key, value, headers)
    assert cut
    assert cut.truncated
    assert cut.id == huge.id
    assert cut.value
    assert huge.value
    assert huge.value.startswith(cut.value)


def test_what_fits_is_not_cut() -> None:
    """The largest body that a source topic takes is kept whole."""
    whole = DeadLetter("t", 0, 0, 0, "oversized", "", b"k", b"x" * 4 * 1024 * 1024)
    assert from_record(*to_record(whole)) == whole


@pytest.mark.parametrize(
    ("key", "headers"),
    [
        (None, []),
        (b"t/0/0", [("reason", b"x")]),
        (
            b"t/0/0",
            [("reason", b"x"), ("source_topic", b"t"), ("source_partition", b"one"), ("source_offset", b"0")],
        ),
        (
            b"other",
            [("reason", b"x"), ("source_topic", b"t"), ("source_partition", b"0"), ("source_offset", b"0")],
        ),
        (
            b"t/0/0",
            [
                ("reason", None),
                ("source_topic", b"\xff"),
                ("source_partition", b"0"),
                ("source_offset", b"0"),
            ],
        ),
    ],
)
def test_a_strangers_message_is_no_letter(key: bytes | None, headers: list[tuple[str, bytes | None]]) -> None:
    """Whatever somebody else writes to the topic is passed over, not an error."""
    assert from_record(key, b"x", headers) is None


def test_a_mark_is_no_letter_and_a_letter_no_mark() -> None:
    """A mark has its letter's key and says how far the replay came."""
    key, value, headers = mark_record(LETTER.id, "replayed", 1000)
    assert (key, headers) == (b"exchanges/3/17", [("replayed", b"1000")])
    assert from_record(key, value, headers) is None
    assert mark_of(headers) == "replayed"
    assert mark_of(mark_record(LETTER.id, "replaying", 1000)[2]) == "replaying"
    assert mark_of([("other", b"")]) is None
