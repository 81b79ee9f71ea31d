"""The sender: at once, again and again, past destinations that are gone, and one worker at a time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, text

from alerts.delivery.assemble import alertmanagers_of, delivery, webhooks_of
from alerts.delivery.metrics import DeliveryMetrics
from alerts.delivery.sender import Sender
from monitor.errors import UsageProblem
from monitor.settings import load_settings
from tests.alerts.delivery.parts import HANG, Receiver, Request, alert, marks, ok, over, put, reply, until

INTERVAL = 0.4
SHOWN = timedelta(seconds=0.5)


def metric(registry: CollectorRegistry, name: str, **labels: str) -> float:
    """A sample's value."""
    return registry.get_sample_value(f"datashare_{name}", labels) or 0.0


def now() -> datetime:
    """The time of day: these tests run in it."""
    return datetime.now(UTC)


@asynccontextmanager
async def sending(
    engine: Engine, *urls: str, holder: str = "one", registry: CollectorRegistry | None = None, **changes: Any
) -> AsyncIterator[Sender]:
    """A running sender; it is stopped in order."""
    settings = load_settings(alertmanager_urls=urls, **{"alert_interval": INTERVAL, **changes})
    metrics = DeliveryMetrics.create(registry or CollectorRegistry())
    stop = asyncio.Event()
    async with delivery(settings, engine, metrics, holder=holder, shown=SHOWN) as sender:
        running = asyncio.create_task(sender.run(stop))
        try:
            yield sender
            assert not running.done() or running.result()
        finally:
            stop.set()
            await running


def told(receiver: Receiver) -> list[tuple[str, str]]:
    """Of which alerts it was told, in order, and as what."""
    return [
        (one["labels"]["alert_id"], "open" if ends_later(one) else "resolved")
        for request in receiver.requests
        for one in request.alerts
    ]


def ends_later(one: dict[str, Any]) -> bool:
    """Whether an alert was open when it was sent: its end is intervals away from its beginning or update."""
    return datetime.fromisoformat(one["endsAt"]) > now() - timedelta(seconds=INTERVAL)


def new(name: str = "a1", **changes: Any) -> Any:
    """An alert that opens now."""
    at = now()
    return alert(name, **{"first_time": at, "last_time": at, "opened_at": at, "changed_at": at, **changes})


