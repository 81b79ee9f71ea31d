"""Rules over X-Road records: failures that concern security, clocks that are wrong, halves that are late."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, make_url, select

from alerts.engine.metrics import EngineMetrics
from alerts.incidents.metrics import IncidentMetrics
from alerts.lifecycle.tables import alerts
from alerts.metrics import AlertMetrics
from alerts.sigma.load import load_rules
from alerts.watch import Desk, Told
from monitor.events.pseudonym import Pseudonyms
from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.security import SecurityMetrics
from monitor.settings import SHIPPED_RULES
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from monitor.xroad.ledger import PairingLimits
from monitor.xroad.metrics import XroadMetrics
from monitor.xroad.opening import XroadParts
from streams.processor import Opened
from streams.worker import record_watches
from streams.xroad_records import Shown, XroadRecords
from tests.builders import ZONE, Arrived, limits
from tests.monitor.xroad.parts import BOOK, REGISTRY, WAIT, Record, halves

TOPIC = "xroad-records"
AT = datetime(2026, 10, 5, 3, 0, tzinfo=UTC)
BROKEN_SIGNATURES = "085fe5c9-f610-43f7-9698-753cb7861cc1"
MANY_DOORS = "e432f3a9-e872-474e-a49e-39b187a5dd3a"
MANY_TOKENS = "8a306ee0-84f7-4d2e-bf2c-801a721eb23b"


class Lane:
    """One partition with all shipped rules, taken over anew as after a crash by `crash`."""

    def __init__(self, engine: Engine) -> None:
        book, pseudonyms = BOOK, Pseudonyms(None)
        told = Told(
            AlertMetrics.create(CollectorRegistry()), IncidentMetrics(), EngineMetrics(), lambda: None
        )
        self._engine = engine
        desk = Desk(engine, load_rules(SHIPPED_RULES), book, pseudonyms, told)
        parts = XroadParts.of(engine, REGISTRY, ZONE, limits(), PairingLimits(WAIT), pseudonyms)
        shown = Shown(LedgerMetrics(), SecurityMetrics(), XroadMetrics())
        self._records = XroadRecords(parts, shown, partial(record_watches, desk))
        self.crash()

    def crash(self) -> None:
        """Lose what was not committed."""
        self._opened: Opened = self._records.open(TOPIC, 0, AT)

    def fold(self, at: datetime, *records: Record) -> None:
        """Take records in that arrive at a time, each in a body of its own."""
        bodies = [json.dumps(record).encode() for record in records]
        first = max(self._opened.ledger.next_offset, 0)
        arrived = Arrived(len(bodies), first=first, at=at)
        self._opened.ledger.fold(self._records.decode(bodies, lambda _: ()), arrived, at)
        self._opened.observe()

    def commit(self, at: datetime) -> None:
        """Write what was counted and found."""
        opened = self._opened
        assert opened.watch is not None
        taken, found = opened.ledger.take(), opened.watch.take()
        also = [lambda connection: opened.watch.write(connection, found, at)]
        opened.show(opened.store.write(taken, at, also))
        opened.ledger.settled()
        opened.watch.committed(found)

    def tick(self, at: datetime) -> None:
        """Let time pass."""
        assert self._opened.watch is not None
        self._opened.watch.tick(at)

    def found(self) -> list[tuple[str, str, int]]:
        """Alerts: rule, agency and how many events."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(alerts.c.rule, alerts.c.agency, alerts.c.count)).all()
        return sorted((row[0], row[1], row[2]) for row in rows)


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    """A lane with a database of this test's own."""
    engine = open_engine(make_url(f"sqlite:///{tmp_path}/monitor.db"))
    migrate(engine)
    yield Lane(engine)
    engine.dispose()


def failed(number: int, code: str, *, at: datetime, **changes: Any) -> Sequence[Record]:
    """The halves of a call that failed."""
    return halves(number, at=at, succeeded=False, faultCode=code, **changes)


def signatures(at: datetime) -> list[Sequence[Record]]:
    """Three calls of one agency with a broken signature, within two minutes."""
    return [
        failed(number, "Server.ServerProxy.InvalidSignatureValue", at=at + timedelta(minutes=number - 1))
        for number in (1, 2, 3)
    ]


