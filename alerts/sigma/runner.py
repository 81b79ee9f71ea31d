"""The engine as the runner of cases: partitions in memory, agreements from a registry's files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from alerts.engine.register import AgreementsInForce
from alerts.engine.run import run
from alerts.model import Detection
from alerts.rule import Register, RuleSet
from alerts.sigma.cases import Runner
from alerts.sigma.events import Timed
from monitor.registry.load import load_registry


def engine_runner(registry: Path, zone: ZoneInfo) -> Runner:
    """A runner of cases; agreements are looked up in a registry folder, whose days are cut in a zone.

    The registry is read when a rule first looks something up; the runner raises RegistryProblems then.
    """
    held: list[AgreementsInForce] = []

    def in_force() -> AgreementsInForce:
        if not held:
            held.append(AgreementsInForce(load_registry(registry), zone))
        return held[0]

    def runner(rules: RuleSet, events: Sequence[Timed], advance_to_ms: int) -> Sequence[Detection]:
        looks_up = any(isinstance(rule, Register) for rule in rules.memories)
        timed = ((each.event, each.time_ms, each.event_id) for each in events)
        return run(rules, timed, advance_to_ms, register=in_force() if looks_up else None)

    return runner
