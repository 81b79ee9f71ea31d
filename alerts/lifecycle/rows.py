"""Alerts as rows, and back."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import RowMapping

from alerts.lifecycle.alert import Alert, Change
from alerts.lifecycle.events import body
from alerts.lifecycle.total import plain_facts
from alerts.model import Evidence, Level
from monitor.storage.upsert import Row

_AS_THEY_ARE = (
    "id",
    "episode",
    "rule",
    "title",
    "title_vi",
    "agency",
    "owner",
    "risk_score",
    "leak",
    "runbook",
    "quiet",
    "first_time",
    "last_time",
    "quiet_until",
    "count",
    "opened_at",
    "changed_at",
    "state",
    "acknowledged_at",
    "acknowledged_by",
    "acknowledged_why",
    "resolved_at",
    "repeats",
    "suppressed",
    "next_repeat_at",
)


def row_of(alert: Alert) -> Row:
    """Every column."""
    row: Row = {name: getattr(alert, name) for name in _AS_THEY_ARE}
    return row | {
        "level": int(alert.level),
        "grouped_by": _json(alert.group),
        "tags": _json(alert.tags),
        "evidence": _json(alert.evidence),
        "latest": _json(alert.latest),
        "facts": plain_facts(alert.facts),
    }


def alert_of(row: RowMapping) -> Alert:
    """The alert of a row that has every column."""
    values: dict[str, Any] = {name: row[name] for name in _AS_THEY_ARE if name != "quiet_until"}
    return Alert(
        **values,
        level=Level(row["level"]),
        group=tuple((field, value) for field, value in json.loads(row["grouped_by"])),
        tags=tuple(json.loads(row["tags"])),
        evidence=tuple(Evidence(time_ms, event) for time_ms, event in json.loads(row["evidence"])),
        latest=tuple(Evidence(time_ms, event) for time_ms, event in json.loads(row["latest"])),
        facts=json.loads(row["facts"]),
    )


def outbox_row(change: Change) -> Row:
    """A change as it is noted, with the message that tells of it."""
    return {
        "id": change.alert.id,
        "episode": change.alert.episode,
        "change": str(change.kind),
        "at": change.at,
        "desk": change.desk,
        "note": change.note,
        "body": body(change),
        "published_at": None,
    }


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
