"""The metrics of duties, connections and indicators: name, help and labels. Part of the contract."""

from __future__ import annotations

from monitor.metrics.names import Declaration

_DUTY = ("agency", "duty")
_INDICATOR = ("agency", "indicator")

DUTY_OVERDUE = Declaration("duty_overdue", "Duties that are overdue", _DUTY)
DUTY_TOTAL = Declaration(
    "duty_total", "Duties that there are; requests for a while after their answer", _DUTY
)
DUTY_DUE = Declaration("duty_due_timestamp_seconds", "When the first duty that is open is due", _DUTY)
CONNECTION_STATE = Declaration(
    "connection_state", "1 for the state that an agency's connection is in", ("agency", "state")
)
CONNECTION_CLEARED = Declaration(
    "connection_cleared", "Whether the connection of a connected agency is security-cleared", ("agency",)
)
NUMERATOR = Declaration("indicator_numerator", "What is as it should be, of what is scored", _INDICATOR)
DENOMINATOR = Declaration("indicator_denominator", "What is scored; absent where nothing is", _INDICATOR)
COVERAGE = Declaration(
    "indicator_coverage_ratio", "Share of what ought to be scored that is scored", _INDICATOR
)
TARGET = Declaration("indicator_target_ratio", "Share at which an indicator is met", _INDICATOR)
UNREAD = Declaration("duties_unread_events", "Lifecycle events too many to be read for duties", ())
REFRESHED = Declaration(
    "duties_refresh_timestamp_seconds", "When duties and indicators were last worked out", ()
)
