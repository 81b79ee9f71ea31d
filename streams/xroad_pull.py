"""The collector: asks one security server for its records, page by page, and publishes them to Kafka.

The position moves once Kafka has acknowledged a page. A page that was published and not noted is published
again after a crash; halves that come twice are counted as duplicates and not added for as long as they are
known, so none is asked for again on purpose when it may not be any more.
"""

from __future__ import annotations

import hashlib
import ssl
import threading
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from kafka import KafkaProducer
from kafka.errors import KafkaError
from sqlalchemy.exc import DBAPIError, OperationalError

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
# What is asked for again must arrive while it is known: so much for Kafka to take it, beside the time of the
# answer, and for the clocks of collector and broker.
MARGIN_S = 300
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
    the server wrote more than SETTLED_S after the time that they bear: its database was slow, or its clock
    was set back.
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
    """Sends records to the topic of X-Road records, and waits for the word that Kafka has them.

    Of a page that Kafka took in part, what it took is not sent again when the page comes again.
    """

    def __init__(self, settings: Settings) -> None:
        """Connect. Raises MonitorError when the broker does not answer or the topic does not exist."""
        self._topic = settings.topic("xroad-records")
        self._taken: set[bytes] = set()  # digests of records of the page under way
        self._sent: list[tuple[bytes, Any]] = []  # digests, and what will be Kafka's word
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
        self._note_taken()
        try:
            for record in page:
                count += 1
                digest = hashlib.blake2b(record, digest_size=16).digest()
                if digest in self._taken:
                    continue
                self._sent.append((digest, self._producer.send(self._topic, record, key_of(record))))
                if len(self._sent) >= _IN_FLIGHT:
                    self._await()
            self._await()
        except KafkaError as why:
            raise MonitorError(f"Kafka did not take a record: {_sentence(why)}") from why
        self._taken.clear()
        return count

    def _await(self) -> None:
        self._producer.flush(timeout=_DELIVERY_MS / 1000)
        for _, future in self._sent:
            future.get(timeout=_DELIVERY_MS / 1000)
        self._note_taken()

    def _note_taken(self) -> None:
        self._taken.update(digest for digest, future in self._sent if future.succeeded())
        self._sent = []

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
    known_from: int,
    stop: threading.Event,
) -> None:
    """Ask for everything up to `until` (epoch seconds), and publish it.

    The `overlap` seconds before the position are asked for again, but none before `known_from`. A page is
    read to its end before anything of it is published. Raises what `page` and `publish` raise, and Fenced
    when another collector asks the same server; all before that is noted.
    """
    position.note(datetime.now(UTC))
    begin, asked_before = position.next_from, position.records > 0
    since = min(begin, max(begin - overlap, known_from))
    left_out = since - (begin - overlap) if asked_before else 0
    while since <= until and not stop.is_set():
        answer = page(since, until)
        check(answer)
        following = until + 1 if answer.next_from is None else answer.next_from
        if following <= since:
            raise NotUnderstood(f"asked from {since}, it says to go on at {following}: that is not ahead")
        count = publish(records(answer))
        position.move(max(following, position.next_from), count, datetime.now(UTC))
        log.debug("page", since=since, next=following, records=count)
        if left_out:
            log.info(
                "not all of the overlap is asked for again, as what came from it would count twice by now: "
                "records that the server wrote late there are left out",
                server=position.server,
                position=begin,
                behind_s=until - begin,
                overlap_s=overlap - left_out,
            )
            left_out = 0
        since = following
        if following > until - NEAR_S:
            break


def known_for(settings: Settings) -> timedelta:
    """How long after its arrival a half that comes again is known; as in monitor.xroad.opening."""
    return max(settings.dedupe_window, settings.xroad_wait)


def first_known(until: int, known: timedelta, seconds: float) -> int:
    """The first second whose records, asked for again in a round up to `until`, are known when they come.

    No record was published before SETTLED_S had passed since its second, by the clock that says `until`, and
    none comes again later than an answer takes (`seconds`) and MARGIN_S.
    """
    return until - int(known.total_seconds() - seconds) + MARGIN_S


def collect(
    order: Order,
    position: Position,
    publish: Publish,
    stop: threading.Event,
    *,
    known: timedelta,
    follow: float | None = None,
) -> int:
    """Collect once, or every `follow` seconds until told to stop; return how many records were published.

    Once: what may pass by itself is tried again a few times, then raised. Following: everything but a second
    collector is logged and tried again, after longer and longer pauses of up to five minutes. `known` is how
    long a half that comes again is known.
    """
    before, failures = position.records, 0
    while True:
        until = int(datetime.now(UTC).timestamp()) - SETTLED_S
        again = first_known(until, known, order.seconds)
        try:
            one_round(
                order.page, position, publish, until=until, overlap=order.overlap, known_from=again, stop=stop
            )
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
    if isinstance(why, OperationalError):
        return True
    return isinstance(why, Unreachable) and not isinstance(why.__cause__, ssl.SSLCertVerificationError)


def _sentence(why: BaseException) -> str:
    return str(getattr(why, "orig", None) or why).strip().partition("\n")[0] or type(why).__name__
