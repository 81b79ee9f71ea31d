"""An hour that has not ended: its running total, and what of it has not been told yet."""

from __future__ import annotations

from bisect import insort
from math import inf

from alerts.baselines.distinct import Distinct
from alerts.baselines.usual import Usual
from alerts.model import EVIDENCE, Evidence


class OpenHour:
    """One group in one hour.

    `total` is the measure so far. `pending` counts the events that no detection has told of yet, `first_ms`
    and `evidence` belong to them; `last_ms` is the last event of all. `squares` is the sum of the squares of
    single values, for sums. `bound` is the total that must be exceeded; `told_ms` is how far the last
    detection reached, or -1 while there was none.
    """

    __slots__ = (
        "bound",
        "distinct",
        "evidence",
        "first_ms",
        "last_ms",
        "pending",
        "squares",
        "told_ms",
        "total",
        "usual",
    )

    def __init__(self, bound: float = inf, usual: Usual | None = None) -> None:
        self.total = 0
        self.pending = 0
        self.first_ms = 0
        self.last_ms = 0
        self.squares = 0
        self.evidence: list[Evidence] = []
        self.distinct: Distinct | None = None
        self.bound = bound
        self.usual = usual
        self.told_ms = -1

    def note(self, time_ms: int, event_id: str) -> None:
        """Count one event."""
        if not self.pending or time_ms < self.first_ms:
            self.first_ms = time_ms
        if time_ms > self.last_ms:  # noqa: PLR1730  # every event comes here: max() takes twice as long
            self.last_ms = time_ms
        self.pending += 1
        evidence = self.evidence
        full = len(evidence) == EVIDENCE
        if full and time_ms > evidence[-1].time_ms:  # nearly always
            return
        insort(evidence, Evidence(time_ms, event_id))
        if full:
            evidence.pop()

    def note_many(self, count: int, first_ms: int, last_ms: int, earliest: list[Evidence]) -> None:
        """Count events, of which `earliest` are the first."""
        if not self.pending or first_ms < self.first_ms:
            self.first_ms = first_ms
        self.last_ms = max(self.last_ms, last_ms)
        self.pending += count
        self.evidence = sorted([*self.evidence, *earliest])[:EVIDENCE]

    def told(self, until_ms: int) -> None:
        """What was pending has been told."""
        self.pending = 0
        self.evidence = []
        self.told_ms = until_ms
