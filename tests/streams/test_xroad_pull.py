"""Records come from a security server over real HTTPS to Kafka, each at least once, and no page half."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaTimeoutError
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from monitor.cli import cli
from monitor.errors import MonitorError, UsageProblem
from monitor.settings import load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.progress import Fenced
from monitor.storage.schema import migrate
from monitor.xroad.pull.answer import Answer
from monitor.xroad.pull.connection import Unreachable, server_at, tls_context
from monitor.xroad.pull.position import Position
from monitor.xroad.pull.request import client_of, server_of
from monitor.xroad.pull.soap import Fault, NotUnderstood
from streams import xroad_pull
from streams.administration import Administration
from streams.topics import planned
from streams.xroad_pull import (
    NEAR_S,
    SETTLED_S,
    Order,
    Publisher,
    collect,
    first_known,
    known_for,
    one_round,
)
from tests.builders import limits
from tests.monitor.xroad.parts import BEGIN, WAIT, Owner, body, halves, rows
from tests.parts.xroad_server import (
    NAME,
    Certificates,
    Question,
    Reply,
    XroadServer,
    answer,
    fault,
    make_certificates,
    packed,
)

BASE = 1_790_000_000
SERVER, CLIENT = "EE/GOV/1/ss1", "EE/GOV/1/monitoring"
HOUR = timedelta(hours=1)  # for which copies are known
NEVER = threading.Event()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """An authority and who it knows."""
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database at this program's schema."""
    engine = open_engine(load_settings(database_url=f"sqlite:///{tmp_path}/monitor.db").sqlalchemy_url)
    migrate(engine)
    yield engine
    engine.dispose()


def stored(count: int, per_second: int = 3) -> list[dict[str, Any]]:
    """What a server has: some records each second."""
    return [
        {
            "xRequestId": f"call-{number // 2}",
            "messageId": f"m{number}",
            "monitoringDataTs": BASE + number // per_second,
        }
        for number in range(count)
    ]


class Taken:
    """What was published, instead of Kafka."""

    def __init__(self) -> None:
        self.ids: list[str] = []

    def publish(self, page: Iterable[bytes]) -> int:
        """Take a page."""
        new = [json.loads(record)["messageId"] for record in page]
        self.ids += new
        return len(new)


def order(
    server: XroadServer, certificates: Certificates | None, *, seconds: float = 20.0, **wrong: Any
) -> Order:
    """Whom to ask, as a good client does."""
    context = None
    if certificates is not None:
        files = {"ca": "ca.pem", "cert": "client.pem", "key": "client.key"} | wrong
        paths = {
            name: certificates.file(file) if file else None for name, file in files.items() if name != "name"
        }
        context = tls_context(paths["ca"], paths["cert"], paths["key"], None)
    where = server_at(server.url, context, wrong.get("name", NAME))
    return Order(where, server_of(SERVER), client_of(CLIENT), seconds)


def begun(engine: Engine, first_from: int = BASE) -> Position:
    """A position in the database."""
    position = Position(engine, SERVER)
    position.load(first_from, datetime.now(UTC))
    return position


def pull_all(
    engine: Engine,
    asked: Order,
    taken: Taken,
    *,
    publish: Callable[[Iterable[bytes]], int] | None = None,
    **changes: Any,
) -> Position:
    """One round up to well after the last record."""
    position = begun(engine)
    given: dict[str, Any] = {"until": BASE + 1000, "overlap": 1, "known_from": 0, "stop": NEVER} | changes
    one_round(asked.page, position, publish or taken.publish, **given)
    return position


def test_all_pages_are_asked_for(engine: Engine, certificates: Certificates) -> None:
    """Each from where the last one ended, over TLS with both certificates; the position is behind the end."""
    taken = Taken()
    with XroadServer(stored(50), certificates) as server:
        position = pull_all(engine, order(server, certificates), taken)
    assert taken.ids == [f"m{number}" for number in range(50)]
    assert [question.since - BASE for question in server.questions] == [-1, 4, 8, 12, 16]
    assert "<id:serverCode>ss1</id:serverCode>" in server.questions[0].text
    again = begun(engine)
    assert (again.next_from, again.records) == (position.next_from, 50) == (BASE + 1001, 50)


