"""What a worker shows of calls over X-Road that is more than a count: clocks, and halves that wait."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from monitor.xroad.figures import Figures, ServerPair
from monitor.xroad.metrics import LEAST_CALLS, MAX_SHOWN_SERVERS, XroadMetrics
from monitor.xroad.store import XroadWritten
from tests.monitor.xroad.parts import Owner, body, halves, memory

HOUR = 1_790_000_000 // 3600 * 3600
SECOND = 1_000_000


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        """The present one."""
        return self.now


def written(figures: Figures) -> XroadWritten:
    """A transaction that added these figures."""
    return XroadWritten([], [], 0, figures, {}, Counter(), [], set(), [])


def skews(metrics: XroadMetrics) -> dict[str, float]:
    """What is shown of clocks, by the producer's server."""
    shown = CollectorRegistry()
    shown.register(metrics)
    return {
        sample.labels["service_server"]: sample.value
        for family in shown.collect()
        for sample in family.samples
        if sample.name == "datashare_xroad_clock_skew_seconds"
    }


def told(count: int, skew_us: int, server: str = "b", hour: int = HOUR) -> XroadWritten:
    """So many calls whose producer's clock was so far ahead."""
    figures = Figures()
    for _ in range(count):
        figures.skew(ServerPair(hour, "a", server), skew_us)
    return written(figures)


def test_a_few_calls_do_not_tell_of_a_clock() -> None:
    """One that waited long in one direction would look like a clock that is wrong; the fifth shows it."""
    metrics = XroadMetrics()
    metrics.add(told(LEAST_CALLS - 1, 60 * SECOND))
    assert skews(metrics) == {}
    metrics.add(told(1, 60 * SECOND))
    assert 59 < skews(metrics)["b"] < 61


def test_a_clock_is_shown_by_its_last_two_hours_of_calls() -> None:
    """What was wrong before is gone once it was put right, though few have called since."""
    clock = Clock()
    metrics = XroadMetrics(clock)
    metrics.add(told(50, 60 * SECOND))
    clock.now += 3600
    metrics.add(told(20, 0))
    assert 59 < skews(metrics)["b"] < 61
    clock.now += 3600
    assert skews(metrics) == {"b": 0}


@pytest.mark.parametrize("wrong_by", [8, -8])
def test_a_clock_is_shown_while_it_is_wrong_and_not_for_longer(wrong_by: int) -> None:
    """Its calls bear hours that are ahead of all others, or behind: they count when they come."""
    clock = Clock()
    metrics = XroadMetrics(clock)
    shown = []
    for turn in range(12):
        for _ in range(6):
            clock.now += 600
            ahead = wrong_by if 3 <= turn < 6 else 0
            metrics.add(told(5, -ahead * 3600 * SECOND, hour=HOUR + (turn + ahead) * 3600))
        shown.append(round(skews(metrics)["b"] / 3600))
    assert shown[:3] == [0, 0, 0]
    assert shown[4:6] == [-wrong_by, -wrong_by], "after an hour of two"
    assert shown[7:] == [0, 0, 0, 0, 0]


def test_servers_that_meet_no_more_are_not_shown_and_make_room() -> None:
    """Two hours after their last call at the latest; until then, more than the limit count under one."""
    clock = Clock()
    metrics = XroadMetrics(clock)
    for number in range(MAX_SHOWN_SERVERS + 1):
        metrics.add(told(LEAST_CALLS, SECOND, f"server-{number}"))
    assert len(skews(metrics)) == MAX_SHOWN_SERVERS + 1
    assert "(others)" in skews(metrics)
    clock.now = 6599
    assert len(skews(metrics)) == MAX_SHOWN_SERVERS + 1
    clock.now = 7200
    assert skews(metrics) == {}
    metrics.add(told(LEAST_CALLS, SECOND, "new"))
    assert list(skews(metrics)) == ["new"]


def test_waiting_halves_are_those_of_partitions_that_are_held(tmp_path: Path) -> None:
    """By partition; one that is let go is not shown any more."""
    engine = memory(tmp_path / "monitor.db")
    metrics = XroadMetrics()
    shown = CollectorRegistry()
    shown.register(metrics)

    def waiting(partition: int) -> float | None:
        return shown.get_sample_value("datashare_xroad_waiting_halves", {"partition": str(partition)})

    assert waiting(0) is None
    owners = [Owner(engine, partition) for partition in range(2)]
    for number, owner in enumerate(owners):
        metrics.follow(number, owner.ledger.pairing)
        owner.fold(body(halves(number)[0], halves(number + 10)[1]))
    assert (waiting(0), waiting(1)) == (2, 2)
    owners[0].fold(body(halves(0)[1]))
    assert (waiting(0), waiting(1)) == (1, 2)
    del owners[0], owner
    assert (waiting(0), waiting(1)) == (None, 2)
    engine.dispose()
