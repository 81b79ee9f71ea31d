"""Calls over X-Road of a simulation: the same for the same seed, read and counted as what was meant."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.errors import MonitorError
from monitor.registry.load import load_registry
from monitor.registry.xroad import XroadNames
from monitor.simulation import Account, Sent, Simulation, XroadSent, XroadSimulation
from monitor.xroad.decode import decode_records
from monitor.xroad.measures import NON_MONOTONE
from tests.builders import ZONE, made
from tests.monitor.xroad.parts import BEGIN, REGISTRY, Owner, Record, counted, memory

ROOT = Path(__file__).resolve().parents[3]
NATIONAL = load_registry(ROOT / "deploy" / "registry")
NOW = BEGIN.timestamp()


def calls(count: int = 400, seed: int = 7) -> list[XroadSent]:
    """The halves of some calls, a second apart."""
    simulation = XroadSimulation(NATIONAL, seed, 1.0)
    return [half for number in range(count) for half in simulation.call(NOW + number)]


def test_the_same_seed_gives_the_same_bytes() -> None:
    """And another seed others."""
    assert calls() == calls()
    assert calls() != calls(seed=8)


def test_every_half_is_read_and_its_names_lead_back_to_agencies_and_services() -> None:
    """Under the key that the halves of a call share: the client's member."""
    names = XroadNames(NATIONAL.agencies, NATIONAL.services)
    keys: defaultdict[str, set[bytes]] = defaultdict(set)
    for sent in calls():
        (body,) = decode_records([sent.value], lambda _index: ())
        assert (len(body.halves), body.rejection) == (1, None), body
        record: Record = json.loads(sent.value)
        provider = names.agency(*(record[f"service{part}"] for part in _MEMBER))
        consumer = names.agency(*(record[f"client{part}"] for part in _MEMBER))
        assert provider is not None
        assert sent.agency == (consumer if sent.side == "client" else provider)
        found = (record["serviceSubsystemCode"], record["serviceCode"], record["serviceVersion"])
        service = names.service(provider, *found)
        assert service is not None
        assert NATIONAL.versions(str(consumer), service), "nobody agreed to this"
        assert sent.key == "/".join(record[f"client{part}"] for part in _MEMBER[:3]).encode()
        keys[record["messageId"]].add(sent.key)
    assert all(len(each) == 1 for each in keys.values())


_MEMBER = ("XRoadInstance", "MemberClass", "MemberCode", "SubsystemCode")


def test_everything_that_is_watched_happens(tmp_path: Path) -> None:
    """Joined, seen from one side, repeated, failed by many causes, wrong clocks and times, within minutes."""
    engine = memory(tmp_path / "monitor.db")
    owner = Owner(engine)
    sent = calls(1200)
    owner.fold(*(half.value for half in sent), at=BEGIN + timedelta(minutes=20))
    owner.commit()
    owner.ledger.tick(BEGIN + timedelta(hours=2))
    owner.commit()
    found = counted(engine)
    engine.dispose()
    sides = Counter(half.side for half in sent if half.kind == "clean")
    alone = found["orphan_client"] + found.get("orphan_producer", 0)
    assert 2 * found["joined"] + alone == sides.total()
    assert found["joined"] > 900
    assert found["orphan_client"] > 20
    assert found["duplicate_client"] + found["duplicate_producer"] == len(sent) - sides.total() > 0
    assert sum(what.startswith("cause_") for what in found) >= 6
    assert found["network_flagged"] > 0
    assert any(name in found for name in NON_MONOTONE)


def test_exchanges_are_the_same_with_and_without_calls(tmp_path: Path) -> None:
    """Calls come between them; the account holds both, and reads back what it wrote."""
    times = [NOW + number for number in range(400)]
    alone = list(Simulation(NATIONAL, 5, ZONE).events(iter(times)))
    beside = XroadSimulation(NATIONAL, 5, 0.2)
    mixed = list(beside.between(Simulation(NATIONAL, 5, ZONE).events(iter(times)), lambda: NOW))
    assert [sent for sent in mixed if isinstance(sent, Sent)] == alone
    account = Account()
    for sent in mixed:
        account.add(sent)
    assert account.xroad_halves == len(mixed) - len(alone) > 100
    account.write(tmp_path / "account.json")
    read = Account.read(tmp_path / "account.json")
    assert read.xroad == account.xroad
    read.merge(account)
    assert read.xroad_halves == 2 * account.xroad_halves


def test_a_registry_without_names_on_xroad_is_told() -> None:
    """Rather than nothing sent; one whose names do not lead to each other is told too."""
    with pytest.raises(MonitorError, match="names no service on X-Road"):
        XroadSimulation(made(), 1, 0.5)
    assert XroadSimulation(REGISTRY, 1, 0.5)
