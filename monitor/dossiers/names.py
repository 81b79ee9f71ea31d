"""The metrics of the index of service quality: name, help and labels."""

from __future__ import annotations

from monitor.metrics.names import Declaration

_INDICATOR = ("agency", "indicator")

NUMERATOR = Declaration(
    "service_quality_numerator", "Dossiers that are as they should be, of those scored", _INDICATOR
)
DENOMINATOR = Declaration(
    "service_quality_denominator", "Dossiers that are scored; absent where none is", _INDICATOR
)
COVERAGE = Declaration(
    "service_quality_coverage_ratio", "Share of the dossiers to be scored that are scored", _INDICATOR
)
TARGET = Declaration("service_quality_target_ratio", "Share at which an item has all its points", _INDICATOR)
ITEM_POINTS = Declaration("service_quality_item_points", "Points of an item that is scored", _INDICATOR)
MOST = Declaration("service_quality_item_most_points", "Points of an item at its target", _INDICATOR)
POINTS = Declaration("service_quality_points", "Points of the index, of those at stake", ("agency",))
SCORED = Declaration(
    "service_quality_scored_points", "Points of the index that were at stake: of scored items", ("agency",)
)
WHOLE = Declaration("service_quality_most_points", "Points of the whole index, measured or not", ())
HANDLED = Declaration("service_quality_handled_dossiers", "Dossiers with a handling time", ("agency",))
HANDLING_DAYS = Declaration(
    "service_quality_handling_days", "Working days that handled dossiers took, waiting left out", ("agency",)
)
REFRESHED = Declaration("service_quality_refresh_timestamp_seconds", "When the index was last worked out", ())
