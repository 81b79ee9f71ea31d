"""The named parts of a detection: maps, lists and `field|modifier: value`, made into terms."""

from __future__ import annotations

from collections.abc import Mapping as AnyMapping
from typing import Any

from sigma.conditions import ConditionAND
from sigma.exceptions import SigmaError
from sigma.modifiers import modifier_mapping
from sigma.rule import SigmaDetectionItem

from alerts.fields import Source
from alerts.sigma.document import Document, plain
from alerts.sigma.names import find_field, suggestion
from alerts.sigma.problems import Refused
from alerts.sigma.term import Not, Term, every, some
from alerts.sigma.text import POLICY
from alerts.sigma.values import term_for

MAX_VALUES = 10_000  # values of one field in one rule: a longer list is a data set and belongs elsewhere

_TEXTUAL = frozenset({"contains", "startswith", "endswith"})
_REGEX_FLAGS = frozenset({"i", "m", "s", "ignorecase", "multiline", "dotall"})
_COMPARING = frozenset({"lt", "lte", "gt", "gte"})
_SUPPORTED = (
    frozenset({"all", "neq", "re", "cidr", "exists", "fieldref", "cased"})
    | _TEXTUAL
    | _REGEX_FLAGS
    | _COMPARING
)
_REFUSED: AnyMapping[str, str] = {
    **dict.fromkeys(
        ("base64", "base64offset", "wide", "utf16", "utf16be"),
        "looks for encoded text, which no event of these sources holds",
    ),
    "windash": "is for Windows command lines, which no event of these sources holds",
    "expand": "needs a list from outside the rule; write the values out",
    **dict.fromkeys(
        ("minute", "hour", "day", "week", "month", "year"),
        "takes a time apart, and these sources have no field that holds one",
    ),
}


def selections(document: Document, section: str, source: Source) -> dict[str, Term | None]:
    """The terms of a document's `detection` or `filter` by name; None where a problem was noted instead."""
    held = document.values[section]
    reserved = {"condition", "rules"} if section == "filter" else {"condition"}
    found: dict[str, Term | None] = {}
    for name, definition in held.items():
        if name in reserved:
            continue
        if name == "timeframe":
            reason = "belongs to conditions that Sigma dropped; write a correlation with a timespan"
            document.problem(reason, section, name)
            continue
        found[name] = _definition(document, definition, source, (section, name))
    return found


def _definition(
    document: Document, definition: Any, source: Source, path: tuple[int | str, ...]
) -> Term | None:
    if isinstance(definition, dict):
        if not definition:
            document.problem("is empty", *path)
            return None
        items = [_item(document, key, value, source, (*path, key)) for key, value in definition.items()]
        return None if None in items else every(item for item in items if item is not None)
    if isinstance(definition, list) and any(isinstance(each, dict) for each in definition):
        parts = [_definition(document, each, source, (*path, at)) for at, each in enumerate(definition)]
        return None if None in parts else some(part for part in parts if part is not None)
    _keyword(document, *path)
    return None


def _keyword(document: Document, *path: int | str) -> None:
    reason = "looks for words in no field; events here are not text: write field: value"
    document.problem(reason, *path)


def _item(
    document: Document, key: str, value: Any, source: Source, path: tuple[int | str, ...]
) -> Term | None:
    name, *modifiers = key.split("|")
    try:
        if not name:
            _keyword(document, *path)
            return None
        field = find_field(source, name)
        _check_modifiers(modifiers)
        _check_value(value)
        item = SigmaDetectionItem.from_mapping(key, plain(value), policy=POLICY)
        if item.value_linking is ConditionAND:
            term = every(term_for(field, [each], source) for each in item.value)
        else:
            term = term_for(field, item.value, source)
        return Not(term) if item.negated else term
    except Refused as why:
        document.problem(str(why), *path)
    except SigmaError as why:
        document.problem(_reworded(why), *path)
    return None


def _check_modifiers(modifiers: list[str]) -> None:
    for modifier in modifiers:
        if modifier in _REFUSED:
            raise Refused(f"the modifier {modifier} {_REFUSED[modifier]}")
        if modifier not in _SUPPORTED:
            raise Refused(
                f"{modifier} is no modifier; {suggestion(modifier, _SUPPORTED & set(modifier_mapping))}"
            )
    given = set(modifiers)
    if len(given) < len(modifiers):
        raise Refused("has the same modifier twice")
    if "re" in given and given & _TEXTUAL:
        raise Refused(
            "a regular expression is searched in the whole text; write ^ or $ instead of a modifier"
        )
    if given & _REGEX_FLAGS and "re" not in given:
        raise Refused(f"the modifier {min(given & _REGEX_FLAGS)} goes with re only")
    if "cased" in given and given & {"re", "cidr", "exists", "fieldref", *_COMPARING}:
        raise Refused("the modifier cased goes with plain text only; re has the flag i")
    if len(given & {"contains", "startswith", "endswith"}) > 1:
        raise Refused("takes one of contains, startswith and endswith")
    if len(given & ({"re", "cidr", "exists", "fieldref"} | _COMPARING)) > 1:
        raise Refused(f"the modifiers {' and '.join(modifiers)} do not go together")


def _check_value(value: Any) -> None:
    if isinstance(value, dict):
        raise Refused("expected a value or a list of values, found a mapping")
    if isinstance(value, list):
        if not value:
            raise Refused("has an empty list of values; to ask for an absent field write null")
        if len(value) > MAX_VALUES:
            raise Refused(f"has {len(value):,} values; at most {MAX_VALUES:,} are taken")
        if any(isinstance(each, dict | list) for each in value):
            raise Refused("expected a list of values, found a collection inside it")


def _reworded(why: SigmaError) -> str:
    """pySigma's reason, without the class names of its modifiers."""
    said = str(why.args[0]) if why.args else type(why).__name__
    for name, kind in modifier_mapping.items():
        said = said.replace(f"Modifier {kind.__name__} ", f"the modifier {name} is ")
    return said[:1].lower() + said[1:]
