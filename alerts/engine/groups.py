"""What all kinds of the engine share: states by group, how many there may be, and which are to be written."""

from __future__ import annotations

import heapq
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Generic, NamedTuple, Protocol, TypeVar

from alerts.engine.gather import Portion
from alerts.engine.kind import UNCHANGED, Observed
from alerts.engine.timers import Timers
from alerts.model import EVIDENCE, Detection, Evidence, Group, RuleInfo

# Evicted together, as a share of the limit: finding the least recent ones goes over all groups.
_EVICTED_AT_ONCE = 20
GROUP_WEIGHT = 3
BEFORE_ALL = -(2**62)  # a watermark before every event


class Limits(NamedTuple):
    """What the memory of one rule in one partition is bounded by.

    `groups`: states kept; `entries`: events (or values) kept in one of them; `total`: entries in all of
    them; `altogether`: the weight of all rules of an engine. Beyond, the least recently active groups and
    the oldest entries go, and are counted.
    """

    groups: int = 100_000
    entries: int = 10_000
    total: int = 250_000
    altogether: int = 600_000


class Completion(NamedTuple):
    """That a rule became true for a group with an event: what a rule that is chained to it observes."""

    group: Group
    time_ms: int
    event_id: str
    agency: str


class State(Protocol):
    """What a kind remembers of one group. `last_ms` is the time of its newest event."""

    last_ms: int

    def __len__(self) -> int:
        """How many entries it holds."""


S = TypeVar("S", bound=State)


class Grouped(ABC, Generic[S]):
    """States by group. A kind derives from it and says how a state is made, encoded and decoded.

    `sequence` is the commit under way, set by the engine; `dirty` holds the groups that changed since their
    state was last encoded, each with the commit in which it first did, the oldest first. `evicted` are
    groups forgotten for want of room: the engine notes them in the journal, for a restored kind to forget
    the same ones (it evicts none by itself while `replaying`). `completions` is a list where another rule is
    chained to this one.
    """

    def __init__(self, info: RuleInfo, limits: Limits) -> None:
        self.rule = info.id
        self.limits = limits
        self.sequence = 0
        self.dirty: dict[Group, int] = {}
        self.evicted: list[Group] = []
        self.replaying = False
        self.completions: list[Completion] | None = None
        self.groups_evicted = 0
        self.entries_dropped = 0
        self.watermark_ms = BEFORE_ALL
        self._states: dict[Group, S] = {}
        self._timers = Timers()
        self._total = 0  # entries of all states

    def __len__(self) -> int:
        """How many groups are remembered."""
        return len(self._states)

    @property
    def weight(self) -> int:
        """What is remembered, in entries: one takes some 200 bytes, and a group as much as GROUP_WEIGHT."""
        return self._total + GROUP_WEIGHT * len(self._states)

    def touched(self) -> Collection[Group]:
        """The groups whose state has changed since it was last encoded."""
        return self.dirty.keys()

    def encode(self, group: Group) -> bytes | None:
        """The group's whole state; None when there is none."""
        self.dirty.pop(group, None)
        state = self._states.get(group)
        return None if state is None else self._encoded(state)

    def restore(self, states: Mapping[Group, bytes]) -> None:
        """Put back what `encode` gave. Raises msgspec.DecodeError."""
        for group, encoded in states.items():
            state = self._decoded(encoded)
            self._states[group] = state
            self._total += len(state)
            self._restored(group, state)

    def add(self, portion: Portion) -> Collection[Detection]:
        """Never asked for: only baselines take in what was added up."""
        raise TypeError(f"{self.rule} takes in single observations, not {portion.count} at once")

    def has_room_for(self, observations: int) -> bool:
        """Whether so many can be taken in with nothing given up for them."""
        total, groups = self._total + observations, len(self._states) + observations
        return total < self.limits.total and groups < self.limits.groups

    def apply_all(self, observations: list[Observed], found: list[Detection]) -> list[Observed]:
        """Take observations in, in their order, and add to `found`; return those that changed something."""
        return applied_singly(self.apply, observations, found)

    @abstractmethod
    def apply(self, observation: Observed) -> Collection[Detection]:
        """As `alerts.engine.kind.Kind` says."""

    def forget(self, groups: Iterable[Group]) -> None:
        """Drop groups that were evicted."""
        for group in groups:
            state = self._states.pop(group, None)
            if state is not None:
                self._total -= len(state)
            self._timers.clear(group)
            self._touch(group)

    def _touch(self, group: Group) -> None:
        if group not in self.dirty:
            self.dirty[group] = self.sequence

    def _drop(self, group: Group) -> None:
        """Forget a group of which nothing is left that matters."""
        state = self._states.pop(group)
        self._total -= len(state)
        self._touch(group)

    def _make_room(self) -> None:
        """Before a group or an entry is added: evict the least recently active groups beyond the limits."""
        if self.replaying:
            return
        limits = self.limits
        while len(self._states) >= limits.groups or (self._total >= limits.total and len(self._states) > 1):
            self._evict(max(1, min(len(self._states) - 1, len(self._states) // _EVICTED_AT_ONCE)))

    def shrink(self) -> None:
        """Evict the least recently active groups, for the sake of other rules."""
        self._evict(-(-len(self._states) // _EVICTED_AT_ONCE))

    def _evict(self, few: int) -> None:
        oldest = heapq.nsmallest(few, self._states.items(), key=lambda each: (each[1].last_ms, each[0]))
        groups = [group for group, _ in oldest]
        self.forget(groups)
        self.evicted += groups
        self.groups_evicted += len(groups)

    @abstractmethod
    def _encoded(self, state: S) -> bytes:
        """A state as it is stored."""

    @abstractmethod
    def _decoded(self, encoded: bytes) -> S:
        """A state from what was stored. Raises msgspec.DecodeError."""

    @abstractmethod
    def _restored(self, group: Group, state: S) -> None:
        """Set what follows from a state, such as when it is due."""


def applied_singly(
    apply: Callable[[Observed], Collection[Detection]], observations: list[Observed], found: list[Detection]
) -> list[Observed]:
    """Apply one observation after the other: what `Grouped.apply_all` says."""
    taken = []
    for observation in observations:
        new = apply(observation)
        if new is not UNCHANGED:
            taken.append(observation)
            if new:
                found += new
    return taken


def detections(
    rule: str,
    group: Group,
    events: Iterable[tuple[int, str, str]],
    facts: Mapping[str, float | int | str],
) -> list[Detection]:
    """One detection for each agency among events (time in ms, id, agency), which are sorted."""
    found: dict[str, list[Evidence]] = {}
    for time_ms, event_id, agency in events:
        mine = found.get(agency)
        if mine is None:
            found[agency] = mine = []
        mine.append(Evidence(time_ms, event_id))
    return [
        Detection(
            rule,
            agency,
            group,
            named[0].time_ms,
            named[-1].time_ms,
            len(named),
            tuple(named[:EVIDENCE]),
            facts,
        )
        for agency, named in found.items()
    ]
