"""Pacing keeps a rate, makes up for a hiccup, and does not flood after a long stop."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice

import pytest

from streams.pacing import MOST_BEHIND, paced


class Clock:
    """A clock that only waiting (or a test) moves."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.stop_at = float("inf")

    def wait(self, seconds: float) -> bool:
        """Sleep; True once `stop_at` is passed."""
        self.now += seconds
        return self.now >= self.stop_at


def _tenths(clock: Clock, *, speed: float = 1, leave_out: bool = False) -> Iterator[float]:
    times = (5.0 + number / 10 for number in count())
    return paced(times, 5.0, speed, leave_out=leave_out, clock=lambda: clock.now, wait=clock.wait)


def test_each_event_comes_when_it_is_due() -> None:
    """Event time advances with the clock."""
    clock = Clock()
    for time in islice(_tenths(clock), 100):
        assert clock.now - 1000.0 == pytest.approx(time - 5.0, abs=0.002)


def test_speed_makes_event_time_run_faster() -> None:
    """At speed 60 a minute of events passes in a second."""
    clock = Clock()
    assert len(list(islice(_tenths(clock, speed=60), 600))) == 600
    assert clock.now == pytest.approx(1001.0, abs=0.01)


@pytest.mark.parametrize("leave_out", [True, False])
def test_a_hiccup_is_made_up_for(leave_out: bool) -> None:
    """What was due in the meantime comes at once, and then the rate is as before."""
    clock = Clock()
    times = _tenths(clock, leave_out=leave_out)
    next(times)
    clock.now += 3
    before = clock.now
    at_once = list(islice(times, 30))
    assert clock.now == before
    assert at_once[-1] == pytest.approx(8.0)
    assert next(times) - 5.0 == pytest.approx(clock.now - 1000.0, abs=0.002)


def test_after_a_long_stop_a_followed_clock_is_caught_up_with() -> None:
    """What was missed longer ago than the limit is left out; times are those of the clock again."""
    clock = Clock()
    times = _tenths(clock, leave_out=True)
    next(times)
    clock.now += 600
    first = next(times)
    assert clock.now - 1000.0 - (first - 5.0) == pytest.approx(MOST_BEHIND, abs=0.1)


def test_after_a_long_stop_a_simulated_time_loses_no_event() -> None:
    """The schedule moves instead, and the burst is no longer than the limit."""
    clock = Clock()
    times = _tenths(clock)
    next(times)
    clock.now += 600
    before = clock.now
    rest = list(islice(times, 101))
    assert rest == pytest.approx([5.0 + number / 10 for number in range(1, 102)])
    assert clock.now == pytest.approx(before, abs=0.11)
    next(times)
    assert clock.now > before


def test_stopping_ends_the_stream_while_it_waits() -> None:
    """Ctrl-C is not answered an hour later because the next event is due then."""
    clock = Clock()
    clock.stop_at = 1000.35
    assert len(list(_tenths(clock))) == 4
