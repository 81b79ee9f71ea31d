"""The composite score: how it is made, and the file that configures it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from monitor.indicators.indicator import Indicator
from monitor.reports.gather.standing import Stood
from monitor.reports.rules import Composite, ReportRules, RuleProblems, read_report_rules
from monitor.reports.sections.agencies import composite


def stood(**counts: tuple[int, int, float]) -> Stood:
    """One agency with these indicators: numerator, denominator and target."""
    names = ("connection", "services_used", "traffic_under_agreement", "duties_on_time", "objectives_met")
    indicators = {}
    for name in names:
        numerator, denominator, target = counts.get(name, (0, 0, 0.8))
        indicators[name] = Indicator(name, numerator, denominator, max(denominator, 1), target)
    return Stood(datetime(2026, 11, 1, tzinfo=UTC), {}, [], {"MOH": indicators}, {}, 0)


def test_each_indicator_is_a_line_that_is_full_at_its_target() -> None:
    """Half of the target is half of the points, more than the target is not more than all of them."""
    score, points = composite(
        stood(connection=(1, 1, 1.0), services_used=(2, 5, 0.8), duties_on_time=(9, 10, 0.8)),
        "MOH",
        Composite(),
    )
    assert {each.indicator: each.points for each in points} == {
        "connection": 20.0,
        "services_used": 10.0,
        "duties_on_time": 20.0,
    }
    assert score == 83.3  # 50 of the 60 points that could be scored


def test_too_few_scored_indicators_make_no_score() -> None:
    """All of two says little; what was scored is told all the same."""
    score, points = composite(stood(connection=(1, 1, 1.0), duties_on_time=(1, 1, 0.8)), "MOH", Composite())
    assert score is None
    assert len(points) == 2


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    """The rest stays as it comes with the monitor."""
    file = tmp_path / "report.yaml"
    file.write_text("composite: {weights: {connection: 60}, least_scored: 1}\n", encoding="utf-8")
    rules = read_report_rules(file).composite
    assert (rules.weights.connection, rules.weights.duties_on_time, rules.least_scored) == (60.0, 20.0, 1)
    assert read_report_rules(None) == ReportRules()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("composite: {weight: {}}\n", "1 composite.weight: is not a field; did you mean weights?"),
        ("composite: {weights: {connection: -1}}\n", "composite.weights.connection"),
        ("composite: {least_scored: 6}\n", "composite.least_scored"),
        (
            "composite:\n  weights: {connection: 0, services_used: 0, traffic_under_agreement: 0,"
            " duties_on_time: 0, objectives_met: 0}\n",
            "are all 0",
        ),
        ("- composite\n", "expected composite: …; found a list"),
        ("", "is empty"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused(tmp_path: Path, text: str, problem: str) -> None:
    """With the line and the field."""
    file = tmp_path / "report.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RuleProblems) as raised:
        read_report_rules(file)
    assert problem in str(raised.value)
