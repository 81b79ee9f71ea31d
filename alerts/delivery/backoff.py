"""How long to wait after failures: longer each time, up to a bound, and never all at one moment."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

LONGEST_WISH_S = 300.0  # a receiver's Retry-After is heeded up to here


@dataclass(slots=True)
class Backoff:
    """Pauses after failures in a row, in seconds: from `first`, doubled up to `longest`, less up to half by
    chance."""

    first: float
    longest: float
    chance: random.Random = field(default_factory=random.Random)
    failures: int = 0

    def failed(self, wish: float | None = None) -> float:
        """One failure more; the pause that follows it, not shorter than the receiver's wish."""
        whole = min(self.longest, self.first * 2.0 ** min(self.failures, 30))
        self.failures += 1
        return max(whole * (0.5 + self.chance.random() / 2), min(wish or 0.0, LONGEST_WISH_S))

    def succeeded(self) -> None:
        """Begin anew."""
        self.failures = 0
