"""Correlations, Sigma's and ours: what they become, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from alerts.rule import Absence, Baseline, Condition, Correlation, NewTerm, Register
from tests.alerts.sigma.writing import ID, Values, correlation, feeding, loaded, refused

HERE = "(in Rule 3)"
SECURITY = {"product": "data-exchange", "service": "security-events"}


def on_security(number: int) -> Values:
    """A feeding rule on security events."""
    detection = {"s": {"kind": "sign_in_failed"}, "condition": "s"}
    return feeding(number, logsource=SECURITY, detection=detection)


def made(tmp_path: Path, **changes: Any) -> Any:
    """The one correlation over rules 1 and 2 or those that `changes` name."""
    rules = changes.pop("rules", ["rule_1"])
    documents = [feeding(1), feeding(2), correlation(3, *rules, **changes)]
    (only,) = loaded(tmp_path, *documents, strict=False).memories
    return only


def test_an_event_count(tmp_path: Path) -> None:
    """Sigma's plainest correlation."""
    found = made(tmp_path, rules=["rule_1", ID.format(2)], group_by="consumer", timespan="2h")
    assert isinstance(found, Correlation)
    assert (found.type, found.parts, found.group_by, found.timespan) == (
        "event_count",
        (ID.format(1), ID.format(2)),
        ("consumer",),
        7200,
    )
    assert found.condition == Condition((("gte", 3.0),))
    assert found.fields == ({"consumer": "consumer"}, {"consumer": "consumer"})


@pytest.mark.parametrize(
    ("kind", "field", "expected"),
    [
        ("value_count", "subject", ("value_count", None)),
        ("value_sum", "records", ("value_sum", None)),
        ("value_avg", "duration_ms", ("value_avg", None)),
        ("value_median", "records", ("value_percentile", 50.0)),
    ],
)
def test_counts_and_sums_of_values(
    tmp_path: Path, kind: str, field: str, expected: tuple[str, float | None]
) -> None:
    """The field of the condition is what is counted or summed; a median is a percentile."""
    found = made(tmp_path, type=kind, condition={"field": field, "gt": 7.5})
    assert (found.type, found.percentile) == expected
    assert found.value_field == field
    assert found.condition == Condition((("gt", 7.5),))


def test_a_percentile(tmp_path: Path) -> None:
    """The condition says which."""
    condition = {"field": "duration_ms", "percentile": 99.5, "gte": 1000}
    assert made(tmp_path, type="value_percentile", condition=condition).percentile == 99.5


@pytest.mark.parametrize("condition", [None, {"gte": 2}, "rule_1 and rule_2"], ids=repr)
@pytest.mark.parametrize("kind", ["temporal", "temporal_ordered"])
def test_temporal_correlations_ask_for_every_rule(tmp_path: Path, kind: str, condition: object) -> None:
    """With or without a condition that says so."""
    found = made(tmp_path, type=kind, rules=["rule_1", "rule_2"], condition=condition)
    assert (found.type, found.condition) == (kind, Condition(()))


def test_aliases_give_each_rule_its_own_field(tmp_path: Path) -> None:
    """A name of the group may be another field in events of each rule."""
    found = made(
        tmp_path,
        rules=["rule_1", "rule_2"],
        group_by=["who", "service"],
        aliases={"who": {"rule_1": "consumer", ID.format(2): "provider"}},
    )
    assert found.fields == (
        {"who": "consumer", "service": "service"},
        {"who": "provider", "service": "service"},
    )


def test_our_own_types(tmp_path: Path) -> None:
    """Absence, new term, register and baseline, with what they leave out filled in."""
    nothing: Values = {"condition": None, "timespan": None}
    silence = made(tmp_path, type="absence", condition=None, usual=5, history=3)
    assert isinstance(silence, Absence)
    assert (silence.usual, silence.history, silence.timespan) == (5, 3, 600)
    new = made(
        tmp_path, type="new_term", condition=None, timespan="60d", value_field="purpose", learning="14d"
    )
    assert isinstance(new, NewTerm)
    assert (new.value_field, new.timespan, new.learning) == ("purpose", 60 * 86_400, 14 * 86_400)
    looked_up = made(tmp_path, type="register", attribute="fields", value_field="fields", **nothing)
    assert isinstance(looked_up, Register)
    assert (looked_up.lookup, looked_up.timespan) == ({"consumer": "agency", "service": "service"}, 0)
    usual = made(
        tmp_path,
        type="baseline",
        measure="sum",
        value_field="records",
        group_by=["consumer", "service"],
        parent=["service"],
        sensitivity=6,
        **nothing,
    )
    assert isinstance(usual, Baseline)
    assert (usual.sensitivity, usual.parent, usual.timespan, usual.seasons) == (6.0, ("service",), 3600, 3)


