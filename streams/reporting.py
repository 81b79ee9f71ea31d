"""The worker's reports on a schedule: one worker of several has each made, by a program of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import tempfile
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import IO, Final, TypeVar

import structlog
from mode import Service
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from monitor.errors import UsageProblem
from monitor.registry.registry import Registry
from monitor.reports.schedule.metrics import ScheduleMetrics
from monitor.reports.schedule.plan import Schedule
from monitor.reports.schedule.record import Outstanding, Wanted, last_made, outstanding
from monitor.reports.wanted import agencies_named
from monitor.reports.writers import WRITERS
from monitor.settings import Settings
from monitor.storage.lease import Lease
from streams.child import Child

log = structlog.get_logger(__name__)

LEASE: Final = "report-schedule"
LEASE_LENGTH: Final = timedelta(seconds=60)
ROUND_S: Final = 15.0  # between looks; the lease is renewed as often, and outlasts three rounds that fail
POLL_S: Final = 0.5
TIMEOUT_S: Final = 7200.0  # all agencies in all formats and both languages take minutes
FIRST_RETRY_S: Final = 300.0
LONGEST_RETRY_S: Final = 3600.0
END_WITHIN_S: Final = 3.0  # of a worker's own ten seconds; the program takes back what is half made
# Counting comes first: the lowest priority, and where memory runs out (Linux) this program goes before the
# worker does. Neither is possible everywhere, and neither is a reason not to make the report.
_BEHIND: Final = (
    "{ echo 500 >/proc/self/oom_score_adj; } 2>/dev/null; "
    'command -v nice >/dev/null && exec nice -n 19 "$@"; exec "$@"'
)
SHOWN_BYTES: Final = 2000  # of what a run said last, for the log

_T = TypeVar("_T")


def _now() -> datetime:
    return datetime.now(UTC)


def reports_wanted(settings: Settings, registry: Registry) -> list[Wanted]:
    """Which reports the schedule makes. Raises UsageProblem for a format or an agency that there is not."""
    unknown = [name for name in settings.report_formats if name not in WRITERS]
    if unknown:
        raise UsageProblem(f"MONITOR_REPORT_FORMATS: {unknown[0]}: accepted are {', '.join(WRITERS)}")
    agencies = agencies_named(",".join(settings.report_agencies), registry, "MONITOR_REPORT_AGENCIES")
    return [(agency, language) for agency in agencies for language in settings.report_languages]


def arguments(settings: Settings, wanted: Outstanding) -> list[str]:
    """What `monitor` is called with. It leaves out by itself what was made before."""
    period, issue = wanted.due.period.key, wanted.due.issue
    assert settings.report_folder is not None  # noqa: S101  # a schedule needs one: the settings see to it
    out = settings.report_folder / period
    return [
        "report",
        *("--period", period),
        *("--agency", ",".join(dict.fromkeys(agency or "national" for agency, _ in wanted.reports))),
        *("--lang", ",".join(dict.fromkeys(language for _, language in wanted.reports))),
        *("--format", ",".join(settings.report_formats)),
        *("--out", str(out if issue == "first" else out / "reissue")),
        *("--scheduled", issue),
    ]


class Reporting(Service):
    """Looks for reports that are due, and has them made while it holds the lease.

    `reading` is opened for reading only: on SQLite any other takes the write lock to read. `clock` gives the
    time of day. Whatever goes wrong is logged, counted and tried again after a while.
    """

    logger = logging.getLogger("mode.reporting")

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        reading: Engine,
        registry: Registry,
        metrics: ScheduleMetrics,
        *,
        clock: Callable[[], datetime] = _now,
        command: Sequence[str] = (sys.executable, "-m", "monitor"),
        timeout: float = TIMEOUT_S,
        round_s: float = ROUND_S,
    ) -> None:
        super().__init__()
        self._settings = settings
        self._reading = reading
        self._metrics = metrics
        self._clock = clock
        self._command = command
        self._timeout = timeout
        self._round_s = round_s
        self._schedule = Schedule.of(settings)
        self._wanted = reports_wanted(settings, registry)
        holder = f"{socket.gethostname()[:40]}-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        self._lease = Lease(engine, LEASE, holder, LEASE_LENGTH)
        self._told = asyncio.Event()
        self._failures = 0
        self._not_before = float("-inf")  # by the loop's clock
        self._task: asyncio.Task[None] | None = None
        self._executor: ThreadPoolExecutor | None = None

    async def on_start(self) -> None:
        """Begin to look."""
        self._told = asyncio.Event()
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="reporting")
        self._task = asyncio.create_task(self._run())

    async def on_stop(self) -> None:
        """End a run that is under way, and give the lease up: another worker goes on at once."""
        self._told.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=END_WITHIN_S + 1)
        if self._executor is not None:  # as where something before it did not start
            self._executor.shutdown(wait=False, cancel_futures=True)

    async def _run(self) -> None:
        while not self._told.is_set():
            try:
                await self._round()
            except (DBAPIError, OSError) as why:
                log.warning("the schedule of reports waits", reason=_sentence(why))
            await self._wait(self._round_s)
        with contextlib.suppress(DBAPIError):  # it ends by itself
            await self._in_thread(self._lease.release)

    async def _round(self) -> None:
        """Look what is due; make what has been due the longest, if it is this worker's turn."""
        found = await self._in_thread(self._look)
        loop = asyncio.get_running_loop()
        if not found or loop.time() < self._not_before or not await self._in_thread(self._lease.take):
            return
        # Again, as the one that had the lease before may have made it meanwhile.
        found = await self._in_thread(self._look)
        if not found:
            return
        # After a failure the next one has its turn: what never succeeds must not hold up the others.
        outcome = await self._make(found[self._failures % len(found)])
        if outcome is None:
            return
        self._metrics.ran(outcome)
        self._failures = 0 if outcome == "made" else self._failures + 1
        if self._failures:
            pause = min(FIRST_RETRY_S * 2 ** min(self._failures - 1, 10), LONGEST_RETRY_S)
            self._not_before = loop.time() + pause
        await self._in_thread(self._look)  # so that metrics tell at once

    def _look(self) -> Sequence[Outstanding]:
        with self._reading.connect() as connection:
            found = outstanding(connection, self._schedule, self._wanted, self._clock())
            self._metrics.show(last_made(connection), found)
        return found

    async def _make(self, wanted: Outstanding) -> str | None:
        """Run the command; return what came of it, None where it was ended by a stop or without the lease."""
        period, issue = wanted.due.period.key, wanted.due.issue
        given = arguments(self._settings, wanted)
        log.info("making a report that is due", period=period, issue=issue, reports=len(wanted.reports))
        command = ["/bin/sh", "-c", _BEHIND, "sh", *self._command, *given]
        with tempfile.TemporaryFile() as said:
            child = await self._in_thread(partial(Child, command, said))
            try:
                status = await self._until_done(child)
            finally:
                await self._in_thread(partial(child.stop, END_WITHIN_S))
            tail = _tail(said)
        if status == 0:
            log.info("reports made", period=period, issue=issue, said=tail)
            return "made"
        if isinstance(status, int):
            log.error("the report failed; it is tried again", period=period, status=status, reason=tail)
            return "failed"
        if status == "timeout":
            log.error("the report took too long; it is tried again", period=period, seconds=self._timeout)
            return "timeout"
        log.warning("a report was not made to its end", period=period)
        return None

    async def _until_done(self, child: Child) -> int | str:
        """Its exit status; or why it is to be ended."""
        loop = asyncio.get_running_loop()
        begun = renewed = loop.time()
        while (status := child.status) is None:
            await self._wait(POLL_S)
            now = loop.time()
            if self._told.is_set():
                return "stopped"
            if now - begun >= self._timeout:
                return "timeout"
            if now - renewed >= ROUND_S:
                renewed = now
                with contextlib.suppress(DBAPIError):  # held on to until its end
                    await self._in_thread(self._lease.take)
            if not self._lease.held:
                return "lease lost"
        return status

    async def _wait(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._told.wait(), seconds)

    async def _in_thread(self, call: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)


def _tail(said: IO[bytes]) -> str:
    length = said.seek(0, os.SEEK_END)
    said.seek(max(0, length - SHOWN_BYTES))
    return said.read().decode("utf-8", "replace").strip()


def _sentence(why: Exception) -> str:
    return str(getattr(why, "orig", None) or why).strip().partition("\n")[0] or type(why).__name__
