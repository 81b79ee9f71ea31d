"""What a lane needs of its topic: how to decode, count, store and show its events, and what watches them.

One processor a topic: streams/exchanges.py, streams/security_events.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import Connection

from monitor.events.decode import Headers
from monitor.events.rejection import Reason, Rejection
from monitor.ledger.partition import Arrivals

Decode = Callable[[Sequence[bytes | None], Callable[[int], Headers]], Sequence[Any]]


class Counted(Protocol):
    """What was counted since the last commit: the content of one transaction."""

    next_offset: int
    events: int
    rejected: dict[Reason, int]
    rejections: list[tuple[int, Rejection]]
    held_bytes: int  # of events that are kept until the commit

    @property
    def ages(self) -> Sequence[tuple[datetime, int]]:
        """(Event time, weight) samples for the metric of event age."""


class Ledger(Protocol):
    """Everything a worker holds in memory for one partition."""

    next_offset: int

    @property
    def changes(self) -> Counted:
        """What was counted since `take` was last called."""

    def fold(self, decoded: Sequence[Any], arrivals: Arrivals, now: datetime) -> None:
        """Count a batch; what lies before `next_offset` is passed over."""

    def take(self) -> Any:
        """Hand over what was counted, and count on from zero."""

    def settled(self) -> None:
        """Note that all that was taken is in the database."""


class Store(Protocol):
    """The partition's rows, written in one transaction; used by one thread at a time."""

    def write(self, changes: Any, now: datetime, also: Sequence[Callable[[Connection], None]] = ()) -> Any:
        """Move the offset by compare-and-set, write, and commit; return what was written, for the metrics."""


class Watch(Protocol):
    """The rules of one partition: they see what was counted, and write what they found with it."""

    @property
    def pending(self) -> bool:
        """Whether there is anything to write."""

    def tick(self, now: datetime) -> None:
        """Nothing came up to now, and all that came was seen: let time pass for the rules."""

    def take(self) -> Any:
        """Hand over what is to be written; until it is `committed`, the same may be written again."""

    def write(self, connection: Connection, taken: Any, now: datetime) -> None:
        """Write it, in the transaction that moves the offset."""

    def committed(self, taken: Any) -> None:
        """Note that it is in the database: count it in the metrics, and tell whoever sends alerts."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A partition that was taken over. `observe` shows the watch what was counted since it was last called;
    `show` counts in the metrics what a transaction wrote."""

    ledger: Ledger
    store: Store
    watch: Watch | None
    observe: Callable[[], None]
    show: Callable[[Any], None]


class Processor(Protocol):
    """What is done with the events of one topic."""

    @property
    def decode(self) -> Decode:
        """Bodies with their headers to events, or to rejections."""

    def open(self, topic: str, partition: int, now: datetime) -> Opened:
        """Take a partition over from the database. Raises sqlalchemy.exc.DBAPIError."""


Processors = Mapping[str, Processor]
"""By the topic's full name."""
