"""The index of public service quality, for the part of the report that dossiers fill."""

from __future__ import annotations

import msgspec

from monitor.reports.figures import Figure, Indicator, Text


class QualityItem(Figure, frozen=True, kw_only=True):
    """One item of the index of service quality: a rate, and its points of `most`.

    `confirmed` is False where no source confirms the weight, so that it is configuration.
    """

    key: str
    label: Text
    indicator: Indicator
    points: float | None
    most: float
    confirmed: bool


class ProcedureGroup(Figure, frozen=True, kw_only=True):
    """What became of the dossiers of one group of procedures; `name` is its key where nobody named it.

    `received` and `completed` are dossiers of the period. `on_time` is of those of which it was decided in
    the period, with those that lapsed and are still open. `handling_days` are the working days of the
    `handled`, without what was waited for applicants.
    """

    group: str
    name: Text
    received: int
    completed: int
    on_time: Indicator
    handled: int
    handling_days: int
    filed_online: Indicator
    paid_online: Indicator
    satisfaction: Indicator

    @property
    def mean_handling_days(self) -> float | None:
        """Working days; None where nothing was handled."""
        return self.handling_days / self.handled if self.handled else None


class ServiceQuality(Figure, frozen=True, kw_only=True):
    """The index of public service quality; None in a report where no dossiers are known.

    `dossiers` were received in the period; `handling_days` are the working days of those `handled` in it,
    without what was waited for applicants. `points` are of `scored`, the points of those items that could be
    scored; `most` are the points of all. `groups` has every group of procedures of which anything is known in
    the period, the worst on time first; their counts add up to those of the whole.
    """

    dossiers: int
    points: float
    scored: float
    most: float
    items: tuple[QualityItem, ...]
    handled: int = 0
    handling_days: int = 0
    agencies: dict[str, tuple[QualityItem, ...]] = msgspec.field(default_factory=dict)
    groups: tuple[ProcedureGroup, ...] = ()

    @property
    def mean_handling_days(self) -> float | None:
        """Working days; None where nothing was handled."""
        return self.handling_days / self.handled if self.handled else None