def test_a_second_round_asks_for_the_last_second_again(engine: Engine) -> None:
    """Records that were written late in it are found; what comes again is for pairing to tell."""
    taken = Taken()
    with XroadServer(stored(9)) as server:
        pull_all(engine, order(server, None), taken, until=BASE + 2)
        server.records.append({"messageId": "late", "monitoringDataTs": BASE + 2})
        pull_all(engine, order(server, None), taken, until=BASE + 100)
    assert taken.ids == [f"m{number}" for number in range(9)] + ["m6", "m7", "m8", "late"]


@pytest.mark.parametrize(
    ("away", "overlap", "again"),
    [(300, 1, 1), (3200, 1, 1), (3400, 1, 0), (7200, 1, 0), (300, 3600, 2980), (7200, 3600, 0)],
)
def test_nothing_is_asked_for_again_that_may_not_be_known(
    engine: Engine, away: int, overlap: int, again: int
) -> None:
    """Known for an hour, less the time of an answer and a margin; what is not asked for again is logged."""
    with XroadServer([]) as server:
        asked = replace(order(server, None), overlap=overlap)
        next_from = int(datetime.now(UTC).timestamp()) - SETTLED_S - away
        begun(engine, next_from).move(next_from, 3, datetime.now(UTC))
        with capture_logs() as logs:
            collect(asked, begun(engine), Taken().publish, NEVER, known=HOUR)
    assert next_from - server.questions[0].since == pytest.approx(again, abs=20 if again > 1 else 0)
    said = [(each["position"], each["overlap_s"]) for each in logs if "overlap_s" in each]
    assert said == ([(next_from, next_from - server.questions[0].since)] if again < overlap else [])


@pytest.mark.parametrize(("window", "wait", "again"), [(1, 1, 0), (3, 1, 1), (1, 3, 1)])
def test_how_long_copies_are_known_is_in_the_settings(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, window: int, wait: int, again: int
) -> None:
    """The longer of the window of ids and the wait for the other half, as workers have it."""
    monkeypatch.setenv("MONITOR_DEDUPE_WINDOW", f"PT{window}H")
    monkeypatch.setenv("MONITOR_XROAD_WAIT", f"PT{wait}H")
    assert known_for(load_settings()) == timedelta(hours=max(window, wait))
    next_from = int(datetime.now(UTC).timestamp()) - SETTLED_S - 5000
    begun(engine, next_from).move(next_from, 3, datetime.now(UTC))
    with XroadServer([]) as server:
        collect(order(server, None), begun(engine), Taken().publish, NEVER, known=known_for(load_settings()))
    assert next_from - server.questions[0].since == again


@pytest.mark.parametrize(("overlap", "away"), [(1, 150), (60, 55), (3600, 30), (3600, 0)])
def test_what_comes_again_is_never_counted_again(engine: Engine, overlap: int, away: int) -> None:
    """However long the collector was away, and however much it asks for again; other servers go on."""
    owner, begin = Owner(engine), int(BEGIN.timestamp())
    position, now = begun(engine, begin), begin
    calls = [
        halves(number, at=BEGIN + timedelta(minutes=number), monitoringDataTs=begin + number * 60 + 30)
        for number in range(400)
    ]  # the last second of every round has one
    known = max(limits().dedupe_window, WAIT)

    def fold(bodies: Sequence[bytes]) -> int:
        if bodies:
            owner.fold(*bodies, at=datetime.fromtimestamp(now, UTC))
        return len(bodies)

    def page(since: int, until: int) -> Answer:
        found = [
            half
            for both in calls
            for half in both
            if since <= half["monitoringDataTs"] <= min(until, now - 60)
        ]
        return Answer(len(found), None, packed(found))

    for minute in range(400):
        now = begin + minute * 60
        fold([body(*halves(1000 + minute, at=datetime.fromtimestamp(now, UTC)))])
        if not 150 <= minute < 150 + away:
            until = now - SETTLED_S
            first = first_known(until, known, 20.0)
            one_round(
                page, position, lambda each: fold(list(each)),
                until=until, overlap=overlap, known_from=first, stop=NEVER,
            )  # fmt: skip
    owner.commit()
    passed = [both for both in calls if both[0]["monitoringDataTs"] < position.next_from]
    assert len(passed) > 390
    assert sum(row["ok"] for row in rows(engine, tables.cells)) == len(passed) + 400


class Away(Position):
    """A database that is away for a few times after the first page was published."""

    def __init__(self, engine: Engine, failures: int) -> None:
        super().__init__(engine, SERVER)
        self.failures = failures

    def note(self, now: datetime) -> None:
        """Fail so often when there is something to note."""
        if self._unnoted is not None and self.failures:
            self.failures -= 1
            raise OperationalError("update", {}, Exception("the connection is gone"))
        super().note(now)


