"""Whether a worker is ready: its database answers, its group knows it, and what it was given is open."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from time import monotonic
from typing import Protocol

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from monitor.storage.schema import SchemaError, check_schema, current, head

# Twice the longest pause between two tries of a commit: what takes longer is not a hiccup.
PROGRESS_WITHIN_S = 30.0
# Less than the patience of what asks: Kubernetes and Docker are told to wait five seconds for an answer.
DATABASE_WITHIN_S = 3.0
# However often somebody asks, the database is asked no more often than this.
DATABASE_EVERY_S = 2.0


class Share(Protocol):
    """What is asked of a worker's lanes."""

    def joined(self) -> bool:
        """Whether the group has this worker as a member, and has given it its partitions, if only none."""

    def unopened(self) -> int:
        """How many partitions the group has given to this worker that it does not read yet."""

    def without_progress(self) -> float:
        """Seconds since the last commit, or since there was last nothing to do."""


class Readiness:
    """Says why a worker is not ready, in the event loop; asks the database in a thread of its own.

    A spare worker is ready: a member of the group that was given no partition, as there are more workers
    than partitions, is there to take over.
    """

    def __init__(
        self, share: Share, check_database: Callable[[], None], *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._share = share
        self._check_database = check_database
        self._clock = clock
        # One thread, so that a database which hangs holds one, however many ask meanwhile.
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="readiness")
        self._asked: Future[None] | None = None
        self._asked_at = float("-inf")

    async def reason(self) -> str | None:
        """Why this worker is not ready, in a sentence without addresses or secrets; None when it is."""
        if not self._share.joined():
            return "not in the consumer group"
        unopened = self._share.unopened()
        if unopened:
            return f"{unopened} partition{'' if unopened == 1 else 's'} not open yet"
        waiting = self._share.without_progress()
        if waiting > PROGRESS_WITHIN_S:
            return f"work is waiting and nothing was committed for {waiting:.0f} s"
        return await self._database()

    async def _database(self) -> str | None:
        if self._asked is None or (self._asked.done() and self._clock() - self._asked_at > DATABASE_EVERY_S):
            self._asked, self._asked_at = self._executor.submit(self._check_database), self._clock()
        answer = asyncio.wrap_future(self._asked)
        try:
            # Shielded: who asks next waits for the same answer.
            await asyncio.wait_for(asyncio.shield(answer), DATABASE_WITHIN_S)
        except TimeoutError:
            answer.add_done_callback(_look_away)
            return "the database does not answer"
        except SchemaError as why:
            return str(why)
        except SQLAlchemyError as why:
            # The driver's words name hosts and users: they are for the log, and commits that fail are there.
            return f"the database cannot be read ({type(why).__name__})"
        return None


def _look_away(answer: asyncio.Future[None]) -> None:
    """Take an error that came too late, so that nobody logs it as forgotten."""
    if not answer.cancelled():
        answer.exception()


def database_check(engine: Engine) -> Callable[[], None]:
    """A look at whether a database answers and is at this program's schema.

    It raises SchemaError, saying what to do, or SQLAlchemyError.
    """
    needed = head()  # reading all migrations' files each time would cost more than the question

    def check() -> None:
        if current(engine) != needed:
            check_schema(engine)

    return check
