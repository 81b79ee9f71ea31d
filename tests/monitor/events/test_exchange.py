"""An exchange on the wire: what the contract requires, what it leaves open, and what it refuses."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.events.decode import MAX_BODY_BYTES, Decoded, decode_one
from monitor.events.exchange import OUTCOMES, Exchange
from monitor.events.fields import ABSENT, FIELD_LISTS, FieldLists
from monitor.events.rejection import Reason, Rejection
from monitor.ledger.moment import in_utc
from tests.builders import MOMENT, exchange_json, ms

REQUIRED = ("id", "time", "provider", "consumer", "service", "outcome", "duration_ms")


def read(body: bytes | None) -> Exchange:
    """The exchange of a body that is accepted."""
    decoded = decode_one(body, ())
    assert isinstance(decoded, Exchange), decoded
    return decoded


def refused(body: bytes | None) -> Reason:
    """Why a body is set aside; fails where it is not."""
    decoded: Decoded = decode_one(body, ())
    assert isinstance(decoded, Rejection), decoded
    assert decoded.detail
    return decoded.reason


def with_raw(field: str, text: str) -> bytes:
    """A body with a value that no JSON writer would write."""
    return exchange_json(**{field: "@here@"}).replace(b'"@here@"', text.encode())


def test_the_required_fields_are_enough() -> None:
    """Counts and sizes default to 0; what may be absent is None."""
    one = read(exchange_json())
    assert (one.id, one.provider, one.consumer, one.service) == (
        "01JD0M3Z9V6Q",
        "MPS",
        "MOH",
        "population.verify-identity",
    )
    assert (one.records, one.request_bytes, one.response_bytes) == (0, 0, 0)
    assert (one.purpose, one.signed) == (None, None)
    assert (bytes(one.case), bytes(one.fields)) == (b"", b"")


@pytest.mark.parametrize("field", REQUIRED)
def test_without_a_required_field_it_is_refused(field: str) -> None:
    """Each is missed by name."""
    decoded = decode_one(exchange_json(without=[field]), ())
    assert isinstance(decoded, Rejection)
    assert decoded.reason is Reason.MISSING_FIELD
    assert f"`{field}`" in decoded.detail


@pytest.mark.parametrize("field", REQUIRED)
def test_a_required_field_is_not_null(field: str) -> None:
    """Null is no value."""
    assert refused(exchange_json(**{field: None})) in {
        Reason.INVALID_FIELD,
        Reason.INVALID_TIME,
        Reason.UNKNOWN_OUTCOME,
    }


@pytest.mark.parametrize("field", ["purpose", "signed"])
def test_an_optional_field_may_be_null(field: str) -> None:
    """As if it were absent."""
    assert getattr(read(exchange_json(**{field: None})), field) is None


@pytest.mark.parametrize("case", [None, ""])
def test_a_case_that_is_null_or_empty_is_none(case: str | None) -> None:
    """Only whether one is named is read; the judge tells by these."""
    assert bytes(read(exchange_json(case=case)).case) in ABSENT
    assert bytes(read(exchange_json(case="HS-2026-1188")).case) not in ABSENT


@given(
    st.dictionaries(
        st.text().filter(lambda name: name not in {*Exchange.__struct_fields__}),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(), st.lists, max_leaves=5
        ),
        max_size=4,
    )
)
def test_unknown_fields_are_kept_out(extra: dict[str, Any]) -> None:
    """Whatever they hold, they are no error and change nothing."""
    with_extra, without = read(exchange_json(**extra)), read(exchange_json())
    assert with_extra == without


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)), st.integers(-23 * 60, 23 * 60))  # noqa: DTZ001
def test_a_time_with_any_offset_is_the_same_moment(local: datetime, minutes: int) -> None:
    """RFC 3339 with an offset, to the microsecond."""
    time = local.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert in_utc(read(exchange_json(time=time)).time) == time.astimezone(UTC)


@pytest.mark.parametrize(
    "text",
    [
        '"2026-10-05T08:15:30.123Z"',
        '"2026-10-05T08:15:30.123z"',
        '"2026-10-05t15:15:30.123+07:00"',
        '"2026-10-05T15:15:30.123000+07:00"',
        '"2026-10-04T20:15:30.123-12:00"',
        "1791188130123",
        "1791188130123.0",
        "1.791188130123e12",
    ],
)
def test_times_are_rfc_3339_or_epoch_milliseconds(text: str) -> None:
    """Every accepted way to write the same moment."""
    assert in_utc(read(with_raw("time", text)).time) == MOMENT


@given(st.integers(0, 4_000_000_000_000))
def test_epoch_milliseconds_are_exact(milliseconds: int) -> None:
    """No rounding on the way through floating point."""
    assert ms(in_utc(read(exchange_json(time=milliseconds)).time)) == milliseconds


@pytest.mark.parametrize(
    "text",
    [
        '"2026-10-05T08:15:30"',  # where?
        '"2026-10-05"',
        '"05/10/2026 08:15"',
        '"1791188130123"',
        '"2026-13-05T08:15:30Z"',
        '"2026-10-05T25:15:30Z"',
        '""',
        "true",
        "[]",
        "1e400",
    ],
)
def test_a_time_that_is_not_certain_is_refused(text: str) -> None:
    """Above all one without an offset: it would be a guess."""
    assert refused(with_raw("time", text)) is Reason.INVALID_TIME


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", 1e300, -1e300])
def test_a_time_beyond_the_calendar_is_one_at_its_end(time: str | float) -> None:
    """It decodes, and its conversion never fails: being refused for its age is the ledger's business."""
    moment = in_utc(read(exchange_json(time=time)).time)
    assert moment <= datetime(1970, 1, 1, tzinfo=UTC) or moment.year == 9999


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_four_outcomes(outcome: str) -> None:
    """ok, fault, denied, timeout."""
    assert read(exchange_json(outcome=outcome)).outcome == outcome


