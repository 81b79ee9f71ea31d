"""What is agreed about quality, and what counts for and against it: the one place that defines both."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, NamedTuple

from monitor.registry.model import Agreement, Latency, Service

AVAILABILITY: Final = "availability"
LATENCY: Final = "latency"
ERROR_RATE: Final = "error_rate"
SLOS: Final = (AVAILABILITY, LATENCY, ERROR_RATE)
"""In the order in which they are shown. `error_rate` counts what `availability` counts, and is there for
agreements that are written as the share that may fail; its objective is one minus that share."""

SYNCHRONISES: Final = frozenset({"sync", "sync-general", "package"})
"""Methods that bring copies of data, which can be too old; the answer to a query is as new as the query."""

_DECIMALS = 9  # of one minus a share, which floats miss in the 17th place


class Counted(NamedTuple):
    """Exchanges that an objective is measured on, and those of them that missed it."""

    events: int
    bad: int


def served(ok: int, fault: int, timeout: int) -> Counted:
    """What availability and the error rate count: faults and timeouts are bad.

    A denial is an answer, and neither good nor bad: counted as good, a flood of refused calls would hide
    an outage.
    """
    return Counted(ok + fault + timeout, fault + timeout)


def timely(ok: int, slow: int) -> Counted:
    """What latency counts: answers, and those that took longer than agreed, counted one by one."""
    return Counted(ok, slow)


class Agreed(NamedTuple):
    """The objectives of one agreement version; None where there is none."""

    availability: float | None
    latency: Latency | None
    error_rate: float | None
    frequency: timedelta | None

    def objective(self, slo: str) -> float | None:
        """The share of exchanges that must be good (between 0 and 1); None where nothing is agreed."""
        match slo:
            case "availability":
                return self.availability
            case "latency":
                return self.latency.ratio if self.latency else None
            case "error_rate":
                return round(1 - self.error_rate, _DECIMALS) if self.error_rate else None
            case _:
                raise ValueError(f"there is no objective {slo}")


def agreed(agreement: Agreement, service: Service) -> Agreed:
    """The objectives of an agreement: its own, and for those it does not name the service's."""
    own, offered = agreement.objectives, service.objectives
    return Agreed(
        availability=own.availability or offered.availability,
        latency=own.latency or offered.latency,
        error_rate=own.errorRate or offered.errorRate,
        frequency=(own.frequency or offered.frequency) if service.method in SYNCHRONISES else None,
    )
