"""`monitor dead-letters` against Apache Kafka and against the embedded broker."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

from streams.dead_letters import DeadLetter, mark_record, to_record
from tests.streams.cli.running import Run, run

__all__ = ["run"]

BODY = '{"id": "tên", '.encode()


@pytest.fixture(params=["kafka", "embedded"])
def broker(request: pytest.FixtureRequest, run: Run, monkeypatch: pytest.MonkeyPatch) -> str:
    """A broker with the contract's topics, of each kind."""
    kind = str(request.param)
    monkeypatch.setenv("MONITOR_KAFKA_PROFILE", kind)
    address = str(request.getfixturevalue(f"{kind}_broker"))
    assert run("topics", "create", "--partitions", "2", kafka=address).status == 0
    return address


@pytest.fixture
def letters(topic_prefix: str) -> list[DeadLetter]:
    """Four letters of two topics; the first has all that a message can have."""
    exchanges, xroad = f"{topic_prefix}exchanges", f"{topic_prefix}xroad-records"
    headers = (("ce_type", b"exchange"), ("twice", b"1"), ("twice", b"\xff"))
    return [
        DeadLetter(exchanges, 1, 7, 1_790_000_000_000, "not_json", "line 1 column 14", b"MOH", BODY, headers),
        DeadLetter(exchanges, 0, 3, 1_790_000_000_000, "too_old", "91 days", None, b"[2J\x1b\t old"),
        DeadLetter(xroad, 1, 0, 1_790_000_000_000, "empty", "no body", b"k", None),
        DeadLetter(exchanges, 0, 4, 1_790_000_000_000, "oversized", "9 MB", None, b"x" * 9_000_000),
    ]


def write(broker: str, topic: str, records: Iterable[tuple[bytes, bytes, list[tuple[str, bytes]]]]) -> None:
    producer = KafkaProducer(bootstrap_servers=broker, enable_idempotence=False, max_request_size=9_000_000)
    with closing(producer):
        for key, value, headers in records:
            producer.send(topic, value, key, headers).get(20)


def read(broker: str, topic: str) -> list[Any]:
    """Everything on a topic: read until nothing more comes (see `LetterTopic` about ends)."""
    consumer = KafkaConsumer(bootstrap_servers=broker, enable_auto_commit=False, group_id=None)
    found = []
    with closing(consumer):
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        ends = consumer.end_offsets(partitions)
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        while any(consumer.position(tp) < max(ends[tp], consumer.highwater(tp) or 0) for tp in partitions):
            found += [record for records in consumer.poll(500).values() for record in records]
    return found


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_a_letter_is_listed_once_without_its_body(
    run: Run, broker: str, letters: list[DeadLetter], topic_prefix: str
) -> None:
    """Also when it was set aside twice; bodies are shown on request only, in part, and made harmless."""
    topic = f"{topic_prefix}dead-letters"
    write(broker, topic, [to_record(letter) for letter in [*letters, letters[0]]])
    write(broker, topic, [(b"other", b"hello", [])])
    plain = run("dead-letters", "list", kafka=broker)
    assert plain.status == 0
    assert plain.err == "1 messages on the topic are no dead letters.\n"
    lines = [line.split("\t") for line in plain.out.splitlines()]
    assert lines[0] == ["SET ASIDE", "KEY", "REASON", "BYTES", "STATE", "DETAIL"]
    assert sorted(line[1:] for line in lines[1:]) == sorted(
        [letter.id, letter.reason, size, state, letter.detail]
        for letter, size, state in zip(
            letters, [str(len(BODY)), "9", "0", lines[4][3]], ["waiting"] * 3 + ["cut"], strict=True
        )
    )
    assert "tên" not in plain.out
    shown = objects(run("dead-letters", "list", "--json", "--show-bodies", kafka=broker).out)
    bodies = {row["key"]: row["body"] for row in shown}
    assert bodies[letters[0].id] == BODY.decode()
    assert bodies[letters[1].id] == r"[2J\x1b\t old"
    assert bodies[letters[3].id] == "x" * 200
    assert all("body" not in row for row in objects(run("dead-letters", "list", "--json", kafka=broker).out))


