"""The book of agreements for calls over X-Road: their records say neither purpose nor fields."""

from __future__ import annotations

from dataclasses import replace

from monitor.judging.book import Book
from monitor.judging.terms import Pair, Terms


class RecordBook(Book):
    """Terms without purposes: a clause that a source cannot tell of would be broken by every exchange.

    Fields need no exception, as a record names none; records are always 0. Standing, hours, calls a day, the
    issue as case, signature, and latency are judged as ever.
    """

    def _resolve(self, pair: Pair, hour: int) -> Terms:
        terms = super()._resolve(pair, hour)
        return terms if terms.purposes is None else replace(terms, purposes=None)
