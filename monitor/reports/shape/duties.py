"""Whether agreements and duties were kept: compliance, connection, obstacles, what comes."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from monitor.reports.figures import Figure, Indicator, Text, Trend

Standing = Literal["overdue", "open", "done", "late", "unknown"]


# Compliance


class BreachKind(Figure, frozen=True, kw_only=True):
    """One kind of breach: how often, how many of it the platform had refused, how many pairs did so."""

    breach: str
    count: Trend
    denied: int
    pairs: int


class FindingRow(Figure, frozen=True, kw_only=True):
    """Breaches of one kind by one pair. Agreement and version are those that were broken, if any."""

    breach: str
    provider: str
    consumer: str
    service: str
    count: int
    denied: int
    agreement: str | None
    version: int
    first: datetime
    last: datetime


class DutyCount(Figure, frozen=True, kw_only=True):
    """Duties of one kind, as of the end of the period."""

    duty: str
    total: int
    overdue: int
    late: int
    overdue_before: int | None


class DutyRow(Figure, frozen=True, kw_only=True):
    """One duty that is overdue, or was done too late. `days` counts from the period's last day
    to its own, negative where that has passed.
    """

    agency: str
    duty: str
    subject: str
    standing: Standing
    last_day: date | None
    days: int | None
    working_days: bool


class Clause(Figure, frozen=True, kw_only=True):
    """An agreement's clauses that are stated and that nothing here checks; names of its fields."""

    agreement: str
    version: int
    provider: str
    consumer: str
    service: str
    unmonitored: tuple[str, ...]
    monitored: tuple[str, ...]


class AgreementRow(Figure, frozen=True, kw_only=True):
    """One agreement, in the version in force at the period's end, or the last before it.

    `in_force` tells whether exchanges may rely on it at the end. Days count from the period's end; negative
    is past. `exchanges` are those of its pair that an agreement permitted.
    """

    agreement: str
    version: int
    title: Text
    provider: str
    consumer: str
    service: str
    status: str
    in_force: bool
    start: date
    end: date
    review: date | None
    days_to_end: int
    days_to_review: int | None
    followed: bool
    exchanges: int
    breached: int


class CompliancePart(Figure, frozen=True, kw_only=True):
    """Whether sharing keeps to what was agreed.

    `under_agreement`: exchanges that an agreement permitted, of those that could be judged, of all.
    `without_breach`: exchanges without any breach, of all. `duties_on_time`: neither overdue nor too late.
    `unmonitored` counts agreements by clause. Lists hold the first; the numbers of others are `…_more`.
    """

    under_agreement: Indicator
    without_breach: Indicator
    duties_on_time: Indicator
    breaches: tuple[BreachKind, ...]
    findings: tuple[FindingRow, ...]
    findings_more: int
    duty_counts: tuple[DutyCount, ...]
    duties: tuple[DutyRow, ...]
    duties_more: int
    agreements: tuple[AgreementRow, ...]
    agreements_in_force: Trend
    clauses: tuple[Clause, ...]
    unmonitored: dict[str, int]


# Connection


class ConnectionRow(Figure, frozen=True, kw_only=True):
    """One agency's connection at the period's end; `deadline` is None where it need not connect."""

    agency: str
    name: Text
    state: str
    cleared: bool
    since: datetime | None
    points: int
    deadline: date | None
    done: bool


class ConnectionPart(Figure, frozen=True, kw_only=True):
    """Progress to the connection deadline: of agencies that must connect, those live and cleared.

    `states` counts all agencies by state. `days_left` is from the period's end, negative after the deadline.
    """

    live: Indicator
    deadline: date
    days_left: int
    states: dict[str, int]
    states_before: dict[str, int] | None
    agencies: tuple[ConnectionRow, ...]


# What is in the way, and what comes


class Obstacle(Figure, frozen=True, kw_only=True):
    """An obstacle in the form of the six "clear": who, what work, whose responsibility, whose authority, by
    when, with what result. `who` is a unit, never a person. `edited` is set where people changed it.

    `id` stays the same from issue to issue: OB-<duty or objective>-<agency>-<subject>.
    """

    id: str
    agency: str
    kind: str
    subject: str
    who: Text
    work: Text
    responsibility: Text
    authority: Text
    time: Text
    result: Text
    edited: bool = False


class Coming(Figure, frozen=True, kw_only=True):
    """Something due in the next period; `day` is the last on which it is in time."""

    day: date
    agency: str
    kind: str
    subject: str
    text: Text
