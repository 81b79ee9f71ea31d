"""Faust's aiokafka transport, changed in four ways: batches, where reading starts, acks and commits.

Registered as `batches://` under Faust's `faust.transports` entry point.
- Topics in `app.batched_topics` come as one message per fetch and partition, its value a RecordBatch.
- Reading starts where the database says (`app.starting_offsets`), never at Kafka's committed offset.
- An ack only ends Faust's waiting for a message; what is committed to Kafka is the offset that the
  database has already (`app.committed_offsets`), for tools that show lag.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import aiokafka
from aiokafka import TopicPartition
from aiokafka.errors import ConsumerStoppedError
from faust.transport.drivers import aiokafka as driver
from faust.types import TP, ConsumerMessage

from streams.transport.batch import RecordBatch
from streams.transport.drain import fetched

FROM_THE_BEGINNING = -1
# All partitions of one fetch together: with aiokafka's 50 MiB a worker of many partitions, catching up, would
# hold several times that.
MAX_FETCH_BYTES = 4 * 1024 * 1024
# The broker waits for so much, and so long at the most: an answer for each few events, as soon as they are
# there, would have a worker spend more on answers than on events. The wait is a part of how late figures are.
MIN_FETCH_BYTES = 1024 * 1024
MAX_FETCH_WAIT_MS = 100


class BatchApp(Protocol):
    """What the transport asks of the app that it serves."""

    batched_topics: frozenset[str]
    read_committed: bool

    async def starting_offsets(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Where to read on, by partition."""

    def committed_offsets(self) -> Mapping[TP, int]:
        """How far the database is, by partition."""


def batch_app(part: Any) -> BatchApp:
    """The app of a part of the transport; Faust's types know it only as any app."""
    app: BatchApp = part.app
    return app


class ConsumerThread(driver.AIOKafkaConsumerThread):
    """aiokafka's consumer in a thread of its own, handing over whole batches."""

    logger = driver.logger

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        consumer = super()._create_worker_consumer(transport)
        # Exchanges of an aborted transaction were never sent; the embedded broker knows no transactions.
        if batch_app(self).read_committed:
            consumer._isolation_level = "read_committed"
        consumer._fetch_min_bytes = MIN_FETCH_BYTES
        consumer._fetch_max_wait_ms = MAX_FETCH_WAIT_MS
        consumer._fetch_max_bytes = MAX_FETCH_BYTES
        return consumer

    async def _fetch_records(
        self,
        consumer: aiokafka.AIOKafkaConsumer,
        active_partitions: set[TP],
        timeout: float | None = None,
        max_records: int | None = None,
    ) -> dict[Any, list[Any]]:
        if not self.consumer.flow_active:
            return {}
        fetcher = consumer._fetcher
        if consumer._closed or fetcher._closed:
            raise ConsumerStoppedError
        with fetcher._subscriptions.fetch_context():
            return await fetched(
                fetcher,
                active_partitions,
                timeout or 0.0,
                max_records,
                batch_app(self).batched_topics.__contains__,
            )

    def failure(self) -> BaseException | None:
        """What ended one of aiokafka's background tasks: nobody else looks, and nothing is read any more."""
        consumer = self._consumer
        if consumer is None or consumer._closed:
            return None
        for task in (
            getattr(consumer._coordinator, "_coordination_task", None),
            consumer._fetcher._fetch_task,
        ):
            if task is not None and task.done() and not task.cancelled() and task.exception() is not None:
                error: BaseException = task.exception()
                return error
        return None

    def _stopped_set(self) -> None:
        """Also where the thread has ended by itself, as the worker crashed: nothing runs in its loop then."""
        try:
            super()._stopped_set()
        except RuntimeError:
            if not self.thread_loop.is_closed():
                raise
            self._stopped.set()

    def joined(self) -> bool:
        """Whether the group has this consumer as a member, and has given it its partitions, if only none."""
        return self._consumer is not None and joined(self._consumer)

    async def start_reading(self, offsets: Mapping[TP, int]) -> None:
        """Set the position of each partition: an offset, or FROM_THE_BEGINNING."""
        await self.call_thread(self._start_reading, offsets)

    async def _start_reading(self, offsets: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        assigned = consumer.assignment()
        for faust_tp, offset in offsets.items():
            tp = TopicPartition(*faust_tp)
            if tp not in assigned:
                continue  # lost again meanwhile
            if offset == FROM_THE_BEGINNING:
                await consumer.seek_to_beginning(tp)
            else:
                consumer.seek(tp, offset)


def joined(consumer: aiokafka.AIOKafkaConsumer) -> bool:
    """Whether a group has a consumer as a member, and has given it its partitions, if only none.

    Not while no broker is known that keeps the group: a member that has not been heard for the session
    timeout is none any more.
    """
    coordinator, subscription = consumer._coordinator, consumer._subscription.subscription
    return (
        # -1 outside the group, and missing before the start; the embedded broker's first is 0.
        getattr(coordinator, "generation", -1) >= 0
        and coordinator.coordinator_id is not None
        and subscription is not None
        and subscription.assignment is not None
    )


class Consumer(driver.Consumer):
    """The consumer as Faust sees it."""

    logger = driver.logger

    _thread: ConsumerThread

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    def _to_message(self, tp: TP, record: Any) -> ConsumerMessage:
        if not isinstance(record, RecordBatch):
            return super()._to_message(tp, record)
        return ConsumerMessage(
            record.topic,
            record.partition,
            max(record.next_offset - 1, 0),
            record.latest_ms / 1000.0,
            0,
            [],
            None,
            record,  # type: ignore[arg-type]  # where Faust has bytes, batches have a batch
            None,
            0,
            0,
            tp,
            generation_id=self.app.consumer_generation_id,
        )

    async def seek_to_committed(self) -> Mapping[TP, int]:
        """Start reading each assigned partition where the database left it."""
        offsets = await batch_app(self).starting_offsets(self.assignment())
        await self._thread.start_reading(offsets)
        return {tp: offset for tp, offset in offsets.items() if offset > 0}

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing to note: offsets between batches are no gaps in what was read."""

    def _filter_committable_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """What the database has, where it has moved on since the last commit to Kafka."""
        for tp in tps:
            self._acked.pop(tp, None)
            self._acked_index.pop(tp, None)
        return {
            tp: offset
            for tp, offset in batch_app(self).committed_offsets().items()
            if offset > (self._committed_offset[tp] or 0)
        }


class Producer(driver.Producer):
    """Faust's producer; idempotent where the broker can, so that a retry never doubles an alert."""

    logger = driver.logger

    def _settings_extra(self) -> Mapping[str, Any]:
        return {"acks": "all", "enable_idempotence": batch_app(self).read_committed}


class Transport(driver.Transport):
    """The record-batch transport."""

    Consumer = Consumer
    Producer = Producer


def tls_context(
    ca_file: Path | None, cert_file: Path | None, key_file: Path | None, password: str | None
) -> ssl.SSLContext:
    """A TLS context for brokers: certificates are checked, against `ca_file` or the system's authorities."""
    context = ssl.create_default_context(cafile=ca_file)
    if cert_file:
        context.load_cert_chain(cert_file, key_file, password)
    return context
