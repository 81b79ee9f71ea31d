"""Rules on single events and filters: from a document to a term over one source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from alerts.fields import FieldKind, Source
from alerts.sigma.condition import condition_tree, excludes_only, names_used, term_of
from alerts.sigma.document import Document, plain
from alerts.sigma.head import Checked
from alerts.sigma.names import find_field, find_source, suggestion
from alerts.sigma.problems import Refused
from alerts.sigma.selection import selections
from alerts.sigma.term import Term, some


@dataclass(slots=True)
class Draft:
    """A rule on events, before the filters that name it are added to its term."""

    checked: Checked
    source: Source
    term: Term


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter: `term` is and-ed to the rules it names; `everywhere` says that it names all of its source."""

    checked: Checked
    source: Source
    term: Term
    rules: tuple[str, ...]
    everywhere: bool


def draft_rule(checked: Checked) -> Draft | None:
    """Compile a rule's detection; None, with problems noted, where that fails."""
    source = _source(checked.document)
    if source is None:
        return None
    check_text_field(checked.document, source, checked.monitor.agency, "monitor", "agency")
    for at, name in enumerate(checked.monitor.group_by):
        check_group_field(checked.document, source, name, "monitor", "group-by", at)
    found = _term(checked.document, "detection", source)
    return None if found is None else Draft(checked, source, found[0])


def read_filter(checked: Checked) -> Filter | None:
    """Compile a filter; None, with problems noted, where that fails."""
    document = checked.document
    if checked.head.monitor is not None:
        document.problem("does not belong to a filter", "monitor")
    source = _source(document)
    rules = document.values["filter"].get("rules")
    names = rules if isinstance(rules, list) else [rules]
    if not names or any(not isinstance(name, str) for name in names):
        document.problem(
            "expected the names or ids of the rules it is an exception to, or any", "filter", "rules"
        )
        return None
    if source is None:
        return None
    found = _term(document, "filter", source)
    if found is None:
        return None
    term, trees = found
    if len(trees) > 1 or not excludes_only(trees[0]):
        # As Sigma has it, the condition is and-ed to the rule's: without a `not` it would take away every
        # event but the ones it describes, and the rule would fall silent.
        reason = (
            "would leave only what it describes; an exception is and-ed to its rules: write not selection"
        )
        document.problem(reason, "filter", "condition")
        return None
    everywhere = isinstance(rules, str) and rules.lower() == "any"
    return Filter(checked, source, term, tuple(names), everywhere)


def _source(document: Document) -> Source | None:
    try:
        return find_source(plain(document.values["logsource"]))
    except Refused as why:
        document.problem(str(why), "logsource")
        return None


def _term(document: Document, section: str, source: Source) -> tuple[Term, list[Any]] | None:
    before = len(document.problems)
    held = document.values[section]
    parts = selections(document, section, source)
    conditions = held.get("condition")
    if conditions is None:
        document.problem("is missing", section, "condition")
    elif not parts:
        document.problem("has a condition and nothing that it could name", section)
    else:
        texts = conditions if isinstance(conditions, list) else [conditions]
        trees = []
        used: set[str] = set()
        for text in texts:
            try:
                tree = condition_tree(text)
                used |= names_used(tree, parts)
                trees.append(tree)
            except Refused as why:
                document.problem(str(why), section, "condition")
        if not texts:
            document.problem("is empty", section, "condition")
        if len(document.problems) == before:
            for name in sorted(parts.keys() - used):
                document.problem("is not used by the condition", section, name)
        if len(document.problems) == before:
            whole = {name: term for name, term in parts.items() if term is not None}
            return some(term_of(tree, whole) for tree in trees), trees
    return None


def check_text_field(document: Document, source: Source, name: str, *path: int | str) -> bool:
    """Note a problem unless the source has a text field of that name; whether it has."""
    try:
        field = find_field(source, name)
    except Refused as why:
        document.problem(str(why), *path)
        return False
    if field.kind not in (FieldKind.TEXT, None):
        document.problem(f"expected a field that holds a text; {name} holds a {field.kind}", *path)
        return False
    return True


def check_group_field(document: Document, source: Source, name: str, *path: int | str) -> bool:
    """Note a problem unless the source has the field, of whatever kind; whether it has."""
    try:
        find_field(source, name)
    except Refused as why:
        document.problem(str(why), *path)
        return False
    return True


def unknown_rule(name: str, known: set[str]) -> str:
    """Why a reference to a rule leads nowhere."""
    near = suggestion(name, known) if known else "there are none"
    return (
        f"there is no rule {name}; {near if near.startswith('did') else 'write the name or the id of a rule'}"
    )
