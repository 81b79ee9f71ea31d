"""Correlations, Sigma's and ours: from a document and the rules it takes in to a rule with memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from alerts.fields import FieldKind, Source
from alerts.model import RuleInfo
from alerts.rule import Absence, Baseline, Correlation, MemoryRule, NewTerm, Register
from alerts.sigma.detections import check_group_field, check_text_field
from alerts.sigma.document import Document
from alerts.sigma.head import Checked, validated
from alerts.sigma.model import (
    CORRELATIONS,
    DAY,
    AbsenceOf,
    BaselineOf,
    NewTermOf,
    RegisterOf,
    Remembering,
    Window,
)
from alerts.sigma.names import find_field, suggestion
from alerts.sigma.problems import Refused
from alerts.sigma.window import window_condition
from monitor.registry.wording import shown

SHORTEST = 10  # seconds: events come up to some seconds apart from their clocks
LONGEST_WINDOW = 31 * DAY  # what a window holds is kept in memory and in the database
LONGEST_TERM = 366 * DAY  # a value not seen for a year may as well be new
HOUR = 3_600

Build = Callable[[RuleInfo, bool], MemoryRule]


@dataclass(frozen=True, slots=True)
class Part:
    """A rule that a correlation takes in: one on events of a source, or another correlation (no source),
    which passes on the agency and the fields of its group only."""

    id: str
    label: str
    source: Source | None
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pending:
    """A correlation whose form is right, before the rules it takes in are known."""

    checked: Checked
    form: Remembering


def read_correlation(checked: Checked) -> Pending | None:
    """Check the form of a correlation; None, with problems noted, where it is wrong."""
    document = checked.document
    held = document.values["correlation"]
    kind = held.get("type")
    if kind is None:
        document.problem("is missing", "correlation", "type")
        return None
    model = CORRELATIONS.get(kind) if isinstance(kind, str) else None
    if model is None:
        reason = f"{shown(kind)} is no type of correlation; {suggestion(str(kind), CORRELATIONS)}"
        document.problem(reason, "correlation", "type")
        return None
    form = validated(model, held, document, "correlation")
    if form is None:
        return None
    if checked.monitor.group_by:
        reason = "is for rules on single events; a correlation's own group-by tells its alerts apart"
        document.problem(reason, "monitor", "group-by")
    _check_spans(document, form)
    return Pending(checked, form)


def _check_spans(document: Document, form: Remembering) -> None:
    spans = {"timespan": getattr(form, "timespan", None), "learning": getattr(form, "learning", None)}
    longest = LONGEST_TERM if isinstance(form, NewTermOf) else LONGEST_WINDOW
    for name, span in spans.items():
        if not isinstance(span, int):
            continue
        written = document.values["correlation"].get(name)
        if span < SHORTEST:
            document.problem(f"{written} is shorter than {SHORTEST} s", "correlation", name)
        elif span > longest:
            reason = f"{written} is longer than {longest // DAY} days, the most that is remembered"
            document.problem(reason, "correlation", name)


def build_memory(pending: Pending, parts: tuple[Part, ...]) -> Build | None:
    """What makes the rule once its head is checked; None, with problems noted, where it cannot be made."""
    document, form = pending.checked.document, pending.form
    before = len(document.problems)
    fields = _fields(document, form, parts)
    _check_agency(pending.checked, parts, fields)
    common: dict[str, Any] = {
        "parts": tuple(part.id for part in parts),
        "group_by": form.group_by,
        "fields": fields,
    }
    own: dict[str, Any] = {}
    kind: type[MemoryRule]
    match form:
        case Window():
            kind, own = Correlation, _window(document, form, parts)
        case AbsenceOf():
            kind, own = Absence, _absence(document, form, parts)
        case NewTermOf():
            _check_value(document, parts, form.value_field, "value-field")
            kind = NewTerm
            own = {"timespan": form.timespan, "value_field": form.value_field, "learning": form.learning}
        case RegisterOf():
            kind, own = Register, _register(document, form, parts)
        case BaselineOf():
            kind, own = Baseline, _baseline(document, form, parts)
        case _:
            raise TypeError(type(form).__name__)
    if len(document.problems) > before:
        return None
    return lambda info, alerts: kind(info=info, alerts=alerts, **common, **own)


def _fields(document: Document, form: Remembering, parts: tuple[Part, ...]) -> tuple[Mapping[str, str], ...]:
    """For each part, the field that has each name of the group."""
    before = len(document.problems)
    aliases = _aliases(document, form, parts)
    if len(document.problems) > before:
        return tuple({} for _ in parts)
    found: list[dict[str, str]] = []
    for part in parts:
        here: dict[str, str] = {}
        for at, name in enumerate(form.group_by):
            field = aliases.get(name, {}).get(part.id, name)
            here[name] = field
            path = ("correlation", "group-by", at) if field == name else ("correlation", "aliases", name)
            if part.source is not None:
                check_group_field(document, part.source, field, *path)
            elif field not in part.groups:
                known = ", ".join(part.groups) or "nothing"
                document.problem(f"{part.label} tells apart by {known}, not by {field}", *path)
        found.append(here)
    if len(set(form.group_by)) < len(form.group_by):
        document.problem("names a field twice", "correlation", "group-by")
    return tuple(found)


def _aliases(document: Document, form: Remembering, parts: tuple[Part, ...]) -> dict[str, dict[str, str]]:
    """By alias and id of a part, the field in its events."""
    ids = dict(zip(form.rules, (part.id for part in parts), strict=True)) | {
        part.id: part.id for part in parts
    }
    found: dict[str, dict[str, str]] = {}
    for alias, mapping in form.aliases.items():
        if alias not in form.group_by:
            document.problem("is an alias that group-by does not name", "correlation", "aliases", alias)
        found[alias] = {}
        for reference, field in mapping.items():
            if reference not in ids:
                reason = f"names {reference}, which is none of the correlation's rules"
                document.problem(reason, "correlation", "aliases", alias)
            else:
                found[alias][ids[reference]] = field
    return found


def _check_agency(checked: Checked, parts: tuple[Part, ...], fields: tuple[Mapping[str, str], ...]) -> None:
    name = checked.monitor.agency
    for part, here in zip(parts, fields, strict=True):
        if part.source is not None:
            check_text_field(checked.document, part.source, here.get(name, name), "monitor", "agency")
        elif name != "agency" and name not in here:
            reason = f"{part.label} passes on its own agency and its group, not {name}"
            checked.document.problem(reason, "monitor", "agency")


def _check_value(
    document: Document,
    parts: tuple[Part, ...],
    name: str,
    *key: str,
    kinds: tuple[FieldKind, ...] = (FieldKind.TEXT, FieldKind.ADDRESS, FieldKind.NUMBER),
) -> None:
    """Note a problem unless every part has a field of one of the kinds by this name."""
    for part in parts:
        if part.source is None:
            if FieldKind.TEXT not in kinds or name not in part.groups:
                reason = (
                    f"{part.label} is a correlation and passes on the texts of its group only, not {name}"
                )
                document.problem(reason, "correlation", *key)
            continue
        try:
            field = find_field(part.source, name)
        except Refused as why:
            document.problem(str(why), "correlation", *key)
            continue
        if field.kind is not None and field.kind not in kinds:
            wanted = " or ".join(kinds)
            document.problem(
                f"{name} holds a {field.kind}; expected a field with a {wanted}", "correlation", *key
            )


def _window(document: Document, form: Window, parts: tuple[Part, ...]) -> dict[str, Any]:
    found = window_condition(document, form, parts_count=len(parts))
    if found is None:
        return {}
    if found.value_field is not None:
        numeric = found.type in ("value_sum", "value_avg", "value_percentile")
        kinds = {"kinds": (FieldKind.NUMBER,)} if numeric else {}
        _check_value(document, parts, found.value_field, "condition", "field", **kinds)
    return {
        "timespan": form.timespan,
        "type": found.type,
        "condition": found.condition,
        "value_field": found.value_field,
        "percentile": found.percentile,
    }


def _absence(document: Document, form: AbsenceOf, parts: tuple[Part, ...]) -> dict[str, Any]:
    if len(parts) > 2:
        document.problem("takes one rule, or two of which the second is expected", "correlation", "rules")
    for name in ("usual", "history"):
        if len(parts) == 2 and name in form.model_fields_set:
            document.problem(
                "goes with one rule; with two, the second is expected at once", "correlation", name
            )
    return {"timespan": form.timespan, "usual": form.usual, "history": form.history}


_REGISTER_KINDS = {
    "purposes": (FieldKind.TEXT,),
    "fields": (FieldKind.LIST,),
    "allowed_systems": (FieldKind.TEXT,),
    "security_level": (FieldKind.NUMBER,),
}
# The names that both sources have for them.
_LOOKUP: Mapping[Literal["consumer", "service"], str] = {"consumer": "agency", "service": "service"}


def _register(document: Document, form: RegisterOf, parts: tuple[Part, ...]) -> dict[str, Any]:
    lookup = {key: form.lookup.get(key, name) for key, name in _LOOKUP.items()}
    for part in parts:
        if part.source is None:
            reason = f"{part.label} is a correlation; agreements are looked up for events"
            document.problem(reason, "correlation", "rules")
            continue
        for key, name in lookup.items():
            check_text_field(document, part.source, name, "correlation", "lookup", key)
    if form.attribute == "none" and form.value_field is not None:
        document.problem("has nothing to be compared with: attribute is none", "correlation", "value-field")
    elif form.attribute != "none" and form.value_field is None:
        document.problem(f"is missing; it is compared with {form.attribute}", "correlation", "value-field")
    elif form.value_field is not None:
        kinds = _REGISTER_KINDS[form.attribute]
        _check_value(document, parts, form.value_field, "value-field", kinds=kinds)
    return {
        "timespan": 0,
        "lookup": lookup,
        "attribute": form.attribute,
        "value_field": form.value_field,
    }


def _baseline(document: Document, form: BaselineOf, parts: tuple[Part, ...]) -> dict[str, Any]:
    if form.measure == "count" and form.value_field is not None:
        document.problem("has nothing to do: matches are counted", "correlation", "value-field")
    elif form.measure != "count" and form.value_field is None:
        document.problem(f"is missing; the measure {form.measure} needs it", "correlation", "value-field")
    elif form.value_field is not None:
        kinds = {"kinds": (FieldKind.NUMBER,)} if form.measure == "sum" else {}
        _check_value(document, parts, form.value_field, "value-field", **kinds)
    for at, name in enumerate(form.parent):
        if name not in form.group_by:
            reason = f"{name} is not in group-by; a parent is a larger group"
            document.problem(reason, "correlation", "parent", at)
    if form.parent and set(form.parent) == set(form.group_by):
        document.problem("is the group itself; a parent is a larger group", "correlation", "parent")
    return {
        "timespan": HOUR,
        "measure": form.measure,
        "value_field": form.value_field,
        "direction": form.direction,
        "sensitivity": form.sensitivity,
        "floor": form.floor,
        "seasons": form.seasons,
        "parent": form.parent,
    }
