"""The file of limits and targets: what the law or practice asks, and what an operator decides."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from monitor.errors import MonitorError
from monitor.events.lifecycle_event import Limit
from monitor.registry.model import AgencyCode, Day, Record
from monitor.registry.problems import Problem
from monitor.registry.rules_file import read_rules_file

Days = Annotated[int, Field(ge=1, le=1000, description="days, 1 to 1000")]
Share = Annotated[float, Field(gt=0, le=1, description="a share above 0, 1 at the most")]
Party = Literal["provider", "consumer"]
AgencyKind = Literal["ministry", "ministry-level", "government-agency", "province", "party-assembly", "other"]


class ConnectRules(Record):
    """By when an agency must be live, and which agencies."""

    deadline: Day = date(2026, 12, 31)
    kinds: tuple[AgencyKind, ...] = ("ministry", "ministry-level", "government-agency", "province")
    deadlines: dict[AgencyCode, Day] = Field(default_factory=dict, description="of single agencies, instead")


class ConnectionRules(Record):
    """When a live connection counts as dormant."""

    dormant_after_days: Days = 30


class ReviewRules(Record):
    """A review counts when it was held so many days before its date, or later."""

    early_days: Days = 90
    responsible: Party = "provider"


class ExpiryRules(Record):
    """Days before an agreement's end at which notice is given; a renewal counts within `early_days`."""

    notice_days: Annotated[tuple[Days, ...], Field(min_length=1)] = (60, 30, 7)
    early_days: Days = 180
    responsible: Party = "consumer"


class ListRules(Record):
    """How often the list of what is shared by default is reviewed; reviews are counted from a day on."""

    months: Annotated[int, Field(ge=1, le=60)] = 6
    counted_from: date = date(2026, 7, 1)


class AnswerRules(Record):
    """Limits for answers and corrections, in working days."""

    completion: Days = 3
    simple: Days = 5
    complex: Days = 20
    very_large: Days = 35
    error_cause: Days = 5
    error_fixed: Days = 10
    error_checked: Days = 15
    otherwise: Annotated[Limit, Field(description="the limit of a request that names none")] = "simple"

    def days(self, limit: str | None) -> int:
        """The working days of a limit, or of a request that names none."""
        named: int = getattr(self, limit or self.otherwise)
        return named


class Targets(Record):
    """From which share on an indicator is met."""

    connection: Share = 1.0
    services_used: Share = 0.8
    traffic_under_agreement: Share = 1.0
    duties_on_time: Share = 0.8
    objectives_met: Share = 0.8


class IndicatorRules(Record):
    """Over how many days indicators look back, and their targets."""

    window_days: Days = 30
    targets: Targets = Targets()


class DutyRules(Record):
    """Everything in the file; what is absent is as it comes with the monitor."""

    connect: ConnectRules = ConnectRules()
    connection: ConnectionRules = ConnectionRules()
    review: ReviewRules = ReviewRules()
    expiry: ExpiryRules = ExpiryRules()
    default_list_review: ListRules = ListRules()
    answer: AnswerRules = AnswerRules()
    indicators: IndicatorRules = IndicatorRules()

    @model_validator(mode="after")
    def _notices_fall(self) -> Self:
        days = self.expiry.notice_days
        if list(days) != sorted(set(days), reverse=True):
            raise ValueError("expiry.notice_days must fall, each once, for instance [60, 30, 7]")
        return self


class DutyProblems(MonitorError):
    """A file of duties that cannot be used; `problems` holds everything wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        count = f"{len(problems)} problem{'' if len(problems) == 1 else 's'}"
        listed = "\n  ".join(str(problem) for problem in problems)
        super().__init__(f"the file of duties has {count}\n  {listed}")


def read_rules(path: Path | None) -> DutyRules:
    """Read a file of duties; without one, the limits that come with the monitor. Raises DutyProblems."""
    if path is None:
        return DutyRules()
    return read_rules_file(path, DutyRules, "a mapping such as connect: …", DutyProblems)
