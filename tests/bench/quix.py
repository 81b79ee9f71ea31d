"""A Quix Streams application: one event at a time, no state, no commit of results."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from typing import Any

from quixstreams import Application

from tests.bench.contender import Contest, report
from tests.bench.per_event import PerEvent

contest = Contest.from_environment()
counting = PerEvent()
began = 0.0


def count(value: Any, _key: Any, _timestamp: Any, headers: Any) -> None:
    """Count until the wanted number is reached, then end the process."""
    global began  # noqa: PLW0603  # a benchmark's only state
    began = began or time.perf_counter()
    counting.take(value, headers or ())
    if counting.events == contest.events:
        report(counting.events, time.perf_counter() - began)
        os._exit(0)  # what a stop costs is not what is measured


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    application = Application(
        broker_address=contest.bootstrap,
        consumer_group=contest.group,
        auto_offset_reset="earliest",
        auto_create_topics=False,
        state_dir=tempfile.mkdtemp(prefix="bench-quix-"),
        loglevel=None,
    )
    source = application.topic(contest.topic, value_deserializer="bytes", key_deserializer="bytes")
    application.dataframe(source).update(count, metadata=True)
    application.run()
