"""The metrics of service quality: name, help and labels. Every worker shows the same: take the maximum."""

from __future__ import annotations

from typing import Final

from monitor.metrics.names import Declaration

_SLO: Final = ("agreement", "slo", "window")
_SERVICE: Final = ("provider", "service")

ATTAINMENT = Declaration(
    "slo_attainment_ratio", "Share of good exchanges in a window; absent without exchanges", _SLO
)
BUDGET = Declaration(
    "slo_error_budget_remaining_ratio",
    "What is left of the error budget in a window: 1 untouched, below 0 overdrawn",
    _SLO,
)
WINDOW_EVENTS = Declaration(
    "slo_window_events", "Exchanges in a window that an objective is measured on", _SLO
)
WINDOW_BAD = Declaration("slo_window_bad_events", "Exchanges in a window that missed an objective", _SLO)
WINDOW_EXCHANGES = Declaration(
    "service_window_exchanges",
    "Exchanges of a service in a window, by outcome",
    (*_SERVICE, "outcome", "window"),
)
FRESHNESS = Declaration(
    "service_freshness_seconds", "Time since anybody last synchronised a service's data", _SERVICE
)
FRESHNESS_LIMIT = Declaration(
    "service_freshness_limit_seconds", "Longest age agreed for a service's data", _SERVICE
)
AGREEMENT_FRESHNESS = Declaration(
    "agreement_freshness_seconds", "Time since data was last synchronised under an agreement", ("agreement",)
)
AGREEMENT_FRESHNESS_LIMIT = Declaration(
    "agreement_freshness_limit_seconds", "Longest age of data that an agreement allows", ("agreement",)
)
COMPUTED = Declaration(
    "objectives_computed_timestamp_seconds", "When the figures of objectives were last computed", ()
)
