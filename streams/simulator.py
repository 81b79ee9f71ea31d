"""Sends a simulation to Kafka as an agency's system would: one event at a time, each acknowledged.

An event is in the account once the broker has acknowledged it, and only then.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

from monitor.errors import MonitorError
from monitor.settings import Settings
from monitor.simulation import Account, DossierSent, SecuritySent, Sent, XroadSent
from streams.bulk import partition_of
from streams.clients import client_arguments

# Measured against Apache Kafka on two shared cores, 380-byte events of a shuffled stream: batches of 16 KiB
# reach 8 thousand events a second, 64 KiB 11, 128 KiB 13, 256 KiB 12; the linger changes nothing at full
# speed. Compression costs more than it saves on one machine. Without the crc32c package the checksum is
# computed in Python, and that halves the rate.
_BATCH_BYTES = 128 * 1024
_LINGER_MS = 10  # at low rates an event waits this long for company: well under what is promised for latency
_REQUEST_BYTES = 16 * 1024 * 1024  # lets oversized bodies through to the broker, which judges them
_DELIVERY_MS = 600_000  # a broker that is away for minutes delays events and loses none
_FIRST_ANSWER_MS = 8_000  # a broker or topic that is not there is noticed at the start, not after minutes
_MOST_IN_FLIGHT = 50_000  # events held until they are acknowledged: some 50 MB
_FLUSH_SECONDS = 60.0
_REPORT_SECONDS = 1.0

Event = Sent | SecuritySent | DossierSent | XroadSent
Report = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class Result:
    """How a simulation ended: events acknowledged, events lost and the first reason, seconds taken."""

    acknowledged: int
    lost: int
    reason: str
    seconds: float


class Sender:
    """A producer that keeps the account of what was acknowledged. Used by one thread."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        account: Account,
        security_topic: str | None = None,
        dossier_topic: str | None = None,
        xroad_topic: str | None = None,
    ) -> None:
        """Connect. Raises MonitorError when the broker does not answer or a topic does not exist.

        Exchanges go to `topic`, security events to `security_topic`, steps of dossiers to `dossier_topic` and
        halves of calls over X-Road to `xroad_topic`, without which there may be none of them.
        """
        self._account = account
        self._pending: deque[tuple[Any, Event]] = deque()
        self.lost = 0
        self.reason = ""
        where = settings.kafka_bootstrap
        try:
            self._producer = KafkaProducer(
                **client_arguments(settings),
                acks="all",
                # The embedded broker knows no producer ids; a retry may then repeat a batch.
                enable_idempotence=settings.kafka_profile == "kafka",
                batch_size=_BATCH_BYTES,
                linger_ms=_LINGER_MS,
                max_request_size=_REQUEST_BYTES,
                delivery_timeout_ms=_DELIVERY_MS,
                max_block_ms=_FIRST_ANSWER_MS,
                bootstrap_timeout_ms=_FIRST_ANSWER_MS,
            )
        except KafkaError as problem:
            raise MonitorError(f"no Kafka broker answers at {where}: {_sentence(problem)}") from problem
        self._exchanges = topic, self._partitions_of(topic, where)
        self._security = self._exchanges
        if security_topic is not None:
            self._security = security_topic, self._partitions_of(security_topic, where)
        self._dossiers = self._exchanges
        if dossier_topic is not None:
            self._dossiers = dossier_topic, self._partitions_of(dossier_topic, where)
        self._xroad = self._exchanges
        if xroad_topic is not None:
            self._xroad = xroad_topic, self._partitions_of(xroad_topic, where)

    def _partitions_of(self, topic: str, where: str) -> int:
        """How many partitions a topic has; the producer is closed when it has none."""
        try:
            known = self._producer.partitions_for(topic)
        except KafkaError as problem:
            self._producer.close(timeout=0)
            raise MonitorError(f"topic {topic} at {where}: {_sentence(problem)}; {_REMEDY}") from problem
        if not known:
            self._producer.close(timeout=0)
            raise MonitorError(f"topic {topic} does not exist at {where}; {_REMEDY}")
        return len(known)

    def send(self, sent: Event) -> None:
        """Hand an event to the producer; waits while too many are unacknowledged."""
        topic, partitions = self._exchanges
        if isinstance(sent, SecuritySent):
            topic, partitions = self._security
        elif isinstance(sent, DossierSent):
            topic, partitions = self._dossiers
        elif isinstance(sent, XroadSent):
            topic, partitions = self._xroad
        try:
            # The producer would choose the same, but hash the key in Python each time.
            partition = partition_of(sent.key, partitions)
            future = self._producer.send(topic, sent.value, sent.key, sent.headers, partition)
        except KafkaError as problem:
            self._lose(problem)
            return
        self._pending.append((future, sent))
        self.settle()
        if len(self._pending) >= _MOST_IN_FLIGHT:
            self._await(self._pending[0][0], _DELIVERY_MS / 1000)
            self.settle()

    def settle(self) -> None:
        """Enter what has been acknowledged so far into the account, in the order of sending."""
        pending = self._pending
        while pending and pending[0][0].is_done:
            future, sent = pending.popleft()
            if future.exception is None:
                self._account.add(sent)
            else:
                self._lose(future.exception)

    def close(self) -> None:
        """Wait until everything sent is acknowledged or lost, and disconnect."""
        deadline = time.monotonic() + _FLUSH_SECONDS
        try:
            self._producer.flush(timeout=_FLUSH_SECONDS)
        except KafkaError as problem:
            self.reason = self.reason or _sentence(problem)
        while self._pending:
            self._await(self._pending[0][0], deadline - time.monotonic())
            if not self._pending[0][0].is_done:
                self.lost += len(self._pending)
                self.reason = self.reason or f"not acknowledged within {_FLUSH_SECONDS:g} s"
                break
            self.settle()
        self._producer.close(timeout=0)

    def _lose(self, problem: BaseException) -> None:
        self.lost += 1
        self.reason = self.reason or _sentence(problem)

    def _await(self, future: Any, seconds: float) -> None:
        try:
            future.get(timeout=max(seconds, 0.001))
        except KafkaError:
            return  # settle() reads the outcome from the future


