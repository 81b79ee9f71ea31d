"""`monitor doctor` as people run it: against Apache Kafka, the embedded broker, and against nothing."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from sqlalchemy import insert

from monitor.settings import load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from tests.monitor.registry.writing import agreement, write_folder
from tests.streams.cli.running import Ran, Run, run

__all__ = ["run"]

Findings = dict[str, dict[str, str]]
WHEN = {"start": "2000-01-01", "end": "2999-12-31"}  # in force whenever the test runs
SECRET = "correct horse battery staple 0123456789"  # noqa: S105  # a test looks for it in what is printed


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, consumer_group: str) -> Path:
    """A folder with a registry and a database that are right, and the settings that name them."""
    write_folder(tmp_path / "agreed", agreements=agreement(**WHEN))
    monkeypatch.setenv("MONITOR_REGISTRY", str(tmp_path / "agreed"))
    monkeypatch.setenv("MONITOR_CONSUMER_GROUP", consumer_group)
    monkeypatch.setenv("MONITOR_PSEUDONYM_KEY", SECRET)
    engine = open_engine(load_settings(database_url=f"sqlite:///{tmp_path}/monitor.db").sqlalchemy_url)
    migrate(engine)
    engine.dispose()
    return tmp_path


def findings(ran: Ran) -> Findings:
    """What `--json` printed, by the check's name."""
    return {each["name"]: each for each in json.loads(ran.out)["findings"]}


def states(found: Findings) -> dict[str, str]:
    """The checks that are not ok."""
    return {name: each["state"] for name, each in found.items() if each["state"] != "ok"}


def exchange(number: int, **changes: Any) -> bytes:
    """An exchange that the registry permits."""
    names = {"provider": "MPS", "consumer": "MOH", "service": "population.verify-identity"}
    given = {"id": f"e{number}", "time": time.time() * 1000, "outcome": "ok", "duration_ms": 5}
    return json.dumps(given | names | changes).encode()


@pytest.fixture
def send(topic_prefix: str) -> Iterator[Callable[..., None]]:
    """`send(address, [(partition, key, body), …])` to the topic of exchanges, in one batch a partition."""
    producers: list[Any] = []

    def sending(address: str, records: list[tuple[int, bytes | None, bytes]]) -> None:
        producer = KafkaProducer(bootstrap_servers=[address], linger_ms=200, enable_idempotence=False)
        producers.append(producer)
        for partition, key, body in records:
            producer.send(f"{topic_prefix}exchanges", body, key, partition=partition)
        producer.flush()

    yield sending
    for producer in producers:
        producer.close()


def note_offsets(place: Path, topic: str, offsets: dict[int, int]) -> None:
    """Write offsets as a worker would have left them a moment ago."""
    engine = open_engine(load_settings(database_url=f"sqlite:///{place}/monitor.db").sqlalchemy_url)
    row = {"topic": topic, "events": 0, "updated_at": datetime.now(UTC)}
    row |= {"id_generation": 0, "id_begins_at_offset": 0, "ids_shortened": 0}
    rows = [row | {"partition": number, "next_offset": offset} for number, offset in offsets.items()]
    with engine.begin() as connection:
        connection.execute(insert(tables.offsets), rows)
    engine.dispose()


def test_a_good_state_is_exit_0_and_names_who_reads(
    run: Run, place: Path, kafka_broker: str, topic_prefix: str, send: Callable[..., None]
) -> None:
    """Topics, keys, offsets and a group that holds every partition are ok; in text and JSON alike."""
    assert run("topics", "create", "--partitions", "2", kafka=kafka_broker).status == 0
    send(kafka_broker, [(1, b"MOH", exchange(number)) for number in range(5)])
    note_offsets(place, f"{topic_prefix}exchanges", {0: -1, 1: 5})
    worker = KafkaConsumer(
        f"{topic_prefix}exchanges",
        bootstrap_servers=[kafka_broker],
        group_id=load_settings().consumer_group,
    )
    deadline = time.monotonic() + 30
    while not worker.assignment() and time.monotonic() < deadline:
        worker.poll(200)
    ran = run("doctor", "--json", kafka=kafka_broker)
    found = findings(ran)
    # Fewer partitions than planned were this operator's choice.
    assert states(found) == {"topics": "warning"}
    assert "planned 8" in found["topics"]["what"]
    assert ran.status == 0
    assert "0-1" in found["workers"]["what"]
    assert found["lag"]["what"] == "every record is counted"
    assert found["exchanges"]["what"] == "5 records of 2 partitions read"
    told = run("doctor", kafka=kafka_broker)
    worker.close()
    assert told.status == 0
    assert SECRET not in told.out + ran.out
    assert f"broker {kafka_broker}" in told.out
    assert told.out.rstrip().endswith("22 ok, 1 warning")


