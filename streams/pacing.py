"""Pacing: hands out event times when they are due, so that a simulation keeps its rate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

# After a hiccup up to this long everything missed is sent at once; a longer one is not made up for,
# because a burst of minutes would measure the hiccup and not the monitor.
MOST_BEHIND = 10.0
_SHORTEST_WAIT = 0.001  # waiting for less costs more than it gains: events of one millisecond go together


def paced(
    times: Iterable[float],
    start: float,
    speed: float,
    *,
    leave_out: bool,
    clock: Callable[[], float],
    wait: Callable[[float], bool],
) -> Iterator[float]:
    """Yield each event time (epoch seconds) once it is due: `start` now, then `speed` seconds a second.

    `clock` is monotonic; `wait` sleeps for seconds and returns True to stop. Behind by more than MOST_BEHIND,
    the times in between are left out (`leave_out`, for event times that follow the wall clock) or else the
    schedule moves, so that no event is lost.
    """
    began = clock()
    for time in times:
        due = began + (time - start) / speed
        ahead = due - clock()
        while ahead > _SHORTEST_WAIT:
            if wait(ahead):
                return
            ahead = due - clock()
        if ahead < -MOST_BEHIND:
            if leave_out:
                continue
            began -= ahead + MOST_BEHIND
        yield time
