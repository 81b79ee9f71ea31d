"""What one consumer may ask of one service within one hour, prepared so that judging is a few comparisons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from monitor.judging.breach import Breach
from monitor.judging.hours import Opening

UNREGISTERED = "unregistered"  # every name that the registry does not hold counts under this one


class Pair(NamedTuple):
    """Who answers, who asks, and what; names that are not registered are `unregistered`."""

    provider: str
    consumer: str
    service: str


class Usage:
    """How many calls one pair has made in one local day; changed in place as they are judged."""

    __slots__ = ("calls",)

    def __init__(self, calls: int = 0) -> None:
        self.calls = calls


Breaches = tuple[Breach, ...]
Said = tuple[str | None, bytes, bool | None]  # purpose, fields as JSON text, whether signed


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms in force for a pair; None (or infinity) where the agreement sets no limit.

    When `standing` is a breach, nothing is permitted and no other term is looked at.
    """

    pair: Pair
    standing: Breach | None = None
    agreement: str | None = None
    version: int = 0
    purposes: frozenset[str] | None = None
    fields: frozenset[str] | None = None
    records_per_call: int | None = None
    calls_per_day: int | None = None
    opening: Opening | None = None
    case_required: bool = False
    signature_required: bool = False
    latency_limit_ms: float = float("inf")
    error_rate_agreed: bool = False  # whether failures count against an objective of their own
    # Of what exchanges said: shared by all hours of an agreement's version, filled by the judge.
    verdicts: dict[Said, Breaches] = field(default_factory=dict, compare=False, repr=False)

    @property
    def metered(self) -> bool:
        """Whether an exchange must be judged by more than what it says."""
        return self.standing is None and (
            self.records_per_call is not None
            or self.opening is not None
            or self.calls_per_day is not None
            or self.case_required
        )
