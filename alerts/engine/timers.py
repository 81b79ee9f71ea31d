"""When each group is due: the earliest first, one time a group, however often it is set."""

from __future__ import annotations

import heapq
from collections.abc import Iterator

from alerts.model import Group

_SPARE = 1_000  # outdated entries that a heap may hold before it is made anew


class Timers:
    """Due times (milliseconds of event time) by group."""

    __slots__ = ("_due", "_heap")

    def __init__(self) -> None:
        self._due: dict[Group, int] = {}
        self._heap: list[tuple[int, Group]] = []

    def set(self, group: Group, due_ms: int) -> None:
        """Have a group come up at a time, instead of the time it had."""
        if self._due.get(group) == due_ms:
            return
        self._due[group] = due_ms
        # A flood of groups that come and go must not leave a heap of them behind.
        if len(self._heap) > 2 * len(self._due) + _SPARE:
            self._heap = [(due, each) for each, due in self._due.items()]
            heapq.heapify(self._heap)
        else:
            heapq.heappush(self._heap, (due_ms, group))

    def get(self, group: Group) -> int | None:
        """When a group is due; None when it is not."""
        return self._due.get(group)

    def clear(self, group: Group) -> None:
        """Let a group not come up."""
        self._due.pop(group, None)

    def pop(self, before_ms: int) -> Iterator[Group]:
        """Take out the groups that are due before a time. Groups set anew meanwhile may come up again."""
        due = self._due
        while self._heap and self._heap[0][0] < before_ms:  # the heap may be made anew meanwhile
            time, group = heapq.heappop(self._heap)
            if due.get(group) == time:
                del due[group]
                yield group
