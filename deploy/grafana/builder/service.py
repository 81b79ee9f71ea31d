"""One service: rate, errors and duration over all who ask, how fresh its data are, and who asks how."""

from __future__ import annotations

from typing import Final

from deploy.grafana.builder import limits
from deploy.grafana.builder.board import LOW, MEDIUM, TALL, Board, Row
from deploy.grafana.builder.links import drill
from deploy.grafana.builder.panels import OF_SERIES, THIRD, curves, figure
from deploy.grafana.builder.queries import (
    breaches_per_thousand,
    failed_share,
    quantile,
    rate,
    ratio,
    same,
    selected,
)
from deploy.grafana.builder.tables import Column, rows
from deploy.grafana.builder.variables import PROMETHEUS_SOURCE, SERVICE
from deploy.grafana.builder.words import Words

MINE: Final = 'service="$service"'
SHARES: Final = ((0.5, "p50"), (0.95, "p95"), (0.99, "p99"))
BY_PROVIDER: Final = "provider, service"


def build(say: Words) -> list[Row]:
    """Figures, the three courses that say whether a service is well, what it costs, and who asks."""
    asking = drill(say, "agency", OF_SERIES % "consumer")
    age = same("service_freshness_seconds", MINE, BY_PROVIDER)
    allowed = same("service_freshness_limit_seconds", MINE, BY_PROVIDER)
    return [
        Row(
            "now",
            LOW,
            [
                figure(say, "rate", rate("exchanges_total", MINE), "reqps", limits.NO_LIMIT),
                figure(say, "failed", failed_share(MINE), "percentunit", limits.FAILED_SHARE),
                figure(say, "slow", quantile(0.95, "exchange_duration_seconds", MINE), "s", limits.NO_LIMIT),
                figure(say, "breaches", breaches_per_thousand(MINE), "short", limits.BREACHES, decimals=1),
                figure(say, "fresh", f"max({age} / {allowed})", "percentunit", limits.OF_LIMIT),
                figure(
                    say,
                    "last",
                    f"time() - max({selected('last_exchange_timestamp_seconds', MINE)})",
                    "dtdurations",
                    limits.NO_LIMIT,
                ),
            ],
        ),
        Row(
            "red",
            TALL,
            [
                curves(
                    say,
                    "rates",
                    [(rate("exchanges_total", MINE, "consumer"), "{{consumer}}")],
                    "reqps",
                    width=THIRD,
                    stacked=True,
                    link=asking,
                ),
                curves(
                    say,
                    "errors",
                    [(rate("exchange_failures_total", MINE, "outcome"), "{{outcome}}")],
                    "reqps",
                    codes="outcome",
                    width=THIRD,
                    stacked=True,
                ),
                curves(
                    say,
                    "durations",
                    [
                        (quantile(share, "exchange_duration_seconds", MINE), say(word))
                        for share, word in SHARES
                    ],
                    "s",
                    width=THIRD,
                ),
            ],
        ),
        Row(
            "use",
            MEDIUM,
            [
                curves(
                    say,
                    "bytes",
                    [
                        (rate("request_bytes_total", MINE), say("bytes_in")),
                        (rate("response_bytes_total", MINE), say("bytes_out")),
                    ],
                    "Bps",
                    width=THIRD,
                ),
                curves(
                    say,
                    "records",
                    [
                        (
                            ratio(
                                rate("records_total", MINE, "consumer"),
                                rate("exchanges_total", MINE, "consumer"),
                            ),
                            "{{consumer}}",
                        )
                    ],
                    "short",
                    width=THIRD,
                    link=asking,
                ),
                curves(
                    say,
                    "freshness",
                    [(age, say("data_age")), (allowed, say("allowed_age"))],
                    "s",
                    width=THIRD,
                    dashed="B",
                ),
            ],
        ),
        Row("consumers", TALL, [rows(say, "consumers", consumers(), worst="breaches")]),
    ]


def consumers() -> list[Column]:
    """Who asks: how often, how well it is answered, and how well it keeps its agreement."""
    return [
        Column(source="consumer", word="consumer", leads_to="agency"),
        Column(
            source="breaches",
            word="breaches_per_thousand",
            expression=breaches_per_thousand(MINE, "consumer"),
            unit="short",
            colours=limits.BREACHES,
        ),
        Column(
            source="failed",
            word="failed",
            expression=failed_share(MINE, "consumer"),
            unit="percentunit",
            colours=limits.FAILED_SHARE,
        ),
        Column(
            source="rate",
            word="exchanges_rate",
            expression=rate("exchanges_total", MINE, "consumer"),
            unit="reqps",
        ),
        Column(
            source="last",
            word="last_seen",
            expression=f"1000 * {same('last_exchange_timestamp_seconds', MINE, 'consumer')}",
            unit="dateTimeFromNow",
        ),
    ]


BOARD: Final = Board(name="service", rows=build, variables=[PROMETHEUS_SOURCE, SERVICE], since="now-24h")
