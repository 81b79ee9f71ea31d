"""The engine: runs a set of rules over the events of one partition of one source.

Events are matched; matches become detections, and observations for the rules that remember. What it does
depends on the events and their order alone, so that a restored engine (`restore`) goes on as if it had never
stopped. The watermark is the newest event's time less the lateness: an event before it still matches single
event rules, but comes too late for windows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from alerts.engine.changes import EngineChanges, Loaded, Pace, Progress
from alerts.engine.checkpoints import Checkpoints
from alerts.engine.course import Course, Piles
from alerts.engine.gather import HOUR_MS
from alerts.engine.groups import BEFORE_ALL, Limits
from alerts.engine.index import RuleIndex
from alerts.engine.journal import ADVANCED, encode_steps, evicted_step, gathered_step
from alerts.engine.kind import UNCHANGED, Observed
from alerts.engine.merging import Gathering
from alerts.engine.plan import BaselineFactory, EventNode, MemoryNode, Plan
from alerts.engine.prefilter import Prefilter
from alerts.engine.reading import Passed, as_text
from alerts.engine.register import RegisterLookup
from alerts.engine.restoring import restore_memories
from alerts.engine.tracked import Tracked
from alerts.fields import SOURCES
from alerts.model import Detection
from alerts.rule import EventRule, RuleSet

LATENESS_MS = 300_000
# Event time between two times that the kinds are told of the watermark: telling 200 of them takes some 30 µs,
# and a worker that catches up on a quiet topic has a second of event time every few events.
ADVANCE_EVERY_MS = 10_000


class Engine:
    """Rules over one partition. `source` is `exchanges` or `security-events`; rules of others are left out.

    `baselines` makes the kind of a baseline rule; None takes alerts.baselines.kind.BaselineKind in the
    default time zone, without special days. Raises UsageProblem where `register` is None and a rule looks
    in it.

    For metrics: `matched` by rule, `too_late` (events that windows did not take), `ungrouped` (matches
    without a field that their rule groups by), `groups_evicted` by rule and `entries_dropped`. A restored
    engine goes on from some of them, so what this process did is the difference (alerts.engine.metrics).
    """

    def __init__(
        self,
        rules: RuleSet,
        source: str,
        *,
        lateness_ms: int = LATENESS_MS,
        register: RegisterLookup | None = None,
        baselines: BaselineFactory | None = None,
        limits: Limits | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.source = source
        self.too_late = 0
        self.ungrouped = 0
        self._lateness = lateness_ms
        self._limits = limits or Limits()
        self._plan = Plan(rules, source, register=register, baselines=baselines, limits=self._limits)
        self._index: RuleIndex[EventNode] = RuleIndex(SOURCES[source], self._plan.events)
        self._candidates = self._index.candidates
        self._memories = self._plan.memories
        prints = rules.fingerprints
        self._names = [(node.info.id, prints.get(node.info.id, "")) for node in self._memories]
        self._gatherings = [tuple(node.number for node in gather.targets) for gather in self._plan.gathers]
        self._gathering = Gathering()
        self._checkpoints = Checkpoints(self._memories, self._names, pace or Pace())
        self._piles = Piles()
        self._carried: dict[str, int] = {}  # what was forgotten before kinds of this engine began to count
        self._steps: list[tuple[int, Any]] = []
        self._noted = 0  # observations in them
        self._newest = BEFORE_ALL
        self._watermark = BEFORE_ALL
        self._advanced = BEFORE_ALL
        self._advance_at = BEFORE_ALL  # the watermark at which the kinds are told next
        self._told = BEFORE_ALL  # the watermark that the kinds knew at the last commit

    # What it says of itself

    @property
    def watermark_ms(self) -> int | None:
        """No event before this time is taken into windows any more; None before the first event."""
        return None if self._watermark == BEFORE_ALL else self._watermark

    @property
    def newest_ms(self) -> int | None:
        """The time of the newest event; None before the first."""
        return None if self._newest == BEFORE_ALL else self._newest

    @property
    def matched(self) -> Mapping[str, int]:
        """Matches by rule, of rules with a memory: completed windows' events."""
        return {rule: sum(each.matched for each in nodes) for rule, nodes in self._plan.nodes().items()}

    @property
    def groups(self) -> Mapping[str, int]:
        """Groups remembered, by rule."""
        return {node.info.id: len(node.kind) for node in self._memories}

    @property
    def groups_evicted(self) -> Mapping[str, int]:
        """Groups forgotten for want of room, by rule."""
        return {node.info.id: node.kind.groups_evicted for node in self._memories}

    @property
    def entries_dropped(self) -> int:
        """Events and values that were dropped from groups that held too many."""
        return sum(node.kind.entries_dropped for node in self._memories)

    def prefilter(self) -> Prefilter:
        """What tells of an exchange whether any of these rules could match it."""
        return Prefilter(node.event_rule for node in self._plan.events)

    # Events

    def observe_many(self, events: Iterable[tuple[Any, int, str]]) -> None:
        """Take events in, in order, each with its time (ms since 1970) and id."""
        candidates, match, note_time = self._candidates, self._match, self.note_time
        newest = self._newest
        for event, time_ms, event_id in events:
            if time_ms > newest:
                newest = time_ms
                note_time(time_ms)
            too_late = False
            for node in candidates(event):
                if node.matches(event):
                    too_late |= match(node, event, time_ms, event_id)
            if too_late:
                self.too_late += 1

    def observe(self, event: Any, time_ms: int, event_id: str) -> None:
        """Take one event in; what is found is kept for `take`."""
        self.observe_many(((event, time_ms, event_id),))

    def course(self, rules: Iterable[EventRule], alike: frozenset[str], event: Any) -> Course:
        """What is done with events that only these rules might match, and that have this one's values in some
        fields; for `observe_in`."""
        wanted = set(map(id, rules))
        nodes = (node for node in self._plan.events if id(node.event_rule) in wanted)
        return Course(nodes, alike, event, self._piles)

    def forget_courses(self) -> None:
        """None of the courses that were made will be used any more."""
        self._piles.forget()

    def observe_in(
        self, course: Course, event: Any, time_ms: int, event_id: str, *, adding_only: bool
    ) -> None:
        """Take one event of a course in; `adding_only` where none of the rules that it tries can match.

        The event is not kept: the same object may hold the next one.
        """
        if time_ms > self._newest:
            self.note_time(time_ms)
        too_late = False
        if time_ms < self._watermark:
            for matches, pile in course.piled:
                if matches(event):
                    pile.node.matched += 1
                    too_late = True
            for matches, node in course.added:
                if matches(event):
                    node.matched += 1
                    too_late = True
        else:
            for matches, pile in course.piled:
                if matches(event):
                    times_ms = pile.times_ms
                    if not times_ms:
                        self._piles.filled.append(pile)
                    times_ms.append(time_ms)
                    pile.event_ids.append(event_id)
                    for read, values in pile.reads:
                        values.append(read(event))
            for matches, node in course.added:
                if matches(event):
                    node.matched += 1
                    for gather in node.gathers:
                        if not gather.add(event, time_ms, event_id):
                            self.ungrouped += 1
        if not adding_only:
            for matches, node in course.tried:
                if matches(event):
                    too_late |= self._match(node, event, time_ms, event_id)
        if too_late:
            self.too_late += 1

    def advance(self, watermark_ms: int) -> None:
        """Say that no event before a time will come; an earlier time than is known already says nothing."""
        self._watermark = max(self._watermark, watermark_ms)
        if self._watermark > self._advanced:
            self._advance_kinds(self._watermark)

    def note_time(self, time_ms: int) -> None:
        """Take note of the time of an event that no rule can match, and that need not be observed."""
        if time_ms > self._newest:
            self._newest = time_ms
            watermark = time_ms - self._lateness
            if watermark > self._watermark:
                self._watermark = watermark
                if watermark >= self._advance_at:
                    self._advance_kinds(watermark)

    def _match(self, node: EventNode, event: Any, time_ms: int, event_id: str) -> bool:
        """Make of a match what is to be made; return whether it came too late for a memory."""
        node.matched += 1
        if node.alerts:
            agency = node.agency(event)
            if type(agency) is not str:
                agency = as_text(agency) or ""
            group = node.group(event) or ()
            self._gathering.add_event(node.info.id, agency, group, time_ms, event_id, node.quiet_ms)
        too_late = False
        for check in node.checks:
            if check.refused(event, time_ms):
                too_late |= self._match(check, event, time_ms, event_id)
        if not node.feeds and not node.gathers:
            return too_late
        if time_ms < self._watermark:
            return True
        for gather in node.gathers:
            if not gather.add(event, time_ms, event_id):
                self.ungrouped += 1
        for wait, feed in node.feeds:
            observation = feed(event, time_ms, event_id)
            if observation is None:
                self.ungrouped += 1
            else:
                wait(observation)
        return too_late

    def _take_in(self, node: MemoryNode) -> None:
        """Have a rule take in what waits for it, and note in the journal what changed its state."""
        waiting, kind = node.waiting, node.kind
        if kind.has_room_for(len(waiting)):
            found: list[Detection] = []
            taken = kind.apply_all(waiting, found)
            if found:
                self._report(node, found)
        else:
            taken = self._take_in_singly(node)
        if taken:
            self._note(node.number, taken)
        waiting.clear()
        if kind.completions:
            self._pass_on(node)

    def _take_in_singly(self, node: MemoryNode) -> list[Observed]:
        """The same where groups may have to give way: the journal must hold when they did."""
        kind, taken = node.kind, list[Observed]()
        for observation in node.waiting:
            found = kind.apply(observation)
            if kind.evicted:
                if taken:
                    self._note(node.number, taken)
                    taken = []
                self._steps.append(evicted_step(node.number, kind.evicted))
                kind.evicted = []
            if found is not UNCHANGED:
                taken.append(observation)
                self._report(node, found)
        return taken

    def _note(self, number: int, taken: list[Observed]) -> None:
        self._steps.append((number, taken))
        self._noted += len(taken)

    def _hand_over(self) -> None:
        """Give the baselines what was added up for them."""
        self.ungrouped += self._piles.add_up()
        for gather in self._plan.gathers:
            step = gathered_step(gather.number)
            for portion in gather.take():
                self._steps.append((step, portion))
                for node in gather.targets:
                    found = node.kind.add(portion)
                    if found:
                        self._report(node, found)
                    if node.kind.completions:
                        self._pass_on(node)

    def _report(self, node: MemoryNode, found: Iterable[Detection]) -> None:
        for each in found:
            node.matched += each.count
            if node.alerts:
                self._gathering.add(each, node.quiet_ms)

    def _pass_on(self, node: MemoryNode) -> None:
        completions, node.kind.completions = node.kind.completions, []
        for group, time_ms, event_id, agency in completions or ():
            passed = Passed(time_ms, event_id, agency, group)
            for wait, feed in node.feeds:
                observation = feed(passed, time_ms, event_id)
                if observation is None:
                    self.ungrouped += 1
                else:
                    wait(observation)

    def _advance_kinds(self, watermark_ms: int) -> None:
        """Tell every kind, those first that others take in: what they find is older than the watermark."""
        # Nothing is held of hours that were over before, so only an hour's end can be passed by what is held.
        if watermark_ms // HOUR_MS > self._advanced // HOUR_MS:
            self._hand_over()
        self._advanced = watermark_ms
        self._advance_at = watermark_ms + ADVANCE_EVERY_MS
        for node in self._memories:
            if node.waiting:
                self._take_in(node)
            found = node.kind.advance(watermark_ms)
            if found:
                self._report(node, found)
            if node.kind.completions:
                self._pass_on(node)
        self._steps.append((ADVANCED, watermark_ms))

    # Commits

    def take(self) -> EngineChanges:
        """What was found and done since the last time, for one transaction."""
        sequence = self._checkpoints.sequence
        self._hand_over()
        for node in self._memories:
            if node.waiting:
                self._take_in(node)
        self._make_room()
        for node in self._memories:
            if isinstance(node.kind, Tracked):
                node.kind.collect()
        noted, self._noted = self._noted + len(self._steps), 0
        states = self._checkpoints.take(noted)
        oldest = self._checkpoints.oldest()
        steps, self._steps = self._steps, []
        self._checkpoints.begin(sequence + 1, noted, oldest)
        journal = None
        if steps and oldest <= sequence:
            # A restored engine begins here, maybe, and must know what is outdated already.
            before = [] if self._told == BEFORE_ALL else [(ADVANCED, self._told)]
            journal = encode_steps(self._names, self._gatherings, before + steps)
        self._told = self._advanced
        return EngineChanges(self._progress(sequence), self._gathering.take(), journal, states, oldest)

    def _make_room(self) -> None:
        """Keep what all rules remember together within its bound: whichever holds most gives way."""
        weights = {node.number: node.kind.weight for node in self._memories}
        excess = sum(weights.values()) - self._limits.altogether
        while excess > 0:
            number = max(weights, key=lambda each: weights[each])
            kind = self._memories[number].kind
            kind.shrink()
            self._steps.append(evicted_step(number, kind.evicted))
            kind.evicted = []
            excess -= weights[number] - kind.weight
            if kind.weight == weights[number]:
                return
            weights[number] = kind.weight

    def _progress(self, sequence: int) -> Progress:
        forgotten = {name: count + self._carried.get(name, 0) for name, count in self._forgotten().items()}
        counters = {"too_late": self.too_late, "ungrouped": self.ungrouped, **forgotten}
        advanced = None if self._advanced == BEFORE_ALL else self._advanced
        return Progress(sequence, self.newest_ms, self.watermark_ms, advanced, counters)

    def _forgotten(self) -> dict[str, int]:
        return {
            "groups_evicted": sum(self.groups_evicted.values()),
            "entries_dropped": self.entries_dropped,
        }

    def restore(self, loaded: Loaded) -> None:
        """Go on from what was written; to be called before the first event.

        States and steps of rules that are not run any more, or were changed, are passed over. What is found
        while steps are done again was found before and is dropped. Raises msgspec.DecodeError.
        """
        for sequence, steps in restore_memories(dict(zip(self._names, self._memories, strict=True)), loaded):
            self._checkpoints.done_again(sequence, steps)
        self._resume(loaded.progress)

    def _resume(self, progress: Progress) -> None:
        self._checkpoints.begin(progress.sequence + 1, 0, 0)
        self._newest = BEFORE_ALL if progress.newest_ms is None else progress.newest_ms
        self._watermark = BEFORE_ALL if progress.watermark_ms is None else progress.watermark_ms
        self.too_late = progress.counters.get("too_late", 0)
        self.ungrouped = progress.counters.get("ungrouped", 0)
        # What kinds dropped while steps were done again is in the progress already.
        again = self._forgotten()
        self._carried = {name: progress.counters.get(name, 0) - count for name, count in again.items()}
        if progress.advanced_ms is not None:
            self._advanced = self._told = progress.advanced_ms
            self._advance_at = progress.advanced_ms + ADVANCE_EVERY_MS
        for node in self._memories:
            kind = node.kind
            # States without a step since have closed all that was due before; this only tells them the time.
            if progress.advanced_ms is not None:
                kind.advance(progress.advanced_ms)
            if kind.completions:
                kind.completions = []
