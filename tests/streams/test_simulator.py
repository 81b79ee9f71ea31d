"""`monitor simulate`: what the account says is on the topic is on the topic, however the run ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from monitor.errors import MonitorError, UsageProblem
from monitor.settings import Settings, load_settings
from monitor.simulation import Account, Sent, Shares, simulate
from streams import simulator
from streams.cli.simulate import simulate as command
from streams.simulator import send_all
from tests.monitor.simulation.world import MONDAY_MORNING, ZONE, world
from tests.streams.test_bulk import expected_from, read_all, settings_for

EXAMPLE = Path(__file__).parents[2] / "deploy" / "registry"
DEADLINE = 60.0
MAIN = "from monitor.cli import main; main()"
SIMULATED = ("--start", "2026-10-05T08:00:00+07:00", "--rate", "0")


def _stream(count: int, **shares: float) -> list[Sent]:
    return list(
        simulate(world(), seed=1, start=MONDAY_MORNING, zone=ZONE, count=count, shares=Shares(**shares))
    )


def _account_of(sent: list[Sent]) -> Account:
    account = Account()
    for one in sent:
        account.add(one)
    return account


def _environment(settings: Settings) -> dict[str, str]:
    return {
        **os.environ,
        "MONITOR_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "MONITOR_TOPIC_PREFIX": settings.topic_prefix,
        "MONITOR_REGISTRY": str(EXAMPLE),
    }


def test_what_is_acknowledged_is_in_the_account_and_on_the_topic(
    kafka_broker: str, topic_prefix: str
) -> None:
    """Against Apache Kafka: same bytes, same partitions as its default partitioner, same order per key."""
    settings = settings_for(kafka_broker, topic_prefix)
    sent, account = _stream(5000), Account()
    result = send_all(settings, sent, account, stop=threading.Event())
    assert (result.acknowledged, result.lost) == (5000, 0)
    assert read_all(settings) == expected_from(sent)
    assert account.cells == _account_of(sent).cells


def test_the_embedded_broker_takes_a_simulation(embedded_broker: str, topic_prefix: str) -> None:
    """With the profile that switches idempotence off."""
    settings = settings_for(embedded_broker, topic_prefix, "embedded")
    sent, account = _stream(500), Account()
    assert send_all(settings, sent, account, stop=threading.Event()).lost == 0
    assert read_all(settings) == expected_from(sent)


def test_an_event_that_the_broker_refuses_is_not_in_the_account(kafka_broker: str, topic_prefix: str) -> None:
    """The topic of this test takes no body over 1 MiB: the run ends, and the account is what arrived."""
    settings = settings_for(kafka_broker, topic_prefix)
    big = next(
        simulate(
            world(),
            seed=1,
            start=MONDAY_MORNING,
            zone=ZONE,
            shares=Shares(oversized=1, breach=0, late=0, duplicate=0, malformed=0),
        )
    )
    sent, account = _stream(300), Account()
    result = send_all(settings, [*sent, big], account, stop=threading.Event())
    assert result.lost == 1
    assert "too large" in result.reason.lower() or "size" in result.reason.lower()
    assert (account.sent, len(read_all(settings))) == (300, 300)


def test_progress_is_reported_about_once_a_second(kafka_broker: str, topic_prefix: str) -> None:
    """With the number sent and the rate."""
    settings = settings_for(kafka_broker, topic_prefix)
    reports: list[tuple[int, float]] = []
    began = time.monotonic()

    def until_reported_twice() -> Iterator[Sent]:
        for one in _stream(2000):
            if len(reports) == 2 or time.monotonic() - began > DEADLINE:
                return
            threading.Event().wait(0.005)
            yield one

    send_all(
        settings,
        until_reported_twice(),
        Account(),
        stop=threading.Event(),
        report=lambda count, rate: reports.append((count, rate)),
    )
    (first, rate), (second, _) = reports
    assert second > first > 0
    assert 0 < rate <= 200


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulator that waits a shorter time for a broker's first answer."""
    monkeypatch.setattr(simulator, "_FIRST_ANSWER_MS", 2_000)


