"""Which of the two ways of deciding a correlation needs."""

from __future__ import annotations

from alerts.engine.deferred import Deferred
from alerts.engine.groups import Limits
from alerts.engine.immediate import Immediate
from alerts.engine.measures import grows
from alerts.engine.sliding import measured
from alerts.rule import Correlation

# What more events can only increase; sums count no negative values where the condition is a lower bound.
_INCREASING = ("event_count", "value_count", "value_sum", "temporal", "temporal_ordered")


def windows(rule: Correlation, limits: Limits) -> Immediate | Deferred:
    """The kind that runs a correlation: at once where more can only make it true, else by the watermark."""
    condition, _ = measured(rule)
    at_once = rule.type in _INCREASING and grows(condition)
    return (Immediate if at_once else Deferred)(rule, limits)
