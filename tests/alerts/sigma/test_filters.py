"""Filters: exceptions, each agency's own, to rules that stay as they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.sigma.events import BASE_MS, build_event
from tests.alerts.sigma.writing import ID, Values, correlation, feeding, loaded, refused, rule

EXCHANGES = {"product": "data-exchange", "service": "exchanges"}
SECURITY = {"product": "data-exchange", "service": "security-events"}


def exception(rules: object = ("rule_1",), logsource: Values = EXCHANGES, **section: Any) -> Values:
    """A filter: consumer MOH, unless `section` says otherwise, is excepted from rules."""
    body = {
        "rules": list(rules) if isinstance(rules, tuple) else rules,
        "selection": {"consumer": "MOH"},
        "condition": "not selection",
        **section,
    }
    return {"title": "Exception", "id": ID.format(90), "logsource": logsource, "filter": body}


def matched(tmp_path: Path, *documents: Values) -> list[list[bool]]:
    """For each rule on exchanges, whether a denied exchange of MOH and one of MOET match."""
    events = [
        build_event("exchanges", {"outcome": "denied", "consumer": consumer}, BASE_MS, "e")
        for consumer in ("MOH", "MOET")
    ]
    return [[one.matches(event) for event in events] for one in loaded(tmp_path, *documents).events]


def test_an_exception_takes_its_events_from_the_rules_it_names(tmp_path: Path) -> None:
    """By name or id, and from no others."""
    documents = [rule(1), rule(2), rule(3), exception(("rule_1", ID.format(3)))]
    assert matched(tmp_path, *documents) == [[False, True], [True, True], [False, True]]


@pytest.mark.parametrize("rules", ["any", "rule_1"])
def test_an_exception_for_one_rule_or_all(tmp_path: Path, rules: str) -> None:
    """`any` names all rules of its log source; one rule needs no list."""
    assert matched(tmp_path, rule(1), exception(rules))[0] == [False, True]


def test_any_leaves_rules_of_other_sources_alone(tmp_path: Path) -> None:
    """The log source of an exception limits it."""
    found = matched(tmp_path, rule(1), exception("any", logsource=SECURITY, selection={"agency": "MOH"}))
    assert found == [[True, True]]


def test_several_exceptions_add_up(tmp_path: Path) -> None:
    """Each takes its own events away, and selections in one may be joined."""
    second = {**exception(selection={"consumer": "MOET"}), "id": ID.format(91)}
    assert matched(tmp_path, rule(1), exception(), second) == [[False, False]]
    joined = exception(other={"consumer": "MOET"}, condition="not selection and not 1 of oth*")
    assert matched(tmp_path, rule(1), joined) == [[False, False]]


def test_an_exception_changes_the_fingerprint_of_its_rule(tmp_path: Path) -> None:
    """What the rule remembers was found without it."""
    plain, excepted = loaded(tmp_path, rule(1)), loaded(tmp_path, rule(1), exception())
    assert plain.fingerprints[ID.format(1)] != excepted.fingerprints[ID.format(1)]
    assert set(excepted.fingerprints) == {ID.format(1)}


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (
            exception(condition="selection"),
            "filter.condition: would leave only what it describes; "
            "an exception is and-ed to its rules: write not selection",
        ),
        (
            exception(other={"signed": True}, condition="not selection or other"),
            "filter.condition: would leave only what it describes; "
            "an exception is and-ed to its rules: write not selection",
        ),
        (exception(("rule_9",)), "filter.rules[0]: there is no rule rule_9; did you mean rule_2?"),
        (
            exception(("rule_2",)),
            "filter.rules[0]: rule_2 is a correlation; write the exception for the rules it takes in",
        ),
        (
            exception(logsource=SECURITY, selection={"agency": "MOH"}),
            "filter.rules[0]: rule_1 reads exchanges, not security-events",
        ),
        (
            exception(None),
            "filter.rules: expected the names or ids of the rules it is an exception to, or any",
        ),
        (
            exception(selection={"consumr": "MOH"}),
            "filter.selection.consumr: exchanges has no field consumr; did you mean consumer?",
        ),
        (exception(condition=None), "filter.condition: is missing"),
        ({**exception(), "monitor": {"quiet": "1h"}}, "monitor: does not belong to a filter"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_an_exception_that_would_do_something_else_is_refused(
    tmp_path: Path, written: Values, problem: str
) -> None:
    """Above all one that would silence its rule: a condition without `not` leaves only the exception."""
    documents = [feeding(1), correlation(2, "rule_1"), written]
    assert refused(tmp_path, *documents) == [f"{problem} (in Exception)"]