def test_failures_of_security_are_told_by_the_clients_half_at_once(lane: Lane) -> None:
    """The other half may never be: of a call that its own server refused there is none. It adds nothing."""
    calls = signatures(AT)
    lane.fold(AT + timedelta(minutes=3), *(client for client, _ in calls))
    lane.commit(AT + timedelta(minutes=3))
    assert lane.found() == [(BROKEN_SIGNATURES, "MOH", 3)]
    lane.fold(AT + timedelta(minutes=4), *(producer for _, producer in calls), calls[0][0])
    lane.tick(AT + WAIT + timedelta(hours=1))
    lane.commit(AT + timedelta(minutes=4))
    assert lane.found() == [(BROKEN_SIGNATURES, "MOH", 3)]


def test_a_producers_half_alone_tells_when_it_has_waited(lane: Lane) -> None:
    """Then nobody else will: the log of the agency that asked has a gap."""
    lane.fold(AT + timedelta(minutes=3), *(producer for _, producer in signatures(AT)))
    lane.commit(AT + timedelta(minutes=3))
    assert not lane.found()
    lane.tick(AT + WAIT + timedelta(minutes=4))
    lane.commit(AT + WAIT + timedelta(minutes=4))
    assert (BROKEN_SIGNATURES, "MOH", 3) in lane.found()


def test_what_rules_remember_outlives_a_crash(lane: Lane) -> None:
    """Two broken signatures before, one after it; what was not committed is seen again, and once."""
    (one, _), (two, _), (three, _) = signatures(AT)
    lane.fold(AT + timedelta(minutes=1), one)
    lane.commit(AT + timedelta(minutes=1))
    lane.fold(AT + timedelta(minutes=2), two)
    lane.crash()
    lane.fold(AT + timedelta(minutes=2), two)
    lane.commit(AT + timedelta(minutes=2))
    lane.crash()
    assert not lane.found()
    lane.fold(AT + timedelta(minutes=3), three)
    lane.commit(AT + timedelta(minutes=3))
    assert lane.found() == [(BROKEN_SIGNATURES, "MOH", 3)]


def test_the_address_is_that_of_the_server_that_asked(lane: Lane) -> None:
    """Where servers are known by addresses; by a name they are in no group of addresses."""
    for server, minutes in (("203.0.113.5", 0), ("ss1.moh.example", 60)):
        calls = [
            failed(
                number + minutes * 10,
                "Server.ClientProxy.SslAuthenticationFailed",
                at=AT + timedelta(minutes=minutes, seconds=number),
                clientSecurityServerAddress=server,
            )[0]
            for number in range(30)
        ]
        lane.fold(AT + timedelta(minutes=minutes + 1), *calls)
        lane.commit(AT + timedelta(minutes=minutes + 1))
    assert lane.found() == [(MANY_TOKENS, "MOH", 30)]


def doors(at: datetime) -> list[Sequence[Record]]:
    """Eight calls of one agency, each refused on another service that does not exist."""
    return [
        failed(number, "Client.AccessDenied", at=at + timedelta(seconds=number), serviceCode=f"try-{number}")
        for number in range(11, 19)
    ]


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(hours=20)])
def test_a_clock_that_is_ahead_silences_no_rule(lane: Lane, ahead: timedelta) -> None:
    """Calls of other servers do not come too late for windows because one server lives in the future."""
    lane.fold(AT, *halves(9, at=AT + ahead))
    lane.fold(AT, failed(10, "InvalidSignatureValue", at=AT + ahead)[0])
    for call in (*signatures(AT + timedelta(seconds=1)), *doors(AT + timedelta(seconds=1))):
        lane.fold(AT + timedelta(minutes=3), *call)
    lane.commit(AT + timedelta(minutes=3))
    assert {BROKEN_SIGNATURES, MANY_DOORS} <= {rule for rule, _, _ in lane.found()}


