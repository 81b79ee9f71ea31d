"""Records are the same however a file's bytes come, and a record that is too long is never held."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.backfill import lines, values
from monitor.backfill.batch import Batch, Place
from monitor.backfill.form import Form, form_of, splitter_of
from monitor.backfill.source import Source
from monitor.errors import MonitorError, UsageProblem

plain = st.text(st.characters(codec="utf-8"), max_size=8)
leaves = st.none() | st.booleans() | st.integers(-99, 99) | plain | st.sampled_from(['"', "\\", "}{", "],["])
objects = st.dictionaries(
    plain,
    st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(plain, inner, max_size=3)
    ),
    max_size=3,
)


class Pieces:
    """A stream that gives what it has in pieces of its own choice."""

    def __init__(self, data: bytes, sizes: list[int]) -> None:
        self._file = BytesIO(data)
        self._sizes = sizes
        self._turn = 0

    def read(self, size: int) -> bytes:
        """At most `size` bytes."""
        self._turn += 1
        return self._file.read(min(size, self._sizes[self._turn % len(self._sizes)]))


def batches(form: Form, data: bytes, sizes: list[int], place: Place | None = None) -> Iterator[Batch]:
    """Cut data that comes in pieces, and check what each batch says of itself."""
    place = place or Place.beginning()
    stream = Pieces(data[place.position :], sizes)
    number = place.number
    for batch in splitter_of(form, stream.read, place).batches():
        assert batch.first == number
        number += batch.count
        assert len(batch.bodies()) == batch.count
        assert batch.digest.hexdigest() == hashlib.sha256(data[: batch.end]).hexdigest()
        yield batch


def records(form: Form, data: bytes, sizes: list[int]) -> list[bytes]:
    """All records."""
    return [body for batch in batches(form, data, sizes) for body in batch.bodies()]


@settings(max_examples=40, deadline=None)
@given(st.lists(objects, max_size=5), st.lists(st.integers(1, 50), min_size=1, max_size=4), st.booleans())
def test_lines_are_cut_at_line_breaks(held: list[object], sizes: list[int], ended: bool) -> None:
    """Whatever the pieces, and with or without a last line break."""
    expected = [json.dumps(each).encode() for each in held]
    data = b"\n".join(expected) + (b"\n" if ended and expected else b"")
    assert records(Form.LINES, data, sizes) == expected


@settings(max_examples=40, deadline=None)
@given(
    st.lists(objects, max_size=4),
    st.lists(st.integers(1, 50), min_size=1, max_size=4),
    st.sampled_from([None, 1]),
    st.sampled_from(["%s", '{"records": %s}', '{"a": "x", "n": 3, "records":%s, "nextRecordsFrom": 7}']),
    st.booleans(),
)
def test_objects_of_a_list_are_cut_at_their_ends(
    held: list[object], sizes: list[int], indent: int | None, around: str, readable: bool
) -> None:
    """Nested, with strings that look like structure, indented or not, bare or under `records`."""
    text = around % json.dumps(held, indent=indent, ensure_ascii=not readable)
    assert form_of(text.encode()) in (Form.LIST, Form.LINES)
    found = records(Form.LIST, text.encode(), sizes)
    assert [json.loads(each) for each in found] == held


@settings(max_examples=40, deadline=None)
@given(st.lists(objects, max_size=4), st.lists(st.integers(1, 50), min_size=1, max_size=4))
def test_objects_over_many_lines_need_no_list(held: list[object], sizes: list[int]) -> None:
    """One after the other, each over several lines."""
    data = "\n".join(json.dumps(each, indent=2) for each in held).encode()
    assert [json.loads(each) for each in records(Form.VALUES, data, sizes)] == held


@settings(max_examples=40, deadline=None)
@given(st.data(), st.lists(objects, min_size=1, max_size=5), st.sampled_from(list(Form)))
def test_any_batch_s_end_is_a_place_to_go_on(data: st.DataObject, held: list[object], form: Form) -> None:
    """What comes after it is what came after it the first time."""
    text = json.dumps(held) if form is Form.LIST else "\n".join(map(json.dumps, held))
    sizes = data.draw(st.lists(st.integers(1, 40), min_size=1, max_size=3))
    cut = list(batches(form, text.encode(), sizes))
    chosen = data.draw(st.sampled_from(cut))
    place = Place(chosen.end, chosen.first + chosen.count, chosen.digest.copy())
    after = [body for batch in cut[cut.index(chosen) + 1 :] for body in batch.bodies()]
    again = [body for batch in batches(form, text.encode(), [7], place) for body in batch.bodies()]
    assert again == after


@pytest.mark.parametrize(
    ("head", "form"),
    [
        (b'{"id": 1}\n{"id": 2}\n', Form.LINES),
        (b'\n\n {"id": 1}', Form.LINES),
        (b'{"id": oops}\n{"id": 2}\n', Form.LINES),
        (b"2026-01-01T00:00:00 INFO [x] correlation-id\n", Form.LINES),
        (b' [\n{"id": 1}', Form.LIST),
        (b'{\n "records": [', Form.LIST),
        (b'{\n "id": 1\n}\n', Form.VALUES),
        (b'{"id": 1, "na', Form.VALUES),
    ],
)
def test_the_form_is_told_by_the_beginning(head: bytes, form: Form) -> None:
    """A line that is complete JSON makes it lines."""
    assert form_of(head) is form


def _long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make 100 bytes too long, so that little ones are enough."""
    for module in (lines, values):
        monkeypatch.setattr(module, "MAX_BODY_BYTES", 100)
        monkeypatch.setattr(module, "BLOCK_BYTES", 64)
        monkeypatch.setattr(module, "KEPT_BYTES", 10)


