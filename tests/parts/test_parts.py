"""The parts that other tests stand on: they start, they are shared or alone as promised, and they end."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from kafka import KafkaAdminClient, KafkaProducer
from kafka.admin import NewTopic
from kafka.errors import KafkaTimeoutError

from monitor.errors import MonitorError
from monitor.settings import Settings
from streams.child import Child
from streams.embedded import EmbeddedBroker
from tests.parts import missing_part
from tests.parts.embedded import require_embedded
from tests.parts.kafka import Kafka, require_kafka
from tests.parts.keeper import shared_part
from tests.parts.postgres import require_postgres

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


def eventually(condition: Callable[[], bool], seconds: float = 30) -> bool:
    """Whether the condition comes true within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def runs(pid: int) -> bool:
    """Whether the process exists and is more than a line in the process table."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip() not in ("", "Z", "Zs", "Z+")


def accepts(address: str) -> bool:
    """Whether something listens at host:port."""
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), 1).close()
    except OSError:
        return False
    return True


def test_kafka_takes_topics_and_makes_none_by_itself(kafka_broker: str, topic_prefix: str) -> None:
    """A declared topic exists with its settings; the broker refuses to make topics up."""
    admin = KafkaAdminClient(bootstrap_servers=kafka_broker)
    admin.create_topics([NewTopic(f"{topic_prefix}a", 3, 1)], wait_for_metadata=True)
    producer = KafkaProducer(bootstrap_servers=kafka_broker, max_block_ms=1000)
    assert producer.send(f"{topic_prefix}a", b"x").get(20).offset == 0
    with pytest.raises(KafkaTimeoutError):
        producer.send(f"{topic_prefix}b", b"x").get(20)
    producer.close()
    topics = admin.list_topics()
    assert f"{topic_prefix}a" in topics
    assert f"{topic_prefix}b" not in topics
    admin.close()


def test_kafka_keeps_what_it_holds_through_a_kill(tmp_path: Path) -> None:
    """A broker that was killed starts again on the same port with its topics."""
    require_kafka()
    with Kafka(tmp_path / "kafka") as kafka:
        first = kafka.bootstrap
        admin = KafkaAdminClient(bootstrap_servers=first)
        admin.create_topics([NewTopic("kept", 1, 1)], wait_for_metadata=True)
        admin.close()
        kafka.kill()
        assert not accepts(first)
        kafka.start()
        assert kafka.bootstrap == first
        admin = KafkaAdminClient(bootstrap_servers=first)
        assert "kept" in admin.list_topics()
        admin.close()


def test_the_embedded_broker_ends_with_its_block(tmp_path: Path) -> None:
    """It answers inside the block and not after it; a taken port is an error that names the port."""
    require_embedded()
    with EmbeddedBroker(log=tmp_path / "log") as broker:
        assert accepts(broker.bootstrap)
        with pytest.raises(MonitorError, match=f"port {broker.port} is taken"):
            EmbeddedBroker(broker.port).start()
        assert accepts(broker.bootstrap)
    assert not accepts(broker.bootstrap)


def test_a_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the parent, which nothing can catch, still ends the child."""
    script = (
        "import sys, time, pathlib\nfrom streams.child import Child\n"
        f"child = Child(['sleep', '600'], open({str(tmp_path / 'log')!r}, 'wb'))\n"
        "print(child.pid, flush=True)\ntime.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        child = int(parent.stdout.readline())
        assert runs(child)
        parent.send_signal(signal.SIGKILL)
    assert eventually(lambda: not runs(child))


def test_a_child_can_be_stopped_twice(tmp_path: Path) -> None:
    """Stopping ends the program, and a second time does nothing."""
    with (tmp_path / "log").open("wb") as log:
        child = Child(["sleep", "600"], log)
    assert child.status is None
    child.stop()
    child.stop()
    assert child.status == -signal.SIGTERM


def test_each_test_has_a_database_of_its_own(postgres_url: str, postgres_server: str) -> None:
    """The database is empty, takes the settings' form of address, and is not the server's own."""
    assert postgres_url != postgres_server
    assert Settings(database_url=postgres_url).sqlalchemy_url.drivername == "postgresql+psycopg"
    with psycopg.connect(postgres_url) as connection:
        found = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
    assert found == (0,)


def test_the_last_user_of_a_shared_part_stops_it(tmp_path: Path) -> None:
    """Two processes share one server; it stays while one is there, killed or not, and then stops."""
    require_postgres()
    script = (
        "import sys, pathlib\nfrom tests.parts.keeper import shared_part\n"
        f"with shared_part('postgres', pathlib.Path({str(tmp_path)!r})) as url:\n"
        "    print(url, flush=True)\n    sys.stdin.read()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout
    with other, shared_part("postgres", tmp_path) as url:
        assert other.stdout.readline().strip() == url
        address = url.split("@")[1].split("/")[0]
        os.kill(other.pid, signal.SIGKILL)
        other.wait()
        psycopg.connect(url).close()
    assert eventually(lambda: not accepts(address))
    with shared_part("postgres", tmp_path) as again:
        psycopg.connect(again).close()


def test_the_browser_shows_a_page(chromium: Chrome, tmp_path: Path) -> None:
    """It runs scripts and reads local pages."""
    page = tmp_path / "page.html"
    page.write_text(
        "<title>a</title><script>document.title = 'counted ' + (1 + 1)</script>", encoding="utf-8"
    )
    chromium.get(page.as_uri())
    assert chromium.title == "counted 2"


def test_a_missing_part_is_skipped_at_home_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a person's machine the reason is shown; under CI=true nothing goes untested."""
    monkeypatch.setenv("CI", "false")
    with pytest.raises(pytest.skip.Exception, match="Java 17 is missing: install it"):
        missing_part("Java 17", "install it")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Java 17 is missing: install it"):
        missing_part("Java 17", "install it")
