"""Lifecycle events from bytes: every form, and what is refused."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.events.decode import Headers
from monitor.events.lifecycle import LifecycleEvent, decode_lifecycle, decode_one_lifecycle
from monitor.events.lifecycle_event import CONNECTION_KINDS, KINDS, REQUEST_KINDS
from monitor.events.rejection import Reason, Rejection
from tests.monitor.lifecycle.parts import lifecycle_json


def decoded(body: bytes | None, headers: Headers = ()) -> LifecycleEvent:
    """The event of a body; fails where it is refused."""
    event = decode_one_lifecycle(body, headers)
    assert isinstance(event, LifecycleEvent), event
    return event


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_the_contract_is_read(kind: str) -> None:
    """With all that it may name."""
    event = decoded(
        lifecycle_json(kind=kind, agreement="AGR-1", request="YC-17", due="2026-11-01", limit="simple", x=1)
    )
    assert (event.kind, event.agreement, event.request) == (kind, "AGR-1", "YC-17")
    assert (event.due, event.limit) == (date(2026, 11, 1), "simple")


def test_the_kinds_are_those_of_connections_and_requests_and_two_more() -> None:
    """What changes a state, what a request goes through, and what is about an agreement."""
    assert set(KINDS) == {*CONNECTION_KINDS, *REQUEST_KINDS, "reviewed", "renewed"}


@pytest.mark.parametrize(
    ("body", "reason", "said"),
    [
        (None, Reason.EMPTY, "empty"),
        (b"  ", Reason.EMPTY, "empty"),
        (b"{", Reason.NOT_JSON, ""),
        (b"[1]", Reason.INVALID_FIELD, "object"),
        (lifecycle_json(without=["id"]), Reason.MISSING_FIELD, "`id`"),
        (lifecycle_json(without=["agency"]), Reason.MISSING_FIELD, "`agency`"),
        (lifecycle_json(time="2026-10-05T08:00:00"), Reason.INVALID_TIME, "time"),
        (lifecycle_json(kind="went-live"), Reason.INVALID_FIELD, "$.kind"),
        (lifecycle_json(kind="answered"), Reason.MISSING_FIELD, "$.request"),
        (lifecycle_json(kind="requested", request=""), Reason.INVALID_FIELD, "$.request"),
        (lifecycle_json(kind="requested", request="of Mr Binh"), Reason.INVALID_FIELD, "$.request"),
        (lifecycle_json(kind="requested", request="binh@moh.example"), Reason.INVALID_FIELD, "$.request"),
        (lifecycle_json(kind="requested", request="YC-1\n"), Reason.INVALID_FIELD, "$.request"),
        (lifecycle_json(kind="requested", request="001090012345"), Reason.INVALID_FIELD, "a person"),
        (lifecycle_json(kind="renewed"), Reason.MISSING_FIELD, "$.agreement"),
        (lifecycle_json(agreement="tran van binh"), Reason.INVALID_FIELD, "$.agreement"),
        (lifecycle_json(due="tomorrow"), Reason.INVALID_FIELD, "$.due"),
        (lifecycle_json(limit="soon"), Reason.INVALID_FIELD, "$.limit"),
        (b'{"specversion": "0.3", "data": {}}', Reason.INVALID_CLOUD_EVENT, "1.0"),
        (b'{"specversion": "1.0"}', Reason.INVALID_CLOUD_EVENT, "no data"),
        (b" " * (1024 * 1024) + b"{}", Reason.OVERSIZED, "1048576"),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(body: bytes | None, reason: Reason, said: str) -> None:
    """And the sentence never repeats a value that may be a person's."""
    refused = decode_one_lifecycle(body, ())
    assert isinstance(refused, Rejection), refused
    assert refused.reason is reason
    assert said in refused.detail
    assert "inh" not in refused.detail
    assert "001090012345" not in refused.detail


def test_cloud_events_are_read_in_both_modes() -> None:
    """Their id and time fill in what the data lack, and never replace what the data have."""
    data = json.loads(lifecycle_json(without=["id", "time"]))
    outer = {"specversion": "1.0", "id": "outer", "time": "2026-10-01T00:00:00Z", "type": "x", "source": "y"}
    structured = decoded(json.dumps(outer | {"data": data}).encode())
    packed = base64.b64encode(json.dumps(data).encode()).decode()
    as_base64 = decoded(json.dumps(outer | {"data_base64": packed}).encode())
    headers = [(f"ce_{name}", value.encode()) for name, value in outer.items()]
    binary = decoded(json.dumps(data).encode(), headers)
    for event in (structured, as_base64, binary):
        assert (event.id, event.time) == ("outer", datetime(2026, 10, 1, tzinfo=UTC))
    assert decoded(lifecycle_json(), headers).id == "L-1"


def test_a_batch_keeps_its_order() -> None:
    """A bad one among good ones spoils none."""
    bodies = [lifecycle_json(id="1"), b"{", lifecycle_json(id="2")]
    kinds = [type(each) for each in decode_lifecycle(bodies, lambda _: ())]
    assert kinds == [LifecycleEvent, Rejection, LifecycleEvent]


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text(), st.lists).map(lambda v: json.dumps(v).encode())
)
def test_no_body_makes_it_raise(body: bytes) -> None:
    """Whatever comes is an event or a rejection."""
    assert isinstance(decode_one_lifecycle(body, [("ce_specversion", b"1.0"), ("ce_id", b"\xff")]), Rejection)
