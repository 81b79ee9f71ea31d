"""The look-up in the agreement that is in force when an event happens."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from alerts.rule import Register
from monitor.judging.book import Book, version_in_force
from monitor.registry.model import Agreement
from monitor.registry.registry import Registry

_REMEMBERED = 65_536  # (consumer, service, day) whose agreement is kept at hand
NO_AGREEMENT = "none"


class RegisterLookup(Protocol):
    """Where agreements are looked up."""

    def in_force(self, consumer: str, service: str, time_ms: int) -> Agreement | None:
        """The agreement that permits a consumer the use of a service at a time (ms since 1970); or None."""


class AgreementsInForce:
    """A registry's agreements; days are those of its zone, as the judge has them."""

    def __init__(self, registry: Registry, zone: ZoneInfo) -> None:
        self._registry = registry
        self._zone = zone
        self._on = lru_cache(maxsize=_REMEMBERED)(self._find)
        self._today: tuple[int, date] = (-1, date.min)

    @classmethod
    def of(cls, book: Book) -> AgreementsInForce:
        """The agreements that a book judges by."""
        return cls(book.registry, book.zone)

    def in_force(self, consumer: str, service: str, time_ms: int) -> Agreement | None:
        """The agreement that permits the use at a time; None when there is none, or it does not permit."""
        quarter = time_ms // 900_000  # local days begin with some quarter of an hour in every zone
        if self._today[0] != quarter:
            self._today = (quarter, datetime.fromtimestamp(quarter * 900, UTC).astimezone(self._zone).date())
        return self._on(consumer, service, self._today[1])

    def _find(self, consumer: str, service: str, day: date) -> Agreement | None:
        found = version_in_force(self._registry.versions(consumer, service), day)
        return found if found is not None and found.permits else None


class Admission:
    """Whether what an event says is admitted by the agreement in force; the condition of a register rule."""

    def __init__(self, rule: Register, lookup: RegisterLookup) -> None:
        self._attribute = rule.attribute
        self._lookup = lookup

    def refused(self, consumer: Any, service: Any, time_ms: int, value: Any) -> bool:
        """Whether the rule matches. Without names or a value to look up, it does not.

        With an attribute, an event without an agreement in force does not match: that is the rule `none`.
        """
        if not isinstance(consumer, str) or not isinstance(service, str):
            return False
        agreement = self._lookup.in_force(consumer, service, time_ms)
        if self._attribute == NO_AGREEMENT:
            return agreement is None
        if agreement is None or value is None:
            return False
        return not admits(getattr(agreement, self._attribute, None), value)


def admits(allowed: Any, value: Any) -> bool:
    """Whether an agreement's attribute allows a value.

    A list allows what it names (empty: everything), a number what does not exceed it, a yes or no what is
    not more; None allows everything. Of a list of values, all must be allowed.
    """
    if allowed is None:
        return True
    if isinstance(value, tuple | list | set | frozenset):
        return all(admits(allowed, each) for each in value)
    if isinstance(allowed, tuple | list | set | frozenset):
        return not allowed or str(value).casefold() in _folded(allowed)
    if isinstance(allowed, bool):
        return allowed or not _truth(value)
    if isinstance(allowed, int | float):
        return isinstance(value, int | float) and value <= allowed
    return str(value).casefold() == str(allowed).casefold()


def _folded(values: Iterable[Any]) -> Collection[str]:
    return {str(each).casefold() for each in values}


def _truth(value: Any) -> bool:
    return value.casefold() in ("true", "yes", "1") if isinstance(value, str) else bool(value)
