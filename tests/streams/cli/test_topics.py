"""`monitor topics` against Apache Kafka and against the embedded broker."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType, NewTopic
from kafka.errors import UnknownTopicOrPartitionError

from streams import administration
from streams.topics import NAMES
from tests.streams.cli.running import Run, run

__all__ = ["run"]

Described = list[dict[str, Any]]


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """`forgetful(3)`: the broker knows of no topic in so many answers after one was made; what is left."""
    describe, make = KafkaAdminClient.describe_topics, KafkaAdminClient.create_topics
    left = [0]

    def prepare(answers: int) -> list[int]:
        def create_topics(admin: KafkaAdminClient, *given: Any, **named: Any) -> Any:
            left[0] = answers
            return make(admin, *given, **named)

        monkeypatch.setattr(KafkaAdminClient, "create_topics", create_topics)
        return left

    def describe_topics(admin: KafkaAdminClient, topics: list[str]) -> Described:
        if left[0] == 0:
            known: Described = describe(admin, topics)
            return known
        left[0] -= 1
        unknown = UnknownTopicOrPartitionError.errno
        return [{"name": name, "error_code": unknown, "partitions": []} for name in topics]

    monkeypatch.setattr(KafkaAdminClient, "describe_topics", describe_topics)
    return prepare


def test_create_makes_what_is_missing_and_check_agrees(
    run: Run, kafka_broker: str, topic_prefix: str
) -> None:
    """Create, create again, check, list: nothing is left to do after the first."""
    before = run("topics", "check", kafka=kafka_broker)
    assert before.status == 1
    assert before.out.splitlines() == [f"{topic_prefix}{name}: missing" for name in NAMES]
    first = run(
        "topics", "create", "--partitions", "3", "--retention", "dead-letters=90d", kafka=kafka_broker
    )
    assert first.status == 0, first.err
    assert f"{topic_prefix}exchanges: created, 3 partitions, kept 14 d" in first.out
    again = run(
        "topics", "create", "--partitions", "3", "--retention", "dead-letters=90d", kafka=kafka_broker
    )
    assert again.status == 0
    assert again.err == ""
    assert [line.split(": ")[1] for line in again.out.splitlines()] == ["exists"] * len(NAMES)
    same = run("topics", "check", "--partitions", "3", "--retention", "dead-letters=90d", kafka=kafka_broker)
    assert (same.status, same.out) == (0, f"{len(NAMES)} topics are as planned.\n")
    listed = run("topics", "list", kafka=kafka_broker)
    assert listed.status == 0
    assert "3 partitions, kept 14 d; key: the consumer's code" in listed.out


def test_create_ends_when_the_broker_knows_what_was_made(
    run: Run, embedded_broker: str, forgetful: Callable[[int], list[int]]
) -> None:
    """A broker learns of new topics later than the controller that made them; what comes next needs them."""
    left = forgetful(3)
    created = run("topics", "create", kafka=embedded_broker)
    assert created.status == 0
    assert created.out.count(": created, ") == len(NAMES)
    assert left == [0]
    assert run("topics", "check", kafka=embedded_broker).status == 0


def test_a_topic_that_stays_unknown_is_told(
    run: Run,
    embedded_broker: str,
    topic_prefix: str,
    forgetful: Callable[[int], list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Exit 1 with the name, and no wait without end."""
    monkeypatch.setattr(administration, "KNOWN_MS", 200)
    forgetful(1_000_000)
    created = run("topics", "create", kafka=embedded_broker)
    assert created.status == 1
    assert f"{topic_prefix}exchanges: made, but the broker does not know of it" in created.err


def test_check_lists_every_difference(run: Run, kafka_broker: str, topic_prefix: str) -> None:
    """Fewer partitions, another retention, too small messages and compaction, in one go."""
    admin = KafkaAdminClient(bootstrap_servers=kafka_broker)
    wrong = {"retention.ms": "3600000", "max.message.bytes": "1000", "cleanup.policy": "compact"}
    asked = [NewTopic(f"{topic_prefix}exchanges", 2, 1, topic_configs=wrong)]
    admin.create_topics(asked, wait_for_metadata=True)
    created = run("topics", "create", kafka=kafka_broker)
    assert created.status == 0
    assert "not as planned" in created.err
    checked = run("topics", "check", kafka=kafka_broker)
    assert checked.status == 1
    lines = checked.out.splitlines()
    assert len(lines) == 4
    assert all(line.startswith(f"{topic_prefix}exchanges: ") for line in lines)
    described = admin.describe_configs(
        [ConfigResource(ConfigResourceType.TOPIC, f"{topic_prefix}exchanges")], config_filter="all"
    )
    assert described["topic"][f"{topic_prefix}exchanges"]["retention.ms"]["value"] == "3600000"
    admin.close()


def test_what_the_broker_refuses_is_told_by_topic(run: Run, kafka_broker: str) -> None:
    """One broker cannot hold three copies: exit 1 with the broker's own reason."""
    refused = run("topics", "create", "--replication", "3", kafka=kafka_broker)
    assert refused.status == 1
    assert "exchanges: " in refused.err
    assert "replication" in refused.err.lower()


def test_the_embedded_broker_is_served_too(run: Run, embedded_broker: str) -> None:
    """It makes the topics and reports what it knows."""
    assert run("topics", "create", kafka=embedded_broker).status == 0
    assert run("topics", "create", kafka=embedded_broker).status == 0
    checked = run("topics", "check", kafka=embedded_broker)
    assert (checked.status, checked.out) == (0, f"{len(NAMES)} topics are as planned.\n")


def test_settings_that_a_broker_does_not_report_are_named(
    run: Run, embedded_broker: str, topic_prefix: str
) -> None:
    """The embedded broker only repeats what it was given: the rest is said to be unchecked."""
    admin = KafkaAdminClient(bootstrap_servers=embedded_broker)
    admin.create_topics([NewTopic(f"{topic_prefix}{name}", 8, 1) for name in NAMES], wait_for_metadata=True)
    admin.close()
    checked = run("topics", "check", kafka=embedded_broker)
    assert checked.status == 0
    assert "Not checked" in checked.err
    assert "retention.ms" in checked.err
    assert "retention not reported" in run("topics", "list", kafka=embedded_broker).out


def test_wrong_use_is_told_apart(run: Run) -> None:
    """An argument that makes no sense is exit 2 and needs no broker."""
    wrong = run("topics", "create", "--retention", "soon", kafka="127.0.0.1:1")
    assert wrong.status == 2
    assert "such as 14d" in wrong.err
    assert run("topics", "check", "--retention", "nothing=1d", kafka="127.0.0.1:1").status == 2


def test_a_broker_that_is_not_there_is_one_sentence(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exit 1, with the address, the setting that holds it, and what to look at."""
    monkeypatch.setattr(administration, "BOOTSTRAP_MS", 2_000)
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        away = run("topics", "check", kafka=address)
    assert away.status == 1
    assert f"Kafka at {address} (MONITOR_KAFKA_BOOTSTRAP)" in away.err
    assert "Traceback" not in away.err
