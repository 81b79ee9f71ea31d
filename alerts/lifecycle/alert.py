"""An alert: what a person is told, from its opening to its resolution, and every step between."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Literal

from alerts.lifecycle.total import Facts, Total, milliseconds, moment
from alerts.model import Evidence, Group, Level, RuleInfo

State = Literal["open", "resolved"]

# How long after the last notification an open alert tells again; the last holds from then on.
# Soon at first, as a first message is easily missed; rarely later, as a stream of repeats teaches to ignore.
REPEAT_AFTER = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(hours=24),
)
ACKNOWLEDGED_REPEAT = timedelta(hours=24)  # somebody is at it, but what is critical is not to be forgotten


class ChangeKind(StrEnum):
    """What can happen to an alert."""

    OPENED = "opened"
    REOPENED = "reopened"  # it had been resolved, and a late detection showed that it had gone on
    REPEATED = "repeated"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"
    MERGED = "merged"  # a late detection joined two episodes: this one is now part of the other


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One episode of what one rule finds about one agency and group.

    `id` is the same for all episodes of a rule, agency and group. `first_time` to `last_time` are event times
    of what matched, `count` is how many events; `evidence` are the first events and `latest` the last, at
    most EVIDENCE each. `quiet` is in seconds of event time. The other times are the clock's. `owner` is
    `soc` or a unit's mailbox; `acknowledged_by` is a desk, never a person.
    `repeats` counts notifications after the first; `suppressed` those that an acknowledgement held back.
    """

    id: str
    episode: int
    rule: str
    title: str
    title_vi: str
    level: Level
    agency: str
    owner: str
    group: Group
    tags: tuple[str, ...]
    risk_score: int
    leak: bool
    runbook: str
    quiet: int
    first_time: datetime
    last_time: datetime
    count: int
    evidence: tuple[Evidence, ...]
    latest: tuple[Evidence, ...]
    facts: Facts
    opened_at: datetime
    changed_at: datetime
    state: State = "open"
    acknowledged_at: datetime | None = None
    acknowledged_by: str | None = None
    acknowledged_why: str | None = None
    resolved_at: datetime | None = None
    repeats: int = 0
    suppressed: int = 0
    next_repeat_at: datetime | None = None

    @property
    def reference(self) -> str:
        """How people and messages name this episode: 4f0c…/2."""
        return f"{self.id}/{self.episode}"

    @property
    def is_open(self) -> bool:
        """Whether it still lasts."""
        return self.state == "open"

    @property
    def quiet_until(self) -> datetime:
        """The event time up to which a match belongs to this episode; past it, the alert is over."""
        return self.last_time + timedelta(seconds=self.quiet)

    @property
    def total(self) -> Total:
        """What adds up in it."""
        first, last = milliseconds(self.first_time), milliseconds(self.last_time)
        return Total(first, last, self.count, self.evidence, self.latest, self.facts)

    def reaches(self, total: Total) -> bool:
        """Whether no more than `quiet` lies between it and what was found."""
        quiet = timedelta(seconds=self.quiet)
        return self.first_time - quiet <= moment(total.last_ms) and moment(total.first_ms) <= self.quiet_until


@dataclass(frozen=True, slots=True)
class Change:
    """That something happened to an alert; `alert` is as it was right after. `note` says what else matters:
    the reason of an acknowledgement, or the episode into which another was merged."""

    kind: ChangeKind
    alert: Alert
    at: datetime
    note: str = ""

    @property
    def desk(self) -> str | None:
        """Who did it, where somebody did."""
        return self.alert.acknowledged_by if self.kind is ChangeKind.ACKNOWLEDGED else None


def alert_id(rule: str, agency: str, group: Group) -> str:
    """The id of all alerts of a rule, agency and group: 16 hexadecimal digits of a hash, the same everywhere.

    The agency is part of it, whether or not the rule groups by it: an alert is about one agency.
    """
    text = json.dumps([rule, agency, sorted(group)], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def opened(
    total: Total, info: RuleInfo, *, agency: str, group: Group, owner: str, episode: int, now: datetime
) -> Alert:
    """A new episode."""
    return Alert(
        id=alert_id(info.id, agency, group),
        episode=episode,
        rule=info.id,
        title=info.title,
        title_vi=info.title_vi or info.title,
        level=info.level,
        agency=agency,
        owner=owner,
        group=tuple(sorted(group)),
        tags=info.tags,
        risk_score=info.risk_score,
        leak=info.leak,
        runbook=info.source,
        quiet=info.quiet,
        first_time=moment(total.first_ms),
        last_time=moment(total.last_ms),
        count=total.count,
        evidence=total.earliest,
        latest=total.latest,
        facts=total.facts,
        opened_at=now,
        changed_at=now,
        next_repeat_at=now + REPEAT_AFTER[0],
    )


def absorbed(alert: Alert, total: Total, now: datetime) -> Alert:
    """The alert with more of the same, open or not; whether that opens it again is `reopened`'s matter."""
    both = alert.total.plus(total)
    return replace(
        alert,
        first_time=moment(both.first_ms),
        last_time=moment(both.last_ms),
        count=both.count,
        evidence=both.earliest,
        latest=both.latest,
        facts=both.facts,
        changed_at=now,
    )


def reopened(alert: Alert, now: datetime) -> Alert:
    """The alert open again: it had been taken for quiet, and was not. It tells as a new one does."""
    next_repeat = now + REPEAT_AFTER[0]
    return replace(
        alert, state="open", resolved_at=None, repeats=0, next_repeat_at=next_repeat, changed_at=now
    )


def acknowledged(alert: Alert, who: str, why: str, now: datetime) -> Alert:
    """The alert with a desk at it; `who` and `why` are checked before (alerts.lifecycle.desk)."""
    next_repeat = now + ACKNOWLEDGED_REPEAT if alert.is_open else None
    return replace(
        alert,
        acknowledged_at=now,
        acknowledged_by=who,
        acknowledged_why=why,
        next_repeat_at=next_repeat,
        changed_at=now,
    )


def resolved(alert: Alert, now: datetime) -> Alert:
    """The alert when it is over."""
    return replace(alert, state="resolved", resolved_at=now, next_repeat_at=None, changed_at=now)


def tells_again(alert: Alert) -> bool:
    """Whether a repeat that is due is sent: not once a desk is at it, unless it is critical."""
    return alert.acknowledged_at is None or alert.level is Level.CRITICAL


def repeated(alert: Alert, now: datetime) -> Alert:
    """The alert after a repeat that was due, sent (`tells_again`) or held back and counted as suppressed.

    However late it is, one repeat is due, and the next is counted from now.
    """
    if alert.acknowledged_at is not None:
        told = 1 if tells_again(alert) else 0
        return replace(
            alert,
            repeats=alert.repeats + told,
            suppressed=alert.suppressed + 1 - told,
            next_repeat_at=now + ACKNOWLEDGED_REPEAT,
            changed_at=now,
        )
    repeats = alert.repeats + 1
    after = REPEAT_AFTER[min(repeats, len(REPEAT_AFTER) - 1)]
    return replace(alert, repeats=repeats, next_repeat_at=now + after, changed_at=now)
