"""A plain Faust agent: one event at a time, everything by default, no commit of results."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import time
from typing import Any

import faust

from tests.bench.contender import Contest, report
from tests.bench.per_event import PerEvent

contest = Contest.from_environment()
app = faust.App(
    contest.group,
    broker=f"kafka://{contest.bootstrap}",
    consumer_auto_offset_reset="earliest",
    topic_disable_leader=True,
    topic_allow_declare=False,
    stream_wait_empty=False,
    web_enabled=False,
    datadir=tempfile.mkdtemp(prefix="bench-faust-"),
)
topic = app.topic(
    contest.topic, value_type=bytes, value_serializer="raw", key_type=bytes, key_serializer="raw"
)
counting = PerEvent()


@app.agent(topic)
async def count(stream: Any) -> None:
    """Count until the wanted number is reached, then end the process."""
    began = 0.0
    async for event in stream.events():
        began = began or time.perf_counter()
        counting.take(event.value, list(event.headers.items()))
        if counting.events == contest.events:
            report(counting.events, time.perf_counter() - began)
            os._exit(0)  # what a stop costs is not what is measured


if __name__ == "__main__":
    logging.disable(logging.ERROR)
    sys.argv = ["bench", "worker", "--without-web", "-l", "error"]
    app.main()
