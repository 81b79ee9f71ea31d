"""Security: what was detected, what is open, which notices are due, with the evidence from the database."""

from __future__ import annotations

from typing import Final

from deploy.grafana.builder import limits
from deploy.grafana.builder.board import LOW, MEDIUM, TALL, Board, Row
from deploy.grafana.builder.panels import HALF, THIRD, bars, curves, figure
from deploy.grafana.builder.queries import increase, or_zero, rate, same, statement
from deploy.grafana.builder.tables import Column, rows
from deploy.grafana.builder.variables import AGENCIES, POSTGRES_SOURCE, PROMETHEUS_SOURCE
from deploy.grafana.builder.words import Words

MINE: Final = 'agency=~"$agency"'
LEVELS: Final = {
    "5": ("critical", limits.RED),
    "4": ("high", limits.RED),
    "3": ("medium", limits.ORANGE),
    "2": ("low", limits.GREEN),
    "1": ("informational", limits.NEUTRAL),
}
SEVERITIES: Final = (
    ("critical", limits.NONE_ALLOWED),
    ("high", limits.FEW_ALLOWED),
    ("medium", limits.NO_LIMIT),
)
NOTICE_DUE: Final = same("breach_notification_due_timestamp_seconds", by="incident")


def build(say: Words) -> list[Row]:
    """Figures, clocks and open alerts with their evidence, then what was detected and what came in."""
    title = "title_vi" if say.language == "vi" else "title"
    return [
        Row(
            "now",
            LOW,
            [
                *(
                    figure(
                        say,
                        f"open_{level}",
                        f"sum({same('alerts_open', f'severity={chr(34)}{level}{chr(34)}', 'severity')})",
                        "none",
                        colours,
                    )
                    for level, colours in SEVERITIES
                ),
                figure(
                    say,
                    "incidents",
                    f"sum({same('incidents_open', by='tier')})",
                    "none",
                    limits.FEW_ALLOWED,
                ),
                figure(say, "notice", f"min({NOTICE_DUE}) - time()", "dtdurations", limits.NOTICE),
                figure(
                    say,
                    "refused",
                    or_zero(f"sum({increase('incidents_refused_total')})"),
                    "none",
                    limits.NONE_ALLOWED,
                    decimals=0,
                ),
            ],
        ),
        Row(
            "incidents",
            MEDIUM,
            [
                rows(say, "clocks", clocks(), worst="remaining", rising=True, width=THIRD),
                rows(
                    say,
                    "incident_list",
                    incidents(),
                    worst="remaining",
                    rising=True,
                    sql=statement("incidents"),
                    width=THIRD + THIRD,
                ),
            ],
        ),
        Row(
            "alerts",
            TALL,
            [
                rows(
                    say,
                    "alert_list",
                    alerts(),
                    worst="level",
                    sql=statement("alerts").replace("TITLE", title),
                )
            ],
        ),
        Row(
            "detections",
            TALL,
            [
                bars(
                    say,
                    "risk",
                    f"topk(15, {same('agency_risk_score', MINE, 'agency')})",
                    "{{agency}}",
                    "none",
                    limits.RISK,
                    width=THIRD,
                    largest=100,
                    leads_to="agency",
                ),
                curves(
                    say,
                    "by_rule",
                    [
                        (
                            f"topk(12, {rate('detections_total', MINE, 'rule, severity')})",
                            "{{severity}}: {{rule}}",
                        )
                    ],
                    "cps",
                    width=THIRD,
                ),
                curves(
                    say,
                    "by_agency",
                    [(f"topk(12, {rate('detections_total', MINE, 'agency')})", "{{agency}}")],
                    "cps",
                    width=THIRD,
                ),
            ],
        ),
        Row(
            "events",
            MEDIUM,
            [
                curves(
                    say,
                    "by_kind",
                    [(rate("security_events_total", MINE, "kind"), "{{kind}}")],
                    "cps",
                    width=HALF,
                    stacked=True,
                ),
                curves(
                    say,
                    "changes",
                    [
                        (rate("alerts_changes_total", by="change"), "{{change}}"),
                        (rate("alert_repeats_suppressed_total"), say("suppressed")),
                    ],
                    "cps",
                    codes="change",
                    width=HALF,
                ),
            ],
        ),
    ]


def clocks() -> list[Column]:
    """Notices that are owed, by the time that is left; from the metrics, so it needs no database."""
    return [
        Column(source="incident", word="incident"),
        Column(
            source="remaining",
            word="remaining",
            expression=f"{NOTICE_DUE} - time()",
            unit="dtdurations",
            colours=limits.NOTICE,
        ),
        Column(source="due", word="due", expression=f"1000 * {NOTICE_DUE}", unit="dateTimeAsIso"),
    ]


def incidents() -> list[Column]:
    """Incidents that are not settled, as the register has them."""
    plain = ("what", "records", "persons", "alerts", "evidence")
    return [
        Column(source="id", word="incident"),
        Column(source="agency", word="agency", leads_to="agency"),
        Column(source="tier", word="tier", states=LEVELS_OF_TIERS),
        Column(source="remaining", word="remaining", unit="dtdurations", colours=limits.NOTICE),
        Column(source="status", word="status", codes="incident_status"),
        Column(source="detected", word="detected", unit="dateTimeAsIso"),
        Column(source="kind", word="kind", codes="incident_kind"),
        Column(source="personal_data", word="personal_data", codes="personal_data"),
        *(Column(source=each, word=each) for each in plain),
    ]


LEVELS_OF_TIERS: Final = {
    "5": ("tier_5", limits.RED),
    "4": ("tier_4", limits.RED),
    "3": ("tier_3", limits.ORANGE),
    "2": ("tier_2", limits.GREEN),
    "1": ("tier_1", limits.NEUTRAL),
}


def alerts() -> list[Column]:
    """Open alerts with what they rest on and what to do."""
    plain = ("owner", "desk", "evidence", "facts", "runbook", "alert")
    return [
        Column(source="level", word="severity", states=LEVELS),
        Column(source="agency", word="agency", leads_to="agency"),
        Column(source="title", word="alert_title", width=280),
        Column(source="about", word="about"),
        Column(source="count", word="count", unit="locale"),
        Column(source="risk_score", word="risk", unit="none"),
        Column(source="first_seen", word="first_seen", unit="dateTimeAsIso"),
        Column(source="last_seen", word="last_seen", unit="dateTimeFromNow"),
        *(Column(source=each, word=each) for each in plain),
    ]


BOARD: Final = Board(
    name="security",
    rows=build,
    variables=[PROMETHEUS_SOURCE, POSTGRES_SOURCE, AGENCIES],
    since="now-24h",
    refresh="30s",
)
