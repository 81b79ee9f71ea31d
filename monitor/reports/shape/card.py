"""What only the score card of one agency has."""

from __future__ import annotations

from typing import Literal

from monitor.reports.figures import Durations, Figure, Indicator, Text, Trend, Volume
from monitor.reports.shape.sharing import AgencyRow


class Movement(Figure, frozen=True, kw_only=True):
    """Something that became better or worse against the period before.

    `key` is an indicator or measure, `subject` the service or partner that it is about, if any. `unit` says
    what `before` and `now` are: share (0 to 1), count, or us (microseconds).
    """

    key: str
    subject: str | None
    better: bool
    unit: Literal["share", "count", "us"]
    before: float
    now: float
    text: Text


class Partner(Figure, frozen=True, kw_only=True):
    """An agency on the other side: what it asked, or was asked."""

    agency: str
    name: Text | None
    services: int
    exchanges: Trend
    failed: int
    breached: int


class Side(Figure, frozen=True, kw_only=True):
    """An agency as provider or as consumer."""

    volume: Volume
    before: Volume | None
    year_ago: Volume | None
    durations: Durations
    availability: Indicator
    partners: tuple[Partner, ...]
    services: int


class Card(Figure, frozen=True, kw_only=True):
    """What only the score card of one agency has; its other parts are restricted to that agency.

    `of` is how many agencies are ranked. Movements have the largest first.
    """

    row: AgencyRow
    as_provider: Side
    as_consumer: Side
    improved: tuple[Movement, ...]
    worsened: tuple[Movement, ...]
