"""The end of a worker: in order as far as that works, and in any case within its time."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import NoReturn

import faust
import structlog
from aiokafka.errors import KafkaError

from monitor.errors import MonitorError

log = structlog.get_logger(__name__)

# A graceful stop has ten seconds. An orderly one takes two; with a broker that is away its clients would wait
# for it, and a thread that waits for a database cannot be ended but with the process.
STOP_WITHIN_S = 9.0
# A log that nobody takes in must not be what the end waits for.
SAY_WITHIN_S = 0.5


class Deadline:
    """Ends the process when an end that has begun takes too long.

    That loses nothing: what is counted and how far it reaches are one transaction, so a worker may end at any
    moment.
    """

    def __init__(self, seconds: float = STOP_WITHIN_S, end: Callable[[int], object] = os._exit) -> None:
        self._seconds = seconds
        self._end = end
        self._begun = False

    def begin(self, status: int) -> None:
        """Let the time run, once: the first status is the one that the process ends with when it is over."""
        if self._begun:
            return
        self._begun = True
        timer = threading.Timer(self._seconds, self._over, [status])
        timer.daemon = True  # an end in order does not wait for it
        timer.start()

    def _over(self, status: int) -> None:
        saying = threading.Thread(target=self._say, daemon=True)
        saying.start()
        saying.join(SAY_WITHIN_S)
        self._end(status)

    def _say(self) -> None:
        log.warning(
            "something outside does not answer: ending without waiting for it; "
            "what was not committed is read again",
            seconds=self._seconds,
        )
        sys.stderr.flush()


class Worker(faust.Worker):
    """Faust's worker, which would wait without end for a broker or a thread that does not answer."""

    def __init__(self, app: faust.App, deadline: Deadline, **options: object) -> None:
        super().__init__(app, **options)  # type: ignore[arg-type]  # passed through, as Faust's own app does
        self._deadline = deadline

    async def start(self) -> None:
        """Start everything. A broker that is not there, or takes nobody in, is a sentence and no defect."""
        try:
            await super().start()
        except KafkaError as why:
            said = str(why).removeprefix(f"{type(why).__name__}: ") or type(why).__name__
            await self.app.crash(MonitorError(f"Kafka: {said}; `monitor doctor` tells what is wrong"))

    def _schedule_shutdown(self, signal: signal.Signals) -> None:
        self._deadline.begin(0)
        super()._schedule_shutdown(signal)

    def _crash(self, reason: BaseException) -> None:
        self._deadline.begin(1)
        super()._crash(reason)

    def _shutdown_loop(self) -> None:
        reason = self.crash_reason
        if isinstance(reason, MonitorError):
            self.crash_reason = None  # nothing crashed: why it ends is said, and Faust would announce a crash
        super()._shutdown_loop()
        if isinstance(reason, MonitorError):
            raise reason

    def on_worker_shutdown(self) -> None:
        """Called at every end; one that was neither asked for nor a crash is a start that failed."""
        self._deadline.begin(1)


def leave_when_told(deadline: Deadline) -> None:
    """End with status 0 at SIGTERM until Faust's worker handles it.

    As process 1 of a container, a program without a handler of its own would never hear it.
    """

    def leave(_number: int, _frame: FrameType | None) -> NoReturn:
        deadline.begin(0)
        raise SystemExit(0)

    signal.signal(signal.SIGTERM, leave)
