"""What people write in a rule beside its detection: Sigma's head, the `monitor` block, the correlations."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from sigma.correlations import SigmaCorrelationTimespan
from sigma.exceptions import SigmaError

MAX_NUMBER = 12  # digits of a span's count: more than any calendar holds
DAY = 86_400
MAX_SPAN = 3653 * DAY  # ten years: windows and times of quiet that end in no calendar are mistakes
_SPAN = r"[0-9]{1,12}[smhdw]"


def _span(value: Any) -> Any:
    """Seconds of a span as Sigma writes it; without months and years, whose length nobody agrees on."""
    if not isinstance(value, str):
        raise ValueError("write it as a number and s, m, h, d or w, for instance 30m")
    try:
        span = SigmaCorrelationTimespan(value)
    except SigmaError:
        span = None
    if span is None or span.unit in "My" or len(value) > MAX_NUMBER:
        raise ValueError("write it as a number and s, m, h, d or w, for instance 30m")
    if span.seconds > MAX_SPAN:
        raise ValueError(f"at most {MAX_SPAN // DAY}d, which is ten years")
    return span.seconds


def instant(value: Any) -> int:
    """Seconds of a span that may be nothing (`0s`); raises ValueError."""
    return 0 if value in ("0s", "0m", "0h", "0d") else int(_span(value))


_SPAN_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{_SPAN}$", "examples": ["30m", "2h"]})
Span = Annotated[int, BeforeValidator(_span), _SPAN_SCHEMA]
Instant = Annotated[int, BeforeValidator(instant), _SPAN_SCHEMA]
Words = Annotated[str, Field(min_length=1, max_length=4000)]
Line = Annotated[str, Field(min_length=1, max_length=300)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Names = tuple[Name, ...]


def _one_or_more(value: Any) -> Any:
    """Sigma permits one name without a list."""
    return tuple(value) if isinstance(value, list) else (value,)


_ONE_OR_MORE = BeforeValidator(_one_or_more)
_NAMES_SCHEMA = WithJsonSchema(
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}
)


def kebab(name: str) -> str:
    """group_by as it is written: group-by."""
    return name.replace("_", "-")


class Strict(BaseModel):
    """An unknown key is an error: a misspelt one must not go unread."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=kebab)


class Case(Strict):
    """Events, and whether the rule matches them. `advance` moves event time on after the last of them."""

    name: Line
    expect: Literal["match", "none"] = "match"
    events: Annotated[tuple[dict[str, Any], ...], Field(min_length=1, max_length=1000)]
    advance: Instant = 0


class Monitor(Strict):
    """What the monitor adds to a Sigma rule."""

    title_vi: Annotated[str, Field(alias="title_vi", description="the title in Vietnamese")] = ""
    risk_score: Annotated[
        int | None, Field(alias="risk_score", ge=0, le=100, description="inside the band of the level")
    ] = None
    owner: Annotated[
        Literal["soc", "consumer", "provider"] | None, Field(description="whose work an alert is")
    ] = None
    agency: Annotated[Name, Field(description="the field that gives an alert's agency")] = "agency"
    group_by: Annotated[
        Names, Field(max_length=5, description="what tells alerts apart, beside the agency")
    ] = ()
    quiet: Annotated[Span, Field(description="resolved after so long without a match")] = 1800
    leak: Annotated[bool, Field(description="each alert starts the 72-hour clock")] = False
    runbook: Annotated[tuple[Line, ...], Field(description="3 to 6 lines: what to do")] = ()
    alerts: Annotated[bool | None, Field(description="false: feeds correlations only")] = None
    cases: Annotated[tuple[Case, ...], Field(max_length=100)] = ()


class Head(BaseModel):
    """Sigma's attributes of a rule, a correlation or a filter; what only Sigma knows is left to it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Annotated[str, Field(min_length=1, max_length=256)]
    id: UUID | None = None
    name: Annotated[str | None, Field(min_length=1, max_length=256)] = None
    taxonomy: str = "sigma"
    related: tuple[dict[str, str], ...] | None = None
    status: Literal["stable", "test", "experimental", "deprecated", "unsupported"] | None = None
    description: Annotated[str | None, Field(max_length=4000)] = None
    license: str | None = None
    references: tuple[Line, ...] | None = None
    author: Annotated[str | None, Field(max_length=500)] = None
    date: str | None = None
    modified: str | None = None
    tags: tuple[Name, ...] | None = None
    logsource: dict[str, str] | None = None
    fields: Names | None = None
    falsepositives: tuple[Words, ...] | None = None
    level: Literal["informational", "low", "medium", "high", "critical"] | None = None
    scope: Names | None = None
    detection: dict[str, Any] | None = None
    correlation: dict[str, Any] | None = None
    filter: dict[str, Any] | None = None
    monitor: Monitor | None = None


class HeadFromElsewhere(Head):
    """As Head, but further attributes are permitted, as Sigma permits them."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Remembering(Strict):
    """What all correlations have: the rules they take in, by name or id, and what they tell apart."""

    type: str
    rules: Annotated[Names, Field(min_length=1, max_length=20), _ONE_OR_MORE, _NAMES_SCHEMA]
    group_by: Annotated[Names, Field(max_length=5), _ONE_OR_MORE, _NAMES_SCHEMA] = ()
    aliases: dict[str, dict[str, Name]] = {}
    generate: bool = False


class Window(Remembering):
    """Sigma's own correlations; `condition` is a comparison, or for temporal ones absent."""

    timespan: Span
    condition: dict[str, Any] | str | None = None


class AbsenceOf(Remembering):
    """`type: absence`."""

    timespan: Span
    usual: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    history: Annotated[int, Field(ge=1, le=100)] = 8


class NewTermOf(Remembering):
    """`type: new_term`."""

    timespan: Span
    value_field: Name
    learning: Span = 7 * DAY


class RegisterOf(Remembering):
    """`type: register`: a look-up in the agreement in force."""

    lookup: dict[Literal["consumer", "service"], Name] = {}
    attribute: Literal["none", "purposes", "fields", "allowed_systems", "security_level"] = "none"
    value_field: Name | None = None


class BaselineOf(Remembering):
    """`type: baseline`: a departure from what is usual in this hour of the week."""

    timespan: Annotated[Literal["1h"], Field(description="baselines are by the hour")] = "1h"
    measure: Literal["count", "sum", "distinct"] = "count"
    value_field: Name | None = None
    direction: Literal["above", "below", "silence", "drift"] = "above"
    sensitivity: Annotated[float, Field(ge=1, le=100)] = 5.0
    floor: Annotated[float, Field(ge=0, le=2**53)] = 0.0
    seasons: Annotated[int, Field(ge=1, le=52)] = 3
    parent: Names = ()


WINDOWS = (
    "event_count",
    "value_count",
    "value_sum",
    "value_avg",
    "value_percentile",
    "value_median",
    "temporal",
    "temporal_ordered",
)
CORRELATIONS: dict[str, type[Remembering]] = {
    **dict.fromkeys(WINDOWS, Window),
    "absence": AbsenceOf,
    "new_term": NewTermOf,
    "register": RegisterOf,
    "baseline": BaselineOf,
}