@pytest.mark.parametrize("outcome", ["OK", "error", "", " ok", 1, True])
def test_any_other_outcome_is_refused(outcome: object) -> None:
    """With a reason of its own, and without repeating what it was."""
    decoded = decode_one(exchange_json(outcome=outcome), ())
    assert isinstance(decoded, Rejection)
    assert decoded.reason is Reason.UNKNOWN_OUTCOME
    assert "error" not in decoded.detail


@pytest.mark.parametrize("field", ["records", "request_bytes", "response_bytes", "duration_ms"])
def test_negative_counts_and_durations_are_refused(field: str) -> None:
    """One below zero, and zero itself is fine."""
    assert refused(exchange_json(**{field: -1})) is Reason.NEGATIVE_COUNT
    assert getattr(read(exchange_json(**{field: 0})), field) == 0


@pytest.mark.parametrize("field", ["records", "request_bytes", "response_bytes"])
def test_counts_are_whole_and_exact(field: str) -> None:
    """Up to 2**53, the last that every JSON reader has exactly."""
    assert getattr(read(exchange_json(**{field: 2**53})), field) == 2**53
    for wrong in (2**53 + 1, 1.5, "7", True, 10**30):
        assert refused(exchange_json(**{field: wrong})) is Reason.INVALID_FIELD


def test_a_duration_is_at_most_a_day() -> None:
    """A longer one comes from a broken clock; not a number is not JSON."""
    assert read(exchange_json(duration_ms=86_400_000)).duration_ms == 86_400_000
    assert refused(exchange_json(duration_ms=86_400_000.5)) is Reason.INVALID_FIELD
    assert refused(with_raw("duration_ms", "NaN")) is Reason.NOT_JSON
    assert refused(with_raw("duration_ms", "1e400")) is Reason.INVALID_FIELD


