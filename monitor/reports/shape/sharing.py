"""What was exchanged, between whom, and how well: volume, ranking, quality."""

from __future__ import annotations

from datetime import date
from typing import Literal

from monitor.reports.figures import Durations, Figure, Indicator, Text, Trend, Volume

Slo = Literal["availability", "latency", "error_rate"]


# Volume


class Day(Figure, frozen=True, kw_only=True):
    """One local day; days without exchanges are there, with zeros."""

    day: date
    exchanges: int
    failed: int
    denied: int
    breached: int


class VolumePart(Figure, frozen=True, kw_only=True):
    """What was exchanged. `before` and `year_ago` are None where the ledger does not reach.

    `days_before` and `days_year_ago` are the exchanges of each summed local day of the other periods, from
    their first one on; empty where the ledger does not reach.
    """

    total: Volume
    before: Volume | None
    year_ago: Volume | None
    days: tuple[Day, ...]
    agencies_active: Trend
    agencies_registered: int
    services_active: Trend
    services_registered: int
    pairs_active: Trend
    connection_points: int
    days_before: tuple[int, ...] = ()
    days_year_ago: tuple[int, ...] = ()


# Agencies


class Points(Figure, frozen=True, kw_only=True):
    """What an indicator adds to the composite: `points` of `most`, a line capped at the target."""

    indicator: str
    points: float
    most: float


class AgencyRow(Figure, frozen=True, kw_only=True):
    """One agency of the ranking. Ranks are from 1; None is not ranked, for `unranked` (`reason.…`).

    By volume it is ranked by exchanges it provided. `composite` runs from 0 to 100; the rules that the report
    states say how it is made. Equal values have equal ranks. `indicators` are in the order of `INDICATORS` of
    monitor.indicators.agencies.
    """

    agency: str
    name: Text
    kind: str
    connected: bool
    provided: Trend
    consumed: Trend
    availability: Indicator
    indicators: tuple[Indicator, ...]
    rank: int | None
    rank_before: int | None
    composite: float | None
    composite_before: float | None
    points: tuple[Points, ...]
    composite_rank: int | None
    composite_rank_before: int | None
    unranked: str | None = None

    @property
    def change_of_rank(self) -> int | None:
        """Places gained by volume (positive) or lost since the period before; None for a newcomer."""
        return None if None in (self.rank, self.rank_before) else self.rank_before - self.rank  # type: ignore[operator]

    @property
    def change_of_composite_rank(self) -> int | None:
        """Places gained or lost by composite."""
        now, before = self.composite_rank, self.composite_rank_before
        return None if now is None or before is None else before - now


class RankingPart(Figure, frozen=True, kw_only=True):
    """All agencies, by code; a score card holds all too, so that its rank can be read among the others.

    `weights` are the points of each indicator in the composite, `least_scored` how many must be scored for
    an agency to be ranked by it. `ranked` and `composite_ranked` count those that have a rank.
    """

    agencies: tuple[AgencyRow, ...]
    weights: dict[str, float]
    least_scored: int
    ranked: int
    composite_ranked: int


# Quality


class ServiceRow(Figure, frozen=True, kw_only=True):
    """One service; `name`, `method` are None for what no registry holds."""

    service: str
    name: Text | None
    provider: str
    method: str | None
    consumers: int
    volume: Volume
    exchanges: Trend
    durations: Durations
    availability: Indicator
    p95_before_us: int | None


class PairRow(Figure, frozen=True, kw_only=True):
    """One provider, consumer and service: a row of the annex.

    `agreements` are ids in force within the period; `under_agreement` are exchanges that one permitted.
    """

    provider: str
    consumer: str
    service: str
    volume: Volume
    exchanges: Trend
    durations: Durations
    availability: Indicator
    under_agreement: int
    agreements: tuple[str, ...]


class ObjectiveRow(Figure, frozen=True, kw_only=True):
    """How one objective of one agreement was kept.

    `objective` is the share that must be good under the version in force last; `limit_ms` goes with latency.
    `allowed` is how many might have missed it, each exchange under the objective in force then; it is
    broken where `bad` exceeds that. `attained` has good exchanges as numerator; without exchanges it is not
    scored, and neither kept nor broken.
    """

    agreement: str
    provider: str
    consumer: str
    service: str
    slo: Slo
    objective: float
    limit_ms: float | None
    attained: Indicator
    bad: int
    allowed: float
    kept: bool | None
    kept_before: bool | None


class QualityPart(Figure, frozen=True, kw_only=True):
    """How services answered, and how far objectives were kept.

    `objectives_met` counts objectives: kept, of those with exchanges, of all that are agreed.
    """

    availability: Indicator
    denied: Indicator
    durations: Durations
    durations_before: Durations | None
    objectives_met: Indicator
    services: tuple[ServiceRow, ...]
    objectives: tuple[ObjectiveRow, ...]
