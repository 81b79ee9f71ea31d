"""Security events in the contract's own form, bare and as CloudEvents: each rule, and what breaks it."""

from __future__ import annotations

import base64
import json
import random
from datetime import UTC, datetime
from typing import Any

import pytest

from monitor.events.decode import MAX_BODY_BYTES, Headers
from monitor.events.kinds import OTHER, USUAL_SEVERITY, label
from monitor.events.rejection import Reason, Rejection
from monitor.events.security import SecurityEvent, decode_one_security, decode_security
from tests.monitor.events.security_bodies import audit_line, body, event, ocsf
from tests.monitor.events.test_batches import mutated

MOMENT = datetime(2026, 10, 5, 8, 15, 30, 123000, tzinfo=UTC)
BINARY: Headers = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"outer"),
    ("ce_time", b"2026-10-05T08:15:30.123Z"),
    ("ce_source", b"/agencies/MOH"),
)


def rejected(data: bytes | None, headers: Headers = ()) -> Rejection:
    """What a body is rejected with."""
    decoded = decode_one_security(data, headers)
    assert isinstance(decoded, Rejection), decoded
    return decoded


def test_an_event_has_every_field_of_the_contract() -> None:
    """All of them, and nothing else."""
    decoded = event(
        actor="a91f" * 4, source_ip="203.0.113.7", service="x.y", subject="77b0" * 4, count=3, bytes=9,
        detail={"item": "audit-log", "n": 2, "share": 0.5, "planned": True, "none": None}, unknown="ignored",
    )  # fmt: skip
    assert decoded == SecurityEvent(
        id="SE-1", time=MOMENT, agency="MOH", kind="sign_in_failed", severity=2, actor="a91f" * 4,
        source_ip="203.0.113.7", service="x.y", subject="77b0" * 4, count=3, bytes=9,
        detail={"item": "audit-log", "n": 2, "share": 0.5, "planned": True},
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("sign_in_failed", "sign_in_failed"),
        ("Sign-in failed", "sign_in_failed"),
        ("X.25 alarm", "x_25_alarm"),
    ],
)
def test_kinds_are_written_alike(given: str, kept: str) -> None:
    """However their sender writes them; unknown ones are kept."""
    assert event(kind=given).kind == kept


def test_only_listed_kinds_become_labels() -> None:
    """A hostile sender cannot make a time series for each event."""
    assert {label(kind) for kind in USUAL_SEVERITY} == set(USUAL_SEVERITY)
    assert label("x_25_alarm") == OTHER
    assert all(1 <= severity <= 5 for severity in USUAL_SEVERITY.values())


@pytest.mark.parametrize(
    ("given", "number"),
    [(1, 1), (5, 5), ("informational", 1), ("Low", 2), ("MEDIUM", 3), ("high", 4), ("fatal", 5)],
)  # fmt: skip
def test_severity_is_a_number_or_ocsfs_word(given: int | str, number: int) -> None:
    """In JSON either."""
    assert event(severity=given).severity == number


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("", None),
    ],
)
def test_the_same_address_is_the_same_text(given: str, kept: str | None) -> None:
    """Rules group by it."""
    assert event(source_ip=given).source_ip == kept


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, Reason.EMPTY),
        (b"  \n", Reason.EMPTY),
        (b" " * MAX_BODY_BYTES + b"{}", Reason.OVERSIZED),
        (b"{", Reason.NOT_JSON),
        (b"\xff\xfe", Reason.NOT_JSON),
        (b"[" * 100_000, Reason.INVALID_FIELD),
        (b'{"a":' * 100_000, Reason.NOT_JSON),
        (b"[]", Reason.INVALID_FIELD),
        (body(without=["id"]), Reason.MISSING_FIELD),
        (body(without=["time"]), Reason.MISSING_FIELD),
        (body(without=["agency"]), Reason.MISSING_FIELD),
        (body(without=["kind"]), Reason.MISSING_FIELD),
        (body(without=["severity"]), Reason.MISSING_FIELD),
        (body(time="yesterday"), Reason.INVALID_TIME),
        (body(time="2026-10-05T08:15:30"), Reason.INVALID_TIME),
        (body(count=-1), Reason.NEGATIVE_COUNT),
        (body(bytes=-1), Reason.NEGATIVE_COUNT),
        (body(count=2**53 + 1), Reason.INVALID_FIELD),
        (body(severity=0), Reason.INVALID_FIELD),
        (body(severity=6), Reason.INVALID_FIELD),
        (body(severity="grave"), Reason.INVALID_FIELD),
        (body(kind="!?"), Reason.INVALID_FIELD),
        (body(id=""), Reason.INVALID_FIELD),
        (body(id="x" * 201), Reason.INVALID_FIELD),
        (body(actor="x" * 1001), Reason.INVALID_FIELD),
        (body(source_ip="somewhere"), Reason.INVALID_FIELD),
        (body(source_ip="x" * 65), Reason.INVALID_FIELD),
        (body(detail={"nested": {"a": 1}}), Reason.INVALID_FIELD),
        (body(detail={"list": [1]}), Reason.INVALID_FIELD),
        (body(detail={str(n): n for n in range(33)}), Reason.INVALID_FIELD),
        (body(detail={"x" * 65: 1}), Reason.INVALID_FIELD),
        (body(detail={"x": "y" * 1001}), Reason.INVALID_FIELD),
        (b'{"specversion":"0.3","data":' + body() + b"}", Reason.INVALID_CLOUD_EVENT),
        (b'{"specversion":"1.0","id":"x"}', Reason.INVALID_CLOUD_EVENT),
    ],
)
def test_what_breaks_the_contract_is_rejected_with_a_reason(data: bytes | None, reason: Reason) -> None:
    """One reason each, out of the closed set."""
    assert rejected(data).reason is reason


