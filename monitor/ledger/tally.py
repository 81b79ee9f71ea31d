"""What one pair did in one hour since the last commit: the accumulator on the path of every exchange."""

from __future__ import annotations

from array import array
from datetime import UTC, datetime
from math import inf

from monitor.judging.terms import Terms, Usage

LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Tally:
    """Counts of one (hour, pair) since the last commit.

    Durations are only listed here: how many there were, how long they took together, how many were over the
    agreed limit and in which bucket they fall is worked out for all of them together at commit.

    `most_records`, `most_calls`, `timed` and `case_required` tell of nearly all exchanges that they keep
    metered terms, at the price of a comparison each: no limit is infinity.
    """

    __slots__ = (
        "answered",
        "breached",
        "case_required",
        "duplicates",
        "last_time",
        "late",
        "metered",
        "most_calls",
        "most_records",
        "pair",
        "records",
        "request_bytes",
        "response_bytes",
        "terms",
        "timed",
        "unanswered",
        "usage",
        "verdicts",
    )

    def __init__(self, terms: Terms, usage: Usage | None) -> None:
        self.terms = terms
        self.usage = usage
        self.pair = terms.pair
        self.verdicts = terms.verdicts
        self.metered = terms.metered
        self.most_records = inf if terms.records_per_call is None else terms.records_per_call
        self.most_calls = inf if terms.calls_per_day is None else terms.calls_per_day
        self.timed = terms.opening is not None
        self.case_required = terms.case_required
        # duration_ms of the exchanges with outcome ok: side by side, they are read at commit without waiting
        # for memory, as numbers that were decoded among what is long forgotten would be.
        self.answered = array("d")
        self.unanswered: list[tuple[str, float]] = []  # outcome and duration_ms of the others
        self.records = 0
        self.request_bytes = 0
        self.response_bytes = 0
        self.breached = 0
        self.late = 0
        self.duplicates = 0
        self.last_time = LONG_AGO

    @property
    def counted(self) -> bool:
        """Whether anything was counted: an exchange, or one that came again."""
        return bool(self.answered or self.unanswered or self.duplicates)
