"""How detections become episodes: which alert one joins, when a new one opens, and when two become one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from alerts.lifecycle.alert import Alert, Change, ChangeKind, absorbed, reopened, resolved
from alerts.lifecycle.total import Total, clusters, moment

Opener = Callable[[Total, int], Alert]
"""Makes the alert for what was found, as the episode of that number."""


@dataclass(slots=True)
class Folded:
    """What detections made of the episodes of one id: rows to write whole, episodes that are
    gone, what there is to tell, and the highest number that was given so far."""

    last_episode: int
    alerts: list[Alert] = field(default_factory=list)
    gone: list[Alert] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


def fold(
    held: Sequence[Alert],
    found: Iterable[Total],
    last_episode: int,
    quiet_s: int,
    opener: Opener,
    now: datetime,
) -> Folded:
    """Add what was found to the episodes that are `held`.

    Episodes are told apart by event time alone: what lies no more than `quiet` from an episode joins it, also
    a resolved one, and what lies that near to two makes them one. So the episodes, but for their numbers, are
    the same in whatever order and portions detections come. `held` must include every episode that one of
    `found` may reach, and those that are open.

    Of two that become one, the open one stays, else the one with the higher number; no number is given twice.
    A resolved one opens again when a detection lies after its end: it had not been over.
    Of several open ones only the newest in event time stays open.
    """
    alerts = {one.episode: one for one in held}
    folded = Folded(last_episode)
    told: dict[int, ChangeKind] = {}
    touched: set[int] = set()
    for total in clusters(found, quiet_s):
        near = [one for one in alerts.values() if one.reaches(total)]
        if not near:
            folded.last_episode += 1
            alerts[folded.last_episode] = opener(total, folded.last_episode)
            told[folded.last_episode] = ChangeKind.OPENED
            touched.add(folded.last_episode)
            continue
        kept = max(near, key=lambda one: (one.is_open, one.episode))
        goes_on = moment(total.last_ms) > max(one.last_time for one in near)
        joined = absorbed(kept, total, now)
        for other in near:
            if other is not kept:
                joined = replace(
                    absorbed(joined, other.total, now), opened_at=min(joined.opened_at, other.opened_at)
                )
                del alerts[other.episode]
                touched.discard(other.episode)
                if told.pop(other.episode, None) is ChangeKind.OPENED:
                    continue  # nobody has heard of it
                folded.gone.append(other)
                note = f"into episode {kept.episode}"
                folded.changes.append(Change(ChangeKind.MERGED, replace(other, changed_at=now), now, note))
        if goes_on and not joined.is_open:
            joined = reopened(joined, now)
            told[kept.episode] = ChangeKind.REOPENED
        alerts[kept.episode] = joined
        touched.add(kept.episode)
    over = _all_but_the_newest(alerts.values())
    # Who follows one id reads of the old episode's end before the new one's beginning.
    folded.changes += [
        Change(ChangeKind.RESOLVED, resolved(one, now), now) for one in over if one.episode not in told
    ]
    folded.changes += [Change(kind, alerts[episode], now) for episode, kind in told.items()]
    folded.changes += [
        Change(ChangeKind.RESOLVED, resolved(one, now), now) for one in over if one.episode in told
    ]
    for one in over:
        alerts[one.episode] = resolved(one, now)
        touched.add(one.episode)
    folded.alerts = [alerts[episode] for episode in sorted(touched)]
    return folded


def _all_but_the_newest(alerts: Iterable[Alert]) -> list[Alert]:
    in_time = sorted((one for one in alerts if one.is_open), key=lambda one: (one.last_time, one.episode))
    return in_time[:-1]
