"""The index of service quality: points on capped lines, over what could be scored. Plain, from sums.

An item has points x min(rate / target, 1): all of them from the target on. With a denominator of 0 it is not
scored, which is not 0: its points are neither won nor lost, and the coverage says how many were at stake.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

from monitor.dossiers.items import ITEMS, ItemKey
from monitor.dossiers.rules import QualityRules


@dataclass(frozen=True, slots=True)
class ItemScore:
    """One item: counts, its target, and its points of `most`; `points` is None where it is not scored."""

    key: ItemKey
    numerator: int
    denominator: int
    eligible: int
    target: float
    points: float | None
    most: float
    confirmed: bool

    @property
    def rate(self) -> float | None:
        """Numerator by denominator; None where it is not scored."""
        return self.numerator / self.denominator if self.denominator else None


@dataclass(frozen=True, slots=True)
class Index:
    """The index of one agency, of one group of procedures, or of several together.

    `points` are of `scored`, the points of the items that could be scored; `most` are those of the whole
    index, with what dossiers cannot measure. `received` counts dossiers; `handling_days` are the working
    days of the `handled`, without those waited for applicants.
    """

    items: tuple[ItemScore, ...]
    points: float
    scored: float
    most: float
    received: int
    handled: int
    handling_days: int

    @property
    def scaled(self) -> float | None:
        """Points of 100, over what was scored; None where nothing was."""
        return 100 * self.points / self.scored if self.scored else None

    @property
    def coverage(self) -> float:
        """Share of the whole index's points that were scored, 0 to 1."""
        return self.scored / self.most if self.most else 0.0

    @property
    def mean_handling_days(self) -> float | None:
        """Working days; None where nothing was handled."""
        return self.handling_days / self.handled if self.handled else None


def index_of(sums: Mapping[str, int], rules: QualityRules) -> Index:
    """Score sums by measure (monitor.dossiers.counts)."""
    items = tuple(_score(key, sums, rules) for key in ITEMS)
    scored = [each for each in items if each.points is not None]
    return Index(
        items,
        points=float(sum(Fraction(each.points or 0) for each in scored)),
        scored=float(sum(each.most for each in scored)),
        most=rules.most,
        received=sums.get("received", 0),
        handled=sums.get("handled", 0),
        handling_days=sums.get("handling_days", 0),
    )


def _score(key: ItemKey, sums: Mapping[str, int], rules: QualityRules) -> ItemScore:
    item, given = ITEMS[key], rules.items[key]
    numerator, denominator, beside = (
        sum(sums.get(name, 0) for name in names) for names in (item.numerator, item.denominator, item.beside)
    )
    points = None
    if denominator:
        # As people write them: 0.8 of 5 is 4, which the float nearest to 0.8 would miss.
        full = Fraction(numerator, denominator) / Fraction(repr(given.target))
        points = float(Fraction(repr(given.points)) * min(full, Fraction(1)))
    return ItemScore(
        key, numerator, denominator, denominator + beside, given.target, points, given.points, given.confirmed
    )