@pytest.mark.usefixtures("quick")
def test_a_page_that_kafka_has_is_noted_before_anything_is_asked(engine: Engine) -> None:
    """A database that is away for hours makes no page come again and again."""
    taken = Taken()
    with XroadServer(stored(9)) as server:
        position = Away(engine, 3)
        position.load(BASE, datetime.now(UTC))
        assert collect(order(server, None), position, taken.publish, NEVER, known=HOUR) == 9
    assert taken.ids == [f"m{number}" for number in range(9)]
    assert [question.since for question in server.questions if question.since < BASE + 100] == [BASE]
    assert begun(engine).records == 9


class Word:
    """Kafka's word on a record; None: not yet."""

    def __init__(self, good: bool | None) -> None:
        self.good = good

    def succeeded(self) -> bool:
        """Whether Kafka has it."""
        return self.good is True

    def get(self, timeout: float) -> None:
        """Raise when Kafka does not have it."""
        del timeout
        if not self.good:
            raise KafkaTimeoutError("the partition has no leader")


class Faltering:
    """A producer that gets records to one partition and not to the other, for a while."""

    def __init__(self, **_settings: Any) -> None:
        self.sent: list[bytes] = []
        self.words: list[Word] = []
        self.well = False

    def partitions_for(self, _topic: str) -> set[int]:
        """There is one."""
        return {0}

    def send(self, _topic: str, record: bytes, _key: bytes | None) -> Word:
        """Take a record, or not; of the last nobody knows yet."""
        self.sent.append(record)
        self.words.append(Word(True if self.well else {b"2": False, b"3": None}.get(record, True)))
        return self.words[-1]

    def flush(self, timeout: float) -> None:
        """Nothing is held."""

    def close(self, timeout: float) -> None:
        """Nothing is open."""


