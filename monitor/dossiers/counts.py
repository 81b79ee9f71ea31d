"""What a dossier counts for: on which local day, and for which measure."""

from __future__ import annotations

from typing import Final

MEASURES: Final = (
    "received",
    "online",
    "completed",
    "digitised",
    "reused",
    "population_database",
    "on_time",
    "late",
    "lapsed",
    "unmeasured",
    "handled",
    "handling_days",
    "paid",
    "paid_online",
    "rated",
    "satisfied",
    "complaints_on_time",
    "complaints_lapsed",
)
"""Counts of dossiers on a day, but for `handling_days`, the working days of those `handled`.

Whether a dossier is on time is decided once: when it is completed, or a second supplement is asked for
(`late`), or its last day ends (`lapsed`), whichever is first. `unmeasured` were completed, and it is not
known by when they should have been. What has `lapsed` counts from the end of its day on, so that rows of days
to come may hold it already; it is taken out again when something else comes first.
"""

LAPSES: Final = frozenset({"lapsed", "complaints_lapsed"})
"""What is true only once the day is over."""

Counts = dict[tuple[int, str], int]
"""By the proleptic ordinal of the local day, and measure; none is 0."""