def test_calls_whose_halves_were_slow_to_meet_are_in_time_for_windows(lane: Lane) -> None:
    """Servers are asked for their records one after the other: what is later than five minutes is usual."""
    denied = doors(AT)
    lane.fold(AT + timedelta(minutes=2), *(client for client, _ in denied))
    lane.fold(AT + timedelta(minutes=20), *halves(1001, at=AT + timedelta(minutes=20)))
    lane.tick(AT + timedelta(minutes=20))
    lane.fold(AT + timedelta(minutes=21), *(producer for _, producer in denied))
    lane.commit(AT + timedelta(minutes=21))
    assert (MANY_DOORS, "MOH", 8) in lane.found()


@pytest.mark.parametrize("crashes", [False, True])
def test_calls_that_never_left_their_server_are_told_when_they_have_waited(lane: Lane, crashes: bool) -> None:
    """Refused by the client's own server, they have no other half; nothing else would tell of them."""
    lane.fold(AT + timedelta(minutes=2), *(client for client, _ in doors(AT)))
    lane.commit(AT + timedelta(minutes=2))
    assert (MANY_DOORS, "MOH", 8) not in lane.found()
    for again in (False, True) if crashes else (False,):
        if again:
            lane.crash()
        lane.fold(AT + WAIT, *halves(1001, at=AT + WAIT))
        lane.tick(AT + WAIT + timedelta(minutes=3))
    lane.commit(AT + WAIT + timedelta(minutes=3))
    assert (MANY_DOORS, "MOH", 8) in lane.found()


@pytest.mark.parametrize("crashes", [False, True])
@pytest.mark.parametrize("first", [0, 1])
def test_a_failure_is_told_once_however_late_its_other_half_comes(
    lane: Lane, first: int, crashes: bool
) -> None:
    """Two broken signatures are not three because both halves tell of each; a third one is."""
    two = signatures(AT)[:2]
    lane.fold(AT + timedelta(minutes=3), *(call[first] for call in two))
    at = AT + WAIT + timedelta(minutes=4)
    lane.tick(at)
    lane.commit(at)
    lane.fold(at, *halves(9, at=at))
    lane.commit(at)
    if crashes:
        lane.crash()
    lane.fold(at + timedelta(minutes=1), *(call[1 - first] for call in two))
    lane.tick(at + timedelta(minutes=2))
    lane.tick(at + timedelta(hours=2))
    lane.commit(at + timedelta(hours=2))
    assert BROKEN_SIGNATURES not in [rule for rule, _, _ in lane.found()]


@pytest.mark.parametrize("late", [False, True])
def test_what_only_the_producers_half_tells_is_told_when_it_comes(lane: Lane, late: bool) -> None:
    """The client's server says no more than that the call failed; its half may have lapsed before."""
    calls = [
        (client | {"faultCode": "Server.ClientProxy.NetworkError"}, producer)
        for client, producer in signatures(AT)
    ]
    lane.fold(AT + timedelta(minutes=3), *(client for client, _ in calls))
    lane.commit(AT + timedelta(minutes=3))
    at = AT + timedelta(minutes=4)
    if late:
        at += WAIT
        lane.tick(at)
        lane.commit(at)
    assert not lane.found()
    lane.fold(at, *(producer for _, producer in calls))
    lane.commit(at)
    assert (BROKEN_SIGNATURES, "MOH", 3) in lane.found()


@pytest.mark.parametrize("side", [0, 1])
def test_what_came_late_and_alone_is_in_time_for_windows(lane: Lane, side: int) -> None:
    """Records that come 20 minutes late wait as long as any for their other halves; other calls go on."""
    told = (*doors(AT), *signatures(AT))
    lane.fold(AT + timedelta(minutes=20), *(call[side] for call in told))
    at = AT + timedelta(minutes=20) + WAIT
    for minutes in range(1, 5):
        now = at + timedelta(minutes=minutes - 3)
        lane.fold(now, *halves(1000 + minutes, at=now))
        lane.tick(now)
        lane.commit(now)
    assert {(MANY_DOORS, "MOH", 8), (BROKEN_SIGNATURES, "MOH", 3)} <= set(lane.found())
