"""What the sender needs of a destination, whatever its kind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Round:
    """What came of one round of sending.

    `failed` says why the destination could not be served; empty when it was. `retry_after` is its own wish,
    in seconds. `more` says that something is left for the next round, at once.
    """

    failed: str = ""
    retry_after: float | None = None
    more: bool = False


@dataclass(frozen=True, slots=True)
class Edges:
    """What a destination is given of the world: a clock (UTC), and threads for calls that wait."""

    clock: Callable[[], datetime]
    executor: Executor

    async def wait_for(self, call: Callable[[], _T]) -> _T:
        """The result of a call that waits for the database."""
        return await asyncio.get_running_loop().run_in_executor(self.executor, call)


class Outlet(Protocol):
    """One destination."""

    @property
    def name(self) -> str:
        """What logs call it."""

    @property
    def kind(self) -> str:
        """One of alerts.delivery.metrics.KINDS."""

    @property
    def undelivered(self) -> int:
        """How much it has not taken yet, as of the last full round."""

    async def round(self, *, full: bool, allowed: Callable[[], bool]) -> Round:
        """Send what is due; with `full` also what is repeated. Stops early when it is no longer `allowed`.

        Raises sqlalchemy.exc.DBAPIError.
        """
