"""The condition of Sigma's own correlations, as pySigma reads it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

from sigma.correlations import (
    CorrelationConditionAND,
    SigmaCorrelationCondition,
    SigmaExtendedCorrelationCondition,
    SigmaRuleReference,
)
from sigma.exceptions import SigmaError

from alerts.rule import Condition, Operator
from alerts.sigma.document import Document, plain
from alerts.sigma.model import Window

WindowType = Literal[
    "event_count", "value_count", "value_sum", "value_avg", "value_percentile", "temporal", "temporal_ordered"
]


class Found(NamedTuple):
    """What a condition says; for value_median the percentile is 50."""

    type: WindowType
    condition: Condition
    value_field: str | None
    percentile: float | None


# For each comparison whether a count of 1 or more can meet it: a window begins with a match.
_POSSIBLE: dict[Operator, Callable[[float], bool]] = {
    "eq": lambda limit: limit >= 1 and float(limit).is_integer(),
    "neq": lambda _limit: True,
    "gt": lambda _limit: True,
    "gte": lambda _limit: True,
    "lt": lambda limit: limit > 1,
    "lte": lambda limit: limit >= 1,
}
_KEY = ("correlation", "condition")


def window_condition(document: Document, form: Window, parts_count: int) -> Found | None:
    """The condition of a correlation over a window; None, with problems noted, where it is wrong."""
    if form.type in ("temporal", "temporal_ordered"):
        return _temporal(document, form, parts_count)
    if not isinstance(form.condition, dict):
        reason = "is missing" if form.condition is None else "expected a comparison such as gte: 10"
        document.problem(f"{reason}; {form.type} needs a number" if reason == "is missing" else reason, *_KEY)
        return None
    held = plain(document.values["correlation"]["condition"])
    percentile = _percentile(document, form, held)
    try:
        found = SigmaCorrelationCondition.from_dict({k: v for k, v in held.items() if k != "percentile"})
    except (SigmaError, TypeError, ValueError) as why:
        document.problem(str(why.args[0]) if why.args else str(why), *_KEY)
        return None
    limit, name = found.count, found.op.name.lower()
    if isinstance(held[name], bool | str):
        document.problem(f"expected a number, found {held[name]!r}", *_KEY, name)
        return None
    comparison: Operator = next(each for each in get_args(Operator) if each == name)
    if form.type == "event_count" and found.fieldref is not None:
        document.problem("counts events; to count values write type: value_count", *_KEY, "field")
    if form.type != "event_count" and not isinstance(found.fieldref, str):
        reason = f"is missing; {form.type} needs one" if found.fieldref is None else "expected one field"
        document.problem(reason, *_KEY, "field")
    if form.type in ("event_count", "value_count") and not _POSSIBLE[comparison](limit):
        reason = f"{name}: {limit} can never hold, as a window begins with a match; see type: absence"
        document.problem(reason, *_KEY, name)
    value_field = found.fieldref if isinstance(found.fieldref, str) else None
    kind: Any = "value_percentile" if form.type == "value_median" else form.type
    return Found(kind, Condition(((comparison, float(limit)),)), value_field, percentile)


def _percentile(document: Document, form: Window, held: dict[str, Any]) -> float | None:
    given = held.get("percentile")
    if form.type != "value_percentile":
        if given is not None:
            document.problem("goes with type: value_percentile only", *_KEY, "percentile")
        return 50.0 if form.type == "value_median" else None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 <= given <= 100:
        document.problem("expected a number from 0 to 100", *_KEY, "percentile")
        return None
    return float(given)


def _temporal(document: Document, form: Window, parts_count: int) -> Found | None:
    if parts_count < 2:
        document.problem(f"{form.type} takes at least two rules", "correlation", "rules")
    every_rule = f"{form.type} is met when every rule has matched; leave the condition out"
    if isinstance(form.condition, str):
        try:
            tree = SigmaExtendedCorrelationCondition(form.condition).parsed
        except (SigmaError, RecursionError) as why:
            document.problem(f"cannot be read: {why}", *_KEY)
            return None
        named = tree.args if isinstance(tree, CorrelationConditionAND) else [tree]
        names = {each.reference for each in named if isinstance(each, SigmaRuleReference)}
        if len(names) < len(named) or names != set(form.rules):
            document.problem(every_rule, *_KEY)
    elif form.condition is not None and form.condition not in ({"gte": parts_count}, {"eq": parts_count}):
        document.problem(every_rule, *_KEY)
    kind: Any = form.type
    return Found(kind, Condition(()), None, None)
