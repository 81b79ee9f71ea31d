"""The findings of a span: breaches by pair and kind, with the terms that were broken last."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BigInteger, Connection, cast, func, select, type_coerce

from monitor.judging.terms import Pair
from monitor.registry.registry import Registry
from monitor.reports.period import Span
from monitor.storage.tables import findings, from_microseconds


class BreachKey(NamedTuple):
    """Whose breaches, under present codes, and of which kind."""

    pair: Pair
    breach: str


@dataclass(slots=True)
class Breached:
    """How often, how many of it were refused, when first and last, and under which terms that was.

    `by_agreement` says how often under each agreement: one may have replaced another within the span.
    """

    count: int
    denied: int
    first: datetime
    last: datetime
    agreement: str | None
    version: int
    by_agreement: dict[str, int] = field(default_factory=dict)

    def add(self, other: Breached) -> None:
        """Add others of the same kind and pair; the terms are those of whichever came last."""
        if other.last > self.last:
            self.agreement, self.version = other.agreement, other.version
        self.count += other.count
        self.denied += other.denied
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        for name, count in other.by_agreement.items():
            self.by_agreement[name] = self.by_agreement.get(name, 0) + count


def read_findings(connection: Connection, span: Span, registry: Registry) -> dict[BreachKey, Breached]:
    """All breaches of a span. Raises sqlalchemy.exc.DBAPIError."""
    f = findings.c
    of = (f.provider, f.consumer, f.service, f.breach, f.agreement, f.version)
    query = (
        select(
            *of,
            cast(func.sum(f["count"]), BigInteger),
            cast(func.sum(f.denied), BigInteger),
            func.min(type_coerce(f.first_time, BigInteger)),
            func.max(type_coerce(f.last_time, BigInteger)),
        )
        .where(f.hour >= span.begins, f.hour < span.ends)
        .group_by(*of)
        .order_by(*of)
    )
    canonical = registry.canonical
    found: dict[BreachKey, Breached] = {}
    for provider, consumer, service, breach, agreement, version, *counts in connection.execute(query):
        pair = Pair(canonical.get(provider, provider), canonical.get(consumer, consumer), service)
        count, denied, first, last = counts
        times = from_microseconds(first), from_microseconds(last)
        under = {} if agreement is None else {agreement: count}
        each = Breached(count, denied, *times, agreement, version, under)
        known = found.setdefault(BreachKey(pair, breach), each)
        if known is not each:
            known.add(each)
    return found
