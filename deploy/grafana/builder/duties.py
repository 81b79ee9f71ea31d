"""Duties, and progress towards the deadline: who is connected, what is overdue, how far each indicator is."""

from __future__ import annotations

from typing import Final

from deploy.grafana.builder import limits, quality
from deploy.grafana.builder.board import LOW, MEDIUM, TALL, Board, Row
from deploy.grafana.builder.panels import THIRD, bars, curves, figure
from deploy.grafana.builder.queries import same
from deploy.grafana.builder.tables import Column, rows
from deploy.grafana.builder.variables import AGENCIES, PROMETHEUS_SOURCE
from deploy.grafana.builder.words import Words

MINE: Final = 'agency=~"$agency"'
EACH: Final = "agency, duty"
STATE: Final = same("connection_state", MINE, "agency, state")
LIVE: Final = same("connection_state", f'{MINE}, state="live"', "agency")
OVERDUE: Final = same("duty_overdue", MINE, EACH)
ALL: Final = same("duty_total", MINE, EACH)
DUE: Final = same("duty_due_timestamp_seconds", MINE, EACH)
COVERAGE: Final = same("indicator_coverage_ratio", MINE, "agency, indicator")
CONNECT_DUE: Final = same("duty_due_timestamp_seconds", f'{MINE}, duty="connect"', "agency")


def build(say: Words) -> list[Row]:
    """Figures, progress over time, and every agency's duties and indicators."""
    review, expiry = (
        same(f"agreement_{what}_timestamp_seconds", by="agreement") for what in ("review", "expiry")
    )
    return [
        Row(
            "now",
            LOW,
            [
                figure(
                    say, "live", f"sum({LIVE}) / sum({STATE})", "percentunit", limits.NO_LIMIT, decimals=1
                ),
                figure(say, "missing", f"sum({STATE}) - sum({LIVE})", "none", limits.NO_LIMIT),
                figure(say, "deadline", f"min({CONNECT_DUE}) - time()", "dtdurations", limits.ENDING),
                figure(say, "overdue", f"sum({OVERDUE})", "none", limits.FEW_ALLOWED),
                figure(say, "reviews", f"count({review} < time()) or vector(0)", "none", limits.FEW_ALLOWED),
                figure(say, "expired", f"count({expiry} < time()) or vector(0)", "none", limits.FEW_ALLOWED),
            ],
        ),
        Row(
            "progress",
            MEDIUM,
            [
                curves(
                    say,
                    "states",
                    [(f"sum by (state) ({STATE})", "{{state}}")],
                    "none",
                    codes="state",
                    width=THIRD,
                    stacked=True,
                ),
                curves(
                    say,
                    "overdue_course",
                    [(f"sum by (duty) ({OVERDUE})", "{{duty}}")],
                    "none",
                    codes="duty",
                    width=THIRD,
                ),
                bars(
                    say,
                    "worst",
                    f"topk(10, sum by (agency) ({OVERDUE}) > 0)",
                    "{{agency}}",
                    "none",
                    limits.FEW_ALLOWED,
                    width=THIRD,
                    leads_to="agency",
                ),
            ],
        ),
        Row("duties", TALL, [rows(say, "duty_table", duties(), worst="overdue")]),
        Row(
            "indicators",
            TALL,
            [
                rows(say, "indicator_table", indicators(), worst="gap", rising=True, width=2 * THIRD),
                curves(
                    say,
                    "coverage",
                    [
                        (
                            f"avg by (indicator) ({COVERAGE})",
                            "{{indicator}}",
                        )
                    ],
                    "percentunit",
                    codes="indicator",
                    width=THIRD,
                ),
            ],
        ),
        *quality.build(say),
    ]


def duties() -> list[Column]:
    """Each agency's duties: how many are overdue, of how many, and when the next is due."""
    return [
        Column(source="agency", word="agency", leads_to="agency"),
        Column(source="duty", word="duty", codes="duty"),
        Column(source="overdue", word="overdue", expression=OVERDUE, unit="none", colours=limits.FEW_ALLOWED),
        Column(source="all", word="of", expression=ALL, unit="none"),
        Column(
            source="left",
            word="left",
            expression=f"{DUE} - time()",
            unit="dtdurations",
            colours=limits.ENDING,
        ),
        Column(source="due", word="due", expression=f"1000 * {DUE}", unit="dateTimeAsIso"),
    ]


def indicators() -> list[Column]:
    """Each indicator with numerator, denominator, coverage and target: never a bare percentage."""
    by = "agency, indicator"
    shown = {
        what: same(f"indicator_{what}", MINE, by)
        for what in ("numerator", "denominator", "coverage_ratio", "target_ratio")
    }
    reached = f"{shown['numerator']} / ({shown['denominator']} > 0)"
    return [
        Column(source="agency", word="agency", leads_to="agency"),
        Column(source="indicator", word="indicator", codes="indicator"),
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
    ]


BOARD: Final = Board(
    name="duties", rows=build, variables=[PROMETHEUS_SOURCE, AGENCIES], since="now-90d", refresh="5m"
)
