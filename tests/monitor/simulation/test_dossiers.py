"""Dossiers of a simulation: the same for the same seed, readable, none too old, beside the exchanges."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from monitor.dossiers.rules import OTHER, read_quality_rules
from monitor.events.dossier import DossierEvent, decode_one_dossier
from monitor.registry.load import load_registry
from monitor.simulation import (
    SIMULATED_GROUPS,
    Account,
    DossierSent,
    DossierSimulation,
    Sent,
    Simulation,
)
from tests.builders import ZONE, ms
from tests.monitor.dossiers.parts import ARRIVED, REGISTRY

ROOT = Path(__file__).resolve().parents[3]
NOW = ARRIVED.timestamp()
LONGEST_S = 60 * 86_400  # well under the age at which an event is refused


def steps(count: int = 300, seed: int = 7) -> list[DossierSent]:
    """The steps of some dossiers."""
    simulation = DossierSimulation(REGISTRY, seed, ZONE, 1.0)
    return [sent for _ in range(count) for sent in simulation.dossier(NOW)]


def test_the_same_seed_gives_the_same_bytes() -> None:
    """And another seed others."""
    assert steps() == steps()
    assert steps() != steps(seed=8)


def test_every_step_is_read_and_none_is_of_the_future_or_too_old() -> None:
    """As its account says; steps of a dossier come in order, under one key."""
    last: defaultdict[bytes, float] = defaultdict(float)
    seen = set()
    for sent in steps():
        event = decode_one_dossier(sent.value, ())
        assert isinstance(event, DossierEvent), event
        assert (event.agency, event.step, event.id) == (sent.agency, sent.step, sent.id)
        assert event.dossier.encode() == sent.key
        assert event.time == sent.time * 1000
        assert NOW - LONGEST_S < sent.time <= NOW
        if sent.kind == "clean":
            assert sent.time >= last[sent.key]
            last[sent.key] = sent.time
            assert sent.id not in seen
            seen.add(sent.id)
        else:
            assert sent.id in seen


def test_everything_that_the_index_looks_at_happens() -> None:
    """All steps that it counts, within a few hundred dossiers."""
    told = {sent.step for sent in steps(600)}
    assert told == {
        "received", "supplement_requested", "supplemented", "completed", "withdrawn", "paid", "rated",
        "population_database_used", "complaint_received", "complaint_answered",
    }  # fmt: skip


def test_every_procedure_is_of_a_group_that_has_a_name() -> None:
    """And every group of the file has dossiers; points and targets are those that come with the monitor."""
    rules = read_quality_rules(SIMULATED_GROUPS)
    told = [decode_one_dossier(sent.value, ()) for sent in steps()]
    procedures = {one.procedure for one in told if isinstance(one, DossierEvent) and one.procedure}
    assert len(procedures) > len(rules.groups) > 1
    groups = {rules.group(procedure) for procedure in procedures}
    assert groups == set(rules.groups) == set(rules.group_names)
    assert OTHER not in groups
    own = {"groups", "group_names"}
    assert rules.model_dump(exclude=own) == read_quality_rules(None).model_dump(exclude=own)


def test_exchanges_are_the_same_with_and_without_dossiers(tmp_path: Path) -> None:
    """Dossiers come between them; the account holds both, and reads back what it wrote."""
    registry = load_registry(ROOT / "deploy" / "registry")
    times = [NOW + number for number in range(400)]
    alone = list(Simulation(registry, 5, ZONE).events(iter(times)))
    beside = DossierSimulation(registry, 5, ZONE, 0.2)
    mixed = list(beside.between(Simulation(registry, 5, ZONE).events(iter(times)), lambda: NOW))
    assert [sent for sent in mixed if isinstance(sent, Sent)] == alone
    account = Account()
    for sent in mixed:
        account.add(sent)
    assert account.dossier_steps == len(mixed) - len(alone) > 100
    account.write(tmp_path / "account.json")
    read = Account.read(tmp_path / "account.json")
    assert read.dossiers == account.dossiers
    read.merge(account)
    assert read.dossier_steps == 2 * account.dossier_steps
    assert ms(ARRIVED) == int(NOW * 1000)