def test_without_workers_and_topics_it_says_what_to_start(run: Run, place: Path, kafka_broker: str) -> None:
    """Missing topics are a problem with its remedy; what needs them is not checked."""
    ran = run("doctor", "--json", kafka=kafka_broker)
    found = findings(ran)
    assert ran.status == 1
    assert found["topics"]["state"] == found["exchanges"]["state"] == "problem"
    assert "missing" in found["topics"]["what"]
    assert "monitor topics create" in found["topics"]["remedy"]
    assert found["topic keys"]["state"] == "not checked"
    assert place.exists()


def test_offsets_that_do_not_fit_the_topic_are_told_with_numbers(
    run: Run, place: Path, kafka_broker: str, topic_prefix: str, send: Callable[..., None]
) -> None:
    """A topic made anew; and, once that is out of the way, records deleted before they were read."""
    topic = f"{topic_prefix}exchanges"
    assert run("topics", "create", kafka=kafka_broker).status == 0
    send(kafka_broker, [(0, b"MOH", exchange(number)) for number in range(6)])
    note_offsets(place, topic, {0: 1000, 12: 4})
    ran = run("doctor", "--json", kafka=kafka_broker)
    found = findings(ran)
    assert ran.status == 1
    assert f"{topic}/0 by 994 records" in found["offsets"]["what"]
    assert f"{topic}/12, which is not there" in found["offsets"]["what"]
    assert found["lag"]["state"] == "not checked"
    assert found["workers"]["state"] == "warning"
    assert "monitor worker" in found["workers"]["remedy"]

    (place / "monitor.db").unlink()
    assert run("migrate", kafka=kafka_broker).status == 0
    note_offsets(place, topic, {0: 1})
    with KafkaAdminClient(bootstrap_servers=[kafka_broker]) as admin:
        admin.delete_records({TopicPartition(topic, 0): 4})
    found = findings(run("doctor", "--json", kafka=kafka_broker))
    assert found["offsets"]["state"] == "problem"
    assert "3 records were deleted before they were read" in found["offsets"]["what"]
    assert found["lag"]["what"].startswith("2 records wait")


def test_keys_bodies_and_names_are_judged_without_showing_them(
    run: Run, place: Path, kafka_broker: str, send: Callable[..., None]
) -> None:
    """Consumers on two partitions and a body without a time: told by registered codes and counts."""
    assert run("topics", "create", kafka=kafka_broker).status == 0
    stranger = exchange(9, consumer="STRANGER", subject="somebody")
    send(
        kafka_broker,
        [
            (0, None, exchange(1)),
            (1, b"MPS", exchange(2)),
            (2, b"STRANGER", stranger),
            (3, b"STRANGER", exchange(10, consumer="STRANGER")),
            (4, b"VSS", b'{"id": "somebody"}'),
        ],
    )
    ran = run("doctor", "--json", "--sample", "3", kafka=kafka_broker)
    found = findings(ran)
    assert ran.status == 1
    assert found["topic keys"]["state"] == "problem"
    keys = found["topic keys"]["what"]
    assert "1 without a key and 1 with a key that is not the consumer's code" in keys
    assert "MOH and 1 unregistered consumer came in on several partitions" in keys
    assert found["bodies"]["what"] == "1 of 5 records cannot be counted: missing_field 20.0 %"
    assert "2 of 4 exchanges name 1 agency and 0 services" in found["names"]["what"]
    assert "STRANGER" not in ran.out
    assert "somebody" not in ran.out
    assert place.exists()


class Odd(str):
    """A header's name whose bytes are not UTF-8, as a producer in another language may send."""

    __slots__ = ()

    def encode(self, *_: object) -> bytes:
        return b"un\xffusual"


