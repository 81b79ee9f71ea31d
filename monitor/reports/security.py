"""The part of a report that others fill: what security staff saw. This package knows only the question.

Alerts, incidents and risk belong to a package that builds on this one, so that whoever can answer is found by
an entry point, as commands are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib.metadata import entry_points
from typing import Final, Protocol

from sqlalchemy import Connection

from monitor.reports.model import SecurityPart
from monitor.reports.period import Span

PARTS: Final = "monitor.report_parts"
SECURITY: Final = "security"


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report wants to know: hours of the period, of the one before and of a year ago, whose figures.

    Spans are None where the ledger does not reach. `agency` is a present code, None for all; `canonical`
    leads from every code to the present one. `half_life` is that of the risk score, and `now` the moment of
    asking: what fades is kept for a while only.
    """

    span: Span
    before: Span | None
    year_ago: Span | None
    agency: str | None
    canonical: Mapping[str, str]
    half_life: timedelta
    now: datetime


class SecurityReader(Protocol):
    """Answers for one transaction; raises sqlalchemy.exc.DBAPIError."""

    def __call__(self, connection: Connection, asked: Asked, /) -> SecurityPart:
        """What security staff saw in the period."""


def security_reader() -> SecurityReader | None:
    """Who can answer; None where nothing that is installed does."""
    for point in entry_points(group=PARTS, name=SECURITY):
        found: SecurityReader = point.load()
        return found
    return None
