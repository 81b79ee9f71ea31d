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
    """Groups by key, `limit` of them at the most."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._members: dict[Group, Member] = {}
        self.get = self._members.get

    def __len__(self) -> int:
        return len(self._members)

    def __iter__(self) -> Iterator[tuple[Group, Member]]:
        return iter(self._members.items())

    def put(self, group: Group, member: Member) -> None:
        """Hold a group."""
        self._members[group] = member

    def remove(self, group: Group) -> None:
        """Let a group go. Raises KeyError for one that is not held."""
        del self._members[group]

    def beyond(self) -> list[Group]:
        """Those that have to go before one more is held: the least recently active."""
        if len(self._members) < self._limit:
            return []
        number = len(self._members) - self._limit + max(1, self._limit // _PART_EVICTED)
        oldest = nsmallest(number, ((one.last, key) for key, one in self._members.items()))
        return [key for _, key in oldest]
