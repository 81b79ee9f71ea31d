"""What is known of one dossier: two accounts of it are joined alike in any order, and any number of times.

So the same steps give the same state however they come: late, in another order, again, or cut into batches.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import date
from typing import TypeVar

import msgspec

from monitor.events.dossier_event import DossierEvent

MOST_TIMES = 16
"""Steps of one kind kept of a dossier, the earliest: whatever has more supplements is late by far."""

Times = tuple[int, ...]
"""Milliseconds since 1970, rising, each once."""


class Receipt(msgspec.Struct, frozen=True, array_like=True, order=True):
    """How it was received: the earliest counts; of two at the same moment the one promised sooner."""

    time: int
    promised: date = date.max  # date.max: nothing was promised
    procedure: str = ""


class Rated(msgspec.Struct, frozen=True, array_like=True, order=True):
    """What the applicant said, 1 to 5: the last counts."""

    time: int
    rating: int


class Dossier(msgspec.Struct, frozen=True, array_like=True):
    """All that matters of a dossier; a moment that is None was not heard of."""

    receipt: Receipt | None = None
    requests: Times = ()
    supplements: Times = ()
    completed: int | None = None
    withdrawn: int | None = None
    paid: int | None = None
    rated: Rated | None = None
    complaints: Times = ()
    answers: Times = ()
    online: bool = False
    paid_online: bool = False
    digitised: bool = False
    reused: bool = False
    population_database: bool = False


NOTHING = Dossier()
F = TypeVar("F", int, Receipt)


def of_event(event: DossierEvent, time_ms: int) -> Dossier:
    """What one step says of its dossier."""
    step = event.step
    at, once = (time_ms,), time_ms
    return Dossier(
        receipt=Receipt(time_ms, event.promised or date.max, event.procedure or "")
        if step == "received"
        else None,
        requests=at if step == "supplement_requested" else (),
        supplements=at if step == "supplemented" else (),
        completed=once if step == "completed" else None,
        withdrawn=once if step == "withdrawn" else None,
        paid=once if step == "paid" else None,
        rated=Rated(time_ms, event.rating) if step == "rated" and event.rating is not None else None,
        complaints=at if step == "complaint_received" else (),
        answers=at if step == "complaint_answered" else (),
        online=event.online,
        paid_online=event.paid_online,
        digitised=event.digitised or step == "digitised",
        reused=event.reused or step == "reused",
        population_database=event.population_database or step == "population_database_used",
    )


def joined(one: Dossier, other: Dossier) -> Dossier:
    """What two accounts say together: commutative, associative, and nothing is changed by joining again."""
    return Dossier(
        receipt=_first(one.receipt, other.receipt),
        requests=_times(one.requests, other.requests),
        supplements=_times(one.supplements, other.supplements),
        completed=_first(one.completed, other.completed),
        withdrawn=_first(one.withdrawn, other.withdrawn),
        paid=_first(one.paid, other.paid),
        rated=max((each for each in (one.rated, other.rated) if each is not None), default=None),
        complaints=_times(one.complaints, other.complaints),
        answers=_times(one.answers, other.answers),
        online=one.online or other.online,
        paid_online=one.paid_online or other.paid_online,
        digitised=one.digitised or other.digitised,
        reused=one.reused or other.reused,
        population_database=one.population_database or other.population_database,
    )


def full(dossier: Dossier) -> bool:
    """Whether it has as many steps of one kind as are kept: there may have been more."""
    return any(
        len(times) == MOST_TIMES
        for times in (dossier.requests, dossier.supplements, dossier.complaints, dossier.answers)
    )


def _first(one: F | None, other: F | None) -> F | None:
    if one is None or other is None:
        return one if other is None else other
    return min(one, other)


def _times(one: Times, other: Times) -> Times:
    if not one or not other:
        return one or other
    return tuple(heapq.nsmallest(MOST_TIMES, set(one) | set(other)))


def joined_all(accounts: Iterable[Dossier]) -> Dossier:
    """All accounts of one dossier together."""
    whole = NOTHING
    for each in accounts:
        whole = joined(whole, each)
    return whole