def test_what_kafka_took_of_a_page_is_not_sent_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else what lies in a partition that is well would come again for as long as another is not."""
    monkeypatch.setattr(xroad_pull, "KafkaProducer", Faltering)
    monkeypatch.setattr(xroad_pull, "_IN_FLIGHT", 2)
    publisher = Publisher(load_settings())
    producer: Any = publisher._producer
    page = [b"0", b"1", b"2", b"3", b"4"]
    for _ in range(2):
        with pytest.raises(MonitorError, match="did not take a record"):
            publisher.publish(page)
    assert producer.sent == [b"0", b"1", b"2", b"3", b"2", b"3"]
    producer.words[-1].good = True  # it came after all
    producer.well = True
    assert publisher.publish(page) == 5
    assert producer.sent[6:] == [b"2", b"4"]
    assert publisher.publish(page[:1]) == 1, "a page that was taken whole is done with"
    assert producer.sent[8:] == [b"0"]


def test_a_page_that_was_not_noted_comes_again_and_none_is_left_out(engine: Engine) -> None:
    """Whether Kafka refuses it or the process ends before it is noted."""
    taken = Taken()
    with XroadServer(stored(40)) as server:
        asked = order(server, None)
        for turn in range(6):

            def failing(page: Iterable[bytes], turn: int = turn) -> int:
                if turn % 2:
                    raise MonitorError("Kafka did not take a record")
                taken.publish(page)
                raise KeyboardInterrupt

            with pytest.raises((MonitorError, KeyboardInterrupt)):
                pull_all(engine, asked, Taken(), publish=failing, overlap=0)
        pull_all(engine, asked, taken)
    assert set(taken.ids) == {f"m{number}" for number in range(40)}
    assert begun(engine).records == 40


def test_a_shifted_end_is_not_asked_behind(engine: Engine) -> None:
    """A server that shifts the end says when to go on, and would refuse to be asked from there at once."""

    def shifting(question: Question, _turn: int) -> Reply | None:
        shifted = BASE + 1000 - NEAR_S + 10
        if question.since > shifted:
            return fault("Client.BadRequest", "recordsFrom must be before the current time")
        return answer(0, packed([]), shifted + 1)

    with XroadServer([], override=shifting) as server:
        position = pull_all(engine, order(server, None), Taken())
    assert position.next_from == BASE + 1000 - NEAR_S + 11
    assert len(server.questions) == 1


def test_a_server_that_does_not_go_on_is_refused(engine: Engine) -> None:
    """Else it would be asked the same for ever."""
    with (
        XroadServer([], override=lambda question, _turn: answer(0, packed([]), question.since)) as server,
        pytest.raises(NotUnderstood, match="that is not ahead"),
    ):
        pull_all(engine, order(server, None), Taken())


def test_of_two_collectors_one_lets_go(engine: Engine) -> None:
    """The one that finds the position moved."""
    first, second = begun(engine), begun(engine)
    now = datetime.now(UTC)
    first.move(BASE + 10, 5, now)
    with pytest.raises(Fenced, match="another collector asks EE/GOV/1/ss1"):
        second.move(BASE + 10, 5, now)
    assert begun(engine).records == 5


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ca": "other.pem"}, "its certificate is refused: .*certificate"),
        ({"name": "ss2.example"}, "its certificate is refused: .*[Hh]ostname mismatch"),
        ({"name": None}, "its certificate is refused: .*IP address mismatch"),
        ({"cert": None, "key": None}, "TLS: .*certificate required|may refuse our certificate"),
        ({"cert": "stranger.pem", "key": "stranger.key"}, "TLS: .*unknown ca|may refuse our certificate"),
    ],
)
def test_who_is_not_known_is_not_talked_to(
    engine: Engine, certificates: Certificates, wrong: dict[str, Any], said: str
) -> None:
    """The server to us by its authority and name, and we to the server."""
    with XroadServer(stored(3), certificates) as server, pytest.raises(Unreachable, match=said):
        pull_all(engine, order(server, certificates, **wrong), Taken())
    assert begun(engine).next_from == BASE


def test_plain_http_is_not_used_over_a_network() -> None:
    """Records hold personal data."""
    with pytest.raises(UsageProblem, match="only https"):
        server_at("http://ss1.example/", None)
    for wrong in ("ss1.example", "https://", "https://a:b@c/", "https://c:99999/", "ftp://c/"):
        with pytest.raises(UsageProblem, match="--url"):
            server_at(wrong, None)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (Reply(b"", status=503), "status 503"),
        (Reply(b"x" * 100, length=200), "cut off"),
        (replace(answer(3, packed(stored(3))), pause=0.3, piece=50), "no whole answer within 1 s"),
    ],
)
@pytest.mark.parametrize("secure", [False, True])
def test_no_answer_in_time_is_an_error(
    engine: Engine, certificates: Certificates, reply: Reply, said: str, secure: bool
) -> None:
    """A server that sends a little now and then is given no more time than one that sends nothing."""
    known = certificates if secure else None
    began = time.monotonic()
    with (
        XroadServer([], known, override=lambda _question, _turn: reply) as server,
        pytest.raises(Unreachable, match=said),
    ):
        pull_all(engine, order(server, known, seconds=1.0), Taken())
    assert time.monotonic() - began < 10


def test_a_server_that_says_nothing_is_given_up() -> None:
    """Even before its part of the handshake."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"https://127.0.0.1:{silent.getsockname()[1]}/"
        asked = Order(
            server_at(where, tls_context(None, None, None, None)), server_of(SERVER), client_of(CLIENT), 1.0
        )
        with pytest.raises(Unreachable, match="no whole answer within 1 s"):
            asked.page(BASE, BASE + 1)
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:\d+: .*refused"):
        asked.page(BASE, BASE + 1)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses."""
    monkeypatch.setattr(xroad_pull, "_FIRST_PAUSE_S", 0.01)


@pytest.mark.usefixtures("quick")
def test_what_may_pass_is_tried_again(engine: Engine) -> None:
    """A fault of the server's, an answer cut off on the way; not one that is about us."""

    def ailing(_question: Question, turn: int) -> Reply | None:
        return {1: fault("Server.ClientProxy.NetworkError", "away"), 2: Reply(b"", status=502)}.get(turn)

    taken = Taken()
    with XroadServer(stored(3), override=ailing) as server:
        assert collect(order(server, None), begun(engine), taken.publish, NEVER, known=HOUR) == 3
    with (
        XroadServer([], override=lambda _question, _turn: fault("s:Client.NotAllowed", "not you")) as server,
        pytest.raises(Fault, match="not you"),
    ):
        collect(order(server, None), begun(engine), taken.publish, NEVER, known=HOUR)
    assert len(server.questions) == 1