@pytest.mark.parametrize("field", ["id", "provider", "consumer", "service"])
def test_names_have_1_to_200_characters(field: str) -> None:
    """Characters, not bytes."""
    assert getattr(read(exchange_json(**{field: "ữ" * 200})), field) == "ữ" * 200
    assert refused(exchange_json(**{field: ""})) is Reason.INVALID_FIELD
    assert refused(exchange_json(**{field: "x" * 201})) is Reason.INVALID_FIELD
    assert refused(exchange_json(**{field: 7})) is Reason.INVALID_FIELD


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        (["full_name", "sex", "sex"], {"full_name", "sex"}),
        ([], set()),
        (None, set()),
        (["h\u1ecd t\u00ean"], {"h\u1ecd t\u00ean"}),
        ("full_name", None),
        ([1], None),
        ([None], None),
        ([["a"]], None),
        ({"a": 1}, None),
    ],
)
def test_fields_are_a_list_of_texts(fields: object, names: set[str] | None) -> None:
    """Read once per distinct text; nothing else says which fields were asked for."""
    text = bytes(read(exchange_json(fields=fields)).fields)
    for _ in range(2):
        found = FIELD_LISTS[text]
        assert (None if found is None else set(found)) == names


def test_field_lists_are_remembered_within_bounds() -> None:
    """Neither many different lists nor long ones fill the memory."""
    lists = FieldLists()
    for number in range(FieldLists.LIMIT + 10):
        assert lists[b'["f%d"]' % number] == frozenset({f"f{number}"})
    assert len(lists) <= FieldLists.LIMIT
    long = b'["%s"]' % (b"x" * FieldLists.LONGEST)
    assert lists[long] == frozenset({"x" * FieldLists.LONGEST})
    assert long not in lists


def test_one_mebibyte_is_the_limit() -> None:
    """Exactly 1 MiB is read, one byte more is a dead letter."""
    padding = MAX_BODY_BYTES - len(exchange_json(note=""))
    body = exchange_json(note="x" * padding)
    assert len(body) == 1024 * 1024
    assert read(body).id == "01JD0M3Z9V6Q"
    assert refused(exchange_json(note="x" * (padding + 1))) is Reason.OVERSIZED


@pytest.mark.parametrize("body", [None, b"", b" ", b"\n\t \r\n"])
def test_nothing_is_empty(body: bytes | None) -> None:
    """No value, an empty one, and blanks alike."""
    assert refused(body) is Reason.EMPTY


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (exchange_json()[:-1], Reason.NOT_JSON),
        (exchange_json() + exchange_json(), Reason.NOT_JSON),
        (exchange_json() + b",", Reason.NOT_JSON),
        (exchange_json().replace(b"MPS", b"M\xffS"), Reason.NOT_JSON),
        (exchange_json().replace(b"MPS", b"\\ud800"), Reason.NOT_JSON),
        (exchange_json().replace(b"MPS", b"M\nS"), Reason.NOT_JSON),
        (b"\xef\xbb\xbf" + exchange_json(), Reason.NOT_JSON),
        (exchange_json().decode().encode("utf-16"), Reason.NOT_JSON),
        (b"\x00" * 40, Reason.NOT_JSON),
        (b"hello", Reason.NOT_JSON),
        (b"null", Reason.INVALID_FIELD),
        (b"[" + exchange_json() + b"]", Reason.INVALID_FIELD),
        (b'"text"', Reason.INVALID_FIELD),
    ],
)
def test_what_is_not_one_json_object_is_refused(body: bytes, reason: Reason) -> None:
    """Cut off, doubled, in another encoding, or no object."""
    assert refused(body) is reason


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
@pytest.mark.parametrize("closed", [True, False])
def test_nesting_without_end_is_refused(opening: bytes, *, closed: bool) -> None:
    """A hundred thousand levels, in a field that nobody reads, do not exhaust the stack."""
    depth = 100_000
    closing = {b"[": b"]", b'{"a":': b"}"}[opening]
    nested = opening * depth + b"1" + closing * (depth if closed else 0)
    assert refused(exchange_json(x="@here@").replace(b'"@here@"', nested)) is Reason.NOT_JSON
    assert refused(nested) in {Reason.NOT_JSON, Reason.INVALID_FIELD, Reason.MISSING_FIELD}


def test_the_detail_never_repeats_a_value() -> None:
    """Values may be personal data; a detail ends in logs."""
    for field in ("time", "outcome", "duration_ms", "records", "signed"):
        decoded = decode_one(exchange_json(**{field: "Hidden-Person"}), ())
        assert isinstance(decoded, Rejection)
        assert "Hidden" not in decoded.detail
