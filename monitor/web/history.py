"""The last minutes of the figures, one sample a second, from which rates and the curve are drawn."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

# Long enough to see whether something is passing or lasting, short enough for one curve on a phone.
HISTORY_S = 240.0
POINT_S = 2.0  # one point of the curve: commits come every 0.4 s, so each point holds several
_MOST_SAMPLES = 600  # were someone to sample more often than once a second


class Sample(NamedTuple):
    """The counts at one moment. `time` is epoch seconds; `ages` are events by bucket of their age."""

    time: float
    exchanges: int
    breaches: int
    ages: tuple[int, ...]


class Point(NamedTuple):
    """One point of the curve: seconds before the newest sample, and what happened per second until then."""

    ago: float
    exchanges: float
    breaches: float


class History:
    """Samples of the last HISTORY_S seconds, oldest first."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=_MOST_SAMPLES)

    def add(self, sample: Sample) -> None:
        """Keep a sample; one that is not newer than the last (a clock set back) begins a new history."""
        if self._samples and sample.time <= self._samples[-1].time:
            self._samples.clear()
        self._samples.append(sample)
        while sample.time - self._samples[0].time > HISTORY_S:
            self._samples.popleft()

    @property
    def newest(self) -> Sample | None:
        """The last sample; None before the first."""
        return self._samples[-1] if self._samples else None

    def before(self, seconds: float) -> Sample | None:
        """The youngest sample at least `seconds` older than the newest, else the oldest there is."""
        newest = self.newest
        if newest is None:
            return None
        for sample in reversed(self._samples):
            if newest.time - sample.time >= seconds:
                return sample
        return self._samples[0]

    def rates(self, seconds: float) -> tuple[float, float]:
        """Exchanges and breaches per second over about the last `seconds`; zeros before two samples."""
        newest, before = self.newest, self.before(seconds)
        if newest is None or before is None or newest is before:
            return 0.0, 0.0
        return _per_second(before, newest)

    def ages(self, seconds: float) -> Sequence[int]:
        """Events by bucket of their age that were committed in about the last `seconds`."""
        newest, before = self.newest, self.before(seconds)
        if newest is None or before is None:
            return ()
        return [now - then for now, then in zip(newest.ages, before.ages, strict=True)]

    def points(self) -> list[Point]:
        """The curve, oldest first, a point at least every POINT_S seconds where there are samples."""
        if not self._samples:
            return []
        points: list[Point] = []
        later = newest = self._samples[-1]
        for sample in reversed(self._samples):
            # Sampling is never exactly on the second; half a sample early is near enough.
            if later.time - sample.time >= POINT_S - 0.5:
                points.append(Point(newest.time - later.time, *_per_second(sample, later)))
                later = sample
        points.reverse()
        return points


def _per_second(before: Sample, after: Sample) -> tuple[float, float]:
    seconds = after.time - before.time
    return (after.exchanges - before.exchanges) / seconds, (after.breaches - before.breaches) / seconds
