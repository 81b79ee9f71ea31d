"""One agency: what it provides, what it asks for, what it owes, and what was detected at it."""

from __future__ import annotations

from typing import Final

from deploy.grafana.builder import limits
from deploy.grafana.builder.board import LOW, MEDIUM, Board, Row
from deploy.grafana.builder.links import drill
from deploy.grafana.builder.panels import OF_SERIES, THIRD, curves, figure
from deploy.grafana.builder.queries import (
    breaches_per_thousand,
    failed_share,
    quantile,
    rate,
    same,
)
from deploy.grafana.builder.tables import Column, rows
from deploy.grafana.builder.variables import AGENCY, PROMETHEUS_SOURCE
from deploy.grafana.builder.words import Words

MINE: Final = 'agency="$agency"'
PROVIDED: Final = 'provider="$agency"'
ASKED: Final = 'consumer="$agency"'
# States of a connection by the number that the query below gives them; in the order of the way to live.
STATES: Final = {
    "1": ("not_connected", limits.RED),
    "2": ("registered", limits.ORANGE),
    "3": ("sandbox", limits.ORANGE),
    "4": ("cleared", limits.ORANGE),
    "5": ("live", limits.GREEN),
    "6": ("suspended", limits.RED),
    "7": ("dormant", limits.RED),
}
EXPIRY: Final = same("agreement_expiry_timestamp_seconds", by="agreement")


def build(say: Words) -> list[Row]:
    """Figures, then both of its roles, then what it owes and what was detected."""
    security = drill(say, "security", "$agency")
    return [
        Row(
            "now",
            LOW,
            [
                figure(say, "state", connection_state(), "none", limits.NO_LIMIT, states=STATES),
                figure(say, "provided", rate("exchanges_total", PROVIDED), "reqps", limits.NO_LIMIT),
                figure(say, "failed", failed_share(PROVIDED), "percentunit", limits.FAILED_SHARE),
                figure(say, "breaches", breaches_per_thousand(ASKED), "short", limits.BREACHES, decimals=1),
                figure(
                    say,
                    "overdue",
                    f"sum({same('duty_overdue', MINE, 'agency, duty')})",
                    "none",
                    limits.FEW_ALLOWED,
                    link=drill(say, "duties", "$agency"),
                ),
                figure(
                    say,
                    "risk",
                    same("agency_risk_score", MINE),
                    "none",
                    limits.RISK,
                    decimals=0,
                    link=security,
                ),
            ],
        ),
        Row(
            "provider",
            MEDIUM,
            [
                curves(
                    say,
                    "answers",
                    [(rate("exchanges_total", PROVIDED, "service"), "{{service}}")],
                    "reqps",
                    width=THIRD,
                    link=drill(say, "service", OF_SERIES % "service"),
                ),
                curves(
                    say,
                    "failures",
                    [(failed_share(PROVIDED, "service"), "{{service}}")],
                    "percentunit",
                    width=THIRD,
                    link=drill(say, "service", OF_SERIES % "service"),
                ),
                curves(
                    say,
                    "durations",
                    [(quantile(0.95, "exchange_duration_seconds", PROVIDED, "service"), "{{service}}")],
                    "s",
                    width=THIRD,
                    link=drill(say, "service", OF_SERIES % "service"),
                ),
                rows(say, "agreements_given", agreements(PROVIDED, "consumer"), worst="budget", rising=True),
            ],
        ),
        Row(
            "consumer",
            MEDIUM,
            [
                curves(
                    say,
                    "questions",
                    [(rate("exchanges_total", ASKED, "service"), "{{service}}")],
                    "reqps",
                    link=drill(say, "service", OF_SERIES % "service"),
                ),
                curves(
                    say,
                    "breaches_by_kind",
                    [(rate("breaches_total", ASKED, "breach"), "{{breach}}")],
                    "cps",
                    codes="breach",
                    stacked=True,
                ),
                rows(say, "agreements_used", agreements(ASKED, "provider"), worst="budget", rising=True),
            ],
        ),
        Row(
            "duties_and_security",
            MEDIUM,
            [
                rows(say, "duties", duties(), worst="overdue", width=THIRD),
                curves(
                    say,
                    "detections",
                    [(rate("detections_total", MINE, "rule, severity"), "{{severity}}: {{rule}}")],
                    "cps",
                    width=THIRD,
                    link=security,
                ),
                curves(
                    say,
                    "security_events",
                    [(rate("security_events_total", MINE, "kind"), "{{kind}}")],
                    "cps",
                    width=THIRD,
                    link=security,
                ),
            ],
        ),
    ]


def connection_state() -> str:
    """The number of the state that the connection is in."""
    shown = (
        (number, same("connection_state", f'{MINE}, state="{word}"')) for number, (word, _) in STATES.items()
    )
    return " or ".join(f"{number} * ({state} == 1)" for number, state in shown)


def agreements(where: str, other: str) -> list[Column]:
    """Agreements on one side: the other side, the service, what is left of each budget, and the end."""
    # Figures of agreements know neither side: they are joined with those of this agency, and the other side.
    info = same("agreement_info", where, f"agreement, {other}, service")
    of_these = f"* on (agreement) group_left ({other}, service) {info}"
    month = 'window="month"'
    return [
        Column(source="agreement", word="agreement", leads_to="agreement"),
        Column(source=other, word=other, leads_to="agency"),
        Column(source="service", word="service", leads_to="service"),
        Column(
            source="budget",
            word="budget_left",
            expression=f"min by (agreement) ({selected_budget(month)}) {of_these}",
            unit="percentunit",
            colours=limits.BUDGET,
        ),
        Column(
            source="ends",
            word="ends_in",
            expression=f"({EXPIRY} - time()) {of_these}",
            unit="dtdurations",
            colours=limits.ENDING,
        ),
    ]


def selected_budget(where: str) -> str:
    """What is left of each objective's budget; the least of an agreement's is shown."""
    return same("slo_error_budget_remaining_ratio", where, "agreement, slo")


def duties() -> list[Column]:
    """Each duty: how many of its things are overdue, of how many, and when the next is due."""
    return [
        Column(source="duty", word="duty", codes="duty"),
        Column(
            source="overdue",
            word="overdue",
            expression=same("duty_overdue", MINE, "duty"),
            unit="none",
            colours=limits.FEW_ALLOWED,
        ),
        Column(source="all", word="of", expression=same("duty_total", MINE, "duty"), unit="none"),
        Column(
            source="due",
            word="due",
            expression=f"1000 * {same('duty_due_timestamp_seconds', MINE, 'duty')}",
            unit="dateTimeAsIso",
        ),
    ]


BOARD: Final = Board(name="agency", rows=build, variables=[PROMETHEUS_SOURCE, AGENCY], since="now-24h")
