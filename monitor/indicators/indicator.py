"""An indicator: numerator, denominator, coverage and target; never a bare percentage.

The rules that every indicator keeps:
- It is made of counts. Indicators are put together by adding counts, never by averaging ratios.
- The denominator holds what could be scored, the numerator what of it is as it should be.
- `eligible` is what ought to have been scored; coverage is the denominator's share in it. Who reads the ratio
  reads the coverage beside it: 100 % of a tenth is not 100 %.
- What cannot be scored (an agency that is not connected, a service that nobody may use) is left out of the
  numerator and of the denominator and stays in `eligible`: it is not zero, it lowers the coverage.
- With a denominator of zero there is no ratio: it is shown as "not scored", never as 0 % or 100 %.
- With nothing eligible there is no coverage either: the indicator does not concern the agency.
- The target is a share; it is met at the target, not above it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Indicator:
    """One indicator of one agency, or of several together; counts, and a target between 0 and 1.

    Raises ValueError unless 0 <= numerator <= denominator <= eligible.
    """

    name: str
    numerator: int
    denominator: int
    eligible: int
    target: float

    def __post_init__(self) -> None:
        if not 0 <= self.numerator <= self.denominator <= self.eligible:
            raise ValueError(
                f"{self.name}: {self.numerator} of {self.denominator}, {self.eligible} eligible: "
                "each must be as large as the one before, and none below 0"
            )
        if not 0 < self.target <= 1:
            raise ValueError(f"{self.name}: target {self.target} is not above 0 and up to 1")

    @property
    def scored(self) -> bool:
        """Whether there is anything to form a ratio of."""
        return self.denominator > 0

    @property
    def concerns(self) -> bool:
        """Whether there is anything that ought to be scored."""
        return self.eligible > 0

    @property
    def ratio(self) -> float | None:
        """Numerator by denominator, 0 to 1; None where it is not scored."""
        return self.numerator / self.denominator if self.scored else None

    @property
    def coverage(self) -> float | None:
        """Share of what ought to be scored that is, 0 to 1; None where nothing ought to be."""
        return self.denominator / self.eligible if self.concerns else None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached, compared exactly; None where it is not scored."""
        if not self.scored:
            return None
        # As people write it: 0.8 of 5 is 4, which the float nearest to 0.8 would miss.
        return self.numerator >= Fraction(repr(self.target)) * self.denominator


def unscored(name: str, eligible: int, target: float) -> Indicator:
    """An indicator of which nothing can be scored."""
    return Indicator(name, 0, 0, eligible, target)


def combined(parts: Iterable[Indicator]) -> Indicator:
    """The same indicator of several agencies together: counts are added, ratios are not averaged.

    What of it an agency lacks lowers the coverage of all. Raises ValueError for none at all, and for
    indicators of different names or targets, which are not the same.
    """
    held = list(parts)
    if not held:
        raise ValueError("no indicator to put together")
    first = held[0]
    if any((each.name, each.target) != (first.name, first.target) for each in held):
        raise ValueError(f"{first.name} cannot be put together with another indicator, or another target")
    return Indicator(
        first.name,
        sum(each.numerator for each in held),
        sum(each.denominator for each in held),
        sum(each.eligible for each in held),
        first.target,
    )
