"""The cases that rules carry: the events they stand for, and how their outcome is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from alerts.fields import EXCHANGES, SECURITY_EVENTS
from alerts.model import Detection
from alerts.rule import RuleSet
from alerts.sigma.cases import Outcome, run_cases, subset
from alerts.sigma.events import BASE_MS, MAX_EVENTS, Timed, case_events
from alerts.sigma.load import load_folder
from alerts.sigma.model import Case
from alerts.sigma.runner import engine_runner
from tests.alerts.sigma.writing import ID, Values, correlation, feeding, loaded, refused, rule, write

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def events_of(*events: Values, sources: Sequence[str] = ("exchanges",)) -> list[Timed]:
    """The events of a case."""
    return case_events(Case(name="a case", events=events), sources)


def times(*events: Values) -> list[float]:
    """When the events of a case happen, in seconds after its begin."""
    return [(each.time_ms - BASE_MS) / 1000 for each in events_of(*events)]


def read(event: Any, name: str, source: Any = EXCHANGES) -> Any:
    """A field of an event as rules read it."""
    return source.fields[name].read(event)


def outcomes(tmp_path: Path, *documents: Values) -> list[Outcome]:
    """How the cases of documents go, with the real engine."""
    found = load_folder(write(tmp_path, *documents), strict=False)
    return list(run_cases(found, engine_runner(Path("no registry is needed"), ZONE)))


def with_cases(document: Values, *cases: Values) -> Values:
    """A document with these cases."""
    return {**document, "monitor": {**document.get("monitor", {}), "cases": list(cases)}}


def test_times_are_after_the_begin_or_follow_the_event_before() -> None:
    """`at`, `time`, or that of the event before; in order of time, however they are written."""
    assert times({}, {"at": "90s"}, {}, {"at": "1m"}) == [0, 60, 90, 90]
    assert times({"time": "2026-11-02T09:00:05+07:00"}) == [5]
    assert times({"repeat": 3, "every": "2s"}, {}) == [0, 2, 4, 4]
    assert times({"at": "1h", "repeat": 2}) == [3600, 3601]
    assert times({"repeat": 3, "every": "0s"}) == [0, 0, 0]


def test_events_have_what_is_written_and_the_rest_filled_in() -> None:
    """An exchange has names, outcome and breaches as rules see them."""
    ((_, event, _),) = events_of(
        {"outcome": "denied", "agency": "MOET", "breach": ["unsigned"], "actor": "u-1"}
    )
    assert read(event, "outcome") == "denied"
    assert (read(event, "consumer"), read(event, "agency")) == ("MOET", "MOET")
    assert (read(event, "provider"), read(event, "requested_provider")) == ("MPS", "MPS")
    assert (read(event, "breach"), read(event, "fields"), read(event, "actor")) == (("unsigned",), (), "u-1")


def test_names_as_they_came_may_differ_from_those_of_the_registry() -> None:
    """What was asked for and what it was taken for."""
    ((_, event, _),) = events_of({"service": "unregistered", "requested_service": "a.b"})
    assert (read(event, "service"), read(event, "requested_service")) == ("unregistered", "a.b")


def test_a_security_event_has_its_details() -> None:
    """Declared fields and open ones."""
    ((_, event, _),) = events_of({"kind": "x", "detail": {"system": "s"}}, sources=("security-events",))
    assert (read(event, "kind", SECURITY_EVENTS), read(event, "severity", SECURITY_EVENTS)) == ("x", 1)
    assert event.detail == {"system": "s"}


def test_repeated_events_may_vary() -> None:
    """{n} counts from 0, in texts and in numbers, and every event has an id of its own."""
    found = events_of({"repeat": 3, "vary": {"actor": "u-{n}", "records": "1{n}"}})
    assert [read(each.event, "actor") for each in found] == ["u-0", "u-1", "u-2"]
    assert [read(each.event, "records") for each in found] == [10, 11, 12]
    assert len({each.event_id for each in found}) == 3
    assert [read(each.event, "id") for each in found] == [each.event_id for each in found]


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ({"outcom": "ok"}, "outcom is no field of exchanges; did you mean outcome?"),
        ({"outcome": "maybe"}, "is no event: invalid enum value 'maybe' - at 'outcome'"),
        ({"records": -1}, "is no event: expected 'int' >= 0 - at 'records'"),
        ({"agency": "A", "consumer": "B"}, "has both consumer and agency, which are one field of exchanges"),
        ({"detail": {}}, "detail is no field of exchanges"),
        ({"repeat": 0}, "repeat: expected a whole number from 1, found 0"),
        ({"repeat": MAX_EVENTS + 1}, "makes more than 100,000 events of one case"),
        (
            {"at": "soon"},
            "at: 'soon' is not accepted: write it as a number and s, m, h, d or w, for instance 30m",
        ),
        ({"at": "1h", "time": "2026-11-02T09:00:00Z"}, "has both at and time"),
        (
            {"time": "2026-11-02T09:00:00"},
            "time: '2026-11-02T09:00:00' is no time with an offset, such as 2026-11-02T09:00:00+07:00",
        ),
        ({"vary": "x"}, "vary: expected fields with texts such as s-{n}"),
        ({"vary": {"records": "many"}}, "vary: records holds numbers, and many is none"),
        ({"vary": {"actor": "{n}"}, "actor": "a"}, "actor is given twice, once in vary"),
        (
            {"source": "security-events"},
            "source: 'security-events' does not reach this rule, which reads exchanges",
        ),
    ],
    ids=lambda each: str(each)[:40],
)
def test_a_case_with_an_impossible_event_is_refused_when_rules_are_loaded(
    tmp_path: Path, event: Values, reason: str
) -> None:
    """A case that tests something else than it says is worse than none."""
    document = with_cases(feeding(1), {"name": "c", "events": [{"outcome": "ok"}, event]})
    assert refused(tmp_path, document) == [f"monitor.cases[0].events[1]: {reason} (in Rule 1)"]


def test_rules_on_events_are_tried_on_each_event(tmp_path: Path) -> None:
    """A case matches when any of its events does."""
    found = outcomes(
        tmp_path,
        with_cases(
            rule(1),
            {"name": "right", "events": [{"outcome": "ok"}, {"outcome": "denied"}]},
            {"name": "right too", "expect": "none", "events": [{"outcome": "ok"}]},
            {"name": "missed", "events": [{"outcome": "ok"}, {"outcome": "fault"}]},
            {"name": "found", "expect": "none", "events": [{}, {"at": "1m", "outcome": "denied"}]},
        ),
    )
    assert [each.failure for each in found] == [
        "",
        "",
        "matched none of 2 events",
        "matched the event of 2026-11-02T02:01:00Z",
    ]


def test_rules_with_memory_are_run_by_the_engine(tmp_path: Path) -> None:
    """Windows open and close in event time."""
    cases: list[Values] = [
        {"name": "three in ten minutes", "events": [{"repeat": 3, "every": "4m", "outcome": "denied"}]},
        {"name": "too slow", "events": [{"repeat": 3, "every": "8m", "outcome": "denied"}]},
        {
            "name": "fast",
            "expect": "none",
            "events": [{"repeat": 3, "outcome": "denied", "consumer": "MOET"}],
        },
    ]
    found = outcomes(tmp_path, feeding(1), with_cases(correlation(2, "rule_1"), *cases))
    assert [each.failure for each in found] == [
        "",
        "detected nothing in 3 events",
        "detected something for consumer MOET at 2026-11-02T02:00:02Z",
    ]


def test_time_goes_on_after_the_last_event(tmp_path: Path) -> None:
    """What does not come shows only then."""
    documents = [
        feeding(1),
        feeding(2, detection={"s": {"outcome": "ok"}, "condition": "s"}),
        with_cases(
            correlation(3, "rule_1", "rule_2", type="absence", condition=None),
            {"name": "no answer", "events": [{"outcome": "denied"}], "advance": "11m"},
            {"name": "not yet", "expect": "none", "events": [{"outcome": "denied"}], "advance": "9m"},
            {
                "name": "answered",
                "expect": "none",
                "events": [{"outcome": "denied"}, {"at": "1m"}],
                "advance": "1h",
            },
        ),
    ]
    assert [each.failure for each in outcomes(tmp_path, *documents)] == ["", "", ""]


def test_a_rule_that_only_feeds_others_can_be_tried_too(tmp_path: Path) -> None:
    """Also one with memory, which alerts nobody by itself."""
    inner = correlation(2, "rule_1")
    found = outcomes(tmp_path, feeding(1), inner, correlation(3, "rule_2"))
    assert [each.failure for each in found if each.rule == ID.format(2)] == ["", ""]


def test_only_what_a_rule_takes_in_is_run_with_it(tmp_path: Path) -> None:
    """Others could detect something of their own."""
    found = loaded(
        tmp_path, feeding(1), feeding(2), correlation(3, "rule_1"), correlation(4, "rule_3"), strict=False
    )
    chosen = subset(found, ID.format(4))
    assert [each.info.title for each in (*chosen.events, *chosen.memories)] == ["Rule 1", "Rule 3", "Rule 4"]
    assert [each.alerts for each in chosen.memories] == [False, True]


def test_a_runner_gets_events_in_order_and_the_time_to_advance_to(tmp_path: Path) -> None:
    """What a runner of another engine is given."""
    seen: list[tuple[list[int], int]] = []

    def runner(rules: RuleSet, events: Sequence[Timed], advance_to_ms: int) -> list[Detection]:
        assert len(rules.memories) == 1
        seen.append(([each.time_ms - BASE_MS for each in events], advance_to_ms - BASE_MS))
        return []

    case = {"name": "c", "expect": "none", "events": [{"at": "2s"}, {"at": "1s"}], "advance": "1m"}
    found = load_folder(write(tmp_path, feeding(1), with_cases(correlation(2), case)), strict=False)
    assert [each.failure for each in run_cases(found, runner, {ID.format(2)})] == [""]
    assert seen == [([1000, 2000], 62_000)]
