"""Why an event was set aside: a value, not an exception, because bad events are expected."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, final


class Reason(StrEnum):
    """The reasons a dead letter can have; also the values of a metric label, so the set is closed."""

    EMPTY = "empty"
    OVERSIZED = "oversized"
    NOT_JSON = "not_json"
    MISSING_FIELD = "missing_field"
    INVALID_FIELD = "invalid_field"
    NEGATIVE_COUNT = "negative_count"
    UNKNOWN_OUTCOME = "unknown_outcome"
    INVALID_TIME = "invalid_time"
    IN_FUTURE = "in_future"
    TOO_OLD = "too_old"
    INVALID_CLOUD_EVENT = "invalid_cloud_event"


@final
class Rejection(NamedTuple):
    """One event that cannot be counted, and why, in a word and in a sentence."""

    reason: Reason
    detail: str
