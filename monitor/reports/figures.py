"""What a report is made of: texts in two languages, counts, trends, indicators, durations."""

from __future__ import annotations

from fractions import Fraction
from typing import Literal, get_args

import msgspec

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """Base of everything in a report: it never changes, and JSON has its fields under their names."""


class Text(Figure, frozen=True, kw_only=True):
    """The same text in both languages."""

    en: str
    vi: str

    def of(self, language: Language) -> str:
        """The text in one of them."""
        return self.vi if language == "vi" else self.en


class Share(Figure, frozen=True, kw_only=True):
    """Counts of which a share is formed; the share of two counts is never averaged with another."""

    numerator: int
    denominator: int

    @property
    def ratio(self) -> float | None:
        """Numerator by denominator; None for nothing of nothing."""
        return self.numerator / self.denominator if self.denominator else None


class Indicator(Figure, frozen=True, kw_only=True):
    """Numerator, denominator, coverage, target and source; never a bare percentage.

    `eligible` is what ought to have been scored: the denominator's share in it is the coverage. Where it is
    not `scored` there is no ratio, and `reason` (a key of the texts, `reason.…`) says why. `target` is a
    share from 0 to 1, None where none is set. `source` is a key of the texts (`source.…`). `before` and
    `year_ago` are the same counts of the period before and of a year ago, None where the ledger does not
    reach.
    """

    key: str
    numerator: int
    denominator: int
    eligible: int
    target: float | None
    source: str
    scored: bool
    reason: str | None = None
    before: Share | None = None
    year_ago: Share | None = None

    @property
    def ratio(self) -> float | None:
        """Numerator by denominator, 0 to 1; None where it is not scored."""
        return self.numerator / self.denominator if self.scored else None

    @property
    def coverage(self) -> float | None:
        """Share of what ought to be scored that is; None where nothing ought to be."""
        return self.denominator / self.eligible if self.eligible else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached, compared exactly; None where not scored, or without a target."""
        if not self.scored or self.target is None:
            return None
        # As people write it: 0.8 of 5 is 4, which the float nearest to 0.8 would miss.
        return self.numerator >= Fraction(repr(self.target)) * self.denominator

    @property
    def share(self) -> Share:
        """Its two counts alone, to be compared with another period's."""
        return Share(numerator=self.numerator, denominator=self.denominator)


class Trend(Figure, frozen=True, kw_only=True):
    """A count in this period, the one before, and a year ago; None where the ledger does not reach."""

    now: int
    before: int | None = None
    year_ago: int | None = None

    @property
    def change(self) -> float | None:
        """Change against the period before as a share of it: 0.1 is ten per cent more; None without one."""
        return (self.now - self.before) / self.before if self.before else None

    @property
    def change_in_a_year(self) -> float | None:
        """Change against the same period a year ago, likewise."""
        return (self.now - self.year_ago) / self.year_ago if self.year_ago else None


class Volume(Figure, frozen=True, kw_only=True):
    """Exchanges by outcome and what they carried. All counts are exact; sizes are bytes.

    `exchanges` is the sum of the four outcomes. `breached` had at least one breach; `late` came behind the
    newest event by more than the setting; `duplicates` came again and are in no other count.
    """

    exchanges: int = 0
    ok: int = 0
    fault: int = 0
    denied: int = 0
    timeout: int = 0
    records: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    breached: int = 0
    late: int = 0
    duplicates: int = 0

    @property
    def failed(self) -> int:
        """Faults and timeouts: what counts against availability. A denial is an answer."""
        return self.fault + self.timeout

    @property
    def mean_request_bytes(self) -> float | None:
        """Bytes a request; None without exchanges. The ledger keeps sums of sizes, hence no percentiles."""
        return self.request_bytes / self.exchanges if self.exchanges else None

    @property
    def mean_response_bytes(self) -> float | None:
        """Bytes an answer, over all exchanges; None without exchanges."""
        return self.response_bytes / self.exchanges if self.exchanges else None


class Durations(Figure, frozen=True, kw_only=True):
    """How long exchanges took, over all outcomes, in microseconds; None where there were none.

    Sum, shortest and longest are exact. Percentiles are estimates from the merged histograms, within 1.1 % of
    the value of their rank (monitor.ledger.histogram), and never outside shortest and longest.
    """

    exchanges: int = 0
    total_us: int = 0
    shortest_us: int | None = None
    p50_us: int | None = None
    p95_us: int | None = None
    p99_us: int | None = None
    longest_us: int | None = None

    @property
    def mean_us(self) -> float | None:
        """The mean; None without exchanges."""
        return self.total_us / self.exchanges if self.exchanges else None
