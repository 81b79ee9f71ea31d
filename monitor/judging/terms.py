"""What one consumer may ask of one service within one hour, prepared so that judging is a few comparisons."""

from __future__ import annotations

from dataclasses import dataclass
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