@pytest.mark.parametrize("size", [200, 1000, 1031])
def test_a_line_without_end_is_passed_over(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Its number is kept, its bytes are hashed, and the lines around it are there."""
    _long(monkeypatch)
    data = b'{"a": 1}\n' + b"x" * size + b'\n{"b": 2}\n\n{"c": 3}'
    cut = list(batches(Form.LINES, data, [64]))
    rejected = [(batch.first + place, why) for batch in cut for place, why in batch.rejected]
    assert [(number, why.reason, str(size) in why.detail) for number, why in rejected] == [
        (1, "oversized", True)
    ]
    assert [body for batch in cut for body in batch.bodies()] == [
        b'{"a": 1}',
        b"x" * 10,
        b'{"b": 2}',
        b"",
        b'{"c": 3}',
    ]


@pytest.mark.parametrize("filler", ["x", "\\\\", '\\"', "}", "]", '\\"}', "\\\\\\\\x"])
@pytest.mark.parametrize("pieces", [1, 7, 64])
def test_a_long_record_of_a_list_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, filler: str, pieces: int
) -> None:
    """Its end is found although none of it is kept."""
    _long(monkeypatch)
    long = '{"deep": [{"text": "%s"}]}' % (filler * 300)
    data = f'[{{"a": 1}}, {long}, {{"b": 2}}]'.encode()
    cut = list(batches(Form.LIST, data, [pieces]))
    assert [body for batch in cut for body in batch.bodies() if not batch.rejected] == [
        b'{"a": 1}',
        b'{"b": 2}',
    ]
    (why,) = [why for batch in cut for _, why in batch.rejected]
    assert str(len(long)) in why.detail


def test_what_is_no_object_in_a_list_is_a_record_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that it is rejected with its number; also when it is long, and blanks are none however many."""
    _long(monkeypatch)
    blanks, stray = " " * 500, "y" * 300
    data = f'[1, "a,}}", null{blanks}, {stray} ,{{"a": 1}}]'.encode()
    assert records(Form.LIST, data, [64]) == [b"1", b'"a,}"', b"null", b"y" * 10, b'{"a": 1}']


@pytest.mark.parametrize(
    ("form", "data", "said"),
    [
        (Form.LIST, b'[{"a": 1}, {"b": ', "record 2 does not end"),
        (Form.LIST, b'[{"a": 1}', "list of records does not end"),
        (Form.LIST, b'[{"a": 1}] [{"b": 2}]', "behind its list of 1"),
        (Form.LIST, b'{"records" 1', "does not begin"),
        (Form.VALUES, b'{"a": 1} {"b": "', "record 2 does not end"),
    ],
)
def test_what_does_not_end_is_said(form: Form, data: bytes, said: str) -> None:
    """And what is whole before it was cut."""
    splitter = splitter_of(form, BytesIO(data).read, Place.beginning())
    list(splitter.batches())
    assert splitter.left is not None
    assert said in splitter.left


def test_a_line_break_that_came_later_belongs_to_the_line_before() -> None:
    """A file that was counted to its end without one goes on with the next number."""
    for mark in (b"\n", b"\r\n"):
        place = Place(3, 1, hashlib.sha256(b"{1}"), unbroken=True)
        (batch,) = batches(Form.LINES, b"{1}" + mark + b"{2}\n", [64], place)
        assert (batch.first, batch.bodies()) == (1, [b"{2}"])


def read_all(source: Source, size: int) -> bytes:
    """Everything."""
    data = b""
    while piece := source.read(size):
        assert len(piece) <= size
        data += piece
    return data


@pytest.mark.parametrize("size", [1, 1000])
def test_gzip_is_told_by_its_first_bytes(tmp_path: Path, size: int) -> None:
    """Several members in a row, as of logs that grew, with padding; a byte order mark is left out."""
    path = tmp_path / "history.json"
    path.write_bytes(
        gzip.compress(b"\xef\xbb\xbfone\n") + gzip.compress(b"") + gzip.compress(b"two\n") + b"\0" * 99
    )
    with Source(path) as source:
        assert read_all(source, size) == b"one\ntwo\n"
        assert source.damage is None
        assert source.on_disk == source.size


def test_what_could_be_unpacked_of_damaged_gzip_is_read(tmp_path: Path) -> None:
    """Cut off, or with a wrong byte in it: it says which."""
    whole = gzip.compress(b"line\n" * 100_000 + bytes(range(256)) * 50)
    path = tmp_path / "history.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with Source(path) as source:
        assert read_all(source, 4096).startswith(b"line\n")
        assert source.damage == "the gzip is cut off"
    path.write_bytes(whole[:-6] + b"\0\0" + whole[-4:])
    with Source(path) as source:
        assert len(read_all(source, 4096)) >= 500_000  # all but what came with the wrong checksum
        assert source.damage == "the gzip is damaged from here on"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x28\xb5\x2f\xfd123", "compressed with zstd"),
        (b"PK\x03\x04...", "a zip archive"),
        ("{}".encode("utf-16"), "UTF-16"),
    ],
)
def test_other_formats_are_named(tmp_path: Path, data: bytes, said: str) -> None:
    """Instead of a rejection for each line."""
    path = tmp_path / "history"
    path.write_bytes(data)
    with pytest.raises(MonitorError, match=said), Source(path) as source:
        source.read(10)


def test_only_files_can_be_gone_on_with(tmp_path: Path) -> None:
    """Standard input, folders and missing files are refused, each with its reason."""
    with pytest.raises(UsageProblem, match="standard input cannot be continued"):
        Source(Path("-"))
    with pytest.raises(UsageProblem, match="is a folder"):
        Source(tmp_path)
    with pytest.raises(MonitorError, match=r"cannot be read: No such file"):
        Source(tmp_path / "none")
