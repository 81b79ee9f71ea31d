"""A batch as the ledger sees it: which record each event was, and that all of them came now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.backfill.batch import Batch
from monitor.backfill.kinds import Kind
from monitor.events.exchange import Time
from monitor.events.rejection import Reason
from monitor.ledger.moment import EPOCH, in_utc


@dataclass(frozen=True, slots=True)
class Window:
    """The times that are counted: from `since` to before `until`; None is no bound."""

    since: datetime | None = None
    until: datetime | None = None

    def __bool__(self) -> bool:
        return self.since is not None or self.until is not None

    def holds(self, time: Time) -> bool:
        """Whether an event's time lies in it."""
        at = in_utc(time)
        return (self.since is None or at >= self.since) and (self.until is None or at < self.until)


class Arrived:
    """Where the events of a batch stood: all of its records, or those at `places`."""

    def __init__(self, batch: Batch, now: datetime, places: Sequence[int] | None = None) -> None:
        self.next_offset = batch.first + batch.count
        self.earliest_ms = self.latest_ms = int((now - EPOCH).total_seconds() * 1000)
        self._first = batch.first
        self._places = places

    def offset(self, index: int) -> int:
        """The number of the record that the event at an index was."""
        return self._first + (index if self._places is None else self._places[index])

    def timestamp_ms(self, index: int) -> int:  # noqa: ARG002  # none came earlier than another
        """When it came: now, as history has no other arrival."""
        return self.latest_ms


@dataclass(frozen=True, slots=True)
class Sifted:
    """The events of a batch that are to be counted, and how many records lay outside the window."""

    events: Sequence[Any]
    arrived: Arrived
    left_out: int = 0


def sift(batch: Batch, decoded: Sequence[Any], window: Window, kind: Kind, now: datetime) -> Sifted:
    """Leave out blank lines, which are nothing, and what of events lies outside the window."""
    if batch.rejected:
        decoded = list(decoded)
        for place, rejection in batch.rejected:
            decoded[place] = kind.refused(rejection)
    unsure = () if set(map(type, decoded)) == {kind.plain} else decoded
    blank = {
        place for place, event in enumerate(unsure) if type(event) is not kind.plain and _blank(kind, event)
    }
    if not window and not blank:
        return Sifted(decoded, Arrived(batch, now))
    inside = window.holds if window else None
    events, places, left_out = [], [], 0
    for place, event in enumerate(decoded):
        if place in blank:
            continue
        kept, outside = event, 0
        if inside is not None and kind.refusal(event) is None:
            kept, outside = kind.trimmed(event, inside)
        left_out += outside
        if kept is not None:
            events.append(kept)
            places.append(place)
    return Sifted(events, Arrived(batch, now, places), left_out)


def _blank(kind: Kind, event: Any) -> bool:
    refused = kind.refusal(event)
    return refused is not None and refused.reason is Reason.EMPTY
