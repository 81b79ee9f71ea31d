"""What people write in the registry: agencies, services and agreements, as they stand in the YAML files."""

from __future__ import annotations

import re
from datetime import date, time, timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

AgencyCode = Annotated[
    str,
    Field(pattern=r"^[A-Z][A-Z0-9-]{0,31}$", description="capitals, digits and hyphens, e.g. MPS or HANOI"),
]
ServiceId = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9-]*(\.[a-z0-9-]+)+$",
        max_length=80,
        description="small letters, parts joined by dots, e.g. population.verify-identity",
    ),
]
AgreementId = Annotated[
    str,
    Field(pattern=r"^[A-Z][A-Z0-9-]{2,39}$", description="capitals, digits and hyphens, e.g. AGR-2026-0012"),
]
Code = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,63}$",
        description="small letters, digits and hyphens, e.g. health-insurance",
    ),
]
FieldName = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,63}$",
        description="small letters, digits and underscores, e.g. full_name",
    ),
]
_PART = r"[^/\s]+( [^/\s]+)*"  # of an X-Road identifier; * and ? stand for any characters and for one
XroadMember = Annotated[
    str,
    Field(
        pattern=rf"^{_PART}/{_PART}/{_PART}(/{_PART})?$",
        max_length=400,
        description="INSTANCE/CLASS/MEMBER or INSTANCE/CLASS/MEMBER/SUBSYSTEM; * and ? are wildcards",
    ),
]
XroadService = Annotated[
    str,
    Field(
        pattern=rf"^{_PART}/{_PART}(/{_PART})?$",
        max_length=400,
        description="SUBSYSTEM/SERVICE or SUBSYSTEM/SERVICE/VERSION; * and ? are wildcards",
    ),
]
Mailbox = Annotated[
    str,
    Field(pattern=r"^[^@\s]+@[^@\s]+$", description="a unit's mailbox, never a person's: office@example.vn"),
]
# What lies outside is a slip of the keyboard, or has no day after it; 2999-12-31 can stand for no end.
Day = Annotated[date, Field(ge=date(1900, 1, 1), le=date(2999, 12, 31))]
Ratio = Annotated[float, Field(gt=0, lt=1, description="a share strictly between 0 and 1")]


_CLOCK = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_DURATION = r"P(?=[0-9T])([0-9]+Y)?([0-9]+W)?([0-9]+D)?(T(?=[0-9])([0-9]+H)?([0-9]+M)?([0-9]+S)?)?"
# A year is 365 days; months are not accepted, as no two sources agree on their length.
_UNITS = {"Y": timedelta(days=365), "W": timedelta(weeks=1), "D": timedelta(days=1)}
_UNITS_OF_TIME = {"H": timedelta(hours=1), "M": timedelta(minutes=1), "S": timedelta(seconds=1)}


def _clock(value: Any) -> Any:
    """Read HH:MM and nothing else: pydantic takes `07:30Z` too, and a local time has no offset."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(_CLOCK, value):
        raise ValueError("write it as HH:MM, for instance 07:30")
    return time.fromisoformat(value)


def _duration(value: Any) -> Any:
    """Read an ISO 8601 duration and nothing else: pydantic takes `1:00:00` and plain numbers too."""
    if not isinstance(value, str):
        return value
    if not re.fullmatch(_DURATION, value):
        raise ValueError("write it as a duration in days or time, for instance P30D, P2Y or PT15M")
    days, _, hours = value.partition("T")
    parts = (
        (part, units)
        for text, units in ((days, _UNITS), (hours, _UNITS_OF_TIME))
        for part in _DURATION_PART(text)
    )
    try:
        return sum((int(number) * units[unit] for (number, unit), units in parts), timedelta())
    except (OverflowError, ValueError) as why:
        raise ValueError("is longer than any calendar") from why


_DURATION_PART = re.compile(r"([0-9]+)([YWDHMS])").findall

Clock = Annotated[
    time,
    BeforeValidator(_clock),
    # The format `time` of JSON Schema asks for an offset.
    WithJsonSchema({"type": "string", "pattern": f"^{_CLOCK}$", "examples": ["07:30"]}),
]
Duration = Annotated[
    timedelta,
    Field(gt=timedelta(0)),
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION}$", "examples": ["P30D", "PT15M"]}),
]

Status = Literal["draft", "registered", "active", "suspended", "terminated"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
Method = Literal["query", "sync", "sync-general", "package"]
PersonalData = Literal["none", "basic", "sensitive"]


class Record(BaseModel):
    """An unknown key is an error: a misspelt clause must not go unread."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(Record):
    """The same text in English and Vietnamese."""

    en: Annotated[str, Field(min_length=1)]
    vi: Annotated[str, Field(min_length=1)]


class Connection(Record):
    """How far an agency has come on the platform; one that is not connected is not scored."""

    state: Literal["not-connected", "registered", "sandbox", "cleared", "live", "suspended"]
    since: Day | None = None
    points: Annotated[int, Field(ge=0, description="connection points")] = 1


class Agency(Record):
    """A ministry, province or other body."""

    code: AgencyCode
    name: Text
    kind: Literal["ministry", "ministry-level", "government-agency", "province", "party-assembly", "other"]
    parent: AgencyCode | None = None
    previous_codes: Annotated[
        tuple[AgencyCode, ...], Field(description="codes it had before; they count as this one")
    ] = ()
    connection: Connection
    contact: Mailbox | None = None
    xroad: Annotated[tuple[XroadMember, ...], Field(description="the X-Road members that it is")] = ()


