"""The worker's decode, judge and fold, one event at a time, as an application on a framework has it."""

from __future__ import annotations

import os
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from monitor.events.decode import Headers, decode_one
from monitor.events.rejection import Rejection
from monitor.judging.book import Book
from monitor.judging.breach import Breach
from monitor.judging.judge import judge
from monitor.judging.terms import Pair
from monitor.ledger.moment import in_utc
from monitor.ledger.tally import Tally
from monitor.registry.load import load_registry


class PerEvent:
    """Counts in memory: no transaction, no offsets, no lateness, no dead letters."""

    def __init__(self) -> None:
        zone = ZoneInfo("Asia/Ho_Chi_Minh")
        self._book = Book(load_registry(Path(os.environ["MONITOR_REGISTRY"])), zone)
        self._seen: set[str] = set()
        self._tallies: dict[tuple[int, str, str, str], Tally] = {}
        self.breaches: defaultdict[tuple[Pair, Breach], int] = defaultdict(int)
        self.events = 0

    def take(self, body: bytes | None, headers: Headers = ()) -> None:
        """Decode, judge and count one event."""
        self.events += 1
        exchange = decode_one(body, headers)
        if isinstance(exchange, Rejection):
            return
        time = exchange.time
        if type(time) is not datetime or time.tzinfo is not UTC:
            time = in_utc(time)
        hour = int(time.timestamp()) // 3600 * 3600
        key = (hour, exchange.provider, exchange.consumer, exchange.service)
        tally = self._tallies.get(key)
        if tally is None:
            terms = self._book.terms(exchange.provider, exchange.consumer, exchange.service, hour)
            tally = self._tallies[key] = Tally(terms, None)
        if exchange.id in self._seen:
            tally.duplicates += 1
            return
        self._seen.add(exchange.id)
        for breach in judge(exchange, tally.terms, time.timestamp() - hour, tally.usage) or ():
            self.breaches[tally.terms.pair, breach] += 1
        if exchange.outcome == "ok":
            tally.answered.append(exchange.duration_ms)
        else:
            tally.unanswered.append((exchange.outcome, exchange.duration_ms))
        tally.records += exchange.records
        tally.request_bytes += exchange.request_bytes
        tally.response_bytes += exchange.response_bytes
        if time > tally.last_time:  # noqa: PLR1730  # as in the worker
            tally.last_time = time