def test_correlations_take_in_correlations(tmp_path: Path) -> None:
    """Chains come in the order in which they take each other in, whatever the order of the files."""
    chain = [
        correlation(5, "rule_4", group_by=["consumer"]),
        correlation(4, "rule_3", group_by=["consumer", "service"]),
        correlation(3, "rule_1", group_by=["consumer", "service"]),
        feeding(1),
    ]
    found = loaded(tmp_path, *chain, strict=False)
    assert [each.info.title for each in found.memories] == ["Rule 3", "Rule 4", "Rule 5"]
    assert [each.alerts for each in found.memories] == [False, False, True]


def test_a_rule_over_a_look_up_sees_the_whole_event(tmp_path: Path) -> None:
    """A register rule matches on the event, so more than its group can be told apart."""
    look_up = correlation(3, "rule_1", type="register", condition=None, timespan=None)
    count = correlation(4, "rule_3", group_by=["subject"])
    assert len(loaded(tmp_path, feeding(1), look_up, count, strict=False).memories) == 2


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"type": "event_cuont"},
            "correlation.type: 'event_cuont' is no type of correlation; did you mean event_count?",
        ),
        ({"type": None}, "correlation.type: is missing"),
        ({"tiemspan": "5m"}, "correlation.tiemspan: is not a field; did you mean timespan?"),
        ({"timespan": None}, "correlation.timespan: is missing"),
        ({"timespan": "5s"}, "correlation.timespan: 5s is shorter than 10 s"),
        (
            {"timespan": "32d"},
            "correlation.timespan: 32d is longer than 31 days, the most that is remembered",
        ),
        (
            {"timespan": "1M"},
            "correlation.timespan: '1M' is not accepted: write it as a number and s, m, h, d or w, "
            "for instance 30m",
        ),
        (
            {"type": "new_term", "condition": None, "value_field": "purpose", "timespan": "367d"},
            "correlation.timespan: 367d is longer than 366 days, the most that is remembered",
        ),
        ({"rules": ["rulr_1"]}, "correlation.rules[0]: there is no rule rulr_1; did you mean rule_1?"),
        ({"rules": ["rule_1", "rule_1"]}, "correlation.rules: names a rule twice"),
        ({"rules": ["rule_3"]}, "correlation.rules: takes in itself, directly or through other correlations"),
        (
            {"rules": ["rule_1", "on_security"]},
            "correlation.rules: read exchanges and security-events; "
            "events of different sources are not seen together",
        ),
        (
            {"group_by": ["consumr"]},
            "correlation.group-by[0]: exchanges has no field consumr; did you mean consumer?",
        ),
        ({"group_by": ["consumer", "consumer"]}, "correlation.group-by: names a field twice"),
        (
            {"aliases": {"who": {"rule_1": "consumer"}}},
            "correlation.aliases.who: is an alias that group-by does not name",
        ),
        (
            {"group_by": ["who"], "aliases": {"who": {"rule_2": "consumer"}}},
            "correlation.aliases.who: names rule_2, which is none of the correlation's rules",
        ),
        ({"condition": None}, "correlation.condition: is missing; event_count needs a number"),
        (
            {"condition": {"gte": "x"}},
            "correlation.condition: 'x' is no valid Sigma correlation condition count",
        ),
        ({"condition": {"gte": "5"}}, "correlation.condition.gte: expected a number, found '5'"),
        (
            {"condition": {"gte": 1, "lte": 5}},
            "correlation.condition: Sigma correlation condition must have exactly one condition item",
        ),
        (
            {"condition": {"lt": 1}},
            "correlation.condition.lt: lt: 1 can never hold, as a window begins with a match; "
            "see type: absence",
        ),
        (
            {"condition": {"eq": 0}},
            "correlation.condition.eq: eq: 0 can never hold, as a window begins with a match; "
            "see type: absence",
        ),
        (
            {"condition": {"gte": 3, "field": "subject"}},
            "correlation.condition.field: counts events; to count values write type: value_count",
        ),
        ({"type": "value_count"}, "correlation.condition.field: is missing; value_count needs one"),
        (
            {"type": "value_sum", "condition": {"gte": 3, "field": "subject"}},
            "correlation.condition.field: subject holds a text; expected a field with a number",
        ),
        (
            {"type": "value_percentile", "condition": {"gte": 3, "field": "records", "percentile": 101}},
            "correlation.condition.percentile: expected a number from 0 to 100",
        ),
        (
            {"type": "temporal", "rules": ["rule_1", "rule_2"], "condition": "rule_1 or rule_2"},
            "correlation.condition: temporal is met when every rule has matched; leave the condition out",
        ),
        ({"type": "temporal", "condition": None}, "correlation.rules: temporal takes at least two rules"),
        (
            {"type": "absence", "condition": None, "rules": ["rule_1", "rule_2"], "usual": 3},
            "correlation.usual: goes with one rule; with two, the second is expected at once",
        ),
        (
            {"type": "register", "condition": None, "timespan": None, "attribute": "purposes"},
            "correlation.value-field: is missing; it is compared with purposes",
        ),
        (
            {
                "type": "register",
                "condition": None,
                "timespan": None,
                "attribute": "purposes",
                "value_field": "records",
            },
            "correlation.value-field: records holds a number; expected a field with a text",
        ),
        (
            {"type": "baseline", "condition": None, "timespan": "2h"},
            "correlation.timespan: '2h' is not accepted: expected '1h'",
        ),
        (
            {"type": "baseline", "condition": None, "timespan": None, "value_field": "records"},
            "correlation.value-field: has nothing to do: matches are counted",
        ),
        (
            {"type": "baseline", "condition": None, "timespan": None, "parent": ["service"]},
            "correlation.parent[0]: service is not in group-by; a parent is a larger group",
        ),
    ],
    ids=lambda each: str(each)[:60],
)
def test_a_correlation_that_makes_no_sense_is_refused(tmp_path: Path, changes: Values, problem: str) -> None:
    """The reason says what is wrong and what to write."""
    given = dict(changes)
    rules = given.pop("rules", ["rule_1"])
    extra = {**on_security(4), "name": "on_security"}
    documents = [feeding(1), feeding(2), extra, correlation(3, *rules, **given)]
    assert refused(tmp_path, *documents, strict=False) == [f"{problem} {HERE}"]