def test_a_record_that_the_client_refuses_is_named_and_the_rest_is_examined(
    run: Run, place: Path, kafka_broker: str, topic_prefix: str, send: Callable[..., None]
) -> None:
    """A header's name that is not UTF-8, which costs the worker nothing: a warning, and no check is lost."""
    assert run("topics", "create", "--partitions", "2", kafka=kafka_broker).status == 0
    send(kafka_broker, [(0, b"MOH", exchange(number)) for number in range(4)])
    topic = f"{topic_prefix}exchanges"
    with closing(KafkaProducer(bootstrap_servers=[kafka_broker])) as producer:
        for number, name in enumerate(("a", "a", Odd("a"), "a", Odd("a"))):
            # One at a time: what is in one batch with it, this client refuses as well.
            producer.send(topic, exchange(9 + number), b"MOH", [(name, b"1")], partition=0).get(20)
    note_offsets(place, topic, {0: 9, 1: -1})
    ran = run("doctor", "--json", kafka=kafka_broker)
    found = findings(ran)
    assert states(found) == {"topics": "warning", "exchanges": "warning", "workers": "warning"}, found
    told = found["exchanges"]["what"]
    assert told.startswith("7 records of 2 partitions read; ")
    assert f"could not read {topic}/0 at offset 6, {topic}/0 at offset 8:" in told
    assert "header is not UTF-8" in told
    assert "The worker reads and counts such records" in found["exchanges"]["remedy"]
    assert "7 exchanges" in found["topic keys"]["what"]
    assert ran.status == 0


def test_the_embedded_broker_is_examined_too(
    run: Run, place: Path, embedded_broker: str, topic_prefix: str, send: Callable[..., None]
) -> None:
    """What it cannot tell is not checked; ends of partitions, which it tells wrong, come from a fetch."""
    assert run("topics", "create", kafka=embedded_broker).status == 0
    send(embedded_broker, [(2, b"MOH", exchange(number)) for number in range(7)])
    note_offsets(place, f"{topic_prefix}exchanges", {2: 7})
    ran = run("doctor", "--json", kafka=embedded_broker)
    found = findings(ran)
    assert states(found) == {"workers": "not checked"}, found
    assert "embedded broker" in found["workers"]["what"]
    assert found["exchanges"]["what"] == "7 records of 8 partitions read"
    assert ran.status == 0


def test_a_dead_port_is_told_at_once_and_the_rest_is_still_checked(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens: exit 1 within seconds, with the address and what to do; the database is looked at."""
    monkeypatch.setenv("MONITOR_KAFKA_BOOTSTRP", "x")
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{nobody.getsockname()[1]}"
        began = time.monotonic()
        ran = run("doctor", kafka=address)
    assert time.monotonic() - began < 10
    assert ran.status == 1
    assert f"nothing listens on port {address.split(':')[1]}" in ran.out
    assert "correct MONITOR_KAFKA_BOOTSTRAP" in ran.out
    assert "did you mean MONITOR_KAFKA_BOOTSTRAP?" in ran.out
    assert "a row was written and taken back" in ran.out
    assert "no broker can be reached" in ran.out
    assert place.exists()


def test_a_registry_and_a_database_that_cannot_be_used_are_problems(
    run: Run, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The registry's first problems are shown; a database file that is not there is not made."""
    write_folder(place / "wrong", services="[")
    monkeypatch.setenv("MONITOR_REGISTRY", str(place / "wrong"))
    monkeypatch.setenv("MONITOR_DATABASE_URL", f"sqlite:///{place}/none.db")
    ran = run("doctor", "--json", kafka="127.0.0.1:1")
    found = findings(ran)
    assert ran.status == 1
    assert "services/all.yaml" in found["registry"]["what"]
    assert "monitor registry check" in found["registry"]["remedy"]
    assert "does not exist" in found["database"]["what"]
    assert "monitor migrate" in found["database"]["remedy"]
    assert found["database writing"]["state"] == "not checked"
    assert not (place / "none.db").exists()


@pytest.mark.parametrize("arguments", [("--sample", "0"), ("--timeout", "soon"), ("--no-such",)])
def test_wrong_use_is_exit_2(run: Run, arguments: tuple[str, ...]) -> None:
    """Before anything is asked."""
    assert run("doctor", *arguments, kafka="127.0.0.1:1").status == 2


def test_wrong_settings_are_exit_2(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the variable and what it accepts."""
    monkeypatch.setenv("MONITOR_TIMEZONE", "Mars/Olympus")
    ran = run("doctor", kafka="127.0.0.1:1")
    assert ran.status == 2
    assert "MONITOR_TIMEZONE" in ran.err
