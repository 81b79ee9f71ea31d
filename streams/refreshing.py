"""Figures that are read from the database now and then, and shown at every scrape."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import structlog
from mode import Service
from sqlalchemy.exc import DBAPIError

log = structlog.get_logger(__name__)

REFRESH_S = 30.0  # between two readings: figures of a month do not change faster


class Refreshing(Service):
    """Calls each refresher with the time of day, one after the other, in a thread of its own.

    Every worker does: the figures are the same everywhere, and none depends on another's being there.
    """

    logger = logging.getLogger("mode.refreshing")

    def __init__(self, refreshers: Sequence[Callable[[datetime], object]]) -> None:
        super().__init__()
        self._refreshers = refreshers
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="figures")

    @Service.task
    async def _refresh_regularly(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.should_stop:
            for refresh in self._refreshers:
                try:
                    await loop.run_in_executor(self._executor, refresh, datetime.now(UTC))
                except DBAPIError as why:
                    reason = str(why.orig).splitlines()[:1]
                    log.warning("figures could not be read; the old ones are shown", reason=reason)
            await self.sleep(REFRESH_S)

    async def on_stop(self) -> None:
        """Leave a reading that is under way to itself: it changes nothing."""
        self._executor.shutdown(wait=False, cancel_futures=True)
