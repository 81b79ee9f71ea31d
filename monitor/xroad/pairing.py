"""The halves of one partition that wait for their partners, and which of them belong together.

With `xRequestId` two halves meet as soon as both are there. Without it nothing is decided until one of them
has waited for the whole time: then all that could be its partner is known, and two are joined only where each
is the only one that fits the other. A message id alone joins nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from monitor.xroad.call import Call
from monitor.xroad.half import Half, fits

MOST_ALIKE = 500  # halves of one message id, pair and service: among so many nobody can tell which is whose


class Waiting(NamedTuple):
    """A half, and when it came, in milliseconds since 1970 by the clock of arrivals."""

    half: Half
    arrived_ms: int


class Lapsed(NamedTuple):
    """A half that has waited for long enough; `alone` is False where others are too much like it.

    `calls` says which of its pair's calls of the day it is, where its agreement limits them; else it is 0.
    """

    waiting: Waiting
    alone: bool
    calls: int = 0


class Pairing:
    """Waiting halves by key, those that came first in front.

    `wait_ms` is how long a half waits; `window_ms` how far apart the halves of one call may have begun where
    nothing else tells; beyond `most` the oldest lapse before their time.
    """

    def __init__(self, wait_ms: int, window_ms: int, most: int, waiting: Iterable[Waiting] = ()) -> None:
        self._wait_ms = wait_ms
        self._window_ms = window_ms
        self._most = most
        self._waiting: dict[str, Waiting] = {}
        self._loose: dict[str, dict[str, Waiting]] = {}
        for each in sorted(waiting, key=lambda one: one.arrived_ms):
            self.keep(each)

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: str) -> bool:
        return key in self._waiting

    def partner(self, half: Half) -> Half | None:
        """Take out the waiting half with the same `xRequestId`, if there is one."""
        if half.request_id is None:
            return None
        found = self.drop(f"{half.call}/{half.other_side}")
        return None if found is None else found.half

    def keep(self, waiting: Waiting) -> None:
        """Let a half wait that is not known."""
        half = waiting.half
        self._waiting[half.key] = waiting
        if half.request_id is None:
            self._loose.setdefault(half.match, {})[half.key] = waiting

    def drop(self, key: str) -> Waiting | None:
        """Take out a half, if it waits."""
        found = self._waiting.pop(key, None)
        if found is not None and found.half.request_id is None:
            alike = self._loose[found.half.match]
            del alike[key]
            if not alike:
                del self._loose[found.half.match]
        return found

    def lapse(self, now_ms: int) -> Iterator[Call | Lapsed]:
        """Take out every half that has waited for long enough: joined the second way, or lapsed."""
        while self._waiting:
            oldest = next(iter(self._waiting.values()))
            if oldest.arrived_ms + self._wait_ms > now_ms and len(self._waiting) <= self._most:
                return
            yield from self._resolve(oldest)

    def _resolve(self, waiting: Waiting) -> Iterator[Call | Lapsed]:
        half = waiting.half
        self.drop(half.key)
        if half.request_id is not None:
            yield Lapsed(waiting, True)
            return
        alike = list(self._loose.get(half.match, {}).values())
        if len(alike) > MOST_ALIKE:
            yield Lapsed(waiting, False)
            return
        # A rival may fit whatever fits this half: they are of one side and near each other.
        rivals = [each for each in alike if self._rival(half, each.half)]
        fitting = [each for each in alike if fits(half, each.half, self._window_ms)]
        if len(fitting) == 1 and not rivals:
            partner = fitting[0].half
            if not any(self._rival(partner, each.half) for each in alike if each.half is not partner):
                self.drop(partner.key)
                yield Call.of(half, partner)
                return
        yield Lapsed(waiting, not rivals and not fitting)
        # What could have been joined with it is decided with it, or the next would seem to be the only one.
        for each in (*rivals, *fitting):
            if self.drop(each.half.key) is not None:
                yield Lapsed(each, False)

    def _rival(self, one: Half, other: Half) -> bool:
        return one.side == other.side and abs(one.begun - other.begun) <= 2 * self._window_ms
