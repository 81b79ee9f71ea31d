"""The duty to answer requests, and to correct errors in data, within limits in working days."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.duties.item import DutyItem, end_of, item
from monitor.duties.situation import Situation
from monitor.lifecycle.recorded import Recorded

# These ask for more than words: an answer does not settle them.
CORRECTED_ONLY = ("error_fixed", "error_checked")


@dataclass(slots=True)
class _Request:
    """The first event of a request, and the last that names a day for it."""

    first: Recorded
    last_dated: Recorded | None = None


def answer(at: Situation) -> Iterator[DutyItem]:
    """Every request (by agency, number and limit) is answered by its day.

    The day is that which the last `requested` event names, as parties may agree on more time; else so many
    working days after the first, by the limit it names. `answered` or `corrected` with the same number
    settles it, whichever of the clocks is ahead; a limit for correcting only `corrected`. What was settled
    is listed for as long as indicators look back. A request that is made anew has another number.
    """
    requests: dict[tuple[str, str, str | None], _Request] = {}
    settled: dict[tuple[str, str, bool], datetime] = {}
    for event in at.events:
        if event.request is None:
            continue
        if event.kind == "requested":
            request = requests.setdefault((event.agency, event.request, event.limit), _Request(event))
            if event.due is not None:
                request.last_dated = event
        elif event.kind in ("answered", "corrected"):
            settled.setdefault((event.agency, event.request, False), event.time)
            if event.kind == "corrected":
                settled.setdefault((event.agency, event.request, True), event.time)
    window = at.now - timedelta(days=at.rules.indicators.window_days)
    for (agency, number, limit), request in requests.items():
        done_at = settled.get((agency, number, limit in CORRECTED_ONLY))
        if done_at is not None and done_at < window:
            continue
        dated = request.last_dated
        if dated is not None and dated.due is not None:
            due = end_of(dated.due, at.zone)
        else:
            due = at.calendar.deadline(request.first.time, at.rules.answer.days(limit), at.zone)
        yield item(
            agency,
            "answer",
            number,
            due,
            now=at.now,
            zone=at.zone,
            done=done_at is not None,
            done_at=done_at,
            calendar=at.calendar,
        )