@pytest.mark.usefixtures("quick")
def test_following_outlasts_every_failure(engine: Engine) -> None:
    """It goes on until told to stop, and what came meanwhile is collected."""
    stop = threading.Event()

    def ailing(_question: Question, turn: int) -> Reply | None:
        if turn >= 8:
            stop.set()
        return fault("s:Client.NotAllowed", "not you") if turn in (2, 3) else None

    taken = Taken()
    with XroadServer(stored(3), override=ailing) as server:
        collect(order(server, None), begun(engine), taken.publish, stop, known=HOUR, follow=0.01)
    assert taken.ids[:3] == ["m0", "m1", "m2"]
    assert len(server.questions) == 8


def read_topic(bootstrap: str, topic: str, partitions: int) -> list[tuple[int, bytes | None, bytes]]:
    """Everything on a topic: partition, key and value."""
    consumer = KafkaConsumer(bootstrap_servers=[bootstrap], group_id=None, consumer_timeout_ms=3000)
    try:
        assigned = [TopicPartition(topic, number) for number in range(partitions)]
        consumer.assign(assigned)
        consumer.seek_to_beginning(*assigned)
        return [(each.partition, each.key, each.value) for each in consumer]
    finally:
        consumer.close()


def arguments(server: XroadServer, certificates: Certificates) -> list[str]:
    """The command's, as a person types them."""
    files = {"ca": "ca.pem", "cert": "client.pem", "key": "client.key"}
    given = [
        "xroad",
        "pull",
        "--url",
        server.url,
        "--server",
        SERVER,
        "--client",
        CLIENT,
        "--server-name",
        NAME,
    ]
    for name, file in files.items():
        given += [f"--{name}-file", str(certificates.file(file))]
    return [*given, "--overlap", "0", "--from", datetime.fromtimestamp(BASE, UTC).isoformat()]


@pytest.fixture
def environment(
    kafka_broker: str, topic_prefix: str, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> dict[str, str]:
    """Settings of the command, with topics and a database."""
    given = {
        "MONITOR_KAFKA_BOOTSTRAP": kafka_broker,
        "MONITOR_TOPIC_PREFIX": topic_prefix,
        "MONITOR_DATABASE_URL": engine.url.render_as_string(),
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    settings = load_settings()
    with Administration(settings) as administration:
        administration.create(planned(topic_prefix, partitions=3))
    return given


def until_true(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait for something."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.02)


def test_killed_anywhere_it_leaves_no_record_out(
    environment: dict[str, str], engine: Engine, certificates: Certificates
) -> None:
    """Real processes, a real broker: after three kills every record is there, a call's halves together."""
    slow = threading.Event()

    def at_leisure(_question: Question, _turn: int) -> Reply | None:
        slow.wait(0.2)  # so that kills fall between pages
        return None

    topic = f"{environment['MONITOR_TOPIC_PREFIX']}xroad-records"
    with XroadServer(stored(300), certificates, page=15, override=at_leisure) as server:
        for kill in range(3):
            before = len(server.questions)
            process = subprocess.Popen(
                [sys.executable, "-m", "monitor", *arguments(server, certificates)],
                env={**os.environ, **environment},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
            )
            until_true(lambda: len(server.questions) >= before + 2 + kill)  # noqa: B023  # called at once
            process.send_signal(signal.SIGKILL)
            process.communicate()
        slow.set()
        done = CliRunner().invoke(cli, arguments(server, certificates))
    assert done.exit_code == 0, done.output
    assert begun(engine).records == 300
    found = read_topic(environment["MONITOR_KAFKA_BOOTSTRAP"], topic, 3)
    by_id = {json.loads(value)["messageId"]: (partition, key) for partition, key, value in found}
    assert by_id.keys() == {f"m{number}" for number in range(300)}
    assert all(by_id[f"m{number}"] == by_id[f"m{number + 1}"] for number in range(0, 300, 2))
    assert by_id["m0"][1] == b"call-0"


def test_a_refusal_is_one_sentence_and_exit_1(
    environment: dict[str, str], certificates: Certificates
) -> None:
    """The server and its words; nothing is asked twice."""
    refusing = XroadServer([], certificates, override=lambda *_: fault("Client.AccessDenied", "not allowed"))
    with refusing as server:
        done = subprocess.run(
            [sys.executable, "-m", "monitor", *arguments(server, certificates)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.strip().splitlines() == ["monitor: EE/GOV/1/ss1: Client.AccessDenied: not allowed"]
    assert len(server.questions) == 1
