"""What happens to alerts without a detection: they repeat, a desk takes them, they end, they are deleted.

Each function works in the caller's transaction, takes the locks of the alerts it changes (alerts.lifecycle.
locked), and does a bounded portion at a time; called again it goes on. All raise sqlalchemy.exc.DBAPIError.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Connection, and_, delete, func, select

from alerts.lifecycle import locked
from alerts.lifecycle.alert import Alert, Change, ChangeKind, acknowledged, repeated, resolved, tells_again
from alerts.lifecycle.desk import desk, reason
from alerts.lifecycle.tables import alerts, outbox, series
from monitor.storage.rows import portions

PORTION = 500  # alerts changed in one transaction: well below a second on either database
# An alert stays open for so long by the clock after it changed, however old its events are: one that is found
# late (at the end of a window of a day, or while catching up) must be seen as open by whoever sends alerts.
# Longer than Alertmanager's usual group_wait of 30 seconds, as that sends nothing of what is over by then.
SEEN_AFTER = timedelta(minutes=2)


class Repeats(NamedTuple):
    """Repeats that were due: those to be told, and how many an acknowledgement held back."""

    changes: list[Change]
    suppressed: int


def resolve_quiet(
    connection: Connection,
    watermark: datetime,
    now: datetime,
    *,
    seen_after: timedelta = SEEN_AFTER,
    limit: int = PORTION,
) -> list[Change]:
    """Resolve the alerts that have been quiet: no event older than `watermark` will come.

    `watermark` must hold for every partition whose events can match, so the least of them. Changes are at
    most `limit`.
    """
    over = and_(
        alerts.c.state == "open", alerts.c.quiet_until < watermark, alerts.c.changed_at <= now - seen_after
    )
    quiet = locked.locked_where(connection, over, alerts.c.quiet_until, limit)
    return _write(connection, [Change(ChangeKind.RESOLVED, resolved(one, now), now) for one in quiet])


def due_repeats(connection: Connection, now: datetime, *, limit: int = PORTION) -> Repeats:
    """Tell again of the alerts whose next repeat is due, and count those that are held back."""
    due = and_(alerts.c.state == "open", alerts.c.next_repeat_at <= now)
    found = locked.locked_where(connection, due, alerts.c.next_repeat_at, limit)
    after: list[tuple[Alert, bool]] = [(repeated(one, now), tells_again(one)) for one in found]
    changes = [Change(ChangeKind.REPEATED, one, now) for one, told in after if told]
    locked.put(connection, [one for one, _ in after], changes)
    return Repeats(changes, len(after) - len(changes))


def acknowledge(
    connection: Connection, alert_id: str, who: str, why: str, now: datetime, *, episode: int | None = None
) -> Change | None:
    """Note that a desk is at an open alert; again by another, and the note is the newer one's.

    `episode` is by default the open one. Returns None where no such alert is open. Raises UsageProblem for a
    `who` that names no desk, or no reason (alerts.lifecycle.desk).
    """
    who, why = desk(who), reason(why)
    this = and_(alerts.c.id == alert_id, alerts.c.state == "open")
    if episode is not None:
        this = and_(this, alerts.c.episode == episode)
    found = locked.locked_where(connection, this, alerts.c.last_time.desc(), 1)
    changes = [
        Change(ChangeKind.ACKNOWLEDGED, acknowledged(one, who, why, now), now, note=why) for one in found
    ]
    return next(iter(_write(connection, changes)), None)


def prune(connection: Connection, before: datetime, limit: int = PORTION) -> int:
    """Delete alerts that were resolved before a time, with their history; return how many.

    At most `limit`; changes of theirs that were never published go with them.
    """
    old = and_(alerts.c.state == "resolved", alerts.c.resolved_at < before)
    gone = locked.locked_where(connection, old, alerts.c.resolved_at, limit)
    locked.remove(connection, gone)
    ids = sorted({one.id for one in gone})
    for some in portions(ids):
        _forget(connection, some, before)
    return len(gone)


def _forget(connection: Connection, ids: Sequence[str], before: datetime) -> None:
    """Delete what is left of ids that are locked: history of episodes that are gone, and rows of none.

    Read apart from deleting: the locks hold only for what is read after they were taken.
    """
    kept = select(alerts.c.id, func.min(alerts.c.opened_at)).where(alerts.c.id.in_(ids)).group_by(alerts.c.id)
    left = {row[0]: row[1] for row in connection.execute(kept)}
    if done := [one for one in ids if one not in left]:
        connection.execute(delete(outbox).where(outbox.c.id.in_(done)))
        connection.execute(delete(series).where(series.c.id.in_(done)))
    for one in left:
        numbers = select(alerts.c.episode).where(alerts.c.id == one)
        stale = and_(outbox.c.id == one, outbox.c.at < before, outbox.c.episode.not_in(numbers))
        connection.execute(delete(outbox).where(stale))


def _write(connection: Connection, changes: list[Change]) -> list[Change]:
    locked.put(connection, [change.alert for change in changes], changes)
    return changes
