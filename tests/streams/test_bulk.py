"""Bulk loading: every record arrives once, whole, in its key's partition and in order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic
from kafka.partitioner import murmur2

from monitor.errors import MonitorError, UsageProblem
from monitor.settings import Settings, load_settings
from monitor.simulation import SecuritySent, Sent, Shares, simulate
from streams.bulk import partition_of, produce_bulk
from tests.monitor.simulation.world import MONDAY_MORNING, ZONE, world

PARTITIONS = 4
Arrived = tuple[int, bytes | None, bytes | None, tuple[tuple[str, bytes], ...]]


class Plain(NamedTuple):
    """The least that can be loaded."""

    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


def settings_for(bootstrap: str, prefix: str, profile: str = "kafka") -> Settings:
    """Settings with topics `exchanges` and `security-events` of this test's own, which are made here."""
    settings = load_settings(kafka_bootstrap=bootstrap, topic_prefix=prefix, kafka_profile=profile)
    admin = KafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        names = ("exchanges", "security-events")
        asked = [NewTopic(settings.topic(name), PARTITIONS, 1) for name in names]
        admin.create_topics(asked, wait_for_metadata=True)
    finally:
        admin.close()
    return settings


def read_all(settings: Settings, name: str = "exchanges") -> list[Arrived]:
    """Everything on a topic: partition, key, value and headers, partition by partition in order."""
    consumer = KafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, group_id=None, auto_offset_reset="earliest"
    )
    topic = settings.topic(name)
    partitions = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    try:
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        consumer.seek_to_beginning(*partitions)
        arrived: list[Arrived] = []
        while any(consumer.position(one) < ends[one] for one in partitions):
            for records in consumer.poll(timeout_ms=500).values():
                arrived += [(one.partition, one.key, one.value, tuple(one.headers)) for one in records]
    finally:
        consumer.close()
    return sorted(arrived, key=lambda one: one[0])


def expected_from(sent: Sequence[Sent | SecuritySent]) -> list[Arrived]:
    """What `read_all` gives when all arrived, by the hash that Kafka's own clients use."""
    by_partition: dict[int, list[Arrived]] = defaultdict(list)
    for one in sent:
        number = (murmur2(one.key) & 0x7FFFFFFF) % PARTITIONS
        by_partition[number].append((number, one.key, one.value, tuple(one.headers)))
    return [one for number in sorted(by_partition) for one in by_partition[number]]


def test_every_event_arrives_once_in_order_in_its_partition(kafka_broker: str, topic_prefix: str) -> None:
    """Against Apache Kafka, over many batches: bytes, keys, headers and order are those of the stream."""
    settings = settings_for(kafka_broker, topic_prefix)
    sent = list(
        simulate(
            world(), seed=1, start=MONDAY_MORNING, zone=ZONE, count=20_000, shares=Shares(malformed=0.01)
        )
    )
    loaded = produce_bulk(settings, sent, settings.topic("exchanges"), PARTITIONS)
    arrived = read_all(settings)
    assert arrived == expected_from(sent)
    assert loaded.records == len(sent)
    assert loaded.by_partition == tuple(
        sum(one[0] == number for one in arrived) for number in range(PARTITIONS)
    )


@pytest.mark.parametrize("compression", ["gzip", "lz4"])
def test_compressed_batches_arrive_too(kafka_broker: str, topic_prefix: str, compression: str) -> None:
    """As producers of agencies may send them."""
    settings = settings_for(kafka_broker, topic_prefix)
    sent = [Plain(b"MOH", b"%d" % number, []) for number in range(1000)]
    loaded = produce_bulk(settings, sent, settings.topic("exchanges"), PARTITIONS, compression=compression)
    assert loaded.records == 1000
    # kafka-python reads gzip by itself; for the others the broker's offsets must do.
    if compression == "gzip":
        assert [one[2] for one in read_all(settings)] == [one.value for one in sent]


def test_the_embedded_broker_is_loaded_too(embedded_broker: str, topic_prefix: str) -> None:
    """Which knows no idempotent producers."""
    settings = settings_for(embedded_broker, topic_prefix, "embedded")
    sent = list(simulate(world(), seed=1, start=MONDAY_MORNING, zone=ZONE, count=2000))
    produce_bulk(settings, sent, settings.topic("exchanges"), PARTITIONS)
    assert read_all(settings) == expected_from(sent)


def test_records_without_a_key_are_spread(kafka_broker: str, topic_prefix: str) -> None:
    """In turn, so that no partition is left out; an empty value is a value."""
    settings = settings_for(kafka_broker, topic_prefix)
    sent = [Plain(None, b"", []) for _ in range(100)]
    loaded = produce_bulk(settings, sent, settings.topic("exchanges"), PARTITIONS)
    assert loaded.by_partition == (25, 25, 25, 25)


def test_another_number_of_partitions_is_refused(kafka_broker: str, topic_prefix: str) -> None:
    """It would put keys where no other producer puts them."""
    settings = settings_for(kafka_broker, topic_prefix)
    with pytest.raises(MonitorError, match="4 partitions, not 8"):
        produce_bulk(settings, [], settings.topic("exchanges"), 8)
    with pytest.raises(UsageProblem):
        produce_bulk(settings, [], settings.topic("exchanges"), 0)


def test_a_body_that_the_broker_refuses_fails_the_load(kafka_broker: str, topic_prefix: str) -> None:
    """Nothing is reported as loaded that is not there."""
    settings = settings_for(kafka_broker, topic_prefix)
    with pytest.raises(MonitorError, match="failed"):
        produce_bulk(settings, [Plain(b"MOH", b"x" * 2_000_000, [])], settings.topic("exchanges"), PARTITIONS)


def test_a_broker_that_is_not_there_is_said() -> None:
    """As one sentence with its address."""
    with pytest.raises(MonitorError, match=r"127\.0\.0\.1:1"):
        produce_bulk(load_settings(kafka_bootstrap="127.0.0.1:1"), [], "exchanges", 1)


@pytest.mark.parametrize("key", [b"", b"M", b"MPS", b"HANOI", b"a-key-that-is-longer", "Bộ".encode()])
def test_partitions_are_those_of_other_clients(key: bytes) -> None:
    """The hash equals that of kafka-python, whatever the key's length."""
    assert partition_of(key, 7) == (murmur2(key) & 0x7FFFFFFF) % 7