def test_circles_are_told_of_every_rule_in_them(tmp_path: Path) -> None:
    """Three that take each other in; one that takes them in is no part of the circle."""
    documents = [
        feeding(1),
        correlation(3, "rule_4"),
        correlation(4, "rule_5"),
        correlation(5, "rule_3"),
        correlation(6, "rule_3"),
    ]
    found = refused(tmp_path, *documents, strict=False)
    circle = "correlation.rules: takes in itself, directly or through other correlations (in Rule {})"
    assert sorted(found) == [circle.format(number) for number in (3, 4, 5)]


def test_a_chained_rule_knows_only_the_group_of_what_it_takes_in(tmp_path: Path) -> None:
    """A correlation passes on its group, not the events behind it."""
    documents = [feeding(1), correlation(3, "rule_1"), correlation(4, "rule_3", group_by=["subject"])]
    assert refused(tmp_path, *documents, strict=False) == [
        "correlation.group-by[0]: Rule 3 tells apart by consumer, not by subject (in Rule 4)"
    ]


def test_the_sections_of_one_kind_do_not_belong_to_another(tmp_path: Path) -> None:
    """A document is a rule, a correlation or a filter."""
    both = {**feeding(1), "correlation": correlation(3)["correlation"]}
    assert refused(tmp_path, both, strict=False) == [
        "logsource: does not belong to a correlation (in Rule 1)",
        "detection: does not belong to a correlation (in Rule 1)",
    ]
