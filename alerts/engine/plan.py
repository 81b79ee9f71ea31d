"""The rules of one source, wired: which rule's matches go to which other rule, and how they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo

from alerts.engine.absence import absence
from alerts.engine.gather import Gather, Shape, Wanted
from alerts.engine.groups import Limits
from alerts.engine.kind import Observed
from alerts.engine.new_term import NewTerms
from alerts.engine.reading import (
    LONGEST_TEXT,
    Read,
    as_number,
    as_text,
    group_reader,
    loose_group_reader,
    passed_reader,
    reader,
)
from alerts.engine.register import Admission, RegisterLookup
from alerts.engine.tracked import Adding, Remembering, Tracked
from alerts.engine.windows import windows
from alerts.fields import SOURCES, Source
from alerts.model import Group, RuleInfo
from alerts.rule import Absence, Baseline, Correlation, EventRule, MemoryRule, NewTerm, Register, RuleSet
from monitor.errors import UsageProblem
from monitor.settings import Settings

_KNOWN_GROUPS = 10_000  # of one field

BaselineFactory = Callable[[Baseline], Adding]
Feed = Callable[[Any, int, str], Observed | None]


class Node:
    """A rule that matches: what is made of a match. `matched` counts them."""

    __slots__ = ("alerts", "feeds", "info", "matched", "quiet_ms")

    def __init__(self, info: RuleInfo, alerts: bool) -> None:
        self.info = info
        self.alerts = alerts
        self.quiet_ms = info.quiet * 1000
        self.matched = 0
        self.feeds: list[tuple[Callable[[Observed], None], Feed]] = []  # the first is a `MemoryNode.wait`


class EventNode(Node):
    """A rule that matches on one event: an event rule, or a register rule (`refused`) below one.

    `checks` are the register rules that look at each match, `gathers` the baselines that add it up.
    """

    __slots__ = ("agency", "checks", "event_rule", "gathers", "group", "matches", "refused")

    def __init__(
        self,
        info: RuleInfo,
        event_rule: EventRule,
        alerts: bool,
        agency: Read,
        group: Callable[[Any], Group | None],
    ) -> None:
        super().__init__(info, alerts)
        self.event_rule = event_rule
        self.matches = event_rule.matches
        self.agency = agency
        self.group = group
        self.refused: Callable[[Any, int], bool] = lambda _event, _time_ms: True
        self.checks: list[EventNode] = []
        self.gathers: list[Gather] = []


class MemoryNode(Node):
    """A rule with memory. `number` is its place in the plan: rules come after those they take in.

    `waiting` are observations that it has yet to take in, in their order; `wait` adds one.
    """

    __slots__ = ("kind", "number", "wait", "waiting")

    def __init__(self, rule: MemoryRule, number: int, kind: Remembering) -> None:
        super().__init__(rule.info, rule.alerts)
        self.number = number
        self.kind = kind
        self.waiting: list[Observed] = []
        self.wait = self.waiting.append


class Plan:
    """All rules of a set that events of one source can reach.

    Raises UsageProblem where a register rule has no register to look in, or rules take in each other.
    """

    def __init__(
        self,
        rules: RuleSet,
        source: str,
        *,
        register: RegisterLookup | None,
        baselines: BaselineFactory | None,
        limits: Limits,
    ) -> None:
        self._rules = rules
        self._source: Source = SOURCES[source]
        self._register = register
        self._baselines = baselines
        self._limits = limits
        self._by_id: dict[str, MemoryRule] = {rule.info.id: rule for rule in rules.memories}
        self._tops: dict[str, list[EventNode]] = {}  # nodes on events by rule; a register rule has several
        self._roots: dict[str, EventNode] = {}
        self.memories: list[MemoryNode] = []
        self.gathers: list[Gather] = []
        self._made: dict[str, MemoryNode | None] = {}
        self._groups: dict[str, dict[str, Group]] = {}  # by field and value: the same object for all rules
        for rule in rules.events:
            if rule.source.name == source:
                node = self._event_node(rule)
                self._roots[rule.info.id] = node
                self._tops[rule.info.id] = [node]
        for memory in rules.memories:
            self._wire(memory, ())
        # A rule that neither alerts nor feeds one that does needs not be tried.
        self.events = [node for node in self._roots.values() if _is_of_use(node)]

    def nodes(self) -> Mapping[str, list[Node]]:
        """All rules by id, with what stands for them."""
        found: dict[str, list[Node]] = {rule: list(nodes) for rule, nodes in self._tops.items()}
        for memory in self.memories:
            found[memory.info.id] = [memory]
        return found

    def _event_node(self, rule: EventRule) -> EventNode:
        reads = [reader(self._source, name) for name in rule.group_by]
        agency = reader(self._source, rule.info.agency)
        return EventNode(rule.info, rule, rule.alerts, agency, loose_group_reader(rule.group_by, reads))

    def _wire(self, rule: MemoryRule, above: tuple[str, ...]) -> MemoryNode | None:
        """Make a rule after those it takes in; None where no event of this source reaches it."""
        key = rule.info.id
        if key in above:
            raise UsageProblem(f"rules take in each other: {' -> '.join((*above, key))}")
        if key in self._made or key in self._tops:
            return self._made.get(key)
        reached = []
        for number, part in enumerate(rule.parts):
            below = self._by_id.get(part)
            if below is not None:
                self._wire(below, (*above, key))
            if part in self._tops or self._made.get(part) is not None:
                reached.append((number, part))
        if isinstance(rule, Register):
            self._wire_register(rule, reached)
            return None
        if not reached:
            self._made[key] = None
            return None
        node = MemoryNode(rule, len(self.memories), self._kind(rule))
        self.memories.append(node)
        self._made[key] = node
        for number, part in reached:
            below_node = self._made.get(part)
            if below_node is not None:
                if below_node.kind.completions is None:
                    below_node.kind.completions = []
                below_node.feeds.append((node.wait, self._feed(rule, number, None)))
            for top in self._tops.get(part, ()):
                if isinstance(rule, Baseline):
                    self._gather(rule, number, top).targets.append(node)
                else:
                    top.feeds.append((node.wait, self._feed(rule, number, self._source)))
        return node

    def _wire_register(self, rule: Register, reached: list[tuple[int, str]]) -> None:
        if self._register is None:
            raise UsageProblem(f"{rule.info.title}: looks agreements up, and no registry is given")
        admission = Admission(rule, self._register)
        consumer = reader(self._source, rule.lookup.get("consumer", "agency"))
        service = reader(self._source, rule.lookup.get("service", "service"))
        value = reader(self._source, rule.value_field) if rule.value_field else lambda _event: None
        self._tops[rule.info.id] = []
        for number, part in reached:
            for top in self._tops.get(part, ()):
                node = EventNode(
                    rule.info,
                    top.event_rule,
                    rule.alerts,
                    self._agency(rule, number, self._source),
                    self._group(rule, number, self._source),
                )
                node.refused = lambda event, time_ms: admission.refused(
                    consumer(event), service(event), time_ms, value(event)
                )
                top.checks.append(node)
                self._tops[rule.info.id].append(node)

    def _kind(self, rule: MemoryRule) -> Remembering:
        match rule:
            case Correlation():
                return windows(rule, self._limits)
            case Absence():
                return absence(rule, self._limits)
            case NewTerm():
                return NewTerms(rule, self._limits)
            case Baseline():
                return Tracked(self._baseline_factory()(rule))
            case Register():
                raise TypeError("a register rule has no memory")

    def _baseline_factory(self) -> BaselineFactory:
        if self._baselines is None:
            # Imported when a rule needs it: baselines need more than this package does.
            from alerts.baselines.kind import BaselineKind

            zone = ZoneInfo(Settings.model_fields["timezone"].default)
            self._baselines = lambda rule: BaselineKind(rule, zone)
        return self._baselines

    def _feed(self, rule: MemoryRule, number: int, source: Source | None) -> Feed:
        """How an event (of a source), or what another rule passes on, is read as an observation."""
        group_of = self._group(rule, number, source)
        agency_of = self._agency(rule, number, source)
        name, numeric = _value(rule)
        value_of = None if name is None else _read(source, name)
        as_value: Callable[[Any], str | float | None] = as_number if numeric else as_text
        if value_of is None and len(rule.group_by) == 1:
            # Counting by one field, as most rules do: without a call for the group.
            (only,) = rule.group_by
            read_only = _read(source, _fields(rule, number).get(only, only))
            known = self._groups.setdefault(only, {})

            def count(event: Any, time_ms: int, event_id: str) -> Observed | None:
                mine = read_only(event)
                if type(mine) is not str or len(mine) > LONGEST_TEXT:
                    mine = as_text(mine)
                    if mine is None:
                        return None
                group = known.get(mine)
                if group is None:
                    if len(known) >= _KNOWN_GROUPS:
                        known.clear()
                    group = known[mine] = ((only, mine),)
                agency = agency_of(event)
                if type(agency) is not str:
                    agency = as_text(agency) or ""
                return (group, time_ms, event_id, agency, number, None)

            return count

        def observe(event: Any, time_ms: int, event_id: str) -> Observed | None:
            group = group_of(event)
            if group is None:
                return None
            agency = agency_of(event)
            if type(agency) is not str:
                agency = as_text(agency) or ""
            value = None if value_of is None else as_value(value_of(event))
            return (group, time_ms, event_id, agency, number, value)

        return observe

    def _gather(self, rule: Baseline, number: int, top: EventNode) -> Gather:
        """What adds up for a baseline: it is shared with others that want the same and at most one value."""
        fields = _fields(rule, number)
        groups = tuple((name, fields.get(name, name)) for name in rule.group_by)
        shape = Shape(groups, fields.get(rule.info.agency, rule.info.agency))
        name, sums = _value(rule)
        wanted = None if name is None else Wanted(name, sums)
        for gather in top.gathers:
            if gather.shape == shape and (None in (gather.wanted, wanted) or gather.wanted == wanted):
                break
        else:
            gather = Gather(len(self.gathers), shape, self._source)
            self.gathers.append(gather)
            top.gathers.append(gather)
        if wanted is not None:
            gather.want(wanted)
        return gather

    def _group(self, rule: MemoryRule, number: int, source: Source | None) -> Callable[[Any], Group | None]:
        fields = _fields(rule, number)
        names = rule.group_by
        return group_reader(names, [_read(source, fields.get(name, name)) for name in names])

    def _agency(self, rule: MemoryRule, number: int, source: Source | None) -> Read:
        name = rule.info.agency
        return _read(source, _fields(rule, number).get(name, name))


def _is_of_use(node: EventNode) -> bool:
    return bool(node.alerts or node.feeds or node.checks or node.gathers)


def _read(source: Source | None, name: str) -> Read:
    return passed_reader(name) if source is None else reader(source, name)


def _fields(rule: MemoryRule, number: int) -> Mapping[str, str]:
    return rule.fields[number] if number < len(rule.fields) else {}


def _value(rule: MemoryRule) -> tuple[str | None, bool]:
    """The field whose value a rule observes, and whether as a number."""
    match rule:
        case Correlation():
            numeric = rule.type in ("value_sum", "value_avg", "value_percentile")
            return (None if rule.type == "event_count" else rule.value_field), numeric
        case Baseline():
            return (None if rule.measure == "count" else rule.value_field), rule.measure == "sum"
        case NewTerm():
            return rule.value_field, False
        case _:
            return None, False
