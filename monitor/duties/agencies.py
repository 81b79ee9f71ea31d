"""Duties of an agency as such: to connect, to keep its data fresh, to review what it shares by default."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, datetime, time

from monitor.duties.facts import LONGEST_LOOK_BACK
from monitor.duties.item import DutyItem, end_of, item
from monitor.duties.situation import Situation
from monitor.judging.book import version_in_force
from monitor.judging.terms import Pair
from monitor.objectives.slo import agreed


def connect(at: Situation) -> Iterator[DutyItem]:
    """Every agency that the rules bind must be live, and security-cleared, by its deadline.

    A dormant connection is live; a suspended one is not.
    """
    rules, canonical = at.rules.connect, at.registry.canonical
    own = {canonical.get(code, code): deadline for code, deadline in rules.deadlines.items()}
    for code, agency in at.registry.agencies.items():
        if agency.kind not in rules.kinds and code not in own:
            continue
        standing = at.standings[code]
        due = end_of(own.get(code, rules.deadline), at.zone)
        done = standing.in_use and standing.cleared
        since = standing.ready_since if done else None
        yield item(code, "connect", code, due, now=at.now, zone=at.zone, done=done, done_at=since)


def freshness(at: Situation) -> Iterator[DutyItem]:
    """Every service that is synchronised is to be answered as often as its agreements in force ask.

    One item a service: the agreement that is, or will be, behind first decides. Time is counted from the
    last answer, or where none is known from the first day of the agreement, at the earliest from when
    exchanges are counted. While one of the two agencies has not gone live, or is suspended, nothing is owed.
    What is agreed less often than the ledger is read back for is not watched.
    """
    due: dict[str, datetime | None] = {}
    for consumer, name in sorted({(each.consumer, each.service) for each in at.registry.agreements}):
        service, versions = at.registry.services[name], at.registry.versions(consumer, name)
        one = version_in_force(versions, at.today)
        if one is None or not one.permits:
            continue
        if not all(at.standings[code].in_use for code in (one.provider, consumer)):
            continue
        frequency = agreed(one, service).frequency
        if frequency is None or frequency >= LONGEST_LOOK_BACK:
            continue
        due.setdefault(name, None)
        if at.facts.observed_since is None:
            continue
        last = at.facts.last_answer.get(Pair(service.provider, consumer, name))
        if last is None:
            first = min(each.start for each in versions if each.id == one.id and each.status != "draft")
            last = max(datetime.combine(first, time(0), at.zone), at.facts.observed_since)
        known = due[name]
        due[name] = last + frequency if known is None else min(known, last + frequency)
    for name, moment in due.items():
        yield item(at.registry.services[name].provider, "freshness", name, moment, now=at.now, zone=at.zone)


def default_list_review(at: Situation) -> Iterator[DutyItem]:
    """Every provider reviews the list of what it shares by default, every so many months.

    Counted from the last `reviewed` event that names neither agreement nor service; before the first, from
    the rules' day, or from when the agency's first service began where that was later. The `due` of such an
    event can make the next review earlier, not later.
    """
    rules = at.rules.default_list_review
    reviewed = {
        event.agency: event
        for event in at.events
        if event.kind == "reviewed" and event.agreement is None and event.service is None
    }
    begins: dict[str, date] = {}
    for service in at.registry.services.values():
        since = max(service.since or rules.counted_from, rules.counted_from)
        begins[service.provider] = min(since, begins.get(service.provider, since))
    for provider, since in sorted(begins.items()):
        last = reviewed.get(provider)
        day = months_after(max(since, at.day_of(last.time)) if last else since, rules.months)
        if last is not None and last.due is not None:
            day = min(day, last.due)
        yield item(provider, "default_list_review", provider, end_of(day, at.zone), now=at.now, zone=at.zone)


def months_after(day: date, months: int) -> date:
    """The same day so many months later, or the last of that month where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