def test_an_alert_is_sent_when_told_and_repeated_while_it_lasts(
    sqlite: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only at the next interval or look; and the watchdog goes along with every full round."""
    monkeypatch.setattr("alerts.delivery.sender.POLL_S", 300.0)

    async def go() -> None:
        registry = CollectorRegistry()
        async with (
            Receiver() as receiver,
            sending(sqlite, receiver.url, registry=registry, alert_interval=300) as sender,
        ):
            await until(lambda: len(receiver.requests) == 1)  # the watchdog of the first full round
            assert json.loads(receiver.requests[0].body)[0]["labels"]["alertname"] == "Watchdog"
            put(sqlite, new())
            sender.notify()
            await until(lambda: "a1" in marks(sqlite))
            assert told(receiver) == [("a1", "open")]
        assert (
            metric(registry, "alert_deliveries_total", destination_kind="alertmanager", outcome="accepted")
            == 1
        )
        assert metric(registry, "alert_delivery_seconds_count") == 1
        async with Receiver() as receiver, sending(sqlite, receiver.url):
            await until(lambda: told(receiver).count(("a1", "open")) >= 3)

    asyncio.run(go())


def test_what_another_worker_wrote_is_sent_soon(sqlite: Engine) -> None:
    """Nobody tells this one of it; it looks every second, long before the interval is over."""

    async def go() -> None:
        async with Receiver() as receiver, sending(sqlite, receiver.url, alert_interval=300):
            await until(lambda: len(receiver.requests) == 1)
            put(sqlite, new())
            await until(lambda: len(told(receiver)) == 1, seconds=5)

    asyncio.run(go())


def test_a_destination_that_is_gone_does_not_delay_the_others_and_catches_up(sqlite: Engine) -> None:
    """One hangs, one is gone; the third has its alert. The gone one gets it all when it is back."""

    async def go() -> None:
        registry = CollectorRegistry()
        async with Receiver() as gone:
            pass
        async with (
            Receiver(lambda _request: HANG) as hanging,
            Receiver() as well,
            sending(sqlite, gone.url, hanging.url, well.url, registry=registry),
        ):
            put(sqlite, new())
            await until(lambda: ("a1", "open") in told(well), seconds=5)
            await until(
                lambda: metric(
                    registry, "alert_deliveries_total", destination_kind="alertmanager", outcome="failed"
                ) >= 2
            )  # fmt: skip
            assert metric(registry, "alerts_undelivered") >= 1
            put(sqlite, new("a2"))
            async with gone:
                await until(lambda: {name for name, _state in told(gone)} == {"a1", "a2"})

    asyncio.run(go())


def test_a_destination_that_failed_once_is_told_everything(sqlite: Engine) -> None:
    """It may have lost its memory; long before the next full round would be due."""

    async def go() -> None:
        put(sqlite, new("old"))
        async with Receiver() as receiver, sending(sqlite, receiver.url, alert_interval=300) as sender:
            await until(lambda: told(receiver) == [("old", "open")])
            receiver.behave = lambda _request: reply(500)
            put(sqlite, new("new"))
            sender.notify()
            await until(lambda: told(receiver)[-1] == ("new", "open"))
            receiver.behave = ok
            await until(lambda: told(receiver).count(("old", "open")) >= 2)
            await until(lambda: marks(sqlite).keys() == {"old", "new"})

    asyncio.run(go())


def test_what_came_and_went_while_a_destination_was_away_is_told(sqlite: Engine) -> None:
    """First as open, then as resolved: its Alertmanager would tell nobody otherwise."""

    async def go() -> None:
        async with Receiver() as receiver, sending(sqlite, receiver.url):
            await until(lambda: len(receiver.requests) > 0)
            receiver.behave = lambda _request: reply(500)
            put(sqlite, over(new(), now()))
            await until(lambda: len(receiver.requests) > 3)
            receiver.behave = ok
            await until(lambda: marks(sqlite).get("a1") is not None)
            await until(lambda: marks(sqlite)["a1"].resolved_sent_at is not None)
            mark = marks(sqlite)["a1"]
            assert mark.resolved_sent_at - mark.opened_sent_at >= SHOWN

    asyncio.run(go())


def test_one_refused_alert_is_counted_and_the_others_are_sent(sqlite: Engine) -> None:
    """It is not tried again in every round."""

    def behave(request: Request) -> bytes:
        held = [one["labels"]["alert_id"] for one in request.alerts]
        return reply(400, "no") if "bad" in held else reply(200)

    async def go() -> None:
        registry = CollectorRegistry()
        put(sqlite, new("bad"), *(new(f"a{number}") for number in range(20)))
        async with Receiver(behave) as receiver, sending(sqlite, receiver.url, registry=registry):
            await until(lambda: len(marks(sqlite)) == 21)
            await until(lambda: told(receiver).count(("a7", "open")) > 4)
        kind = {"destination_kind": "alertmanager"}
        assert metric(registry, "alert_deliveries_total", **kind, outcome="refused") == 1
        assert marks(sqlite)["bad"].refused == "HTTP 400: no"
        assert marks(sqlite)["bad"].opened_sent_at is None

    asyncio.run(go())


def test_of_two_workers_one_sends_and_the_other_takes_over(sqlite: Engine) -> None:
    """At once when the first stops in order."""

    async def go() -> None:
        put(sqlite, new())
        async with Receiver() as first, Receiver() as second:
            async with sending(sqlite, first.url, holder="one"):
                await until(lambda: len(told(first)) > 0)
                async with sending(sqlite, second.url, holder="two"):
                    await until(lambda: len(told(first)) > 3)
                    assert second.requests == []
            async with sending(sqlite, second.url, holder="two"):
                await until(lambda: len(told(second)) > 0, seconds=5)

    asyncio.run(go())


def test_a_worker_that_lost_its_lease_stops_sending(sqlite: Engine) -> None:
    """Another has taken it while this one was frozen; it gets it back when that one is gone."""

    async def go() -> None:
        put(sqlite, new())
        async with Receiver() as receiver, sending(sqlite, receiver.url):
            await until(lambda: len(told(receiver)) > 0)
            with sqlite.begin() as connection:
                connection.execute(text("UPDATE leases SET holder = 'other', until = until + 3600000000"))
            await asyncio.sleep(3 * INTERVAL)  # what is waited for is that nothing comes any more
            sent = len(receiver.requests)
            await asyncio.sleep(4 * INTERVAL)
            assert len(receiver.requests) == sent
            with sqlite.begin() as connection:
                connection.execute(text("DELETE FROM leases"))
            await until(lambda: len(receiver.requests) > sent)

    asyncio.run(go())


def test_a_database_that_is_away_is_waited_for(sqlite: Engine) -> None:
    """The sender goes on when it is back."""

    async def go() -> None:
        put(sqlite, new())
        async with Receiver() as receiver, sending(sqlite, receiver.url):
            await until(lambda: len(told(receiver)) > 0)
            with sqlite.begin() as connection:
                connection.execute(text("ALTER TABLE alerts RENAME TO away"))
            sent = len(told(receiver))
            await asyncio.sleep(2 * INTERVAL)
            with sqlite.begin() as connection:
                connection.execute(text("ALTER TABLE away RENAME TO alerts"))
            await until(lambda: len(told(receiver)) > sent + 1)

    asyncio.run(go())


def test_it_stops_at_once_also_when_it_is_woken_at_that_moment(sqlite: Engine) -> None:
    """However the two meet: a wake-up must not swallow the end."""

    async def go() -> None:
        async with Receiver() as receiver:
            for turns in range(12):
                async with asyncio.timeout(10), sending(sqlite, receiver.url, alert_interval=300) as sender:
                    seen = len(receiver.requests)
                    await until(lambda seen=seen: len(receiver.requests) > seen)  # type: ignore[misc]
                    await asyncio.sleep(0.05)  # it waits for being woken by now
                    sender.notify()
                    for _ in range(turns % 4):
                        await asyncio.sleep(0)

    asyncio.run(go())


def test_without_destinations_it_waits_for_its_end(sqlite: Engine) -> None:
    """And takes no lease."""

    async def go() -> None:
        async with sending(sqlite):
            await asyncio.sleep(0.1)
        with sqlite.connect() as connection:
            assert connection.execute(text("SELECT count(*) FROM leases")).scalar() == 0

    asyncio.run(go())


def test_settings_give_each_destination_once_with_its_credentials(tmp_path: Path) -> None:
    """The credentials of the settings go to Alertmanagers; a user in an address goes before."""
    (tmp_path / "ca.pem").write_text("nothing")
    settings = load_settings(
        alertmanager_urls="http://a:9093,http://a:9093/,http://u:p@b:9093/prefix",
        alertmanager_token="t0ken",  # noqa: S106
        webhook_urls="http://c/x,http://c/x",
        webhook_secret="s3cret",  # noqa: S106
    )
    one, two = alertmanagers_of(settings)
    assert (one.url, two.url) == ("http://a:9093/api/v2/alerts", "http://b:9093/prefix/api/v2/alerts")
    assert one.headers["Authorization"] == "Bearer t0ken"
    assert two.headers["Authorization"].startswith("Basic ")
    assert [each.url for each in webhooks_of(settings)] == ["http://c/x"]


def test_webhooks_need_a_secret() -> None:
    """A receiver could not tell the monitor's messages from anybody's."""
    with pytest.raises(UsageProblem, match="MONITOR_WEBHOOK_SECRET"):
        load_settings(webhook_urls="http://c/x")


def test_authorities_that_cannot_be_read_are_a_wrong_setting(sqlite: Engine, tmp_path: Path) -> None:
    """Before anything is sent."""
    (tmp_path / "ca.pem").write_text("nothing")

    async def go() -> None:
        async with sending(sqlite, "https://a:9093", alert_ca_file=tmp_path / "ca.pem"):
            pass

    with pytest.raises(UsageProblem, match=r"ca\.pem"):
        asyncio.run(go())
