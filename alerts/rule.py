"""Rules as they are once read and checked: what alerts/sigma makes, and what the engine runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from alerts.fields import Source
from alerts.model import RuleInfo

Matches = Callable[[Any], bool]
"""Whether an event (ExchangeSeen or SecurityEvent) matches; never raises."""

Narrow = Callable[[frozenset[str], Any], "Matches | bool"]
"""What is left to ask of events that have the values of one event in some fields: a test, or the answer."""

Operator = Literal["eq", "neq", "gt", "gte", "lt", "lte"]


class Literals(NamedTuple):
    """A field of which every matching event has one of these values (case-folded): what an index is made of.

    For a list field: at least one of its items is among them.
    """

    field: str
    values: frozenset[str]


class Bound(NamedTuple):
    """A number field that in every matching event holds a number which the comparison admits."""

    field: str
    operator: Literal["gt", "gte", "lt", "lte"]
    limit: float


@dataclass(frozen=True, slots=True)
class EventRule:
    """A Sigma rule on single events. `alerts` is False where it only feeds correlations.

    `group_by` are the fields by which its own alerts are told apart (beside the agency). `indexes` are all
    literals that it requires, best first; empty when there are none and it must be tried on every event.
    `bounds` are numbers that it requires, as far as they are known: they spare building events in vain.
    `narrow` makes a cheaper test for events that are alike in some fields.
    """

    info: RuleInfo
    source: Source
    matches: Matches
    indexes: tuple[Literals, ...] = ()
    group_by: tuple[str, ...] = ()
    alerts: bool = True
    bounds: tuple[Bound, ...] = ()
    narrow: Narrow | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """Comparisons that all must hold, as (operator, value)."""

    comparisons: tuple[tuple[Operator, float], ...]


@dataclass(frozen=True, slots=True)
class Remembering:
    """What all rules with a memory have in common.

    `parts` are ids of the rules (event rules, or correlations, which are chained) whose matches they take in;
    `fields[i]` maps each name of `group_by` to the field that has it in events of part i (Sigma's aliases).
    Times are seconds of event time.
    """

    info: RuleInfo
    parts: tuple[str, ...]
    group_by: tuple[str, ...]
    fields: tuple[Mapping[str, str], ...]
    timespan: int
    alerts: bool = True


@dataclass(frozen=True, slots=True)
class Correlation(Remembering):
    """Sigma's correlations over a sliding window of `timespan`.

    `value_field` is what is counted distinct, summed or averaged; `percentile` (0 to 100) is for
    value_percentile (value_median is 50). For the temporal types the condition is that every part matched.
    """

    type: Literal[
        "event_count",
        "value_count",
        "value_sum",
        "value_avg",
        "value_percentile",
        "temporal",
        "temporal_ordered",
    ] = "event_count"
    condition: Condition = Condition(())
    value_field: str | None = None
    percentile: float | None = None


@dataclass(frozen=True, slots=True)
class Absence(Remembering):
    """Something that does not come.

    With two parts: part 0 is not followed by part 1, for the same group, within `timespan`. With one part:
    a group that has matched at least `usual` times in each of the `history` timespans before matches not
    once in one: silence of what always speaks.
    """

    usual: int = 1
    history: int = 8


@dataclass(frozen=True, slots=True)
class NewTerm(Remembering):
    """The first match for a value of `value_field` within the group in `timespan` (days, in seconds).

    Nothing is new until the group has been watched for `learning` seconds of event time.
    """

    value_field: str = ""
    learning: int = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Register(Remembering):
    """A look-up in the agreement that is in force at the event's time; without memory (`timespan` 0).

    `lookup` says which field of the event gives the agreement's `consumer` and `service`. It matches when
    `attribute` of the agreement (`allowed_systems`, `purposes`, `fields`, `security_level`, …) does not admit
    the value of `value_field`; with `attribute` `none`, when there is no agreement in force.
    """

    lookup: Mapping[str, str] = field(default_factory=dict)
    attribute: str = "none"
    value_field: str | None = None


@dataclass(frozen=True, slots=True)
class Baseline(Remembering):
    """A departure from what is usual for the group in this hour of the week.

    `measure` is what is added up by the hour: the number of matches, the sum of `value_field`, or the number
    of its distinct values. `direction`: `above` (at once, when the hour exceeds its upper bound), `below` (at
    the hour's end), `silence`, or `drift` (a cumulative sum, at the hour's end). `sensitivity` is in robust
    standard deviations; `floor` is the least excess (in the measure's unit) that is worth an alert; `seasons`
    is how many weeks must be known before it arms; `parent` are the fields of the larger group towards which
    a new group is shrunk (for (consumer, service): service).
    """

    measure: Literal["count", "sum", "distinct"] = "count"
    value_field: str | None = None
    direction: Literal["above", "below", "silence", "drift"] = "above"
    sensitivity: float = 5.0
    floor: float = 0.0
    seasons: int = 3
    parent: tuple[str, ...] = ()


MemoryRule = Correlation | Absence | NewTerm | Register | Baseline


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of a folder, checked together. `fingerprint` changes with any of their texts; that of one
    rule, by its id, in `fingerprints`: a rule that changed forgets what it remembered."""

    events: tuple[EventRule, ...]
    memories: tuple[MemoryRule, ...]
    fingerprint: str = ""
    fingerprints: Mapping[str, str] = field(default_factory=dict)

    def info(self, rule: str) -> RuleInfo:
        """What is known of a rule. Raises KeyError for an unknown id."""
        for one in (*self.events, *self.memories):
            if one.info.id == rule:
                return one.info
        raise KeyError(rule)
