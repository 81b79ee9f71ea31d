"""Calls as exchanges: whose they are, how they are judged, and what of people is kept."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from monitor.events.pseudonym import Pseudonyms
from monitor.events.rejection import Reason
from monitor.storage import tables
from tests.monitor.xroad.parts import BEGIN, KEY, Owner, body, halves, rows

AT = BEGIN + timedelta(hours=2)


def findings(engine: Engine) -> dict[tuple[str, str], int]:
    """How often which breach of whose, over all sources."""
    found: dict[tuple[str, str], int] = {}
    for row in rows(engine, tables.findings):
        key = (row["service"], row["breach"])
        found[key] = found.get(key, 0) + row["count"]
    return found


@pytest.mark.parametrize("sides", [(0, 1), (0,), (1,)])
def test_a_call_is_judged_as_any_exchange_but_for_its_purpose(engine: Engine, sides: tuple[int, ...]) -> None:
    """Joined or from one side: what is not agreed is a finding, what records cannot tell is none."""
    owner = Owner(engine)
    for number in (1, 2, 4):  # the last is of a service without an agreement
        pair = halves(number)
        owner.fold(*[body(pair[side]) for side in sides], at=AT)
    owner.ledger.tick(AT + timedelta(days=1))
    owner.commit()
    assert findings(engine) == {("population.lookup-citizen", "no_agreement"): 1}
    assert sum(row["breached"] for row in rows(engine, tables.cells)) == 1


def test_names_that_no_pattern_matches_are_gaps_with_their_volume(engine: Engine) -> None:
    """Under kinds of their own, as X-Road has them; a record that says nothing is none."""
    owner = Owner(engine)
    strange: dict[str, Any] = {"clientMemberCode": "G77", "serviceCode": "newService", "serviceVersion": None}
    for number in (1, 2):
        owner.fold(*map(body, halves(number, **strange)), at=AT)
    owner.fold(body(halves(3, **strange)[0]), at=AT)
    parts = ("clientXRoadInstance", "clientMemberClass", "clientMemberCode", "clientSubsystemCode")
    nobody: dict[str, Any] = dict.fromkeys(parts)
    owner.fold(*map(body, halves(5, **nobody)), at=AT)
    owner.ledger.tick(AT + timedelta(days=1))
    owner.commit()
    assert {(row["kind"], row["name"]): row["count"] for row in rows(engine, tables.gaps)} == {
        ("xroad-member", "VN/GOV/G77/his-1"): 3,
        ("xroad-service", "VN/GOV/G01/population/newService"): 3,
    }
    assert {row["consumer"] for row in rows(engine, tables.cells)} == {"unregistered"}


def test_users_are_pseudonyms_wherever_halves_are_kept(engine: Engine) -> None:
    """In halves that wait, in late calls, and for rules."""
    owner = Owner(engine)
    owner.ledger.witnessed = []
    user: dict[str, Any] = {"messageUserId": "EE37701010101", "messageIssue": "Nguyen"}
    owner.fold(*map(body, halves(1, **user)), body(halves(2, **user)[0]), at=AT)
    owner.commit()
    owner.ledger.tick(AT + timedelta(days=1))
    owner.fold(body(halves(3, **user)[1]), at=AT)
    owner.commit()
    pseudonym = Pseudonyms(KEY).of_value("EE37701010101")
    assert pseudonym is not None
    assert [bytes(exchange.actor) for exchange, _, _, _ in owner.ledger.witnessed] == [
        b'"%s"' % pseudonym.encode()
    ] * 2
    (waiting,) = rows(engine, tables.xroad_waiting)
    (late,) = rows(engine, tables.xroad_late)
    for stored in (waiting["half"], late["client"]):
        assert pseudonym.encode() in stored
        assert b"377010" not in stored
        assert b"Nguyen" not in stored


def test_times_out_of_bounds_are_rejected_and_no_more_than_that(engine: Engine) -> None:
    """A day ahead is the limit, as a server's clock may be wrong by hours."""
    owner = Owner(engine, max_event_age=timedelta(days=90))
    client, producer = halves(1, clock=23 * 3_600_000)
    ahead, old = halves(2, at=AT + timedelta(hours=25))[0], halves(3, at=AT - timedelta(days=91))[0]
    owner.fold(body(client, ahead, old, producer), body(ahead), at=AT)
    assert owner.ledger.changes.rejected == {Reason.IN_FUTURE: 2}
    assert [offset for offset, _ in owner.ledger.changes.rejections] == [0, 1]
    assert owner.commit().noted["joined"] == 1


