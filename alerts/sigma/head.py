"""The head of a rule: who wrote it, how grave it is, what a person is told; checked as strictly as asked."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from sigma.exceptions import SigmaError
from sigma.rule import SigmaRule

from alerts.model import RISK_BANDS, Level, RuleInfo
from alerts.sigma.document import Document, plain
from alerts.sigma.model import Head, HeadFromElsewhere, Monitor
from monitor.registry.wording import reason_for

RUNBOOK_LINES = range(3, 7)  # fewer help nobody, more are not read in an incident
# Ids of rules that came without one are made from their texts, within this name space of our own.
_WITHOUT_ID = uuid.UUID("6b3c1f0e-52d4-4a57-9f0e-0d8c1f5f2a11")

# The attributes whose values only Sigma's own reader checks.
_TOLD_BY_SIGMA = ("modified", "date", "tags", "related")

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Checked:
    """A document whose head can be used. `id` is its own, or one made from its text."""

    document: Document
    head: Head
    id: str

    @property
    def monitor(self) -> Monitor:
        """The `monitor` block, or what holds without one."""
        return self.head.monitor or Monitor()


def validated(kind: type[M], values: Any, document: Document, *path: int | str) -> M | None:
    """Values as a model; None, with every problem noted under `path`, where they are not."""
    try:
        # JSON, because only there strict is strict: lists for tuples, and no "5" for 5.
        return kind.model_validate_json(json.dumps(values, ensure_ascii=False), strict=True)
    except ValidationError as why:
        errors = why.errors(include_url=False)
        blamed = {error["loc"][:-1] for error in errors}
        for error in errors:
            if error["type"] == "too_short" and error["loc"] in blamed:
                continue  # a list is short only because its wrong items were left out
            document.problem(_reason(kind, error), *path, *error["loc"])
        return None


def _reason(kind: type[BaseModel], error: Any) -> str:
    if error["type"] in ("uuid_parsing", "uuid_type"):
        return f"'{error['input']}' is no UUID such as 5013332f-8a70-4e04-bcc1-06a98a2cca2e"
    if error["type"] == "too_long":
        return f"has more than {error['ctx']['max_length']} entries"
    return reason_for(kind, error)


def read_head(document: Document, strict: bool) -> Checked | None:
    """Check everything of a document that is not its detection; None, with problems noted, where it fails."""
    head = validated(Head if strict else HeadFromElsewhere, document.values, document)
    if head is None:
        return None
    before = len(document.problems)
    _check_kind(document)
    _check_with_sigma(document)
    if strict and head.id is None:
        document.problem("is missing; every rule has a UUID of its own", "id")
    if len(document.problems) > before:
        return None
    text = json.dumps(plain(document.values), sort_keys=True)
    return Checked(document, head, str(head.id or uuid.uuid5(_WITHOUT_ID, text)))


def _check_kind(document: Document) -> None:
    """A rule has a log source and a detection, a filter a log source, a correlation neither."""
    needed: dict[str, tuple[str, ...]] = {
        "rule": ("logsource", "detection"),
        "filter": ("logsource",),
        "correlation": (),
    }
    for key in needed[document.kind]:
        if document.values.get(key) is None:
            document.problem("is missing", key)
    for key in ("logsource", "detection", "correlation", "filter"):
        if key in document.values and key != document.kind and key not in needed[document.kind]:
            document.problem(f"does not belong to a {document.kind}", key)


def _check_with_sigma(document: Document) -> None:
    """Whatever Sigma itself says of dates, tags, related rules and the like."""
    values = {
        key: value
        for key, value in plain(document.values).items()
        if key not in ("correlation", "filter", "monitor")
    }
    try:
        _, errors = SigmaRule.from_dict_common_params(values, collect_errors=True)
    except (SigmaError, AttributeError, TypeError, ValueError, KeyError) as why:
        document.problem(f"is not as Sigma has it: {why}")
        return
    for error in errors:
        said = str(error.args[0]) if error.args else type(error).__name__
        named = next((key for key in _TOLD_BY_SIGMA if key.removesuffix("s") in said.lower()), None)
        document.problem(said, *(() if named is None else (named,)))


def rule_info(checked: Checked, alerts: bool, strict: bool) -> RuleInfo:
    """What people are told about a rule; what a rule that alerts lacks is noted as problems."""
    document, head, monitor = checked.document, checked.head, checked.monitor
    if strict and alerts:
        _check_complete(checked)
    level = Level[(head.level or ("medium" if alerts else "informational")).upper()]
    low, high = RISK_BANDS[level]
    score = monitor.risk_score
    if score is not None and not low <= score <= high:
        reason = f"{score} does not fit the level {level.word}, whose scores go from {low} to {high}"
        document.problem(reason, "monitor", "risk_score")
    return RuleInfo(
        id=checked.id,
        title=head.title,
        level=level,
        title_vi=monitor.title_vi,
        description=head.description or "",
        status=head.status or "",
        author=head.author or "",
        references=head.references or (),
        tags=head.tags or (),
        falsepositives=head.falsepositives or (),
        runbook=monitor.runbook,
        owner=monitor.owner or "soc",
        risk_score=(low + high) // 2 if score is None else score,
        agency=monitor.agency,
        quiet=monitor.quiet,
        leak=monitor.leak,
        source=document.file,
    )


def _check_complete(checked: Checked) -> None:
    document, head, monitor = checked.document, checked.head, checked.monitor
    for key in ("status", "description", "author", "references", "falsepositives", "level"):
        if not getattr(head, key):
            document.problem("is missing; a rule that alerts has one", key)
    if head.monitor is None:
        document.problem("is missing; a rule that alerts has one", "monitor")
        return
    for key in ("title_vi", "risk_score", "owner"):
        if getattr(monitor, key) in (None, ""):
            document.problem("is missing; a rule that alerts has one", "monitor", key)
    if len(monitor.runbook) not in RUNBOOK_LINES:
        reason = f"has {len(monitor.runbook)} lines; a rule that alerts says in 3 to 6 what to do"
        document.problem(reason, "monitor", "runbook")
    for expect in ("match", "none"):
        if all(case.expect != expect for case in monitor.cases):
            what = "matches" if expect == "match" else "does not match"
            document.problem(f"holds no case that {what} (expect: {expect})", "monitor", "cases")
