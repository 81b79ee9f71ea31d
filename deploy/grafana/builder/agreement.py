"""One agreement: whether both sides keep it. Rate, errors, duration, error budget, breaches, ledger."""

from __future__ import annotations

from typing import Final

from deploy.grafana.builder import limits
from deploy.grafana.builder.board import LOW, MEDIUM, Board, Note, Row
from deploy.grafana.builder.panels import HALF, QUARTER, THIRD, curves, figure
from deploy.grafana.builder.queries import failed_share, quantile, rate, same, statement
from deploy.grafana.builder.tables import Column, rows
from deploy.grafana.builder.variables import AGREEMENT, POSTGRES_SOURCE, PROMETHEUS_SOURCE, derived
from deploy.grafana.builder.words import Words

MINE: Final = 'agreement="$agreement"'
PAIR: Final = 'provider="$provider", consumer="$consumer", service="$service"'
SERVED: Final = 'provider="$provider", service="$service"'
MONTH: Final = f'{MINE}, window="month"'
SHARES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
OBJECTIVE: Final = same("slo_objective_ratio", MINE, "slo")
BAD: Final = rate("slo_bad_events_total", MINE, "slo")
EVENTS: Final = rate("slo_events_total", MINE, "slo")
# How many times as fast as it lasts the budget is being spent.
BURN: Final = f"({BAD} / ({EVENTS} > 0)) / on (slo) (1 - {OBJECTIVE})"


def build(say: Words) -> list[Row]:
    """Figures against what was agreed, courses with the objective on them, and the ledger's own sums."""
    attained = same("slo_attainment_ratio", MONTH, "slo")
    expiry, review = (
        f"{same(f'agreement_{what}_timestamp_seconds', MINE)} - time()" for what in ("expiry", "review")
    )
    return [
        Row(
            "now",
            LOW,
            [
                figure(say, "rate", rate("exchanges_total", PAIR), "reqps", limits.NO_LIMIT),
                figure(
                    say,
                    "margin",
                    f"min({attained} - on (slo) {OBJECTIVE})",
                    "percentunit",
                    limits.MARGIN,
                    decimals=2,
                ),
                figure(
                    say,
                    "budget",
                    f"min({same('slo_error_budget_remaining_ratio', MONTH, 'slo')})",
                    "percentunit",
                    limits.BUDGET,
                    decimals=0,
                ),
                figure(say, "burning", f"max({BURN})", "short", limits.BURN, decimals=1),
                figure(say, "ends", expiry, "dtdurations", limits.ENDING),
                figure(say, "review", review, "dtdurations", limits.ENDING),
            ],
        ),
        Row(
            "red",
            MEDIUM,
            [
                curves(
                    say,
                    "rates",
                    [(rate("exchanges_total", PAIR), say("exchanges_rate"))],
                    "reqps",
                    width=QUARTER,
                ),
                curves(
                    say,
                    "errors",
                    [(failed_share(PAIR), say("failed"))],
                    "percentunit",
                    width=QUARTER,
                ),
                curves(
                    say,
                    "durations",
                    [
                        (quantile(share, "exchange_duration_seconds", SERVED), say(word))
                        for share, word in SHARES
                    ],
                    "s",
                    width=HALF,
                ),
            ],
        ),
        Row(
            "objectives",
            MEDIUM,
            [
                curves(
                    say,
                    "attainment",
                    [(attained, "{{slo}}"), (OBJECTIVE, say("objective") + ": {{slo}}")],
                    "percentunit",
                    codes="slo",
                    width=THIRD,
                    dashed="B",
                    from_zero=False,
                ),
                curves(
                    say,
                    "budget_course",
                    [(same("slo_error_budget_remaining_ratio", MONTH, "slo"), "{{slo}}")],
                    "percentunit",
                    codes="slo",
                    width=THIRD,
                    from_zero=False,
                ),
                curves(
                    say, "burn", [(BURN, "{{slo}}")], "short", codes="slo", width=THIRD, colours=limits.BURN
                ),
                rows(say, "objective_table", objectives(), worst="left", rising=True),
            ],
        ),
        Row(
            "breaches",
            MEDIUM,
            [
                curves(
                    say,
                    "breaches_by_kind",
                    [(rate("breaches_total", PAIR, "breach"), "{{breach}}")],
                    "cps",
                    codes="breach",
                    stacked=True,
                ),
                rows(say, "findings", findings(), worst="breaches", sql=statement("findings"), width=HALF),
                rows(say, "ledger", ledger(), worst="day", sql=statement("ledger")),
            ],
        ),
    ]


def objectives() -> list[Column]:
    """What was agreed, what was reached, on how many exchanges, and what is left."""
    return [
        Column(source="slo", word="slo", codes="slo"),
        Column(source="agreed", word="objective", expression=OBJECTIVE, unit="percentunit", decimals=2),
        Column(
            source="reached",
            word="attained",
            expression=same("slo_attainment_ratio", MONTH, "slo"),
            unit="percentunit",
            decimals=3,
        ),
        Column(
            source="left",
            word="budget_left",
            expression=same("slo_error_budget_remaining_ratio", MONTH, "slo"),
            unit="percentunit",
            colours=limits.BUDGET,
            decimals=1,
        ),
        Column(
            source="events",
            word="measured",
            expression=same("slo_window_events", MONTH, "slo"),
            unit="short",
        ),
        Column(
            source="bad",
            word="bad",
            expression=same("slo_window_bad_events", MONTH, "slo"),
            unit="short",
        ),
        Column(
            source="least",
            word="alerts_from",
            expression=same("slo_min_bad_events", MINE, "slo"),
            unit="short",
        ),
    ]


def findings() -> list[Column]:
    """Breaches by kind, exactly as the ledger has them."""
    return [
        Column(source="breach", word="breach", codes="breach"),
        Column(source="breaches", word="breaches", unit="locale"),
        Column(source="denied", word="denied", unit="locale"),
        Column(source="version", word="version", unit="none"),
        Column(source="first_seen", word="first_seen", unit="dateTimeAsIso"),
        Column(source="last_seen", word="last_seen", unit="dateTimeAsIso"),
    ]


def ledger() -> list[Column]:
    """Exchanges by day (UTC), exactly as the ledger has them."""
    return [
        Column(source="day", word="day", unit="dateTimeAsIso"),
        Column(source="exchanges", word="exchanges", unit="locale"),
        Column(source="failed", word="failed_count", unit="locale"),
        Column(source="denied", word="denied", unit="locale"),
        Column(source="slow", word="slow", unit="locale"),
        Column(source="breached", word="breached", unit="locale"),
        Column(
            source="share",
            word="breached_share",
            unit="percentunit",
            colours=limits.FAILED_SHARE,
            decimals=2,
        ),
    ]


BOARD: Final = Board(
    name="agreement",
    rows=build,
    variables=[
        PROMETHEUS_SOURCE,
        POSTGRES_SOURCE,
        AGREEMENT,
        *(derived(name, "agreement_info", MINE) for name in ("provider", "consumer", "service")),
    ],
    since="now-7d",
    notes=[
        Note(key="changes", colour=limits.NEUTRAL, sql=statement("agreement_changes")),
        Note(key="incidents", colour=limits.RED, sql=statement("agreement_incidents")),
    ],
)