@pytest.mark.parametrize("side", [0, 1])
def test_rules_see_a_call_of_one_half_when_it_has_waited(engine: Engine, side: int) -> None:
    """As it was judged, once: neither its other half nor that one's waiting in vain shows it again."""
    owner = Owner(engine)
    owner.ledger.witnessed = []
    pairs = {number: halves(number) for number in (1, 3, 4)}  # the last is of a service without an agreement
    owner.fold(*[body(pair[side]) for pair in pairs.values()], *map(body, halves(5)), at=AT)
    assert [exchange.id for exchange, *_ in owner.ledger.witnessed] == [halves(5)[0]["xRequestId"]]
    owner.ledger.tick(AT + timedelta(hours=1))
    seen = owner.ledger.witnessed[1:]
    told = [(exchange.id, str(pair), breaches) for exchange, _, pair, breaches in seen]
    owner.commit()
    late = {row["call"]: row["breaches"] for row in rows(engine, tables.xroad_late)}
    assert [call for call, _, _ in told] == [pair[0]["xRequestId"] for pair in pairs.values()]
    assert {call: [str(each) for each in breaches] for call, _, breaches in told} == {
        call: [each for each in kept.split(",") if each] for call, kept in late.items()
    }
    assert [time for _, time, _, _ in seen] == [
        datetime.fromtimestamp(pair[side]["requestInTs"] / 1000, UTC) for pair in pairs.values()
    ]
    owner.ledger.witnessed = []
    owner.fold(*[body(pair[1 - side]) for pair in pairs.values()], at=AT + timedelta(hours=1))
    owner.ledger.tick(AT + timedelta(hours=2))
    owner.commit()
    owner.ledger.tick(AT + timedelta(hours=4))
    assert owner.ledger.witnessed == []


def test_of_halves_that_may_be_of_one_call_rules_see_the_clients(engine: Engine) -> None:
    """Three calls at once that nothing tells apart are three, though six halves count."""
    owner = Owner(engine)
    owner.ledger.witnessed = []
    alike: dict[str, Any] = {"xRequestId": None, "messageId": "one for all"}
    at = BEGIN
    owner.fold(*[body(half) for number in (1, 2, 7) for half in halves(number, at=at, **alike)], at=AT)
    owner.ledger.tick(AT + timedelta(hours=1))
    owner.commit()
    assert sum(row["ok"] for row in rows(engine, tables.cells)) == len(owner.ledger.witnessed) * 2 == 6


def test_a_dead_letter_says_which_records_and_why(engine: Engine) -> None:
    """Those that cannot be read and those of a wrong time, by their place in the body."""
    owner = Owner(engine, max_event_age=timedelta(days=90))
    old, ahead = halves(2, at=AT - timedelta(days=91))[0], halves(3, at=AT + timedelta(days=3))[0]
    several = {"records": [halves(1)[0], old, "no record", ahead]}
    owner.fold(json.dumps(several).encode(), body(old), at=AT)
    ((_, told), (_, alone)) = owner.ledger.changes.rejections
    assert told.reason == Reason.TOO_OLD
    assert told.detail.startswith("3 of 4 records: record 1: its time is 91 days")
    assert [f"record {place}: " in told.detail for place in range(4)] == [False, True, True, True]
    assert alone.detail.startswith("its time is 91 days")


def test_beside_a_clock_that_is_ahead_no_call_looks_late(engine: Engine) -> None:
    """A call counts as late when it is much older than the newest; not when that lives in the future."""
    owner = Owner(engine)
    owner.fold(*map(body, halves(1, at=AT + timedelta(hours=20))), at=AT)
    for number in range(2, 12):
        owner.fold(*map(body, halves(number, at=AT)), at=AT + timedelta(minutes=1))
    owner.fold(*map(body, (*halves(20, at=AT + timedelta(hours=20)), *halves(21, at=AT))), at=AT)
    owner.commit()
    again = Owner(engine)
    again.fold(*map(body, halves(30, at=AT)), at=AT + timedelta(minutes=2))
    again.fold(*map(body, halves(31, at=AT - timedelta(hours=1))), at=AT + timedelta(minutes=2))
    again.commit()
    cells = rows(engine, tables.cells)
    assert (sum(row["ok"] for row in cells), sum(row["late"] for row in cells)) == (15, 1)