def test_the_list_is_narrowed(run: Run, broker: str, letters: list[DeadLetter], topic_prefix: str) -> None:
    """By reason, by topic with or without its prefix, by time, and to the newest."""
    write(broker, f"{topic_prefix}dead-letters", [to_record(letter) for letter in letters[:3]])

    def keys(*arguments: str) -> set[str]:
        return {
            row["key"] for row in objects(run("dead-letters", "list", "--json", *arguments, kafka=broker).out)
        }

    assert keys("--reason", "too_old") == {letters[1].id}
    assert keys("--topic", "xroad-records") == keys("--topic", letters[2].topic) == {letters[2].id}
    assert len(keys("--since", "1h")) == 3
    assert keys("--since", "2099-01-01") == set()
    newest = run("dead-letters", "list", "--json", "--limit", "1", kafka=broker)
    assert len(objects(newest.out)) == 1
    assert newest.err == "The newest 1 of 3; --limit 0 lists all.\n"
    assert len(keys("--limit", "0")) == 3


def test_a_replay_sends_the_original_once(
    run: Run, broker: str, letters: list[DeadLetter], topic_prefix: str
) -> None:
    """Bytes, key, headers and partition are the original's; a second replay sends nothing."""
    write(broker, f"{topic_prefix}dead-letters", [to_record(letter) for letter in letters])
    dry = run("dead-letters", "replay", "--dry-run", kafka=broker)
    assert (dry.status, dry.out.splitlines()[-1]) == (0, "3 would be sent.")
    assert read(broker, letters[0].topic) == []
    assert run("dead-letters", "replay", kafka=broker).status == 2
    sent = run("dead-letters", "replay", "--yes", kafka=broker)
    assert (sent.status, sent.out.splitlines()[-1]) == (0, "3 sent."), sent.err
    again = run("dead-letters", "replay", "--yes", kafka=broker)
    assert (again.status, again.out) == (0, "Nothing to replay.\n")
    arrived = {record.partition: record for record in read(broker, letters[0].topic)}
    assert arrived[1].key == letters[0].key
    assert arrived[1].value == letters[0].value
    assert arrived[1].headers == [*letters[0].headers, ("replayed_from", letters[0].id.encode())]
    assert (arrived[0].key, arrived[0].value) == (None, letters[1].value)
    empty = read(broker, letters[2].topic)
    assert [(record.partition, record.value) for record in empty] == [(1, None)]
    states = {
        row["key"]: row["state"] for row in objects(run("dead-letters", "list", "--json", kafka=broker).out)
    }
    assert [states[letter.id] for letter in letters] == ["replayed"] * 3 + ["cut"]


def test_a_letter_that_no_client_sends_holds_up_no_other(
    run: Run, broker: str, letters: list[DeadLetter], topic_prefix: str
) -> None:
    """With neither key nor value it is refused, and stays; those before and after it are sent once."""
    nothing = replace(letters[1], offset=8, reason="empty", value=None)
    last = replace(letters[0], offset=9)
    write(broker, f"{topic_prefix}dead-letters", [to_record(each) for each in (letters[0], nothing, last)])
    for _ in range(2):
        assert run("dead-letters", "replay", "--yes", kafka=broker).status == 1
    assert len(read(broker, letters[0].topic)) == 2
    states = {
        row["key"]: row["state"] for row in objects(run("dead-letters", "list", "--json", kafka=broker).out)
    }
    assert [states[each.id] for each in (letters[0], nothing, last)] == ["replayed", "waiting", "replayed"]