def test_a_rejection_never_shows_the_value() -> None:
    """It may be a person's name."""
    for field in ("severity", "source_ip", "count", "time"):
        assert "Ngoc" not in rejected(body(**{field: "Ngoc Lan"})).detail


@pytest.mark.parametrize("data", [body(), ocsf(), audit_line()], ids=["bare", "ocsf", "xroad"])
def test_every_form_may_come_in_a_cloud_event(data: bytes) -> None:
    """Structured as JSON or base64, or binary; none of them changes what the event is."""
    bare = decode_one_security(data, ())
    assert isinstance(bare, SecurityEvent)
    encoded = base64.b64encode(data).decode()
    forms: list[tuple[bytes, Headers]] = [
        (data, BINARY[:1]),
        (json.dumps({"specversion": "1.0", "type": "t", "data_base64": encoded}).encode(), ()),
    ]
    if data.startswith(b"{"):
        forms.append((b'{"specversion":"1.0","data":' + data + b"}", ()))
    for value, headers in forms:
        assert decode_one_security(value, headers) == bare


def test_a_cloud_event_gives_id_and_time_that_its_data_lacks() -> None:
    """In both modes; what the data has holds."""
    lacking = body(without=["id", "time"])
    structured = (
        b'{"specversion":"1.0","id":"outer","time":"2026-10-05T08:15:30.123Z","data":' + lacking + b"}"
    )
    for value, headers in ((lacking, BINARY), (structured, ())):
        decoded = decode_one_security(value, headers)
        assert isinstance(decoded, SecurityEvent)
        assert (decoded.id, decoded.time) == ("outer", MOMENT)
    kept = decode_one_security(body(), BINARY)
    assert isinstance(kept, SecurityEvent)
    assert kept.id == "SE-1"


def test_a_detail_of_that_name_makes_no_cloud_event() -> None:
    """Only a member of the event itself does."""
    assert event(detail={"specversion": "1.0"}).detail == {"specversion": "1.0"}


def test_ten_thousand_mutated_bodies_lose_none_of_the_good_ones() -> None:
    """Whatever form they had before; each good one is read, at its place."""
    lot = random.Random(20261005)
    wrapped = b'{"specversion":"1.0","data":' + body() + b"}"
    forms = [
        body(detail={"item": "x", "n": 1}),
        wrapped,
        ocsf(),
        audit_line(),
        json.dumps({"event": "x", "user": "y", "time": 1}).encode(),
    ]
    bodies: list[bytes | None] = []
    good: dict[int, str] = {}
    for number in range(10_000):
        if lot.random() < 0.5:
            good[len(bodies)] = f"good-{number}"
            bodies.append(body(id=f"good-{number}"))
        bodies.append(mutated(lot, forms[number % len(forms)]))
    decoded = decode_security(bodies, lambda _: ())
    assert len(decoded) == len(bodies)
    read = {at: one.id for at, one in enumerate(decoded) if isinstance(one, SecurityEvent)}
    assert {at: identity for at, identity in read.items() if identity.startswith("good-")} == good
    assert {type(one) for one in decoded} == {SecurityEvent, Rejection}
    assert decoded == [decode_one_security(one, ()) for one in bodies]


_ANYTHING: list[Any] = [None, True, -1, 10**30, 1e308, "", "x" * 300, [], {}, [[]], {"uid": {}}, ["\x00"]]


@pytest.mark.parametrize("data", [ocsf(), audit_line()], ids=["ocsf", "xroad"])
def test_any_value_at_any_place_is_an_event_or_a_rejection(data: bytes) -> None:
    """Producers of foreign forms put anything anywhere; nothing of it is an error of the program."""
    front, _, text = data.rpartition(b" - ") if b" - " in data else (b"", b"", data)
    whole = json.loads(text)

    def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        inner = value.items() if isinstance(value, dict) else ()
        return [path, *(one for name, below in inner for one in places(below, (*path, name)))]

    extra = [
        ("finding_info_list",),
        ("api", "response"),
        ("actor", "user", "org"),
        ("count",),
        ("verdict_id",),
    ]
    for path in [*places(whole)[1:], *extra]:
        for value in _ANYTHING:
            changed = json.loads(text)
            within = changed
            for step in path[:-1]:
                within = within.setdefault(step, {})
            within[path[-1]] = value
            sent = (front + b" - " if front else b"") + json.dumps(changed).encode()
            assert isinstance(decode_one_security(sent, ()), SecurityEvent | Rejection)
