"""The fast way to fill a topic: ready-made record batches through aiokafka, for drills and benchmarks.

`monitor simulate` sends as a real producer does, one event at a time. Loading a million events that way
takes a minute or two of one core; here the batches are built by hand, one per partition, and each is
handed over whole.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from aiokafka.partitioner import murmur2

from monitor.errors import MonitorError, UsageProblem
from monitor.settings import Settings
from streams.clients import client_arguments

# Under the 1 MiB that a broker accepts by default, with room for the batch's own header.
BATCH_BYTES = 512 * 1024
# One request may carry a batch of every partition, or one oversized body.
REQUEST_BYTES = 16 * 1024 * 1024
_ACKNOWLEDGED_BY_ALL = "all"
_KEYS_REMEMBERED = 100_000  # consumer codes are few; a stream of random keys must not fill the memory


class Record(Protocol):
    """What is sent: `monitor.simulation.Sent`, or anything with these three."""

    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[tuple[str, bytes]]: ...


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load did: records acknowledged by the broker, by partition, and the seconds it took."""

    by_partition: tuple[int, ...]
    seconds: float

    @property
    def records(self) -> int:
        """Records acknowledged in all."""
        return sum(self.by_partition)


@lru_cache(maxsize=_KEYS_REMEMBERED)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition that Kafka's default partitioner gives a key: positive murmur2 modulo `partitions`."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)


def produce_bulk(
    settings: Settings,
    events: Iterable[Record],
    topic: str,
    partitions: int,
    *,
    compression: str | None = None,
) -> Loaded:
    """Send every event to `topic` and wait until all are acknowledged.

    Events of one key keep their order; one without a key goes to the next partition in turn. `topic` is the
    full name, and it must have exactly `partitions` partitions. `compression` is None, gzip, snappy, lz4 or
    zstd. Raises MonitorError when the broker is away, refuses a batch, or has another number of partitions.
    """
    return asyncio.run(load(settings, events, topic, partitions, compression=compression))


async def load(
    settings: Settings,
    events: Iterable[Record],
    topic: str,
    partitions: int,
    *,
    compression: str | None = None,
) -> Loaded:
    """`produce_bulk` for a caller that runs an event loop already."""
    if partitions < 1:
        raise UsageProblem(f"partitions={partitions}: at least 1")
    began = time.perf_counter()
    producer = AIOKafkaProducer(
        **_async_arguments(settings),
        acks=_ACKNOWLEDGED_BY_ALL,
        # The embedded broker knows no producer ids.
        enable_idempotence=settings.kafka_profile == "kafka",
        compression_type=compression,
        max_batch_size=BATCH_BYTES,
        max_request_size=REQUEST_BYTES,
    )
    try:
        try:
            await producer.start()
            known = await producer.partitions_for(topic)
            if len(known) != partitions:
                raise MonitorError(f"topic {topic} has {len(known)} partitions, not {partitions}")
            counts = await _fill(producer, events, topic, partitions)
        finally:
            await producer.stop()
    except KafkaError as problem:
        raise MonitorError(f"loading {topic} at {settings.kafka_bootstrap} failed: {problem!r}") from problem
    return Loaded(tuple(counts), time.perf_counter() - began)


async def _fill(
    producer: AIOKafkaProducer, events: Iterable[Record], topic: str, partitions: int
) -> list[int]:
    builders: list[Any] = [producer.create_batch() for _ in range(partitions)]
    counts = [0] * partitions
    deliveries: set[asyncio.Future[Any]] = set()
    turn = 0

    async def send(partition: int) -> None:
        delivery = await producer.send_batch(builders[partition], topic, partition=partition)
        deliveries.add(delivery)
        for done in [one for one in deliveries if one.done()]:
            deliveries.discard(done)
            done.result()  # raises what the broker answered
        # send_batch need not wait, and this loop never does: let the sender work.
        await asyncio.sleep(0)

    for event in events:
        key = event.key
        if key is None:
            turn = partition = (turn + 1) % partitions
        else:
            partition = partition_of(key, partitions)
        if (
            builders[partition].append(timestamp=None, key=key, value=event.value, headers=event.headers)
            is None
        ):
            await send(partition)
            builders[partition] = producer.create_batch()
            # The first record of a batch is accepted whatever its size; the broker judges it.
            builders[partition].append(timestamp=None, key=key, value=event.value, headers=event.headers)
        counts[partition] += 1
    for partition, builder in enumerate(builders):
        if builder.record_count():
            await send(partition)
    await asyncio.gather(*deliveries)
    return counts


def _async_arguments(settings: Settings) -> dict[str, Any]:
    """The connection in aiokafka's words, which differ from kafka-python's for TLS only."""
    arguments = client_arguments(settings)
    names = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_password")
    ca_file, cert_file, key_file, password = (arguments.pop(name, None) for name in names)
    if settings.kafka_security_protocol.endswith("SSL"):
        context = ssl.create_default_context(cafile=ca_file)
        if cert_file is not None:
            context.load_cert_chain(cert_file, key_file, password)
        arguments["ssl_context"] = context
    return arguments
