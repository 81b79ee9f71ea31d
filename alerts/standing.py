"""The open alerts as the overview page shows them: how many of each level, and the most serious."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alerts.lifecycle.alert import Alert
from alerts.model import Level

SHOWN = 5  # what a person looks at first; `monitor alerts list` has them all


class Standing:
    """What was read last of the open alerts; read in one thread and shown in another, and replaced whole."""

    def __init__(self) -> None:
        self._document = _document({}, ())

    def show(self, by_level: Mapping[Level, int], worst: Sequence[Alert]) -> None:
        """Show these from now on; `worst` has SHOWN of them at the most."""
        self._document = _document(by_level, worst)

    def document(self) -> dict[str, Any]:
        """Counts by level, rows, and how many `more` there are; times are epoch seconds of events."""
        return self._document


def _document(by_level: Mapping[Level, int], worst: Sequence[Alert]) -> dict[str, Any]:
    rows = [
        {
            "id": one.reference,
            "level": one.level.word,
            "agency": one.agency,
            "title": {"en": one.title, "vi": one.title_vi or one.title},
            "first": one.first_time.timestamp(),
            "last": one.last_time.timestamp(),
            "count": one.count,
            "acknowledged": one.acknowledged_at is not None,
        }
        for one in worst
    ]
    return {
        "open": {level.word: by_level.get(level, 0) for level in Level},
        "rows": rows,
        "more": max(sum(by_level.values()) - len(rows), 0),
    }
