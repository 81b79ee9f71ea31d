"""A worker that ends because something outside is wrong says so in one sentence, without a traceback."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy import insert

from monitor.errors import MonitorError
from monitor.metrics.own import OwnMetrics
from monitor.settings import load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from streams.app import App, create_app
from streams.lanes import Stalled, TopicReplaced
from streams.transport.driver import Consumer
from tests.e2e.exactness import REGISTRY, create_topics, environment_of

END_S = 90.0
READ = 1000  # far beyond the end of a new topic


def ended(story: Callable[[App], Awaitable[None]]) -> tuple[App, list[Any]]:
    """Play a story with an app that nothing started; return it, and what was logged."""

    async def play() -> App:
        app = create_app(load_settings(), {}, OwnMetrics.create(CollectorRegistry(), ()))
        await story(app)
        return app

    with structlog.testing.capture_logs() as said:
        return asyncio.run(play()), list(said)


@pytest.mark.parametrize("kind", [TopicReplaced, Stalled])
def test_the_sentence_is_said_once(kind: type[MonitorError], caplog: pytest.LogCaptureFixture) -> None:
    """However often it is found out; and the app is one that ends because of it."""
    reason = kind("what is, and what to do")

    async def story(app: App) -> None:
        await app.crash(reason)
        await app.crash(kind("again"))

    app, said = ended(story)
    assert [(each["event"], each["reason"]) for each in said] == [("the worker ends", str(reason))]
    assert app.crash_reason is reason
    assert "Traceback" not in caplog.text


def test_a_defect_still_tells_where_it_is(caplog: pytest.LogCaptureFixture) -> None:
    """It is for those who mend the program."""

    async def story(app: App) -> None:
        try:
            raise ZeroDivisionError
        except ZeroDivisionError as why:
            await app.crash(why)

    app, said = ended(story)
    assert said == []
    assert isinstance(app.crash_reason, ZeroDivisionError)
    assert "Traceback" in caplog.text


def test_where_to_read_on_is_never_answered_when_the_worker_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """With any answer Faust would go on reading, and with an error it would print where that came from."""

    async def story(app: App) -> None:
        async def refused(_partitions: object) -> dict[Any, int]:
            raise TopicReplaced("another topic")

        monkeypatch.setattr(app.lanes, "open", refused)
        asked = asyncio.ensure_future(app.starting_offsets([]))
        done, _ = await asyncio.wait([asked], timeout=0.2)
        assert not done
        asked.cancel()

    app, said = ended(story)
    assert [each["reason"] for each in said] == ["another topic"]
    assert isinstance(app.crash_reason, TopicReplaced)


def test_a_consumer_whose_thread_has_ended_already_is_stopped() -> None:
    """A worker that crashes stops it as often before its thread has ended as after."""

    async def story(app: App) -> None:
        consumer = app.consumer
        assert isinstance(consumer, Consumer)
        thread = consumer._thread
        thread.thread_loop.close()
        thread._stopped_set()
        assert thread.should_stop

    ended(story)


def test_a_worker_on_a_topic_that_was_created_anew_ends_with_a_sentence(
    tmp_path: Path, kafka_broker: str, topic_prefix: str, consumer_group: str
) -> None:
    """Exit status 1, one line that names the topic and what to do, no traceback and no word of a crash."""
    settings = load_settings(
        kafka_bootstrap=kafka_broker,
        topic_prefix=topic_prefix,
        consumer_group=consumer_group,
        database_url=f"sqlite:///{tmp_path}/monitor.db",
        registry=REGISTRY,
        session_timeout=6.0,
    )
    engine = open_engine(settings.sqlalchemy_url)
    migrate(engine)
    row = {"topic": settings.topic("exchanges"), "partition": 0, "next_offset": READ, "events": 0}
    row |= {"id_generation": 0, "id_begins_at_offset": 0, "ids_shortened": 0, "updated_at": datetime.now(UTC)}
    with engine.begin() as connection:
        connection.execute(insert(tables.offsets), [row])
    engine.dispose()
    create_topics(settings, 1)
    ran = subprocess.run(
        [sys.executable, "-m", "monitor", "worker"],
        env={**os.environ, **environment_of(settings), "MONITOR_WEB_PORT": "0"},
        cwd=tmp_path, capture_output=True, timeout=END_S, check=False,
    )  # fmt: skip
    said = ran.stderr.decode()
    assert ran.returncode == 1, said
    lines = [json.loads(line) for line in said.splitlines()]
    (end,) = [line for line in lines if line["event"] == "the worker ends"]
    assert end["reason"].startswith(f"{topic_prefix}exchanges/0 ends at offset 0, but the database")
    assert end["reason"].endswith("or a new one.")
    assert "Traceback" not in said, said
    assert "crash" not in said.lower()
    assert said.count("created anew") == 1