_REMEDY = "create it with `monitor topics create`"


def send_all(
    settings: Settings,
    events: Iterable[Event],
    account: Account,
    *,
    stop: threading.Event,
    topic: str | None = None,
    security: bool = False,
    dossiers: bool = False,
    xroad: bool = False,
    report: Report = lambda _sent, _rate: None,
) -> Result:
    """Send events until they end, one is lost, or `stop` is set; then wait for the last acknowledgements.

    `security` says that there may be security events among them, `dossiers` that there may be steps of
    dossiers, `xroad` that there may be halves of calls over X-Road; each go to a topic of their own.
    `report` is called about once a second with the events sent and the rate since the last call.
    Raises MonitorError when the broker or the topic is not there.
    """
    began = last = time.monotonic()
    security_topic = settings.topic("security-events") if security else None
    dossier_topic = settings.topic("dossiers") if dossiers else None
    xroad_topic = settings.topic("xroad-records") if xroad else None
    exchanges = topic or settings.topic("exchanges")
    sender = Sender(settings, exchanges, account, security_topic, dossier_topic, xroad_topic)
    sent_before, count = 0, 0
    try:
        for event in events:
            sender.send(event)
            count += 1
            now = time.monotonic()
            if now - last >= _REPORT_SECONDS:
                report(count, (count - sent_before) / (now - last))
                last, sent_before = now, count
            if stop.is_set() or sender.lost:
                break
    finally:
        sender.close()
    acknowledged = account.sent + account.security_sent + account.dossier_steps + account.xroad_halves
    return Result(acknowledged, sender.lost, sender.reason, time.monotonic() - began)


def _sentence(problem: BaseException) -> str:
    return str(problem).strip().rstrip(".") or type(problem).__name__  # the text begins with the name
