"""Dossier events from bytes: every step and form, and what is refused."""

from __future__ import annotations

import base64
import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.events.decode import Headers
from monitor.events.dossier import DossierEvent, decode_dossiers, decode_one_dossier
from monitor.events.dossier_event import STEPS
from monitor.events.rejection import Reason, Rejection
from tests.monitor.dossiers.parts import dossier_json


def decoded(body: bytes | None, headers: Headers = ()) -> DossierEvent:
    """The event of a body; fails where it is refused."""
    event = decode_one_dossier(body, headers)
    assert isinstance(event, DossierEvent), event
    return event


@pytest.mark.parametrize("step", STEPS)
def test_every_step_of_the_contract_is_read(step: str) -> None:
    """With all that it may say; what nobody said was done was not."""
    event = decoded(dossier_json(step=step, rating=4, online=True, applicant="tran van binh"))
    assert (event.step, event.dossier, event.procedure) == (step, "H26.12-1", "1.001193")
    assert (event.promised, event.rating, event.online, event.reused) == (date(2026, 10, 12), 4, True, False)
    assert not hasattr(event, "applicant")


@pytest.mark.parametrize(
    ("body", "reason", "said"),
    [
        (None, Reason.EMPTY, "empty"),
        (b"  ", Reason.EMPTY, "empty"),
        (b"{", Reason.NOT_JSON, ""),
        (b"[1]", Reason.INVALID_FIELD, "object"),
        (dossier_json(without=["id"]), Reason.MISSING_FIELD, "`id`"),
        (dossier_json(without=["dossier"]), Reason.MISSING_FIELD, "`dossier`"),
        (dossier_json(without=["procedure"]), Reason.MISSING_FIELD, "$.procedure"),
        (dossier_json(step="rated"), Reason.MISSING_FIELD, "$.rating"),
        (dossier_json(step="rated", rating=6), Reason.INVALID_FIELD, "$.rating"),
        (dossier_json(step="rated", rating=4.5), Reason.INVALID_FIELD, "$.rating"),
        (dossier_json(step="done"), Reason.INVALID_FIELD, "$.step"),
        (dossier_json(time="2026-10-05T08:00:00"), Reason.INVALID_TIME, "time"),
        (dossier_json(promised="soon"), Reason.INVALID_FIELD, "$.promised"),
        (dossier_json(promised="1926-10-12"), Reason.INVALID_FIELD, "2000 to 2099"),
        (dossier_json(online="yes"), Reason.INVALID_FIELD, "$.online"),
        (dossier_json(dossier="of Mr Binh"), Reason.INVALID_FIELD, "$.dossier"),
        (dossier_json(dossier="binh@moh.example"), Reason.INVALID_FIELD, "$.dossier"),
        (dossier_json(dossier=""), Reason.INVALID_FIELD, "$.dossier"),
        (dossier_json(dossier="x" * 101), Reason.INVALID_FIELD, "$.dossier"),
        (dossier_json(dossier="001090012345"), Reason.INVALID_FIELD, "a person"),
        (dossier_json(procedure="001090012345"), Reason.INVALID_FIELD, "a person"),
        (b'{"specversion": "0.3", "data": {}}', Reason.INVALID_CLOUD_EVENT, "1.0"),
        (b'{"specversion": "1.0"}', Reason.INVALID_CLOUD_EVENT, "no data"),
        (b" " * (1024 * 1024) + b"{}", Reason.OVERSIZED, "1048576"),
    ],
)
def test_what_is_wrong_is_refused_with_its_reason(body: bytes | None, reason: Reason, said: str) -> None:
    """And the sentence never repeats a value that may be a person's."""
    refused = decode_one_dossier(body, ())
    assert isinstance(refused, Rejection), refused
    assert refused.reason is reason
    assert said in refused.detail
    assert "inh" not in refused.detail
    assert "001090012345" not in refused.detail


def test_cloud_events_are_read_in_both_modes() -> None:
    """Their id and time fill in what the data lack, and never replace what the data have."""
    data = json.loads(dossier_json(without=["id", "time"]))
    outer = {"specversion": "1.0", "id": "CE-1", "time": "2026-10-06T01:00:00Z", "data": data}
    binary = [("ce_specversion", b"1.0"), ("ce_id", b"CE-1"), ("ce_time", b"2026-10-06T01:00:00Z")]
    packed = base64.b64encode(json.dumps(data).encode()).decode()
    for event in (
        decoded(json.dumps(outer).encode()),
        decoded(json.dumps({**outer, "data": None, "data_base64": packed}).encode()),
        decoded(json.dumps(data).encode(), binary),
    ):
        assert (event.id, event.time) == ("CE-1", datetime(2026, 10, 6, 1, tzinfo=UTC))
    assert decoded(dossier_json(id="own"), binary).id == "own"


@given(st.lists(st.one_of(st.none(), st.binary(max_size=60), st.just(dossier_json())), max_size=20))
def test_hostile_bodies_lose_no_good_neighbour(bodies: list[bytes | None]) -> None:
    """One answer a body, in order, whatever the others are."""
    found = decode_dossiers(bodies, lambda _: ())
    assert len(found) == len(bodies)
    for body, one in zip(bodies, found, strict=True):
        assert isinstance(one, DossierEvent) == (body == dossier_json())
