"""Rules as people write them, right as they stand, so that a test shows only what it changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from alerts.rule import Literals, Matches, RuleSet
from alerts.sigma.detections import draft_rule
from alerts.sigma.document import Document
from alerts.sigma.events import BASE_MS, build_event
from alerts.sigma.head import read_head
from alerts.sigma.load import RuleProblems, load_rules
from alerts.sigma.term import Term, closure, indexes
from monitor.registry.documents import parse_document

Values = dict[str, Any]

ID = "7f0c1a52-3f0e-4e57-9a35-0c8a4f0b6d{:02d}"
RUNBOOK = ["Look at the alert.", "Call the agency.", "Write down what was found."]


def rule(number: int = 1, *, without: tuple[str, ...] = (), **changes: Any) -> Values:
    """A rule on denied exchanges that alerts and has all that a strict loading asks for."""
    held: Values = {
        "title": f"Rule {number}",
        "id": ID.format(number),
        "name": f"rule_{number}",
        "status": "stable",
        "description": "For a test.",
        "references": ["https://example.org/"],
        "author": "Data-sharing monitor",
        "date": "2026-11-22",
        "logsource": {"product": "data-exchange", "service": "exchanges"},
        "detection": {"selection": {"outcome": "denied"}, "condition": "selection"},
        "falsepositives": ["A test"],
        "level": "medium",
        "monitor": monitor(),
    }
    return {key: value for key, value in {**held, **changes}.items() if key not in without}


def monitor(**changes: Any) -> Values:
    """The block of ours that a rule on denied exchanges needs."""
    return {
        "title_vi": "Quy tắc thử",
        "risk_score": 45,
        "owner": "soc",
        "runbook": RUNBOOK,
        "cases": [
            {"name": "denied", "events": [{"outcome": "denied"}]},
            {"name": "answered", "expect": "none", "events": [{"outcome": "ok"}]},
        ],
        **changes,
    }


def feeding(number: int, **changes: Any) -> Values:
    """A rule that alerts nobody and feeds correlations."""
    return rule(number, monitor={"alerts": False}, **changes)


def correlation(number: int, *rules: str, without: tuple[str, ...] = (), **changes: Any) -> Values:
    """An event count over rules; `changes` are those of its correlation section, None removes a key."""
    held: Values = {
        "type": "event_count",
        "rules": list(rules) or ["rule_1"],
        "group-by": ["consumer"],
        "timespan": "10m",
        "condition": {"gte": 3},
        **{key.replace("_", "-"): value for key, value in changes.items()},
    }
    section = {key: value for key, value in held.items() if value is not None}
    cases = [
        {"name": "thrice", "events": [{"repeat": 3, "every": "1m", "outcome": "denied"}]},
        {"name": "twice", "expect": "none", "events": [{"repeat": 2, "every": "1m", "outcome": "denied"}]},
    ]
    return rule(
        number,
        without=("logsource", "detection", *without),
        correlation=section,
        monitor=monitor(cases=cases),
    )


def write(folder: Path, *documents: Values, name: str = "rules.yml") -> Path:
    """Write documents to one file of a folder; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump_all(documents, allow_unicode=True, sort_keys=False)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


def loaded(folder: Path, *documents: Values, strict: bool = True) -> RuleSet:
    """The rules of documents, loaded from a folder."""
    return load_rules(write(folder, *documents), strict)


def refused(folder: Path, *documents: Values, strict: bool = True) -> list[str]:
    """The problems of documents, as `key: reason (in rule)`."""
    try:
        load_rules(write(folder, *documents), strict)
    except RuleProblems as why:
        return [str(each).partition(" ")[2] for each in why.problems]
    return []


def drafted_term(detection: Values, service: str = "exchanges") -> Term | list[str]:
    """The term of a detection, or what is wrong with it as `key: reason`."""
    values = rule(
        detection=detection,
        logsource={"product": "data-exchange", "service": service},
        without=("monitor",),
    )
    text = yaml.safe_dump(values, allow_unicode=True, sort_keys=False)
    document = Document("rules.yml", parse_document(text))
    checked = read_head(document, strict=False)
    draft = None if checked is None else draft_rule(checked)
    if draft is None:
        return [f"{each.key.removeprefix('detection.')}: {each.reason}" for each in document.problems]
    return draft.term


def drafted(
    detection: Values, service: str = "exchanges"
) -> tuple[Matches, tuple[Literals, ...]] | list[str]:
    """What a detection compiles to and its indexes, or what is wrong with it as `key: reason`."""
    term = drafted_term(detection, service)
    return term if isinstance(term, list) else (closure(term), indexes(term))


def matches(detection: Values, event: Values, service: str = "exchanges") -> bool:
    """Whether an event, written as in a case, matches a detection."""
    found = drafted(detection, service)
    assert isinstance(found, tuple), found
    return found[0](build_event(service, event, BASE_MS, "e1"))


def selecting(selection: Any) -> Values:
    """A detection of one selection."""
    return {"selection": selection, "condition": "selection"}
