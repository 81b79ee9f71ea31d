"""Rules over events at hand, without a partition around them: for the cases in rule files and for tests."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from alerts.engine.engine import LATENESS_MS, Engine
from alerts.engine.merging import totals
from alerts.engine.plan import BaselineFactory
from alerts.engine.register import RegisterLookup
from alerts.fields import EXCHANGES, SECURITY_EVENTS, ExchangeSeen
from alerts.model import Detection
from alerts.rule import RuleSet


def run(
    rules: RuleSet,
    events: Iterable[tuple[Any, int, str]],
    advance_to_ms: int | None = None,
    *,
    lateness_ms: int = LATENESS_MS,
    register: RegisterLookup | None = None,
    baselines: BaselineFactory | None = None,
) -> list[Detection]:
    """Take events in order, each with its time (ms since 1970) and id, and return what the rules find.

    Afterwards event time goes on up to and with `advance_to_ms`. Events of both sources may be mixed; each
    source has an engine of its own, as its topic has. Returns one detection for each rule, agency and group.
    Raises UsageProblem where a rule looks in a register and none is given.
    """
    engines: dict[str, Engine] = {}
    for event, time_ms, event_id in events:
        source = (EXCHANGES if isinstance(event, ExchangeSeen) else SECURITY_EVENTS).name
        engine = engines.get(source)
        if engine is None:
            engine = engines[source] = Engine(
                rules, source, lateness_ms=lateness_ms, register=register, baselines=baselines
            )
        engine.observe(event, time_ms, event_id)
    found: list[Detection] = []
    for engine in engines.values():
        if advance_to_ms is not None:
            engine.advance(advance_to_ms + 1)  # that very moment has passed too
        found += engine.take().detections
    return totals(found)
