"""Simulated security events: believable, seeded, beside the exchanges, and counted as the account says."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from monitor.errors import MonitorError, UsageProblem
from monitor.events.kinds import USUAL_SEVERITY
from monitor.events.pseudonym import Pseudonyms, is_pseudonym
from monitor.events.security import SecurityEvent, decode_security
from monitor.ledger.ids import IdMemory
from monitor.registry.registry import Registry
from monitor.security.ledger import SecurityLedger
from monitor.simulation import (
    INCIDENTS,
    Account,
    Incident,
    SecuritySent,
    SecuritySimulation,
    Sent,
    Simulation,
    simulate,
)
from tests.builders import Arrived, limits
from tests.monitor.simulation.world import MONDAY_MORNING, ZONE, world

NIGHT = MONDAY_MORNING - 6 * 3600  # 2:15 in the zone
KEY = "a key of tests, 16 bytes or more"


def stream(
    count: int, *, seed: int = 1, start: float = MONDAY_MORNING, share: float = 1.0, gap: float = 0.5,
    incidents: Sequence[Incident] = (), registry: Registry | None = None,
) -> list[SecuritySent]:  # fmt: skip
    """What happens at the moments of so many exchanges."""
    simulation = SecuritySimulation(registry or world(), seed, ZONE, share, incidents)
    return [sent for number in range(count) for sent in simulation.due(start + number * gap)]


def decoded(sent: Sequence[SecuritySent]) -> list[SecurityEvent]:
    """What the monitor reads of it; all of it can be read."""
    events = decode_security([one.value for one in sent], lambda index: sent[index].headers)
    read = [event for event in events if isinstance(event, SecurityEvent)]
    assert len(read) == len(sent), [event for event in events if not isinstance(event, SecurityEvent)][:1]
    return read


def test_the_same_seed_gives_the_same_bytes() -> None:
    """And another seed others."""
    incidents = (Incident("leak", 5.0),)
    assert stream(500, incidents=incidents) == stream(500, incidents=incidents)
    assert [one.value for one in stream(500)] != [one.value for one in stream(500, seed=2)]


def test_exchanges_are_the_same_with_and_without_what_happens_beside_them() -> None:
    """Byte for byte."""
    alone = list(simulate(world(), seed=3, start=MONDAY_MORNING, zone=ZONE, rate=20, count=2000))

    def exchanges(latest: list[float]) -> Iterator[Sent]:
        for sent in simulate(world(), seed=3, start=MONDAY_MORNING, zone=ZONE, rate=20, count=2000):
            latest[0] = sent.time
            yield sent

    latest = [0.0]
    beside = SecuritySimulation(world(), 3, ZONE, 0.3, [Incident("stuffing", 5.0)])
    mixed = list(beside.between(exchanges(latest), lambda: latest[0]))
    assert [one for one in mixed if isinstance(one, Sent)] == alone
    assert 500 < sum(isinstance(one, SecuritySent) for one in mixed) < 1000


def test_about_one_in_a_hundred() -> None:
    """The default share of the command."""
    sent = stream(20_000, share=0.01)
    assert 130 < len(sent) < 270


def test_offices_sleep_and_machines_do_not() -> None:
    """People sign in by day, certificates work by night."""
    day, night = (
        Counter(one.event for one in stream(3000, start=start)) for start in (MONDAY_MORNING, NIGHT)
    )
    assert day["sign_in_ok"] > 5 * night["sign_in_ok"] > 0
    assert night["credential_use"] > 2 * day["credential_use"] > 0
    assert 0.03 < day["sign_in_failed"] / day["sign_in_ok"] < 0.2


def test_every_day_brings_nothing_that_only_incidents_do() -> None:
    """An alert on them would be a false one."""
    grave = {kind for kind, severity in USUAL_SEVERITY.items() if severity >= 4}
    assert not grave & {one.event for one in stream(20_000)}


def test_officers_keep_their_desks_and_systems_their_addresses() -> None:
    """A rule that looks for new addresses must not find any."""
    events = decoded(stream(8000))
    desks: dict[str, set[str]] = {}
    gateways: dict[str, set[str]] = {}
    for event in events:
        assert event.source_ip is not None
        if event.actor is not None:
            desks.setdefault(event.actor, set()).add(event.source_ip)
        elif event.kind == "credential_use":
            gateways.setdefault(event.agency, set()).add(event.source_ip)
            assert event.detail is not None
            assert event.detail["certificate_agency"] == event.agency
    # An officer who comes up more often has several places in the list of officers, and so several desks.
    assert max(map(len, desks.values())) <= 6
    assert max(map(len, gateways.values())) <= 2


def test_people_are_pseudonyms_before_they_are_sent() -> None:
    """As agencies ought to send them; the few of digits alone the monitor makes so itself."""
    people = [event.actor for event in decoded(stream(5000)) if event.actor]
    assert people
    assert sum(map(is_pseudonym, people)) > 0.99 * len(people)


def test_all_forms_come_up() -> None:
    """Bare, CloudEvents, OCSF, and lines of X-Road's audit log."""
    values = [one.value for one in stream(5000)]
    assert any(b'"specversion"' in value for value in values)
    assert any(b'"class_uid"' in value for value in values)
    assert any(value.startswith(b"2026") and b"Admin REST API" in value for value in values)
    assert sum(value.startswith(b'{"id"') for value in values) > 0.7 * len(values)


