"""The book of agreements for calls over X-Road: their records say neither purpose nor fields."""

from __future__ import annotations

from dataclasses import replace

from monitor.events.exchange import Exchange
from monitor.judging.book import Book
from monitor.judging.judge import judge
from monitor.judging.terms import Breaches, Pair, Terms, Usage

_HOUR_MS = 3_600_000


class RecordBook(Book):
    """Terms without purposes: a clause that a source cannot tell of would be broken by every exchange.

    Fields need no exception, as a record names none; records are always 0. Standing, hours, calls a day, the
    issue as case, signature, and latency are judged as ever.
    """

    def _resolve(self, pair: Pair, hour: int) -> Terms:
        terms = super()._resolve(pair, hour)
        return terms if terms.purposes is None else replace(terms, purposes=None)

    def judged(self, exchange: Exchange, begun_ms: int, number: int) -> tuple[Terms, Breaches]:
        """Judge a call by its own time, in milliseconds since 1970; return its terms too.

        `number` says which of its pair's calls of the day it is; 0, which breaks nothing: nobody knows.
        """
        hour_ms = begun_ms - begun_ms % _HOUR_MS
        terms = self.terms(exchange.provider, exchange.consumer, exchange.service, hour_ms // 1000)
        breaches = judge(exchange, terms, (begun_ms - hour_ms) / 1000, Usage(number - 1)) or ()
        return terms, breaches
