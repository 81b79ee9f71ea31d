"""The cells of a span, summed by pair and by local day; everything that is a plain sum is summed in SQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from sqlalchemy import BigInteger, Connection, Select, case, cast, func, null, select, type_coerce

from monitor.judging.terms import Pair
from monitor.ledger.histogram import Histogram
from monitor.objectives.block import Block, Layout
from monitor.objectives.reading import PairSum
from monitor.reports.gather.counted import COLUMNS, Counted
from monitor.reports.gather.latencies import Merging, together
from monitor.reports.period import Span
from monitor.storage.tables import cells

Progress = Callable[[int], None]
"""Told how many hours of cells were read since it was last called."""

_STREAMED: Final = {"stream_results": True, "max_row_buffer": 1_000}
_OK, _FAULT, _DENIED, _TIMEOUT = range(4)
_SLOW: Final = COLUMNS.index("slow")


@dataclass(slots=True)
class Tallied:
    """What was exchanged in a span, under present codes of agencies.

    `days_of` has each day of each agency, as provider or as consumer; what it exchanged with itself counts
    once. `block` has the objectives' counts, each day's under the versions in force that day. Times are
    microseconds since 1970: the newest of an hour with any exchange, of an hour with any answer.
    """

    span: Span
    pairs: dict[Pair, Counted] = field(default_factory=dict)
    days: dict[date, Counted] = field(default_factory=dict)
    days_of: dict[tuple[str, date], Counted] = field(default_factory=dict)
    block: Block | None = None
    last_exchange: dict[str, int] = field(default_factory=dict)
    last_answer: dict[Pair, int] = field(default_factory=dict)
    latencies: dict[Pair, Histogram] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Whether nothing happened."""
        return not self.pairs


def tally(
    connection: Connection, span: Span, layout: Layout, progress: Progress, *, latencies: bool = True
) -> Tallied:
    """Sum the cells of a span, one local day after the other, so that memory is bounded by pairs.

    Without `latencies` their histograms are left out, which takes half the time. Raises
    sqlalchemy.exc.DBAPIError, and msgspec.DecodeError for a column that is no histogram.
    """
    canonical = layout.registry.canonical
    found = Tallied(span, block=layout.empty())
    assert found.block is not None  # noqa: S101  # was just made
    merging: Merging[Pair] = Merging()
    for day, begins, ends in span.days():
        of_day = found.days[day] = Counted()
        rows: list[PairSum] = []
        for provider, consumer, service, *figures in _read(connection, begins, ends, latencies=latencies):
            shortest, longest, last, last_ok, packed = figures[len(COLUMNS) :]
            counted = Counted(figures[: len(COLUMNS)], shortest, longest)
            pair = Pair(canonical.get(provider, provider), canonical.get(consumer, consumer), service)
            known = found.pairs.get(pair)
            if known is None:
                found.pairs[pair] = Counted(counted.sums, counted.shortest, counted.longest)
            else:
                known.add(counted)
            of_day.add(counted)
            if packed:
                merging.add(pair, packed)
            for agency in {pair.provider, pair.consumer}:
                found.days_of.setdefault((agency, day), Counted()).add(counted)
                if last > found.last_exchange.get(agency, 0):
                    found.last_exchange[agency] = last
            if last_ok is not None and last_ok > found.last_answer.get(pair, 0):
                found.last_answer[pair] = last_ok
            sums = counted.sums
            rows.append(
                PairSum(
                    provider, consumer, service, sums[_OK], sums[_FAULT], sums[_DENIED], sums[_TIMEOUT],
                    sums[_SLOW], last_ok,
                )
            )  # fmt: skip
        found.block = found.block.plus(layout.judge(rows, day))
        progress((ends - begins) // 3600)
    found.latencies = merging.done()
    return found


def _read(connection: Connection, begins: int, ends: int, *, latencies: bool) -> Iterator[Any]:
    packed = together(connection.dialect.name) if latencies else null()
    query = _sums(begins, ends).add_columns(packed)
    return iter(connection.execute(query, execution_options=_STREAMED))


def _sums(begins: int, ends: int) -> Select[Any]:
    """COLUMNS by pair, then shortest, longest, last time, last time of an hour with an answer."""
    c = cells.c
    pair = (c.provider, c.consumer, c.service)
    # PostgreSQL sums to numeric, which comes back as Decimal; casting there costs less than converting here.
    sums = [cast(func.sum(c[name]), BigInteger) for name in COLUMNS]
    last = type_coerce(c.last_time, BigInteger)
    return (
        select(
            *pair,
            *sums,
            func.min(c.shortest_us),
            func.max(c.longest_us),
            func.max(last),
            func.max(case((c.ok > 0, last))),
        )
        .where(c.hour >= begins, c.hour < ends)
        .group_by(*pair)
    )
