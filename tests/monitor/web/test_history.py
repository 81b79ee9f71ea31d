"""Rates and the curve are those of the samples, whatever their spacing."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.web.history import HISTORY_S, History, Sample


def _sampled(*samples: tuple[float, int]) -> History:
    history = History()
    for time, exchanges in samples:
        history.add(Sample(time, exchanges, breaches=exchanges // 10, ages=(exchanges, 0)))
    return history


def test_rates_are_zero_until_two_samples_exist() -> None:
    """One sample says nothing about speed."""
    assert History().rates(10) == (0.0, 0.0)
    assert _sampled((0, 500)).rates(10) == (0.0, 0.0)


def test_a_rate_is_taken_over_the_window_not_over_everything() -> None:
    """A minute at 100/s and then ten seconds at 0 give 0 over ten seconds."""
    history = _sampled(*((s, 100 * min(s, 60)) for s in range(71)))
    assert history.rates(10) == (0.0, 0.0)
    assert history.rates(60)[0] == pytest.approx(100 * 50 / 60)


def test_a_shorter_history_than_the_window_is_used_as_far_as_it_goes() -> None:
    """Three seconds after the start the rate is that of three seconds."""
    assert _sampled((0, 0), (1, 10), (3, 30)).rates(60) == (10.0, 1.0)


def test_samples_older_than_the_history_are_forgotten() -> None:
    """The curve never reaches further back than HISTORY_S."""
    points = _sampled(*((float(s), s) for s in range(1000))).points()
    assert points[0].ago <= HISTORY_S
    assert points[-1].ago == 0


def test_a_clock_set_back_begins_a_new_history() -> None:
    """No rate is ever negative or divided by nothing."""
    history = _sampled((100, 1000), (101, 1100), (50, 1200), (51, 1300))
    assert history.rates(60) == (100.0, 10.0)
    assert len(history.points()) == 0


@given(st.lists(st.tuples(st.floats(0.2, 5), st.integers(0, 500)), min_size=3, max_size=80))
def test_the_curve_holds_every_exchange_once(steps: list[tuple[float, int]]) -> None:
    """Rates times their spans add up to what was counted between the first and the last point."""
    time, exchanges, history = 0.0, 0, History()
    counted_at = {}
    for seconds, added in steps:
        time, exchanges = time + seconds, exchanges + added
        history.add(Sample(time, exchanges, 0, ()))
        counted_at[round(time, 6)] = exchanges
    points = history.points()
    assert all(point.exchanges >= 0 for point in points)
    total = sum(point.exchanges * (earlier.ago - point.ago) for earlier, point in pairwise(points))
    if points:
        begin = counted_at[min(counted_at, key=lambda t: abs(t - (time - points[0].ago)))]
        assert total == pytest.approx(exchanges - begin, abs=1e-3)
