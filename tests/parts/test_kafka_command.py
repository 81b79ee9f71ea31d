"""`deploy/kafka/kafka`: what people type to get a local Kafka."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from kafka import KafkaAdminClient, KafkaProducer

from tests.parts.kafka import COMMAND, require_kafka


def kafka(*arguments: str | Path, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
        env={**os.environ, **(env or {})},
    )


def test_start_returns_when_it_answers_and_stop_ends_it(tmp_path: Path) -> None:
    """In the background it prints its address and goes on; it is stopped by its data folder."""
    require_kafka()
    started = kafka("start", "--data", tmp_path, "--port", "0")
    assert started.returncode == 0, started.stderr
    bootstrap = started.stdout.strip()
    try:
        admin = KafkaAdminClient(bootstrap_servers=bootstrap)
        assert len(admin.describe_cluster()["brokers"]) == 1
        admin.close()
    finally:
        stopped = kafka("stop", "--data", tmp_path)
    assert stopped.returncode == 0
    again = kafka("stop", "--data", tmp_path)
    assert again.returncode == 1
    assert "No Kafka was started" in again.stderr


def test_a_taken_port_is_told(kafka_broker: str, tmp_path: Path) -> None:
    """Exit 1 with the port, and nothing left running: another broker's answer is not taken for its own."""
    port = kafka_broker.split(":")[1]
    second = kafka("start", "--data", tmp_path, "--port", port)
    assert (second.returncode, second.stdout) == (1, "")
    assert f"Port {port} is taken" in second.stderr
    assert not (tmp_path / "broker.pid").exists()


def test_kafkas_own_benchmark_reads_a_topic(kafka_broker: str, topic_prefix: str) -> None:
    """The consumer performance tool runs from the same jars and counts what is there."""
    topic = f"{topic_prefix}perf"
    admin = KafkaAdminClient(bootstrap_servers=kafka_broker)
    admin.create_topics({topic: {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    admin.close()
    producer = KafkaProducer(bootstrap_servers=kafka_broker)
    for _ in range(500):
        producer.send(topic, b"x" * 100)
    producer.close()
    measured = kafka(
        "perf-consumer", "--bootstrap-server", kafka_broker, "--topic", topic, "--num-records", "500"
    )
    assert measured.returncode == 0, measured.stderr
    head, row = measured.stdout.strip().splitlines()[-2:]
    columns = dict(zip(head.split(", "), row.split(", "), strict=True))
    assert columns["data.consumed.in.nMsg"] == "500"


def test_a_missing_tool_is_one_sentence_with_the_remedy(tmp_path: Path) -> None:
    """Without Java, or without Maven where something must be fetched, it says what to install."""
    programs = tmp_path / "bin"
    programs.mkdir()
    dirname = shutil.which("dirname")
    assert dirname
    (programs / "dirname").symlink_to(dirname)
    bare = {
        "PATH": str(programs),
        "PYTHON": sys.executable,
        "JAVA_HOME": "",
        "MONITOR_PARTS_DIR": str(tmp_path / "parts"),
    }
    no_java = kafka("start", "--data", tmp_path / "data", env=bare)
    assert (no_java.returncode, no_java.stderr.count("\n")) == (1, 1)
    assert "install Java 17 or later" in no_java.stderr
    java = shutil.which("java")
    if java is not None:
        (programs / "java").symlink_to(java)
        no_maven = kafka("start", "--data", tmp_path / "data", env=bare)
        assert no_maven.returncode == 1
        assert "Maven (mvn) is not on PATH: install it" in no_maven.stderr


def test_wrong_use_is_exit_2(tmp_path: Path) -> None:
    """A misspelt option starts nothing."""
    assert kafka("start", "--data", tmp_path, "--prot", "1").returncode == 2
    assert kafka("run").returncode == 2
    assert kafka().returncode == 2
