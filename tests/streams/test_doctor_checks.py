"""The doctor's judgements, over plain data."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.events.rejection import Reason
from monitor.settings import load_settings
from streams.doctor.cluster import check_brokers, judge_topics
from streams.doctor.examination import Options, bounded
from streams.doctor.finding import Finding, State, counted, listed, ok
from streams.doctor.group import judge_group
from streams.doctor.offsets import Progress, check_lag, check_offsets
from streams.doctor.records import check_bodies, check_clock, check_keys, check_names
from streams.doctor.sample import Bounds, Sample, Seen, check_reading
from streams.doctor.settings import check_settings
from streams.topics import Found, planned
from tests.monitor.registry.writing import AGENCIES, agency, made

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NAMES = ("MPS", "MOH", "population.verify-identity")


def seen(key: bytes | None = b"MOH", partition: int = 0, **changes: Any) -> Seen:
    """A record that is right."""
    given: dict[str, Any] = {
        "arrived": NOW - MINUTE,
        "by_broker": False,
        "names": NAMES,
        "ahead": -MINUTE,
        "reason": None,
    }
    return Seen(partition=partition, key=key, **given | changes)


def named(consumer: str) -> tuple[str, str, str]:
    return ("MPS", consumer, "population.verify-identity")


@pytest.mark.parametrize(
    ("records", "partitions", "state", "words"),
    [
        ([seen(), seen(), seen(b"VSS", 1, names=named("VSS"))], 8, "ok", "3 exchanges looked at"),
        ([seen(b'"MOH"')], 8, "warning", "1 with the code in quotation marks"),
        ([seen(None)], 8, "problem", "1 without a key"),
        ([seen(b"MPS")], 8, "problem", "1 with a key that is not the consumer's code"),
        ([seen(None)], 1, "warning", "1 without a key"),
        ([seen(), seen(partition=1)], 8, "problem", "all keys are right, but MOH came in on several"),
        ([seen(names=None, reason=Reason.NOT_JSON)], 8, "not checked", "no exchange could be read"),
    ],
    ids=["right", "quoted", "none", "other", "one-partition", "scattered", "unreadable"],
)
def test_keys(records: list[Seen], partitions: int, state: str, words: str) -> None:
    """Torn consumers are a problem; wrong keys are one where there is more than one partition."""
    finding = check_keys(records, partitions, made())
    assert (finding.state, words in finding.what) == (state, True), finding


def test_an_agency_under_two_codes_is_one_consumer() -> None:
    """Half of its systems key by its former code: its ceilings are torn all the same."""
    registry = made(agencies=[*AGENCIES, agency("HEALTH", previous_codes=["OLD"])])
    torn = [seen(b"OLD", 1, names=named("OLD")), seen(b"HEALTH", 2, names=named("HEALTH"))]
    finding = check_keys(torn, 8, registry)
    assert finding.state == "problem"
    assert "HEALTH came in on several partitions" in finding.what


def test_bodies_are_a_warning_until_they_are_many() -> None:
    """Shares by reason; times ahead come with the commonest cause."""
    early = seen(reason=Reason.IN_FUTURE, ahead=timedelta(hours=7))
    assert check_bodies([]).state == "not checked"
    assert check_bodies([seen()]).state == "ok"
    few = check_bodies([early, *[seen()] * 49])
    assert (few.state, few.what) == ("warning", "1 of 50 records cannot be counted: in_future 2.0 %")
    assert "UTC" in few.remedy
    many = check_bodies([seen(reason=Reason.NOT_JSON), early, seen(), seen()])
    assert many.state == "problem"
    assert "in_future 25.0 %" in many.what
    assert "not_json 25.0 %" in many.what


def test_names_are_counted_and_not_shown() -> None:
    """Unknown agencies, unknown services, and services of another provider."""
    registry = made()
    assert check_names([seen()], registry).state == "ok"
    assert check_names([seen()], None).state == "not checked"
    strange = [seen(), seen(names=("MPS", "SOMEONE", "some.service")), seen(names=("VSS", *NAMES[1:]))]
    finding = check_names(strange, registry)
    assert finding.state == "warning"
    assert finding.what.startswith("2 of 3 exchanges name 1 agency and 2 services")
    assert "SOMEONE" not in finding.what


@pytest.mark.parametrize(
    ("records", "state", "words"),
    [
        ([], "not checked", "no record"),
        ([seen()], "ok", "60 s old by a sender's clock"),
        ([seen(arrived=NOW + timedelta(seconds=4))], "ok", "none is ahead"),
        ([seen(), seen(arrived=NOW + 10 * MINUTE, by_broker=True)], "problem", "the broker's clock 10 min"),
        ([seen(ahead=timedelta(seconds=30))], "warning", "by up to 30 s"),
    ],
)
def test_clock(records: list[Seen], state: str, words: str) -> None:
    """Only what lies ahead is proof of a wrong clock."""
    finding = check_clock(records, NOW)
    assert (finding.state, words in finding.what) == (state, True), finding


def test_offsets_and_lag() -> None:
    """Not read, read within, beyond the end, before the beginning; waiting with and without progress."""
    bounds = {0: Bounds(5, 10), 1: Bounds(0, 3)}
    fresh = {0: Progress(-1, NOW), 1: Progress(3, NOW)}
    assert check_offsets("t", {}, bounds).what == "nothing was read yet"
    assert check_offsets("t", fresh, bounds).state == "ok"
    assert "t/1 by 1 record." in check_offsets("t", {1: Progress(4, NOW)}, bounds).what
    lost = check_offsets("t", {0: Progress(2, NOW)}, bounds)
    assert lost.state == "problem"
    assert lost.what.startswith("3 records were deleted before they were read: t/0 3")
    assert check_lag({}, {}, NOW, MINUTE).state == "ok"
    assert "8 records wait to be counted, and none ever was" in check_lag({}, bounds, NOW, MINUTE).what
    assert check_lag(fresh, bounds, NOW, MINUTE).what.startswith("5 records wait")
    stale = check_lag(fresh, bounds, NOW + 2 * MINUTE, MINUTE)
    assert (stale.state, "2026-10-05 08:00 UTC" in stale.what) == ("warning", True)


def group(state: str, *members: dict[str, Any]) -> Finding:
    return judge_group("g", {"group_state": state, "members": members}, "exchanges", 4)


def member(*partitions: int, host: str = "/10.0.0.1", topic: str = "exchanges") -> dict[str, Any]:
    assigned = [{"topic": topic, "partitions": list(partitions)}] if partitions else []
    return {"client_host": host, "member_assignment": {"assigned_partitions": assigned}}


def test_workers() -> None:
    """Who holds what; a group that is sharing out, is empty, or is used by something else."""
    assert group("PreparingRebalance", member()).state == "warning"
    assert "no worker runs" in group("Empty").what
    shared = group("Stable", member(0, 1, 3), member(2, host="/10.0.0.2"), member())
    assert shared.state == "ok"
    assert "2 workers" in shared.what
    assert "10.0.0.1: 0-1, 3" in shared.what
    assert "1 worker without one" in shared.what
    foreign = group(
        "Stable", member(0, 1), member(2, 3, topic="other"), {"member_assignment": "?", "client_host": ""}
    )
    assert (foreign.state, "reads exchanges/2, 3" in foreign.what) == ("problem", True)


def described(leader: int = 1, in_step: int = 1) -> list[dict[str, Any]]:
    partition = {"partition_index": 0, "leader_id": leader, "isr_nodes": [1] * in_step, "replica_nodes": [1]}
    return [{"name": "exchanges", "partitions": [partition]}]


def test_topics() -> None:
    """Choices are warnings; what loses messages is a problem."""
    plan = planned()
    right = {topic.name: Found(topic.partitions, topic.configs) for topic in plan}
    assert judge_topics(plan, right, described()).state == "ok"
    silent = {topic.name: Found(topic.partitions, {}) for topic in plan}
    assert "does not report" in judge_topics(plan, silent, []).what
    chosen = right | {"exchanges": Found(4, plan[0].configs | {"retention.ms": "3600000"})}
    assert judge_topics(plan, chosen, []).state == "warning"
    compacted = right | {"exchanges": Found(8, plan[0].configs | {"cleanup.policy": "compact"})}
    assert judge_topics(plan, compacted, []).state == "problem"
    assert "alerts: missing" in judge_topics(plan, {n: f for n, f in right.items() if n != "alerts"}, []).what
    assert "no leader for exchanges/0" in judge_topics(plan, right, described(leader=-1)).what
    assert "fewer copies in step" in judge_topics(plan, right, described(in_step=0)).what


def test_advertised_addresses_that_do_not_answer_are_named() -> None:
    """The commonest fault of a cluster behind another network."""
    finding = check_brokers(load_settings(), frozenset({("127.0.0.1", 1)}), 1.0)
    assert finding.state == "problem"
    assert "127.0.0.1:1" in finding.what
    assert "advertised.listeners" in finding.remedy


def test_a_sample_cut_short_says_so() -> None:
    """What follows is judged by less than was asked for."""
    cut = check_reading(Sample({0: Bounds(0, 9)}, [seen()], complete=False), 15)
    assert cut.state == "warning"
    assert "only 1 record of 1 partition" in cut.what


def settings_states(folder: Path, environ: dict[str, str] | None = None, **given: Any) -> dict[str, Finding]:
    found = check_settings(load_settings(**given), environ or {}, folder)
    return {finding.name: finding for finding in found}


def test_settings_say_where_they_came_from(tmp_path: Path) -> None:
    """Every source by name, never by value; a name that no setting has is a warning."""
    (tmp_path / "monitor.toml").write_text('web_port = 1\ndatabase_password_file = "x"\n')
    found = settings_states(tmp_path, {"MONITOR_TOPIC_PREFIX": "held", "PATH": "x"})["settings"]
    assert found.state == "ok"
    assert "the environment (MONITOR_TOPIC_PREFIX)" in found.what
    assert "monitor.toml (MONITOR_DATABASE_PASSWORD_FILE, MONITOR_WEB_PORT)" in found.what
    assert "held" not in found.what
    (tmp_path / ".env").write_text("MONITOR_TOPICS_PREFIX=held\nOTHER=1\n")
    wrong = settings_states(tmp_path)["settings"]
    assert wrong.state == "warning"
    assert "MONITOR_TOPICS_PREFIX in .env (did you mean MONITOR_TOPIC_PREFIX?)" in wrong.what


@pytest.mark.parametrize(
    ("check", "given", "state"),
    [
        ("kafka encryption", {"kafka_bootstrap": "localhost:1,[::1]:2,127.0.0.9:3"}, "ok"),
        ("kafka encryption", {"kafka_bootstrap": "localhost:1,kafka:9092"}, "warning"),
        ("kafka encryption", {"kafka_bootstrap": "kafka:9092", "kafka_security_protocol": "SSL"}, "ok"),
        ("kafka encryption", {"kafka_security_protocol": "SSL", "kafka_ssl_ca_file": "none.pem"}, "problem"),
        ("web address", {"web_host": "127.0.0.1"}, "ok"),
        ("web address", {"web_host": "0.0.0.0"}, "warning"),  # noqa: S104  # that is what it warns of
        ("registry choice", {}, "warning"),
        ("registry choice", {"registry": "elsewhere"}, "ok"),
        ("secrets", {}, "warning"),
        ("secrets", {"pseudonym_key": "short"}, "warning"),
        ("secrets", {"pseudonym_key": "x" * 32}, "ok"),
    ],
)
def test_settings_that_are_allowed_but_unwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, check: str, given: dict[str, Any], state: str
) -> None:
    """Each with a remedy unless it is fine."""
    monkeypatch.chdir(tmp_path)
    finding = settings_states(tmp_path, **given)[check]
    assert finding.state == state, finding
    assert bool(finding.remedy) is (state != "ok")


def test_a_file_with_secrets_that_others_may_read(tmp_path: Path) -> None:
    """Only when it holds one and is open."""
    path = tmp_path / ".env"
    path.write_text("MONITOR_KAFKA_SASL_PASSWORD=hidden-word\n")
    path.chmod(0o644)
    key = "x" * 32
    finding = settings_states(tmp_path, pseudonym_key=key)["secrets"]
    assert finding.state == "warning"
    assert finding.remedy == "chmod 600 .env"
    assert "hidden-word" not in finding.what
    path.chmod(0o600)
    assert settings_states(tmp_path, pseudonym_key=key)["secrets"].state == "ok"


def test_a_check_that_hangs_is_given_up() -> None:
    """Its thread is left behind; the doctor goes on."""
    began = time.monotonic()
    finding = _bounded(lambda: time.sleep(60))
    assert time.monotonic() - began < 10
    assert finding.state == State.PROBLEM
    assert "no answer within 0.2 s" in finding.what


def test_a_check_that_breaks_is_a_finding() -> None:
    """Neither an error from outside nor a defect of a check silences the others."""

    def raising(why: Exception) -> Callable[[], Finding]:
        def check() -> Finding:
            raise why

        return check

    assert "disk away" in _bounded(raising(OSError("disk away"))).what
    assert "the check failed: KeyError" in _bounded(raising(KeyError("x"))).what
    assert _bounded(lambda: ok("name", "fine")).what == "fine"


def _bounded(check: Callable[[], Any]) -> Finding:
    finding: Finding = bounded("name", Options(sample=1, seconds=0.2), check, lambda one: one)
    return finding


def test_words() -> None:
    """Lists are cut, numbers have their nouns."""
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
    assert counted(1, "record") == "1 record"
    assert counted(1200, "agency", "agencies") == "1 200 agencies"
