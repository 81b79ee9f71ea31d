"""Duties that agreements bring: to review each by its date, and to renew it before it ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from monitor.duties.item import DutyItem, end_of, item
from monitor.duties.situation import Situation
from monitor.judging.book import version_ended, version_in_force
from monitor.lifecycle.recorded import Recorded
from monitor.registry.model import Agreement

ENDED = 0  # the level of an agreement that has ended
_IN_USE = ("active", "registered")


def review(at: Situation) -> Iterator[DutyItem]:
    """Every agreement in force that has a review date is reviewed by then; the day itself is in time.

    It is done by a `reviewed` event of either party that names it and is not earlier before the date than
    the rules allow; where that names the next date, the duty goes on with it. A newer version (no draft) of
    the agreement, also one that is still to start, is a review. A superseded version owes none.
    """
    rules = at.rules.review
    reviewed = _by_agreement(at.events, "reviewed")
    for consumer, service in _pairs(at):
        versions = at.registry.versions(consumer, service)
        one = version_in_force(versions, at.today)
        if one is None or one.status == "draft" or one.never_in_force:
            continue
        day, done_at = one.dates.review, None
        done = any(
            each.id == one.id and each.version > one.version and each.status != "draft" for each in versions
        )
        for event in _of_parties(reviewed, one):
            held = at.day_of(event.time)
            if held < one.start or (day is not None and held < day - timedelta(days=rules.early_days)):
                continue
            if event.due is not None and (day is None or event.due > day):
                day, done_at = event.due, None
            elif day is not None:
                done_at = done_at or event.time
        if day is None:
            continue
        agency = one.provider if rules.responsible == "provider" else one.consumer
        yield item(
            agency,
            "review",
            one.id,
            end_of(day, at.zone),
            now=at.now,
            zone=at.zone,
            done=done or done_at is not None,
            done_at=done_at,
        )


def expiry(at: Situation) -> Iterator[DutyItem]:
    """Every agreement in force is renewed before it ends, or taken out of the registry.

    It is done once another version or agreement of the same consumer and service follows in the registry, or
    by a `renewed` event of either party: for good up to its `due`, else where it came within the rules' time
    before the end. A renewal that only events tell of permits no exchange. One that ended without either
    stays, overdue, until the registry says that it was terminated, or stopped on purpose (`ended`).
    """
    rules = at.rules.expiry
    renewed = _by_agreement(at.events, "renewed")
    for consumer, service in _pairs(at):
        versions = at.registry.versions(consumer, service)
        one = version_in_force(versions, at.today)
        if one is None or one.status == "draft":
            one = version_ended(versions, at.today)
        if one is None or one.status not in _IN_USE or (one.ended is not None and one.ended < one.end):
            continue
        last = one.last_day
        done_at: datetime | None = None
        for event in _of_parties(renewed, one):
            agreed_on = at.day_of(event.time)
            if event.due is not None and event.due > last and agreed_on >= one.start:
                last, done_at = event.due, None
            elif event.due is None and agreed_on >= last - timedelta(days=rules.early_days):
                done_at = done_at or event.time
        followed = any(each.status in _IN_USE and each.start > one.start for each in versions)
        done = followed or done_at is not None
        agency = one.provider if rules.responsible == "provider" else one.consumer
        yield item(
            agency,
            "expiry",
            one.id,
            end_of(last, at.zone),
            now=at.now,
            zone=at.zone,
            done=done,
            done_at=done_at,
            level=None if done else _level(at.today, last, rules.notice_days),
        )


def _level(today: date, last: date, notices: Sequence[int]) -> int | None:
    left = (last - today).days
    if left < 0:
        return ENDED
    return min((notice for notice in notices if left <= notice), default=None)


def _pairs(at: Situation) -> list[tuple[str, str]]:
    return sorted({(each.consumer, each.service) for each in at.registry.agreements})


def _by_agreement(events: Sequence[Recorded], kind: str) -> dict[str, list[Recorded]]:
    found: defaultdict[str, list[Recorded]] = defaultdict(list)
    for event in events:
        if event.kind == kind and event.agreement is not None:
            found[event.agreement].append(event)
    return found


def _of_parties(events: dict[str, list[Recorded]], one: Agreement) -> Iterator[Recorded]:
    """The events on an agreement that its parties sent: others have no say in it."""
    return (event for event in events.get(one.id, ()) if event.agency in (one.provider, one.consumer))
