"""What dossiers count for, told again from raw events: day by day, with nothing of the code under test."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from monitor.calendar.working import WorkingDays
from monitor.events.dossier import DossierEvent
from monitor.events.rejection import Reason, Rejection
from tests.builders import ZONE
from tests.monitor.dossiers.parts import STRANGER, Came

DAY = timedelta(days=1)
_CALENDAR = WorkingDays()
CODES = {"GOV-M5": "MOH", STRANGER: None}


def local(time: datetime) -> date:
    """The local day."""
    return time.astimezone(ZONE).date()


def worked(after: date, until: date) -> list[date]:
    """The working days after one day, up to another."""
    days = (after + DAY * n for n in range(1, (until - after).days + 1))
    return [day for day in days if _CALENDAR.is_working(day)]


def counts(steps: Sequence[DossierEvent], complaint_days: int = 15) -> Counter[tuple[date, str]]:
    """What one dossier counts for, by a walk through its days."""
    said: defaultdict[str, list[Any]] = defaultdict(list)
    for one in sorted(steps, key=lambda one: (one.time, one.promised or date.max, one.procedure or "")):
        said[one.step].append(one)
    found: Counter[tuple[date, str]] = Counter()
    ends = said["completed"] + said["withdrawn"]
    end = min((one.time for one in ends), default=None)
    done = end is not None and any(one.step == "completed" and one.time == end for one in ends)
    first = said["received"][0] if said["received"] else None
    if first:
        found[local(first.time), "received"] += 1
        found[local(first.time), "online"] += any(one.online for one in steps)
    if done:
        assert end is not None
        found[local(end), "completed"] += 1
        for name, step in (
            ("digitised", "digitised"),
            ("reused", "reused"),
            ("population_database", "population_database_used"),
        ):
            found[local(end), name] += any(getattr(one, name) or one.step == step for one in steps)
    verdict = _verdict(said, first, end)
    if verdict is not None and (verdict[1] != "ended" or done):
        found[verdict[0], "on_time" if verdict[1] == "ended" else verdict[1]] += 1
    elif verdict is None and done:
        assert end is not None
        found[local(end), "unmeasured"] += 1
    if first and done and end is not None and end >= first.time:
        waits = _waits(said, first.time, end)
        days = [day for day in worked(local(first.time), local(end)) if day not in waits]
        found[local(end), "handled"] += 1
        found[local(end), "handling_days"] += len(days)
    if said["paid"]:
        found[local(said["paid"][0].time), "paid"] += 1
        found[local(said["paid"][0].time), "paid_online"] += any(one.paid_online for one in steps)
    if said["rated"]:
        last = max(said["rated"], key=lambda one: (one.time, one.rating))
        found[local(last.time), "rated"] += 1
        found[local(last.time), "satisfied"] += last.rating >= 4
    answers = sorted({one.time for one in said["complaint_answered"]})
    for complaint in sorted({one.time for one in said["complaint_received"]}):
        answers = [time for time in answers if time >= complaint]
        day = local(complaint)
        for _ in range(complaint_days):
            day += DAY
            while not _CALENDAR.is_working(day):
                day += DAY
        if answers and local(answers[0]) <= day:
            found[local(answers[0]), "complaints_on_time"] += 1
        else:
            found[day, "complaints_lapsed"] += 1
        answers = answers[1:]
    return +found


def _waits(said: dict[str, list[Any]], begin: datetime, end: datetime) -> set[date]:
    """Every working day on which it was waited for the applicant."""
    days: set[date] = set()
    for asked in said["supplement_requested"]:
        if begin <= asked.time < end:
            given = min((one.time for one in said["supplemented"] if one.time >= asked.time), default=end)
            days.update(worked(local(asked.time), local(min(given, end))))
    return days


def _verdict(
    said: dict[str, list[Any]], first: DossierEvent | None, end: datetime | None
) -> tuple[date, str] | None:
    """Walk day by day with the days that are left; None where it is never decided."""
    if first is None or first.promised is None or first.promised < local(_time(first)):
        return None
    if end is not None and end < _time(first):
        return None
    asked = sorted({one.time for one in said["supplement_requested"] if one.time >= _time(first)})
    asked = [time for time in asked if end is None or time < end]
    given = min((one.time for one in said["supplemented"] if asked and one.time >= asked[0]), default=None)
    stopped = min((time for time in (given, end) if time is not None), default=None)
    due = first.promised
    while not _CALENDAR.is_working(due):
        due += DAY
    credit = 0
    day = local(_time(first))
    while True:
        waiting = bool(asked) and local(asked[0]) < day and (stopped is None or day <= local(stopped))
        if waiting and local(asked[0]) <= due and _CALENDAR.is_working(day):
            credit += 1
        if len(asked) > 1 and local(asked[1]) == day:
            return day, "late"
        if end is not None and local(end) == day:
            return day, "ended"
        waits_still = bool(asked) and local(asked[0]) <= min(day, due)
        open_wait = waits_still and (stopped is None or day < local(stopped))
        if not open_wait and len(worked(due, day)) >= credit and day >= due:
            # The last day is the credit-th working day after the promised one.
            last = due if not credit else worked(due, day)[credit - 1]
            return last, "lapsed"
        if day.year > 2030:
            return None if open_wait else (due, "lapsed")
        day += DAY


def _time(one: DossierEvent) -> datetime:
    assert isinstance(one.time, datetime)
    return one.time


def recount(came: Sequence[Came]) -> dict[str, Any]:
    """Everything the database should hold; ids are remembered for ever."""
    steps: defaultdict[tuple[str, str], list[DossierEvent]] = defaultdict(list)
    rejected: Counter[str] = Counter()
    gaps: Counter[str] = Counter()
    seen: set[str] = set()
    for decoded, arrived in came:
        if isinstance(decoded, Rejection):
            rejected[decoded.reason] += 1
        elif _time(decoded) > arrived + timedelta(minutes=5):
            rejected[Reason.IN_FUTURE] += 1
        elif _time(decoded) < arrived - timedelta(days=90):
            rejected[Reason.TOO_OLD] += 1
        elif decoded.id not in seen:
            seen.add(decoded.id)
            code = CODES.get(decoded.agency, decoded.agency)
            if code is None:
                gaps[decoded.agency] += 1
            else:
                steps[code, decoded.dossier].append(decoded)
    cells: Counter[tuple[date, str, str, str]] = Counter()
    for (code, _), said in steps.items():
        received = sorted(
            (one for one in said if one.step == "received"),
            key=lambda one: (_time(one), one.promised or date.max, one.procedure or ""),
        )
        group = "birth" if received and (received[0].procedure or "").startswith("1.00") else "other"
        for (day, measure), count in counts(said).items():
            cells[day, code, group, measure] += count
    return {
        "cells": dict(cells),
        "dossiers": set(steps),
        "rejected": dict(rejected),
        "gaps": dict(gaps),
        "offset": [len(came) if came else -1],
    }