@pytest.mark.usefixtures("impatient")
def test_a_topic_that_does_not_exist_is_said_with_the_remedy(kafka_broker: str, topic_prefix: str) -> None:
    """Instead of being made with whatever defaults the broker has."""
    settings = load_settings(kafka_bootstrap=kafka_broker, topic_prefix=topic_prefix)
    with pytest.raises(MonitorError, match="monitor topics create"):
        send_all(settings, [], Account(), stop=threading.Event())


@pytest.mark.usefixtures("impatient")
def test_a_broker_that_is_not_there_is_said() -> None:
    """As one sentence with its address."""
    settings = load_settings(kafka_bootstrap="127.0.0.1:1")
    with pytest.raises(MonitorError, match=r"127\.0\.0\.1:1"):
        send_all(settings, [], Account(), stop=threading.Event())


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_run_with_a_true_account(
    kafka_broker: str, topic_prefix: str, tmp_path: Path, number: signal.Signals
) -> None:
    """Exit 0; the account holds exactly the events that are on the topic."""
    settings, path = settings_for(kafka_broker, topic_prefix), tmp_path / "account.json"
    run = subprocess.Popen(
        [sys.executable, "-c", MAIN, "simulate", "--rate", "300", "--account", str(path)],
        env=_environment(settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert run.stderr is not None
        for line in run.stderr:
            if " events, " in line:  # at least one second of events has been sent
                break
        run.send_signal(number)
        rest = run.communicate(timeout=DEADLINE)[1]
    finally:
        run.kill()
        run.wait()
    assert run.returncode == 0, rest
    assert Account.read(path).sent == len(read_all(settings)) > 100


def test_a_simulated_run_is_the_same_twice(kafka_broker: str, topic_prefix: str, tmp_path: Path) -> None:
    """The command with a seed and a start sends the same bytes each time and accounts for the same."""
    accounts, topics = [], []
    for turn in ("a", "b"):
        settings = settings_for(kafka_broker, f"{topic_prefix}{turn}-")
        path = tmp_path / f"{turn}.json"
        ran = CliRunner().invoke(
            command,
            [*SIMULATED, "--count", "500", "--seed", "5", "--account", str(path)],
            env=_environment(settings),
        )
        assert ran.exit_code == 0, ran.output
        assert "seed 5" in ran.stderr
        accounts.append(json.loads(path.read_text()))
        topics.append(read_all(settings))
    assert accounts[0] == accounts[1]
    assert topics[0] == topics[1]
    assert accounts[0]["sent"] == len(topics[0]) == 500


def test_security_events_go_to_their_own_topic_and_into_the_account(
    embedded_broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    """Everyday ones and incidents; exchanges are the same bytes as without them."""
    topics, path = [], tmp_path / "account.json"
    for turn, beside in (
        ("a", ["--security-share", "0.05", "--incident", "leak@1s", "--incident", "tokens:MOH@1s"]),
        ("b", ["--security-share", "0"]),
    ):
        settings = settings_for(embedded_broker, f"{topic_prefix}{turn}-", "embedded")
        arguments = ["--count", "8000", "--seed", "5", "--account", str(path), *beside]
        ran = CliRunner().invoke(
            command,
            [*SIMULATED, *arguments],
            env={**_environment(settings), "MONITOR_KAFKA_PROFILE": "embedded"},
        )
        assert ran.exit_code == 0, (ran.output, ran.exception)
        topics.append(read_all(settings))
        arrived = read_all(settings, "security-events")
        account = Account.read(path)
        assert (account.sent, account.security_sent) == (len(topics[-1]), len(arrived))
        if turn == "a":
            assert len(arrived) > 400
            kinds = {kind for _, _, kind, _ in account.security}
            assert {"leak_confirmed", "sign_in_ok", "credential_use"} <= kinds
            rejected = [
                cell.events
                for (_, agency, kind, _), cell in account.security.items()
                if (agency, kind) == ("MOH", "token_rejected")
            ]
            assert sum(rejected) >= 60
            keys = {key for _, key, _, _ in arrived}
            assert keys <= {agency.encode() for _, agency, _, _ in account.security}
    assert topics[0] == topics[1]


@pytest.mark.usefixtures("impatient")
def test_a_topic_for_security_events_is_needed_only_where_there_are_any(
    kafka_broker: str, topic_prefix: str
) -> None:
    """The remedy is said; a share of 0 needs none."""
    settings = load_settings(kafka_bootstrap=kafka_broker, topic_prefix=topic_prefix)
    admin = KafkaAdminClient(bootstrap_servers=kafka_broker)
    admin.create_topics([NewTopic(settings.topic("exchanges"), 1, 1)], wait_for_metadata=True)
    admin.close()
    environment = _environment(settings)
    lacking = CliRunner().invoke(command, [*SIMULATED, "--count", "5"], env=environment)
    assert isinstance(lacking.exception, MonitorError)
    assert "security-events" in str(lacking.exception)
    assert "monitor topics create" in str(lacking.exception)
    ran = CliRunner().invoke(command, [*SIMULATED, "--count", "5", "--security-share", "0"], env=environment)
    assert ran.exit_code == 0, ran.output


def test_a_lost_event_makes_the_command_fail_after_writing_the_account(
    kafka_broker: str, topic_prefix: str, tmp_path: Path
) -> None:
    """The topic refuses oversized bodies, so the run cannot succeed; what the broker took is written down.

    Of batches that were under way nobody can say whether the broker took them: they count as lost.
    """
    settings, path = settings_for(kafka_broker, topic_prefix), tmp_path / "account.json"
    arguments = [
        "--rate",
        "0",
        "--count",
        "500",
        "--seed",
        "5",
        "--oversized",
        "0.05",
        "--account",
        str(path),
    ]
    ran = CliRunner().invoke(command, arguments, env=_environment(settings))
    assert isinstance(ran.exception, MonitorError)
    assert "not in the account" in str(ran.exception)
    told = re.match(r"(\d+)", str(ran.exception))
    lost = int(told[1]) if told else 0
    account, arrived = Account.read(path), len(read_all(settings))
    assert account.sent <= arrived <= account.sent + lost


@pytest.mark.usefixtures("impatient")
def test_a_run_that_cannot_begin_leaves_an_older_account_alone(tmp_path: Path) -> None:
    """The account of yesterday is not replaced by an empty one because the broker is away today."""
    path = tmp_path / "account.json"
    path.write_text("yesterday's")
    environment = {"MONITOR_KAFKA_BOOTSTRAP": "127.0.0.1:1", "MONITOR_REGISTRY": str(EXAMPLE)}
    ran = CliRunner().invoke(command, ["--account", str(path)], env=environment)
    assert isinstance(ran.exception, MonitorError)
    assert path.read_text() == "yesterday's"


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([*SIMULATED, "--follow-clock"], "exclude"),
        (["--speed", "60"], "--start"),
        (["--breach", "1.5"], "breach"),
        (["--breach", "0.6", "--late", "0.6"], "add up"),
        (["--breach-kind", "duplicate_id"], "duplicate_id"),
    ],
)
def test_options_that_contradict_each_other_are_wrong_use(arguments: list[str], named: str) -> None:
    """Before anything is read or sent."""
    ran = CliRunner().invoke(command, arguments)
    assert isinstance(ran.exception, UsageProblem)
    assert named in str(ran.exception)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--rate", "-1"],
        ["--duration", "soon"],
        ["--duration", "0"],
        ["--start", "2026-10-05"],
        ["--count", "0"],
        ["--security-share", "1.5"],
        ["--incident", "leak"],
        ["--incident", "leak@soon"],
        ["--incident", "flood@1m"],
    ],
)
def test_values_that_mean_nothing_are_wrong_use(arguments: list[str]) -> None:
    """Exit 2, and the option is named."""
    ran = CliRunner().invoke(command, arguments)
    assert ran.exit_code == 2
    assert arguments[0] in ran.output
