"""The row of calls over X-Road: whether both sides recorded them, why they failed, whose clock is wrong."""

from __future__ import annotations

from typing import Final

from deploy.grafana.builder import limits
from deploy.grafana.builder.board import MEDIUM, Row
from deploy.grafana.builder.panels import THIRD, bars, curves
from deploy.grafana.builder.queries import increase, rate, ratio, same
from deploy.grafana.builder.words import Words

_SHOWN: Final = 10  # agencies and sides, the worst
_BY: Final = "side, agency"


def xroad(say: Words) -> Row:
    """How calls were joined and what is missing, then what was odd, why calls failed, and the clocks."""
    return Row(
        "xroad",
        MEDIUM,
        [
            curves(
                say,
                "xroad_joined",
                [
                    (rate("xroad_joined_total", by="how"), "{{how}}"),
                    (rate("xroad_orphans_total"), say("xroad_one_side")),
                ],
                "cps",
                width=THIRD,
                stacked=True,
            ),
            bars(
                say,
                "xroad_missing",
                f"topk({_SHOWN}, {missing()})",
                "{{agency}}, {{side}}",
                "percentunit",
                limits.HALVES_MISSING,
                width=THIRD,
                largest=1,
            ),
            curves(
                say,
                "xroad_waiting",
                [(f"sum({same('xroad_waiting_halves', by='partition')})", say("xroad_waiting"))],
                "short",
                width=THIRD,
            ),
            curves(
                say,
                "xroad_causes",
                [(rate("xroad_failures_total", by="cause"), "{{cause}}")],
                "cps",
                width=THIRD,
                stacked=True,
            ),
            curves(
                say,
                "xroad_odd",
                [
                    (rate("xroad_duplicates_total", by="side"), say("xroad_duplicates") + " ({{side}})"),
                    (rate("xroad_ambiguous_total"), say("xroad_ambiguous")),
                    (rate("xroad_network_flagged_total"), say("xroad_flagged")),
                    (rate("xroad_non_monotone_total"), say("xroad_non_monotone")),
                ],
                "cps",
                width=THIRD,
            ),
            curves(
                say,
                "xroad_skew",
                [
                    (
                        same("xroad_clock_skew_seconds", by="client_server, service_server"),
                        "{{client_server}} → {{service_server}}",
                    )
                ],
                "s",
                width=THIRD,
                colours=limits.CLOCK_SKEW,
                from_zero=False,
            ),
        ],
    )


def missing() -> str:
    """The share of answered calls that an agency's side did not record; all where it recorded none."""
    alone = increase("xroad_orphans_total", 'outcome="ok"', _BY)
    recorded = increase("xroad_halves_total", by=_BY)
    return ratio(alone, f"({alone} + ({recorded} or {alone} * 0))")
