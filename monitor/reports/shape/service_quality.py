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


class ServiceQuality(Figure, frozen=True, kw_only=True):
    """The index of public service quality; None in a report where no dossiers are known.

    `points` are of `scored`, the points of those items that could be scored; `most` are the points of all.
    """

    dossiers: int
    points: float
    scored: float
    most: float
    items: tuple[QualityItem, ...]
    agencies: dict[str, tuple[QualityItem, ...]] = msgspec.field(default_factory=dict)
