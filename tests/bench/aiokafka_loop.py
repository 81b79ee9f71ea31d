"""A plain aiokafka loop that fetches as fast as it can and throws everything away."""

from __future__ import annotations

import asyncio
import time

from aiokafka import AIOKafkaConsumer

from tests.bench.contender import Contest, report


async def _read(contest: Contest) -> None:
    consumer = AIOKafkaConsumer(
        contest.topic,
        bootstrap_servers=contest.bootstrap,
        group_id=contest.group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
    )
    await consumer.start()
    try:
        while not consumer.assignment():
            await asyncio.sleep(0.01)
        began, read = time.perf_counter(), 0
        while read < contest.events:
            for records in (await consumer.getmany(timeout_ms=1000)).values():
                read += len(records)
        report(read, time.perf_counter() - began)
    finally:
        await consumer.stop()


if __name__ == "__main__":
    asyncio.run(_read(Contest.from_environment()))
