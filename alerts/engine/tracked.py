"""What the engine asks of a kind beside `Kind`, and how any other kind is made to answer it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sized
from typing import Protocol

from alerts.engine.gather import Portion
from alerts.engine.groups import BEFORE_ALL, Completion, applied_singly
from alerts.engine.kind import Kind, Observed
from alerts.model import Detection, Group


class Remembering(Kind, Protocol):
    """A kind as `alerts.engine.groups.Grouped` is one; its docstring says what these are."""

    sequence: int
    dirty: dict[Group, int]
    evicted: list[Group]
    replaying: bool
    completions: list[Completion] | None
    entries_dropped: int

    @property
    def groups_evicted(self) -> int:
        """How many groups were forgotten for want of room."""

    def __len__(self) -> int:
        """How many groups are remembered."""

    @property
    def weight(self) -> int:
        """What is remembered, in entries, as far as it can be made less."""

    def shrink(self) -> None:
        """Evict the least recently active groups."""

    def forget(self, groups: Iterable[Group]) -> None:
        """Drop groups that were evicted."""

    def has_room_for(self, observations: int) -> bool:
        """Whether so many can be taken in with nothing given up for them."""

    def apply_all(self, observations: list[Observed], found: list[Detection]) -> list[Observed]:
        """Take observations in, in their order, and add to `found`; return those that changed something."""

    def add(self, portion: Portion) -> Collection[Detection]:
        """Take in what was added up; only baselines are asked to."""


class Adding(Kind, Protocol):
    """A kind that takes in what was added up, beside single observations: a baseline."""

    @property
    def groups_evicted(self) -> int:
        """How many groups it forgot for want of room."""

    def add(self, portion: Portion) -> Collection[Detection]:
        """Take in what one group had in one hour since the last time; return what it completes."""


class Tracked:
    """A kind that only keeps to `Kind`, with what the engine needs around it.

    Its groups may depend on each other, so what it has changed is written together, in one commit; its
    state is then as a whole that of the newest row. Which of its groups are dirty is asked once a commit
    (`collect`). It bounds its groups by itself. A rule chained to it observes its detections, each at its
    last time, or the watermark where that is later.
    """

    def __init__(self, kind: Adding) -> None:
        self.kind = kind
        self.rule = kind.rule
        self.sequence = 0
        self.dirty: dict[Group, int] = {}
        self.evicted: list[Group] = []
        self.replaying = False
        self.completions: list[Completion] | None = None
        self.entries_dropped = 0
        self._watermark_ms = BEFORE_ALL

    def __len__(self) -> int:
        return len(self.kind) if isinstance(self.kind, Sized) else 0

    @property
    def groups_evicted(self) -> int:
        """As the kind counts them."""
        return self.kind.groups_evicted

    def has_room_for(self, observations: int) -> bool:  # noqa: ARG002  # Remembering's signature
        """It bounds itself."""
        return True

    def apply_all(self, observations: list[Observed], found: list[Detection]) -> list[Observed]:
        """One after the other."""
        return applied_singly(self.apply, observations, found)

    def apply(self, observation: Observed) -> Collection[Detection]:
        """As the kind does."""
        found = self.kind.apply(observation)
        if found and self.completions is not None:
            self._complete(found)
        return found

    def add(self, portion: Portion) -> Collection[Detection]:
        """As the kind does, which is a baseline."""
        found = self.kind.add(portion)
        if found and self.completions is not None:
            self._complete(found)
        return found

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """As the kind does."""
        found = self.kind.advance(watermark_ms)
        if found and self.completions is not None:
            self._complete(found)
        self._watermark_ms = max(self._watermark_ms, watermark_ms)
        return found

    def _complete(self, found: Collection[Detection]) -> None:
        assert self.completions is not None  # noqa: S101  # looked at by the callers
        for each in found:
            time_ms = max(each.last_ms, self._watermark_ms)
            event_id = each.evidence[-1].event_id if each.evidence else f"{each.rule}/{each.last_ms}"
            self.completions.append(Completion(each.group, time_ms, event_id, each.agency))

    def collect(self) -> None:
        """Note the groups that changed during the commit under way."""
        for group in self.kind.touched():
            if group not in self.dirty:
                self.dirty[group] = self.sequence

    def touched(self) -> Collection[Group]:
        """The groups to be written."""
        return self.dirty.keys()

    def encode(self, group: Group) -> bytes | None:
        """As the kind does."""
        self.dirty.pop(group, None)
        return self.kind.encode(group)

    def restore(self, states: Mapping[Group, bytes]) -> None:
        """As the kind does."""
        self.kind.restore(states)

    @property
    def weight(self) -> int:
        """Nothing: it bounds itself."""
        return 0

    def shrink(self) -> None:
        """Never asked for: there is nothing to gain."""

    def forget(self, groups: Iterable[Group]) -> None:
        """Never asked for: such a kind evicts nothing that the engine knows of."""
