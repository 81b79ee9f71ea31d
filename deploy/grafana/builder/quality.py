"""Public service quality, for the dashboard of duties: the index of each agency, and what it is made of."""

from __future__ import annotations

from typing import Final

from deploy.grafana.builder import limits
from deploy.grafana.builder.board import TALL, Row
from deploy.grafana.builder.panels import HALF, THIRD, bars, curves
from deploy.grafana.builder.queries import same
from deploy.grafana.builder.tables import Column, rows
from deploy.grafana.builder.words import Words

MINE: Final = 'agency=~"$agency"'
POINTS: Final = same("service_quality_points", MINE, "agency")
SCORED: Final = same("service_quality_scored_points", MINE, "agency")
WHOLE: Final = same("service_quality_most_points")
HANDLED: Final = same("service_quality_handled_dossiers", MINE, "agency")
DAYS: Final = same("service_quality_handling_days", MINE, "agency")


def build(say: Words) -> list[Row]:
    """The items of each agency, the agencies with the lowest index, and the course of the whole."""
    coverage = f"sum({SCORED}) / (count({SCORED}) * {WHOLE})"
    return [
        Row(
            "quality",
            TALL,
            [
                rows(say, "quality_table", items(), worst="gap", rising=True, width=2 * THIRD),
                bars(
                    say,
                    "quality_lowest",
                    f"bottomk(10, 100 * {POINTS} / ({SCORED} > 0))",
                    "{{agency}}",
                    "none",
                    limits.NO_LIMIT,
                    width=THIRD,
                    largest=100,
                    leads_to="agency",
                ),
                curves(
                    say,
                    "quality_course",
                    [(f"sum({POINTS}) / (sum({SCORED}) > 0)", say("index")), (coverage, say("coverage"))],
                    "percentunit",
                    width=HALF,
                ),
                curves(
                    say,
                    "quality_days",
                    [(f"sum({DAYS}) / (sum({HANDLED}) > 0)", say("working_days"))],
                    "none",
                    width=HALF,
                ),
            ],
        )
    ]


def items() -> list[Column]:
    """Each item with numerator, denominator, coverage, target and points: never a bare percentage."""
    by = "agency, indicator"
    shown = {
        what: same(f"service_quality_{what}", MINE, by)
        for what in (
            "numerator",
            "denominator",
            "coverage_ratio",
            "target_ratio",
            "item_points",
            "item_most_points",
        )
    }
    reached = f"{shown['numerator']} / ({shown['denominator']} > 0)"
    return [
        Column(source="agency", word="agency", leads_to="agency"),
        Column(source="indicator", word="item", codes="quality_item"),
        Column(
            source="gap",
            word="gap",
            expression=f"{reached} - {shown['target_ratio']}",
            unit="percentunit",
            colours=limits.MARGIN,
        ),
        Column(source="reached", word="reached", expression=reached, unit="percentunit", decimals=1),
        Column(source="target", word="target", expression=shown["target_ratio"], unit="percentunit"),
        Column(source="numerator", word="numerator", expression=shown["numerator"], unit="locale"),
        Column(source="denominator", word="denominator", expression=shown["denominator"], unit="locale"),
        Column(source="coverage", word="coverage", expression=shown["coverage_ratio"], unit="percentunit"),
        Column(source="points", word="points", expression=shown["item_points"], unit="none", decimals=1),
        Column(source="most", word="most", expression=shown["item_most_points"], unit="none"),
    ]
