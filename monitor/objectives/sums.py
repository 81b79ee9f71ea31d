"""Sums of the windows, kept up to date by reading little: what is closed is summed once and remembered.

Cells do not say when they were last written, and a late event may touch an old one. So three things are read:

1. at each refresh the last RECENT_HOURS, where nearly everything happens;
2. each other span once, when it is first wanted: a local day that is over is one query;
3. at each refresh at most one span that was read more than REREAD ago, the one read longest ago.

A late event is therefore in the figures at the next refresh where it is late by less than two hours, and
otherwise within about REREAD, as long as refreshes come at least every minute.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import reduce
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from monitor.objectives.block import Block, Layout
from monitor.objectives.reading import PairSum, read_span
from monitor.objectives.windows import HOUR_S, RECENT_HOURS, WINDOWS, Span, spans, windows_at
from monitor.storage.engine import reading

REREAD: Final = timedelta(hours=1)
"""After this a closed span is read again. Some 60 spans are held, so one is due about every minute."""


class _Held:
    __slots__ = ("block", "read_at", "serial")

    def __init__(self, block: Block, read_at: datetime, serial: int) -> None:
        self.block, self.read_at, self.serial = block, read_at, serial


class WindowSums:
    """The sums of both windows for one registry; used by one thread at a time.

    `seen` is given each row that is read with the span it belongs to, for what is to be known besides sums.
    Held are some 60 blocks of 32 bytes for each agreement version and service: 10 MB at five thousand.
    """

    def __init__(
        self, layout: Layout, engine: Engine, zone: ZoneInfo, seen: Callable[[PairSum], None]
    ) -> None:
        self._layout = layout
        self._engine = engine
        self._zone = zone
        self._seen = seen
        self._held: dict[Span, _Held] = {}
        self._settled: dict[str, tuple[tuple[int, ...], Block]] = {}
        self._serial = 0

    def refresh(self, now: datetime) -> dict[str, Block]:
        """Read what may have changed and return the sums of each window at a moment (aware).

        Raises sqlalchemy.exc.DBAPIError; what was read until then is kept.
        """
        windows = windows_at(now, self._zone)
        wanted = spans(windows, self._zone)
        recent = windows.ends - RECENT_HOURS * HOUR_S
        known = {span: self._held[span] for span in wanted if span in self._held}
        self._held = known
        unread = [span for span in wanted if span not in known or span.begins >= recent]
        settled = [span for span in known if span.begins < recent]
        oldest = min(settled, key=lambda span: known[span].read_at, default=None)
        if oldest is not None and not timedelta(0) <= now - known[oldest].read_at < REREAD:
            unread.append(oldest)
        for span in unread:
            self._read(span, now)
        sums = {}
        for window in WINDOWS:
            begins = windows.begins(window)
            inside = [span for span in wanted if span.begins >= begins]
            base = self._sum(window, [self._held[span] for span in inside if span.begins < recent])
            sums[window] = reduce(
                Block.plus, (self._held[span].block for span in inside if span.begins >= recent), base
            )
        return sums

    def _read(self, span: Span, now: datetime) -> None:
        # A connection of its own for each: no read transaction is long enough to hold up a checkpoint.
        with reading(self._engine).connect() as connection:
            rows = list(read_span(connection, span))
        for row in rows:
            self._seen(row)
        block = self._layout.judge(rows, datetime.fromtimestamp(span.begins, self._zone).date())
        before = self._held.get(span)
        if before is not None and before.block == block:
            before.read_at = now
            return
        self._serial += 1
        self._held[span] = _Held(block, now, self._serial)

    def _sum(self, window: str, held: list[_Held]) -> Block:
        """The sum of blocks that rarely change, worked out again only when one of them did."""
        serials = tuple(each.serial for each in held)
        known = self._settled.get(window)
        if known is None or known[0] != serials:
            known = serials, reduce(Block.plus, (each.block for each in held), self._layout.empty())
            self._settled[window] = known
        return known[1]
