"""The ids a partition remembers, to tell an event that comes again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple


class IdState(NamedTuple):
    """Everything about the memory of ids but the ids: what a transaction notes beside the offset."""

    generation: int = 0
    begins_at_offset: int = 0
    rotates_at: datetime | None = None
    shortened: int = 0


NO_IDS = IdState()


@dataclass(slots=True)
class IdMemory:
    """Two generations of ids, and one set of both to look them up in.

    An id is remembered for at least `window` of event time and at most twice that; or, where more than
    `max_ids` would be held, for at least half of `max_ids` offsets (`shortened` says so). When a
    generation begins depends on events and offsets alone, never on the clock or on restarts.
    """

    window: timedelta
    max_ids: int
    seen: set[str] = field(default_factory=set)
    current: list[str] = field(default_factory=list)
    previous: list[str] = field(default_factory=list)
    generation: int = 0
    begins_at_offset: int = 0
    rotates_at: datetime | None = None  # None until the first event
    shortened: int = 0

    @property
    def state(self) -> IdState:
        """A copy of the present state, without the ids."""
        return IdState(self.generation, self.begins_at_offset, self.rotates_at, self.shortened)

    @property
    def full_at_offset(self) -> int:
        """The offset before which the current generation must end, to hold no more than `max_ids`."""
        return self.begins_at_offset + max(self.max_ids // 2, 1)

    def restore(self, generation: int, ids: Iterable[str]) -> None:
        """Put back what was remembered with one of the two generations."""
        known = self.current if generation == self.generation else self.previous
        before = len(known)
        known.extend(ids)
        self.seen.update(known[before:])

    def rotate(self, offset: int, newest: datetime | None) -> None:
        """Begin a new generation with the event at `offset`, forgetting the one before the current."""
        # Before the first event there is nothing to forget: a partition seldom begins at offset 0.
        self.shortened += newest is not None and self.rotates_at is not None and newest < self.rotates_at
        self.seen.difference_update(self.previous)
        self.previous, self.current = self.current, []
        self.generation += 1
        self.begins_at_offset = offset
        self.rotates_at = None if newest is None else newest + self.window
