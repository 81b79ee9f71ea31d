"""Changes of alerts as CloudEvents for the topic `alerts`: key, value and headers, and no Kafka.

A change is published at least once, and again under the same `ce_id` after a crash in between. Those of one
alert keep their order, as they have its id for their key.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, select, update

from alerts.lifecycle.alert import Alert, Change
from alerts.lifecycle.tables import outbox

SOURCE = "/data-sharing-monitor/alerts"
TYPE = "datashare.alert."  # followed by the change: datashare.alert.opened
CONTENT_TYPE = "application/json"
AT_ONCE = 500  # changes published in one go; the rest follow
NUMBERS_PER_STATEMENT = 1000

Headers = list[tuple[str, bytes]]


class Published(NamedTuple):
    """One message of the topic `alerts`; `number` is the change's, by which it is marked as published."""

    number: int
    key: bytes
    value: bytes
    headers: Headers


def body(change: Change) -> str:
    """What a message says: the change, and the alert as it was right after, as JSON. Times are RFC 3339."""
    said: dict[str, Any] = {"change": str(change.kind), "at": instant(change.at), "note": change.note}
    text = json.dumps(said | {"alert": plain(change.alert)}, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace").decode()  # half a surrogate pair in some name is no text


def plain(alert: Alert) -> dict[str, Any]:
    """An alert in the types of JSON, under the names of its fields; the level as a word."""
    return {
        "id": alert.id,
        "episode": alert.episode,
        "state": alert.state,
        "rule": alert.rule,
        "title": {"en": alert.title, "vi": alert.title_vi},
        "level": alert.level.word,
        "agency": alert.agency,
        "owner": alert.owner,
        "group": dict(alert.group),
        "tags": list(alert.tags),
        "risk_score": alert.risk_score,
        "leak": alert.leak,
        "runbook": alert.runbook,
        "first_time": instant(alert.first_time),
        "last_time": instant(alert.last_time),
        "count": alert.count,
        "evidence": [one.event_id for one in alert.evidence],
        "latest": [one.event_id for one in alert.latest],
        "facts": {name: _finite(value) for name, value in alert.facts.items()},
        "opened_at": instant(alert.opened_at),
        "changed_at": instant(alert.changed_at),
        "acknowledged_at": alert.acknowledged_at and instant(alert.acknowledged_at),
        "acknowledged_by": alert.acknowledged_by,
        "acknowledged_why": alert.acknowledged_why,
        "resolved_at": alert.resolved_at and instant(alert.resolved_at),
        "repeats": alert.repeats,
        "suppressed": alert.suppressed,
    }


def instant(time: datetime) -> str:
    """A time as RFC 3339 in UTC, to the millisecond."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def unpublished(connection: Connection, limit: int = AT_ONCE) -> list[Published]:
    """The changes that were not published yet, oldest first. Raises sqlalchemy.exc.DBAPIError."""
    column = outbox.c
    query = (
        select(column.number, column.id, column.episode, column.change, column.at, column.body)
        .where(column.published_at.is_(None))
        .order_by(column.number)
        .limit(limit)
    )
    return [
        Published(
            number, alert.encode(), (text or "").encode(), _headers(number, f"{alert}/{episode}", change, at)
        )
        for number, alert, episode, change, at, text in connection.execute(query)
    ]


def mark_published(connection: Connection, numbers: Collection[int], now: datetime) -> None:
    """Note that the broker has these changes; their messages need not be kept. Repeating it does no harm."""
    ordered = sorted(numbers)
    for start in range(0, len(ordered), NUMBERS_PER_STATEMENT):
        some = ordered[start : start + NUMBERS_PER_STATEMENT]
        connection.execute(
            update(outbox)
            .where(outbox.c.number.in_(some), outbox.c.published_at.is_(None))
            .values(published_at=now, body=None)
        )


def _finite(value: float | int | str) -> float | int | str | None:
    """JSON has no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _headers(number: int, subject: str, change: str, at: datetime) -> Headers:
    return [
        ("ce_specversion", b"1.0"),
        ("ce_type", (TYPE + change).encode()),
        ("ce_source", SOURCE.encode()),
        ("ce_id", f"{subject}/{number}".encode()),
        ("ce_subject", subject.encode()),
        ("ce_time", instant(at).encode()),
        ("content-type", CONTENT_TYPE.encode()),
    ]
