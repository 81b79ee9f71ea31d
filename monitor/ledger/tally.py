"""What one pair did in one hour since the last commit: the accumulator on the path of every exchange."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime

from monitor.judging.terms import Terms, Usage

LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Tally:
    """Counts of one (hour, pair) since the last commit.

    Durations are counted by their exact value: how many came in, how long they took together, how many
    were over the agreed limit and in which bucket they fall are all worked out once per distinct value
    at commit, not once per exchange.
    """

    __slots__ = (
        "answered",
        "breached",
        "duplicates",
        "last_time",
        "late",
        "records",
        "request_bytes",
        "response_bytes",
        "terms",
        "unanswered",
        "usage",
    )

    def __init__(self, terms: Terms, usage: Usage | None) -> None:
        self.terms = terms
        self.usage = usage
        self.answered: defaultdict[float, int] = defaultdict(int)  # duration_ms -> exchanges with outcome ok
        self.unanswered: defaultdict[tuple[str, float], int] = defaultdict(int)  # (outcome, duration_ms)
        self.records = 0
        self.request_bytes = 0
        self.response_bytes = 0
        self.breached = 0
        self.late = 0
        self.duplicates = 0
        self.last_time = LONG_AGO