class Latency(Record):
    """At least `ratio` of the answers come within `limit_ms` milliseconds."""

    limit_ms: Annotated[float, Field(gt=0, le=3_600_000)]
    ratio: Ratio = 0.95


class Objectives(Record):
    """Service levels under the names of the Open Data Contract Standard."""

    availability: Annotated[
        Ratio | None, Field(description="share of exchanges answered without fault or timeout")
    ] = None
    latency: Latency | None = None
    # The names of ODCS, as they are, so that its files can be imported and exported.
    errorRate: Annotated[  # noqa: N815
        Ratio | None, Field(ge=1e-9, description="share of exchanges that may fail")
    ] = None
    frequency: Annotated[Duration | None, Field(description="longest age of synchronised data")] = None
    retention: Annotated[Duration | None, Field(description="how long the consumer may keep the data")] = None
    timeToNotify: Annotated[Duration | None, Field(description="longest wait for news of a fault")] = None  # noqa: N815

    @model_validator(mode="after")
    def _agree_with_each_other(self) -> Self:
        if self.availability and self.errorRate and self.errorRate < round(1 - self.availability, 9):
            raise ValueError(
                f"errorRate {self.errorRate:g} allows fewer failures than availability "
                f"{self.availability:g} does; both cannot be the objective"
            )
        return self


class Service(Record):
    """One thing a provider answers."""

    id: ServiceId
    provider: AgencyCode
    name: Text
    database: Annotated[str | None, Field(description="the national or sector database it reads")] = None
    method: Method
    personal_data: PersonalData
    fields: Annotated[tuple[FieldName, ...], Field(description="every field it can return")] = ()
    objectives: Objectives = Objectives()
    since: Day | None = None
    xroad: Annotated[tuple[XroadService, ...], Field(description="the X-Road services that it is")] = ()


class Hours(Record):
    """When the service may be used, in local time; `until` is exclusive and 24:00 is written 00:00."""

    days: Annotated[tuple[Weekday, ...], Field(min_length=1)] = ("mon", "tue", "wed", "thu", "fri")
    # The schema's default is what people write; pydantic would give editors 00:00:00.
    start: Clock = Field(default=time(0), alias="from", json_schema_extra={"default": "00:00"})
    until: Clock = Field(default=time(0), json_schema_extra={"default": "00:00"})

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.until != time(0) and self.until <= self.start:
            raise ValueError(f"until {self.until:%H:%M} is not after from {self.start:%H:%M}")
        return self


class Ceilings(Record):
    """Upper limits; an absent one is no limit."""

    calls_per_day: Annotated[int | None, Field(gt=0)] = None
    records_per_call: Annotated[int | None, Field(gt=0)] = None


class Signatures(Record):
    """Dates of the paper: when it was signed and registered, and when it is to be reviewed."""

    signed: Day | None = None
    registered: Day | None = None
    review: Day | None = None


class Agreement(Record):
    """One version of a permission for one consumer to use one service.

    In force from `start` to `end`, both days included, or to `ended` where it was superseded or
    stopped before its time. Once active it is not edited: a change is a new version.
    A terminated one was in force until `ended`; without it, it permits nothing from its start.
    """

    id: AgreementId
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] = 1
    title: Text
    provider: AgencyCode
    consumer: AgencyCode
    service: ServiceId
    form: Literal["default", "on-request"] = "on-request"
    status: Status
    start: Day
    end: Day
    ended: Annotated[Day | None, Field(description="last day in force, where earlier than `end`")] = None
    dates: Signatures = Signatures()
    legal_basis: Annotated[tuple[str, ...], Field(min_length=1, description="act and article")]
    purposes: Annotated[tuple[Code, ...], Field(min_length=1)]
    procedures: Annotated[tuple[str, ...], Field(description="administrative procedures it serves")] = ()
    benefits: Text | None = None
    fields: Annotated[
        tuple[FieldName, ...], Field(description="fields that may be asked for; empty: no limit")
    ] = ()
    hours: Hours | None = None
    ceilings: Ceilings = Ceilings()
    case_required: bool = False
    signature_required: bool = False
    objectives: Objectives = Objectives()
    allowed_systems: Annotated[
        tuple[str, ...], Field(description="systems or certificates that may call")
    ] = ()
    security_level: Annotated[int | None, Field(ge=1, le=5)] = None
    onward_sharing: bool = False
    impact_assessment: str | None = None
    security_clearance: str | None = None
    contact_provider: Mailbox | None = None
    contact_consumer: Mailbox | None = None

    @property
    def last_day(self) -> date:
        """The last day on which it is in force."""
        return min(self.end, self.ended) if self.ended else self.end

    @property
    def permits(self) -> bool:
        """Whether exchanges on the days from `start` to `last_day` may rely on it."""
        return self.status in ("active", "registered") or (self.status == "terminated" and bool(self.ended))

    @property
    def never_in_force(self) -> bool:
        """Whether it was terminated from its start: nobody need keep to it, or review it."""
        return self.status == "terminated" and self.ended is None

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        if self.end < self.start:
            raise ValueError(f"end {self.end} is before start {self.start}")
        if self.ended and not self.start <= self.ended <= self.end:
            raise ValueError(f"ended {self.ended} is not between start {self.start} and end {self.end}")
        review = self.dates.review
        if review and review > _five_years_after(self.start):
            raise ValueError(f"review {review} is more than 5 years after start {self.start}")
        return self


def _five_years_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 5)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 5, day=28)