def test_only_the_letters_asked_for_are_replayed(
    run: Run, broker: str, letters: list[DeadLetter], topic_prefix: str
) -> None:
    """By key, with a sentence for each that cannot be; exit 1 when one is not there or was cut."""
    write(broker, f"{topic_prefix}dead-letters", [to_record(letter) for letter in letters])
    one = run("dead-letters", "replay", "--yes", "--key", letters[1].id, kafka=broker)
    assert (one.status, one.out.splitlines()[-1]) == (0, "1 sent.")
    assert run("dead-letters", "replay", "--yes", "--key", letters[1].id, kafka=broker).status == 0
    wrong = run("dead-letters", "replay", "--yes", "--key", "a/0/0", "--key", letters[3].id, kafka=broker)
    assert wrong.status == 1
    assert "a/0/0: there is no such dead letter" in wrong.err
    assert "cannot be replayed" in wrong.err
    assert len(read(broker, letters[1].topic)) == 1


def test_a_replay_that_was_cut_off_is_in_doubt(
    run: Run, broker: str, letters: list[DeadLetter], topic_prefix: str
) -> None:
    """Marked but not confirmed: it is not sent again unless somebody says so."""
    topic = f"{topic_prefix}dead-letters"
    write(broker, topic, [to_record(letters[0]), mark_record(letters[0].id, "replaying", 0)])
    assert objects(run("dead-letters", "list", "--json", kafka=broker).out)[0]["state"] == "in doubt"
    assert run("dead-letters", "replay", "--yes", kafka=broker).out == "Nothing to replay.\n"
    named = run("dead-letters", "replay", "--yes", "--key", letters[0].id, kafka=broker)
    assert named.status == 1
    assert "--in-doubt" in named.err
    assert run("dead-letters", "replay", "--yes", "--in-doubt", kafka=broker).out.endswith("1 sent.\n")
    assert len(read(broker, letters[0].topic)) == 1


def test_a_letter_whose_topic_is_gone_waits_on(run: Run, kafka_broker: str, topic_prefix: str) -> None:
    """It is refused with the reason and can be replayed later; its neighbour is sent."""
    assert run("topics", "create", kafka=kafka_broker).status == 0
    gone = DeadLetter(f"{topic_prefix}gone", 0, 0, None, "not_json", "", None, b"1")
    here = DeadLetter(f"{topic_prefix}exchanges", 0, 0, None, "not_json", "", None, b"2")
    write(kafka_broker, f"{topic_prefix}dead-letters", [to_record(gone), to_record(here)])
    sent = run("dead-letters", "replay", "--yes", kafka=kafka_broker)
    assert sent.status == 1
    assert "1 sent." in sent.out
    assert f"{gone.id}: refused: " in sent.err
    states = {
        row["key"]: row["state"]
        for row in objects(run("dead-letters", "list", "--json", kafka=kafka_broker).out)
    }
    assert states == {gone.id: "waiting", here.id: "replayed"}


def test_many_letters_are_replayed_in_batches(run: Run, kafka_broker: str, topic_prefix: str) -> None:
    """More than one batch, and each arrives once."""
    assert run("topics", "create", kafka=kafka_broker).status == 0
    many = [
        DeadLetter(f"{topic_prefix}exchanges", n % 8, n, 0, "not_json", "", None, b"%d" % n)
        for n in range(450)
    ]
    producer = KafkaProducer(bootstrap_servers=kafka_broker)
    with closing(producer):
        for letter in many:
            key, value, headers = to_record(letter)
            producer.send(f"{topic_prefix}dead-letters", value, key, headers)
    assert run("dead-letters", "replay", "--yes", kafka=kafka_broker).out.endswith("450 sent.\n")
    arrived = sorted(int(record.value) for record in read(kafka_broker, f"{topic_prefix}exchanges"))
    assert arrived == list(range(450))


def test_a_missing_topic_names_the_remedy(run: Run, kafka_broker: str, topic_prefix: str) -> None:
    """Exit 1 and the command that makes the topic; looking does not make it."""
    for _ in range(2):
        missing = run("dead-letters", "list", kafka=kafka_broker)
        assert missing.status == 1
        assert f"there is no topic {topic_prefix}dead-letters: `monitor topics create`" in missing.err
