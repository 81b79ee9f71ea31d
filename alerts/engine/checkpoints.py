"""Which states are written with which commit: those that have waited longest, a bounded portion at a time.

A state that has changed is dirty since a commit; until it is written, a restart does the journal's steps from
that commit on again. So states are written before too many steps wait for them, and not with every change.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from alerts.engine.changes import Pace, StateRow
from alerts.engine.plan import MemoryNode
from alerts.engine.tracked import Tracked

# Each time that the oldest change has waited for so many commits more, as many states more are written.
_HURRY_AFTER = 500


class Checkpoints:
    """The states of all rules with a memory. `names` are the rule and fingerprint of each, in their order."""

    def __init__(self, memories: Sequence[MemoryNode], names: Sequence[tuple[str, str]], pace: Pace) -> None:
        self._memories = memories
        self._names = names
        self._pace = pace
        self._done = 0  # steps of the commits before
        self._done_before: dict[int, int] = {}  # by commit that a state is dirty since: steps before it
        self.sequence = 1  # of the commit under way
        for node in memories:
            node.kind.sequence = self.sequence

    def begin(self, sequence: int, steps: int, oldest: int) -> None:
        """Begin a commit, after one of so many steps; those before `oldest` are not needed any more."""
        self.sequence = sequence
        self._done += steps
        self._done_before[sequence] = self._done
        for each in [each for each in self._done_before if each < oldest]:
            del self._done_before[each]
        for node in self._memories:
            node.kind.sequence = sequence

    def done_again(self, sequence: int, steps: int) -> None:
        """Note that a restart did so many steps of a commit again."""
        self._done_before[sequence] = self._done
        self._done += steps

    def oldest(self) -> int:
        """The commit since which some state is dirty; the next one where none is."""
        return min(
            (next(iter(node.kind.dirty.values())) for node in self._memories if node.kind.dirty),
            default=self.sequence + 1,
        )

    def take(self, steps: int) -> list[StateRow]:
        """The states that have waited longest, as far as the pace allows; this commit has so many `steps`."""
        pace, sequence = self._pace, self.sequence
        waiting = [
            (next(iter(node.kind.dirty.values())), node.number) for node in self._memories if node.kind.dirty
        ]
        heapq.heapify(waiting)
        rows: list[StateRow] = []
        size = 0
        hurry = 1 + (sequence - waiting[0][0]) // _HURRY_AFTER if waiting else 1
        while waiting and len(rows) < pace.states * hurry and size < pace.size * hurry:
            since, number = waiting[0]
            if since > sequence - pace.after and self._steps_since(since, steps) < pace.steps:
                break
            kind = self._memories[number].kind
            # Groups of a kind that is only tracked belong together.
            groups = list(kind.dirty) if isinstance(kind, Tracked) else [next(iter(kind.dirty))]
            for group in groups:
                state = kind.encode(group)
                rows.append(StateRow(*self._names[number], group, sequence, state))
                size += len(state) if state is not None else 0
            if kind.dirty:
                heapq.heapreplace(waiting, (next(iter(kind.dirty.values())), number))
            else:
                heapq.heappop(waiting)
        return rows

    def _steps_since(self, sequence: int, steps: int) -> int:
        """How many steps a restart would do again if rows of the journal were needed from one on."""
        return self._done + steps - self._done_before.get(sequence, 0)
