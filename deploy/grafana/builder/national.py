"""The national overview: for a screen on a wall. Volume, quality, compliance and risk, the worst first."""

from __future__ import annotations

from typing import Final

from deploy.grafana.builder import limits
from deploy.grafana.builder.board import LOW, MEDIUM, TALL, Board, Row
from deploy.grafana.builder.links import drill
from deploy.grafana.builder.panels import OF_SERIES, bars, curves, figure
from deploy.grafana.builder.queries import (
    breaches_per_thousand,
    failed_share,
    or_zero,
    quantile,
    rate,
    renamed,
    same,
)
from deploy.grafana.builder.tables import Column, rows
from deploy.grafana.builder.variables import PROMETHEUS_SOURCE
from deploy.grafana.builder.words import Words

WORST: Final = 10  # as many bars as can be read across a room
KINDS: Final = "agreement, slo"
ATTAINED: Final = same("slo_attainment_ratio", 'window="month"', KINDS)
BUDGET_LEFT: Final = same("slo_error_budget_remaining_ratio", 'window="month"', KINDS)
MISSED: Final = f"{ATTAINED} < {same('slo_objective_ratio', by=KINDS)}"
GRAVE_ALERTS: Final = same("alerts_open", 'severity=~"high|critical"', "severity")
NOTICE_DUE: Final = same("breach_notification_due_timestamp_seconds", by="incident")
LIVE: Final = same("connection_state", 'state="live"', "agency")
CONNECTIONS: Final = same("connection_state", by="agency, state")
OVERDUE: Final = f"sum by (agency) ({same('duty_overdue', by='agency, duty')})"
EXPIRY: Final = same("agreement_expiry_timestamp_seconds", by="agreement")
LAG: Final = same("consumer_lag_records", by="topic, partition")
RISK: Final = same("agency_risk_score", by="agency")


def build(say: Words) -> list[Row]:
    """Figures, courses, the worst of each kind, and every agency."""
    security, duties, pipeline = (drill(say, board) for board in ("security", "duties", "pipeline"))
    return [
        Row(
            "now",
            LOW,
            [
                figure(say, "exchanges", rate("exchanges_total"), "reqps", limits.NO_LIMIT),
                figure(say, "failed", failed_share(), "percentunit", limits.FAILED_SHARE),
                figure(say, "missed", or_zero(f"count({MISSED})"), "none", limits.NONE_ALLOWED),
                figure(say, "breaches", breaches_per_thousand(), "short", limits.BREACHES, decimals=1),
                figure(say, "alerts", f"sum({GRAVE_ALERTS})", "none", limits.FEW_ALLOWED, link=security),
                figure(
                    say, "notice", f"min({NOTICE_DUE}) - time()", "dtdurations", limits.NOTICE, link=security
                ),
                figure(
                    say,
                    "live",
                    f"sum({LIVE}) / sum({CONNECTIONS})",
                    "percentunit",
                    limits.NO_LIMIT,
                    link=duties,
                ),
                figure(say, "overdue", f"sum({OVERDUE})", "none", limits.FEW_ALLOWED, link=duties),
                figure(say, "ending", f"min({EXPIRY} > time()) - time()", "dtdurations", limits.ENDING),
                figure(say, "risk", f"max({RISK})", "none", limits.RISK, decimals=0, link=security),
                figure(say, "age", quantile(0.99, "event_age_seconds"), "s", limits.EVENT_AGE, link=pipeline),
                figure(say, "lag", f"sum({LAG})", "short", limits.LAG, link=pipeline),
            ],
        ),
        Row(
            "course",
            MEDIUM,
            [
                curves(
                    say,
                    "volume",
                    [(f"topk(8, {rate('exchanges_total', by='provider')})", "{{provider}}")],
                    "reqps",
                    link=drill(say, "agency", OF_SERIES % "provider"),
                ),
                curves(
                    say,
                    "failures",
                    [(rate("exchange_failures_total", by="outcome"), "{{outcome}}")],
                    "reqps",
                    codes="outcome",
                    stacked=True,
                ),
            ],
        ),
        Row(
            "worst",
            TALL,
            [
                bars(
                    say,
                    "worst_quality",
                    f"bottomk({WORST}, {BUDGET_LEFT})",
                    "{{agreement}} · {{slo}}",
                    "percentunit",
                    limits.BUDGET,
                    largest=1,
                    leads_to="agreement",
                ),
                bars(
                    say,
                    "worst_compliance",
                    f"topk({WORST}, {breaches_per_thousand(by='consumer')})",
                    "{{consumer}}",
                    "short",
                    limits.BREACHES,
                    leads_to="agency",
                    label="consumer",
                ),
                bars(
                    say,
                    "worst_risk",
                    f"topk({WORST}, {RISK})",
                    "{{agency}}",
                    "none",
                    limits.RISK,
                    largest=100,
                    leads_to="agency",
                ),
                bars(
                    say,
                    "worst_duties",
                    f"topk({WORST}, {OVERDUE} > 0)",
                    "{{agency}}",
                    "none",
                    limits.FEW_ALLOWED,
                    leads_to="agency",
                ),
            ],
        ),
        Row("agencies", TALL + LOW, [rows(say, "agencies", agencies(), worst="risk")]),
    ]


def agencies() -> list[Column]:
    """Every agency by what it provides, asks, owes and risks."""
    return [
        Column(source="agency", word="agency", leads_to="agency"),
        Column(source="risk", word="risk", expression=RISK, unit="none", colours=limits.RISK, decimals=0),
        Column(
            source="failed",
            word="failed_provider",
            expression=renamed(failed_share(by="provider"), "provider"),
            unit="percentunit",
            colours=limits.FAILED_SHARE,
        ),
        Column(
            source="breaches",
            word="breaches_consumer",
            expression=renamed(breaches_per_thousand(by="consumer"), "consumer"),
            unit="short",
            colours=limits.BREACHES,
        ),
        Column(
            source="overdue",
            word="overdue",
            expression=OVERDUE,
            unit="none",
            colours=limits.FEW_ALLOWED,
        ),
        Column(
            source="provided",
            word="provided",
            expression=renamed(rate("exchanges_total", by="provider"), "provider"),
            unit="reqps",
        ),
        Column(
            source="asked",
            word="asked",
            expression=renamed(rate("exchanges_total", by="consumer"), "consumer"),
            unit="reqps",
        ),
    ]


BOARD: Final = Board(
    name="national", rows=build, variables=[PROMETHEUS_SOURCE], since="now-6h", refresh="30s"
)
