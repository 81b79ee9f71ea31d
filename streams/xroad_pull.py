"""The collector: asks one security server for its records, page by page, and publishes them to Kafka.

The position moves once Kafka has acknowledged a page. A page that was published and not noted is published
again after a crash; halves that come twice are counted as duplicates and not added.
"""

from __future__ import annotations

import ssl
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError

from monitor.errors import MonitorError, UsageProblem
from monitor.settings import Settings
from monitor.storage.progress import Fenced
from monitor.xroad.pull.answer import Answer, read_answer
from monitor.xroad.pull.connection import Server, Unreachable, ask
from monitor.xroad.pull.position import Position
from monitor.xroad.pull.request import Identifier, envelope
from monitor.xroad.pull.soap import Fault, NotUnderstood
from monitor.xroad.pull.unpack import check, key_of, records
from streams.clients import client_arguments

log = structlog.get_logger(__name__)

# A security server answers up to a minute ago, as it may not have written what is newer (PR-OPMON, section
# 2); half as long again for clocks that differ. It shifts a later end, and refuses a later beginning.
SETTLED_S = 90
# So near to the end a next time may come from a shifted end instead of a full page: that is for next round.
NEAR_S = 60
_TRIES = 4  # of a question, when not following
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 1.0, 300.0
_IN_FLIGHT = 5_000  # records that wait for Kafka's word
_DELIVERY_MS = 60_000
_FIRST_ANSWER_MS = 8_000
_MOST_BYTES = 2 * 1024 * 1024  # of a record: the broker's own limit is higher


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be asked: whom, in whose name, and how long an answer may take.

    `overlap` seconds before the position are asked for again at the beginning of each round, for records that
    were written late.
    """

    server: Server
    asked: Identifier
    client: Identifier
    seconds: float = 60.0
    overlap: int = 1

    def page(self, since: int, until: int) -> Answer:
        """Ask for the records of some seconds, both ends inclusive. Raises MonitorError of several kinds."""
        body = envelope(self.client, self.asked, since, until, str(uuid.uuid4()))
        return read_answer(*ask(self.server, body, self.seconds))


Publish = Callable[[Iterable[bytes]], int]
"""Publishes a page; returns how many records it had, once Kafka has them."""


class Publisher:
    """Sends records to the topic of X-Road records, and waits for the word that Kafka has them."""

    def __init__(self, settings: Settings) -> None:
        """Connect. Raises MonitorError when the broker does not answer or the topic does not exist."""
        self._topic = settings.topic("xroad-records")
        where = settings.kafka_bootstrap
        try:
            self._producer = KafkaProducer(
                **client_arguments(settings),
                acks="all",
                enable_idempotence=settings.kafka_profile == "kafka",
                linger_ms=10,
                max_request_size=_MOST_BYTES,
                delivery_timeout_ms=_DELIVERY_MS,
                max_block_ms=_FIRST_ANSWER_MS,
                bootstrap_timeout_ms=_FIRST_ANSWER_MS,
            )
        except KafkaError as why:
            raise MonitorError(f"no Kafka broker answers at {where}: {_sentence(why)}") from why
        try:
            if not self._producer.partitions_for(self._topic):
                raise MonitorError(f"topic {self._topic} does not exist at {where}; `monitor topics create`")
        except KafkaError as why:
            self.close()
            raise MonitorError(f"topic {self._topic} at {where}: {_sentence(why)}") from why

    def publish(self, page: Iterable[bytes]) -> int:
        """Send records; return how many, once all are acknowledged. Raises MonitorError when one is not."""
        count = 0
        futures: list[Any] = []
        try:
            for record in page:
                futures.append(self._producer.send(self._topic, record, key_of(record)))
                count += 1
                if len(futures) >= _IN_FLIGHT:
                    self._await(futures)
                    futures = []
            self._await(futures)
        except KafkaError as why:
            raise MonitorError(f"Kafka did not take a record: {_sentence(why)}") from why
        return count

    def _await(self, futures: list[Any]) -> None:
        self._producer.flush(timeout=_DELIVERY_MS / 1000)
        for future in futures:
            future.get(timeout=_DELIVERY_MS / 1000)

    def close(self) -> None:
        """Disconnect."""
        self._producer.close(timeout=0)


def one_round(
    page: Callable[[int, int], Answer],
    position: Position,
    publish: Publish,
    *,
    until: int,
    overlap: int,
    stop: threading.Event,
) -> None:
    """Ask for everything up to `until` (epoch seconds), and publish it.

    A page is read to its end before anything of it is published. Raises what `page` and `publish` raise, and
    Fenced when another collector asks the same server; all before that is noted.
    """
    since = position.next_from - overlap
    while since <= until and not stop.is_set():
        answer = page(since, until)
        check(answer)
        following = until + 1 if answer.next_from is None else answer.next_from
        if following <= since:
            raise NotUnderstood(f"asked from {since}, it says to go on at {following}: that is not ahead")
        count = publish(records(answer))
        position.move(max(following, position.next_from), count, datetime.now(UTC))
        log.debug("page", since=since, next=following, records=count)
        since = following
        if following > until - NEAR_S:
            break


def collect(
    order: Order,
    position: Position,
    publish: Publish,
    stop: threading.Event,
    *,
    follow: float | None = None,
) -> int:
    """Collect once, or every `follow` seconds until told to stop; return how many records were published.

    Once: what may pass by itself is tried again a few times, then raised. Following: everything but a second
    collector is logged and tried again, after longer and longer pauses of up to five minutes.
    """
    before, failures = position.records, 0
    while True:
        until = int(datetime.now(UTC).timestamp()) - SETTLED_S
        try:
            one_round(order.page, position, publish, until=until, overlap=order.overlap, stop=stop)
            failures = 0
        except (Fenced, UsageProblem):
            raise
        except (MonitorError, DBAPIError) as why:
            failures += 1
            if follow is None and (not _may_pass(why) or failures >= _TRIES):
                raise
            log.warning("asking failed", server=str(order.asked), problem=_sentence(why), failures=failures)
        if stop.is_set() or (follow is None and not failures):
            return position.records - before
        pause = min(_FIRST_PAUSE_S * 2 ** min(failures - 1, 20), _LONGEST_PAUSE_S) if failures else follow
        if stop.wait(pause):
            return position.records - before


def _may_pass(why: Exception) -> bool:
    """Whether trying again may help: not where the request or our rights are what is wrong."""
    if isinstance(why, Fault):
        return not why.code.rpartition(":")[2].lower().startswith("client")
    return isinstance(why, Unreachable) and not isinstance(why.__cause__, ssl.SSLCertVerificationError)


def _sentence(why: BaseException) -> str:
    return str(getattr(why, "orig", None) or why).strip().partition("\n")[0] or type(why).__name__
