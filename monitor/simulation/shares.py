"""Shares: how much of a simulated stream is wrong, late, repeated or wrapped, and in which way."""

from __future__ import annotations

from dataclasses import dataclass, fields

from monitor.errors import UsageProblem


@dataclass(frozen=True, slots=True)
class Shares:
    """Each a share of all events, from 0 to 1. Raises UsageProblem when one is not or a group exceeds 1.

    An event is at most one of breach, late, duplicate, malformed and oversized; clean and late ones are
    answered with fault, denied or timeout; every readable one may be a CloudEvent, binary or structured.
    """

    breach: float = 0.01
    late: float = 0.005
    duplicate: float = 0.003
    malformed: float = 0.001
    oversized: float = 0.0  # over a mebibyte each: only where asked for
    fault: float = 0.01
    denied: float = 0.005
    timeout: float = 0.003
    binary: float = 0.05
    structured: float = 0.05

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value <= 1:  # also refuses NaN
                raise UsageProblem(f"share of {field.name}: {value:g} is not between 0 and 1")
        for group in (
            ("breach", "late", "duplicate", "malformed", "oversized"),
            ("fault", "denied", "timeout"),
            ("binary", "structured"),
        ):
            total = sum(getattr(self, name) for name in group)
            if total > 1 + 1e-9:
                raise UsageProblem(f"shares of {', '.join(group)} add up to {total:g}; at most 1")


CLEAN = Shares(
    breach=0, late=0, duplicate=0, malformed=0, fault=0, denied=0, timeout=0, binary=0, structured=0
)