def test_the_ledger_counts_what_the_account_says() -> None:
    """All incidents among it, whatever form each event came in; duplicates once."""
    incidents = [Incident(name, 10.0) for name in INCIDENTS]
    sent = stream(6000, incidents=incidents)
    account = Account()
    for one in sent:
        account.add(one)
    held = limits(dedupe_window=timedelta(days=1))
    ids = IdMemory(held.dedupe_window, held.dedupe_max_ids)
    ledger = SecurityLedger(world(), held, ids, -1, None, Pseudonyms(KEY))
    ledger.fold(decoded(sent), Arrived(len(sent), at=_end(sent)), _end(sent))
    assert not ledger.changes.rejected
    counted = {tuple(key): (count.count, count.duplicates) for key, count in ledger.changes.counts.items()}
    assert counted == {key: (cell.events, cell.duplicates) for key, cell in account.security.items()}
    assert account.security_sent == len(sent)
    assert sum(cell.duplicates for cell in account.security.values()) > 0
    assert account.sent == 0


def _end(sent: Sequence[SecuritySent]) -> datetime:
    return datetime.fromtimestamp(max(one.time for one in sent), UTC)


def test_an_account_is_written_and_read_with_its_security_events(tmp_path: Path) -> None:
    """And merged."""
    account, path = Account(), tmp_path / "account.json"
    for one in stream(300):
        account.add(one)
    account.write(path)
    read = Account.read(path)
    assert read.security == account.security
    read.merge(account)
    assert read.security_sent == 2 * account.security_sent


def test_an_account_without_security_events_can_still_be_read(tmp_path: Path) -> None:
    """As earlier versions wrote it."""
    (tmp_path / "old.json").write_text('{"sent":0,"late":0,"malformed":{},"cells":[]}')
    assert Account.read(tmp_path / "old.json").security == {}


SIGNS = {
    "stuffing": {"sign_in_failed": 120, "sign_in_ok": 1},
    "guessing": {"sign_in_failed": 40, "sign_in_ok": 1},
    "tokens": {"token_rejected": 60},
    "credentials": {"credential_use": 10},
    "enumeration": {"unknown_service": 24, "access_denied": 6},
    "bulk": {"bulk_export": 1, "off_hours_access": 30},
    "watched": {"watched_subject": 3},
    "tampering": {"signature_invalid": 5, "body_tampered": 2, "replay": 1},
    "certificate": {"certificate_revoked": 3, "certificate_expired": 3},
    "blinding": {"config_changed": 1, "log_gap": 1},
    "leak": {"leak_suspected": 1, "leak_confirmed": 1},
}


@pytest.mark.parametrize("name", INCIDENTS)
def test_an_incident_is_the_burst_that_is_documented(name: str) -> None:
    """At one agency, from when it was asked for, over within some minutes."""
    sent = stream(1000, share=0.0, gap=1.0, incidents=[Incident(name, 60.0, "MOJ")])
    events = decoded(sent)
    assert Counter(event.kind for event in events) == SIGNS[name]
    assert {one.agency for one in sent} == {"MOJ"}
    assert {event.agency for event in events} <= {"MOJ", "GOV-MOJ"}
    times = [one.time - MONDAY_MORNING for one in sent]
    assert 60 <= times[0] < 61
    assert times == sorted(times)
    assert times[-1] < 60 + 300


def test_stuffing_is_one_address_and_many_accounts() -> None:
    """What tells it from forgotten passwords."""
    events = decoded(stream(1000, share=0.0, gap=1.0, incidents=[Incident("stuffing", 0.0)]))
    failed = [event for event in events if event.kind == "sign_in_failed"]
    assert len({event.source_ip for event in failed}) == 1
    assert len({event.actor for event in failed}) == 60
    assert events[-1].source_ip == failed[0].source_ip
    assert events[-1].actor in {event.actor for event in failed}


def test_what_blinds_says_which_setting() -> None:
    """Whatever form the change comes in, or the rule would not see it."""
    for seed in range(30):
        events = decoded(stream(100, seed=seed, share=0.0, gap=1.0, incidents=[Incident("blinding", 0.0)]))
        assert events[0].detail == {"item": "audit-log.enabled"}


@pytest.mark.parametrize(
    ("incident", "named"), [(Incident("flood", 0.0), "flood"), (Incident("leak", 0.0, "NOBODY"), "NOBODY")]
)
def test_an_incident_that_cannot_happen_is_wrong_use(incident: Incident, named: str) -> None:
    """Before anything is sent."""
    with pytest.raises(UsageProblem, match=named):
        SecuritySimulation(world(), 1, ZONE, incidents=[incident])


def test_without_agreements_nobody_works() -> None:
    """As for exchanges."""
    with pytest.raises(MonitorError, match="no agreement"):
        SecuritySimulation(Registry.of(), 1, ZONE)


def test_a_stream_of_exchanges_and_what_happens_beside_them_is_in_order() -> None:
    """Security events have the time of the exchange before them."""
    latest = [0.0]

    def times() -> Iterator[float]:
        for number in range(400):
            latest[0] = MONDAY_MORNING + number
            yield latest[0]

    simulation = Simulation(world(), 1, ZONE, jitter=0.0)
    beside = SecuritySimulation(world(), 1, ZONE, 0.5)
    last = 0.0
    for sent in islice(beside.between(simulation.events(times()), lambda: latest[0]), 500):
        if isinstance(sent, SecuritySent):
            if sent.kind == "clean":
                assert sent.time == latest[0] >= last
            last = latest[0]
