"""What security staff saw: alerts, incidents, risk, events."""

from __future__ import annotations

from datetime import date, datetime

from monitor.reports.figures import Figure, Indicator, Text, Trend


class AlertTier(Figure, frozen=True, kw_only=True):
    """Alerts of one severity (1 informational to 5 critical); times to acknowledge are seconds.

    `opened`, `acknowledged` and `resolved` happened within the period; `open_at_end` were open at its end.
    `median_acknowledge_s` is over the alerts opened in it that were acknowledged by its end.
    """

    level: int
    opened: Trend
    acknowledged: int
    median_acknowledge_s: float | None
    resolved: int
    open_at_end: int


class AlertRow(Figure, frozen=True, kw_only=True):
    """An alert that was open at the period's end."""

    alert: str
    title: Text
    level: int
    agency: str
    opened: datetime
    acknowledged: datetime | None
    count: int


class IncidentRow(Figure, frozen=True, kw_only=True):
    """An incident that was detected in the period, or was not settled when it began.

    `in_time` tells whether the notice was given within 72 hours of detection: None while that can still be,
    and where no notice is due. `hours` is how long it took, or has taken by the end.
    """

    incident: str
    agency: str
    tier: int
    kind: str
    what: str
    personal_data: str
    status: str
    detected: datetime
    due: datetime
    notified: datetime | None
    hours: float | None
    in_time: bool | None


class RiskRow(Figure, frozen=True, kw_only=True):
    """Risk of one agency: the score (0 to 100) at the period's end, its highest at the end of a day."""

    agency: str
    score: float
    highest: float
    highest_day: date | None
    detections: int
    rules: tuple[str, ...]


class EventCount(Figure, frozen=True, kw_only=True):
    """Security events of one kind and severity (1 to 5)."""

    kind: str
    severity: int
    count: Trend


class SecurityPart(Figure, frozen=True, kw_only=True):
    """What security staff saw. `notified_in_time` is of incidents whose 72 hours ended in the period.

    `risk_from` is set where detections of before it are no longer kept, so that they are in no row of `risk`.
    """

    acknowledged: Indicator
    notified_in_time: Indicator
    tiers: tuple[AlertTier, ...]
    open_alerts: tuple[AlertRow, ...]
    open_alerts_more: int
    incidents: tuple[IncidentRow, ...]
    incidents_more: int
    risk: tuple[RiskRow, ...]
    events: tuple[EventCount, ...]
    risk_from: datetime | None = None
