"""The groups of one rule: what is known of each, within a bound."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest
from typing import Final

from alerts.baselines.drift import Drift
from alerts.baselines.history import History
from alerts.baselines.silence import Silence
from alerts.baselines.usual import Known
from alerts.model import Group

NEVER: Final = -(2**31)  # an hour before all hours
_PART_EVICTED: Final = 50  # one in so many goes at once: looking for the least active costs a pass over all


class Member(Known):
    """One group, or the larger group that several are part of.

    `parent` is the key of the larger one, or None. `agency` is that of its first observation. `last` is the
    last hour with an observation, `closed` the last hour that its history had when it was restored.
    """

    __slots__ = ("agency", "closed", "drift", "last", "parent", "silence")

    def __init__(self, history: History, parent: Group | None = None, agency: str = "") -> None:
        super().__init__(history)
        self.parent = parent
        self.agency = agency
        self.last = NEVER
        self.closed = NEVER
        self.silence = Silence()
        self.drift = Drift()


class Members:
    """Groups by key, `limit` of them at the most: beyond, the least recently active go, and are counted."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._members: dict[Group, Member] = {}
        self.get = self._members.get
        self.evicted = 0

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[tuple[Group, Member]]:
        return iter(self._members.items())

    def put(self, group: Group, member: Member) -> list[Group]:
        """Hold a group; return those that had to go."""
        gone: list[Group] = []
        if len(self._members) >= self._limit and group not in self._members:
            number = max(1, self._limit // _PART_EVICTED)
            oldest = nsmallest(number, ((one.last, key) for key, one in self._members.items()))
            gone = [key for _, key in oldest]
            for key in gone:
                del self._members[key]
            self.evicted += len(gone)
        self._members[group] = member
        return gone

    def remove(self, group: Group) -> None:
        """Let a group go that has nothing to remember."""
        del self._members[group]
