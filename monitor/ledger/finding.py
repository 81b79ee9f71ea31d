"""A finding: breaches of one kind, by one pair, in one hour, with sample evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from monitor.judging.breach import Breach
from monitor.judging.terms import Pair

SAMPLES = 10  # event ids kept as evidence; the first that came, so that they do not change later


class FindingKey(NamedTuple):
    """Where a finding belongs: the UTC hour's start in epoch seconds, the pair and the breach."""

    hour: int
    pair: Pair
    breach: Breach


@dataclass(slots=True)
class Finding:
    """How often, when first and last, and by which events.

    `denied` of the `count` exchanges were refused by the platform: attempts, not uses.
    `agreement` and `version` name the terms that were broken; None where there were none.
    """

    count: int
    denied: int
    first_time: datetime
    last_time: datetime
    samples: tuple[str, ...]
    agreement: str | None = None
    version: int = 0

    def plus(self, later: Finding) -> Finding:
        """A new finding that holds both, this one having come first."""
        return Finding(
            count=self.count + later.count,
            denied=self.denied + later.denied,
            first_time=min(self.first_time, later.first_time),
            last_time=max(self.last_time, later.last_time),
            samples=(self.samples + later.samples)[:SAMPLES],
            agreement=later.agreement or self.agreement,
            version=later.version or self.version,
        )
