"""Pipeline health: whether the monitor itself keeps up, loses nothing, and gets its alerts out."""

from __future__ import annotations

from typing import Final

from deploy.grafana.builder import limits
from deploy.grafana.builder.board import LOW, MEDIUM, Board, Row
from deploy.grafana.builder.panels import THIRD, curves, figure
from deploy.grafana.builder.queries import increase, quantile, rate, same, selected
from deploy.grafana.builder.tables import Column, rows
from deploy.grafana.builder.variables import PROMETHEUS_SOURCE
from deploy.grafana.builder.words import Words
from deploy.grafana.builder.xroad import xroad

LAG: Final = same("consumer_lag_records", by="topic, partition")
OF_WORKERS: Final = f"* on (job, instance) group_left () {selected('build_info')}"
SHARES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))


def build(say: Words) -> list[Row]:
    """Figures, then how far, how fast, what was set aside, calls over X-Road, and what was told."""
    return [
        Row(
            "now",
            LOW,
            [
                figure(say, "workers", f"count({selected('build_info')})", "none", limits.NO_LIMIT),
                figure(say, "lag", f"sum({LAG})", "short", limits.LAG),
                figure(say, "age", quantile(0.99, "event_age_seconds"), "s", limits.EVENT_AGE),
                figure(say, "commit", quantile(0.99, "commit_duration_seconds"), "s", limits.COMMIT),
                figure(
                    say,
                    "lost",
                    f"sum({increase('records_lost_total')})",
                    "none",
                    limits.NONE_ALLOWED,
                    decimals=0,
                ),
                figure(say, "undelivered", same("alerts_undelivered"), "none", limits.FEW_ALLOWED),
            ],
        ),
        Row(
            "keeping_up",
            MEDIUM,
            [
                curves(
                    say,
                    "throughput",
                    [
                        (rate("exchanges_total"), say("exchanges")),
                        (rate("security_events_total"), say("security_events")),
                        (rate("lifecycle_events_total"), say("lifecycle_events")),
                    ],
                    "reqps",
                    width=THIRD,
                ),
                curves(say, "lag_by_partition", [(LAG, "{{topic}} {{partition}}")], "short", width=THIRD),
                curves(
                    say,
                    "ages",
                    [(quantile(share, "event_age_seconds"), say(word)) for share, word in SHARES],
                    "s",
                    width=THIRD,
                    colours=limits.EVENT_AGE,
                ),
                curves(
                    say,
                    "commits",
                    [(quantile(share, "commit_duration_seconds"), say(word)) for share, word in SHARES],
                    "s",
                    width=THIRD,
                    colours=limits.COMMIT,
                ),
                curves(
                    say,
                    "retries",
                    [
                        (rate("commits_failed_total"), say("commits_failed")),
                        (rate("partitions_fenced_total"), say("fenced")),
                    ],
                    "cps",
                    width=THIRD,
                ),
                curves(
                    say,
                    "memory",
                    [(f"process_resident_memory_bytes {OF_WORKERS}", "{{instance}}")],
                    "bytes",
                    width=THIRD,
                    colours=limits.MEMORY,
                ),
            ],
        ),
        Row(
            "set_aside",
            MEDIUM,
            [
                curves(
                    say,
                    "dead_letters",
                    [(rate("dead_letters_total", by="topic, reason"), "{{topic}}: {{reason}}")],
                    "cps",
                    width=THIRD,
                    stacked=True,
                ),
                curves(
                    say,
                    "odd",
                    [
                        (rate("duplicates_total"), say("duplicates")),
                        (rate("late_events_total"), say("late")),
                        (rate("security_duplicates_total"), say("security_duplicates")),
                        (rate("security_late_events_total"), say("security_late")),
                        (rate("lifecycle_duplicates_total"), say("lifecycle_duplicates")),
                        (rate("lifecycle_late_events_total"), say("lifecycle_late")),
                        (rate("id_memory_shortened_total"), say("ids_shortened")),
                        (rate("personal_values_total"), say("personal_values")),
                    ],
                    "cps",
                    width=THIRD,
                ),
                curves(
                    say,
                    "computed",
                    [
                        (f"time() - {same('objectives_computed_timestamp_seconds')}", say("objectives_age")),
                        (f"time() - {same('duties_refresh_timestamp_seconds')}", say("duties_age")),
                    ],
                    "s",
                    width=THIRD,
                    colours=limits.COMPUTED,
                ),
            ],
        ),
        xroad(say),
        Row(
            "telling",
            MEDIUM,
            [
                curves(
                    say,
                    "delivery",
                    [(quantile(share, "alert_delivery_seconds"), say(word)) for share, word in SHARES],
                    "s",
                    width=THIRD,
                    colours=limits.DELIVERY,
                ),
                curves(
                    say,
                    "outcomes",
                    [
                        (
                            rate("alert_deliveries_total", by="destination_kind, outcome"),
                            "{{destination_kind}}: {{outcome}}",
                        )
                    ],
                    "cps",
                    width=THIRD,
                ),
                rows(say, "workers_table", workers(), worst="memory", width=THIRD),
            ],
        ),
    ]


def workers() -> list[Column]:
    """One row a worker: which program it is, its rules, its memory."""
    by = "by (instance, version)"
    return [
        Column(source="instance", word="worker"),
        Column(source="version", word="version"),
        Column(
            source="memory",
            word="memory",
            expression=f"max {by} (process_resident_memory_bytes * on (job, instance) "
            f"group_left (version) {selected('build_info')})",
            unit="bytes",
            colours=limits.MEMORY,
        ),
        Column(
            source="rules",
            word="rules",
            expression=f"max {by} ({selected('rules_loaded')} * on (job, instance) "
            f"group_left (version) {selected('build_info')})",
            unit="none",
        ),
        Column(
            source="failed",
            word="reload_failed",
            expression=f"max {by} ({selected('rules_reload_failed')} * on (job, instance) "
            f"group_left (version) {selected('build_info')})",
            states={"0": ("rules_current", limits.GREEN), "1": ("rules_older", limits.RED)},
        ),
    ]


BOARD: Final = Board(
    name="pipeline", rows=build, variables=[PROMETHEUS_SOURCE], since="now-1h", refresh="15s"
)
