"""Alerts reach people through a real Alertmanager: none is lost, and none that lasts is called over."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from alerts.delivery.assemble import delivery
from alerts.delivery.metrics import DeliveryMetrics
from alerts.delivery.sender import Sender
from alerts.lifecycle.alert import Alert
from alerts.model import Level
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from tests.alerts.delivery.parts import alert, over, put
from tests.parts.alertmanager import Alertmanager, Inbox, require_alertmanager

INTERVAL_S = 1.0
SHOWN = timedelta(seconds=2)  # longer than the group_wait of the fixture's configuration
AWAY_S, DRILL_AWAY_S = 6.0, 300.0  # more than four intervals: what is not repeated ends within them
DEADLINE_S = 30.0


def now() -> datetime:
    """The time of day, in which an Alertmanager lives."""
    return datetime.now(UTC)


def new(name: str, **changes: object) -> Alert:
    """An alert that opens now."""
    at = now()
    return alert(name, **{"first_time": at, "last_time": at, "opened_at": at, "changed_at": at, **changes})


async def until(condition: Callable[[], bool], seconds: float = DEADLINE_S) -> None:
    """Wait for a condition, which may fail to be asked while a part is away."""
    async with asyncio.timeout(seconds):
        while True:
            with contextlib.suppress(OSError):
                if await asyncio.to_thread(condition):
                    return
            await asyncio.sleep(0.05)


@pytest.fixture
def database(tmp_path: Path) -> Engine:
    """A database at the program's schema."""
    engine = open_engine(load_settings(database_url=f"sqlite:///{tmp_path}/monitor.db").sqlalchemy_url)
    migrate(engine)
    return engine


@contextlib.asynccontextmanager
async def sending(
    database: Engine, *alertmanagers: Alertmanager, interval: float = INTERVAL_S
) -> AsyncIterator[Sender]:
    """A running sender."""
    settings = load_settings(
        alertmanager_urls=tuple(each.url for each in alertmanagers), alert_interval=interval
    )
    metrics = DeliveryMetrics.create(CollectorRegistry())
    stop = asyncio.Event()
    async with delivery(settings, database, metrics, holder="worker", shown=SHOWN) as sender:
        running = asyncio.create_task(sender.run(stop))
        try:
            yield sender
        finally:
            stop.set()
            await running


def test_alerts_arrive_in_groups_are_repeated_and_resolve(
    database: Engine, alertmanager: Alertmanager, inbox: Inbox
) -> None:
    """One message for what one agency has of one kind; then its end, when it is over."""

    async def go() -> None:
        async with sending(database, alertmanager) as sender:
            put(database, new("a"), new("b"), new("c", agency="MPS"))
            sender.notify()
            await until(lambda: set(alertmanager.alerts()) == {"a", "b", "c"}, seconds=5)
            groups = alertmanager.get("/api/v2/alerts/groups")
            held = {
                each["labels"]["agency"]: sorted(one["labels"]["alert_id"] for one in each["alerts"])
                for each in groups
            }
            assert held == {"MOH": ["a", "b"], "MPS": ["c"], "none": ["watchdog"]}
            first = alertmanager.alerts()["a"]
            assert first["annotations"]["summary_vi"].startswith("Nhiều yêu cầu bị từ chối")
            # Past the end that the first message gave, it is there by being repeated.
            end = datetime.fromisoformat(first["endsAt"])
            await until(lambda: now() > end + timedelta(seconds=1))
            assert set(alertmanager.alerts()) == {"a", "b", "c"}
            put(database, over(new("a"), now()))
            sender.notify()
            await until(lambda: inbox.told("a")[-1:] == ["resolved"])
            assert set(alertmanager.alerts()) == {"b", "c"}
            assert "resolved" not in inbox.told("b") + inbox.told("c")

    asyncio.run(go())


@pytest.mark.parametrize("data", ["kept", "lost"])
def test_alertmanager_is_killed_and_started_again(
    database: Engine, alertmanager: Alertmanager, inbox: Inbox, data: str
) -> None:
    """With its data or without: what opened or ended meanwhile is told, what lasted is not called over."""
    _killed(database, alertmanager, inbox, data == "lost", AWAY_S)


@pytest.mark.drill
@pytest.mark.timeout(DRILL_AWAY_S + 300)
@pytest.mark.parametrize("data", ["kept", "lost"])
def test_drill_alertmanager_is_away_for_five_minutes(
    database: Engine, alertmanager: Alertmanager, inbox: Inbox, data: str
) -> None:
    """The same for five minutes."""
    _killed(database, alertmanager, inbox, data == "lost", DRILL_AWAY_S)


def _killed(database: Engine, alertmanager: Alertmanager, inbox: Inbox, lost: bool, seconds: float) -> None:
    async def go() -> None:
        async with sending(database, alertmanager):
            lasting, ending = new("lasting"), new("ending", agency="MPS")
            put(database, lasting, ending)
            await until(lambda: bool(inbox.told("lasting") and inbox.told("ending")))
            await asyncio.sleep(2)  # until its notification log is on the disk, every second
            alertmanager.kill()
            if lost:
                alertmanager.forget()
            put(database, over(ending, now()), new("meanwhile", agency="MOT"))
            passing = new("passing", agency="MOF")
            put(database, passing)
            await asyncio.sleep(seconds / 2)
            put(database, over(passing, now()))
            await asyncio.sleep(seconds / 2)
            assert "resolved" not in inbox.told("ending")
            alertmanager.start()
            await until(lambda: inbox.told("ending")[-1:] == ["resolved"])
            await until(lambda: inbox.told("passing")[-1:] == ["resolved"])
            await until(lambda: set(alertmanager.alerts()) == {"lasting", "meanwhile"})
            # Longer than an alert is valid that is not repeated.
            await asyncio.sleep(6 * INTERVAL_S)
            assert set(alertmanager.alerts()) == {"lasting", "meanwhile"}
        assert inbox.told("passing")[0] == "firing"
        for name in ("lasting", "meanwhile"):
            assert inbox.told(name)
            assert "resolved" not in inbox.told(name)
        # With its data it knows whom it has told already.
        assert (len(inbox.told("lasting")) == 1) != lost

    asyncio.run(go())


def test_the_shipped_configuration_inhibits_what_the_greater_matter_says(
    database: Engine, tmp_path: Path
) -> None:
    """A critical finding the lesser ones of its pair, a leak its volumes; nothing by having no agreement."""
    require_alertmanager()
    pair = (("consumer", "MOH"), ("provider", "MPS"), ("service", "population.verify-identity"))
    bulk = ("attack.t1213",)
    given: dict[str, dict[str, Any]] = {
        "critical": {"level": Level.CRITICAL, "group": pair},
        "lesser": {"group": pair},
        "other pair": {"group": (*pair[:1], ("provider", "MPI"), *pair[2:])},
        "other owner": {"group": pair, "owner": "data@moh.example"},
        "critical of nothing": {"level": Level.CRITICAL, "group": (), "agency": "MOT"},
        "lesser of nothing": {"group": (), "agency": "MOT"},
        "leak": {"leak": True, "group": (), "agency": "MOF", "level": Level.HIGH},
        "volume": {"tags": bulk, "agency": "MOF"},
        "volume that leaked": {"tags": bulk, "agency": "MOF", "leak": True},
        "volume elsewhere": {"tags": bulk, "agency": "MPS"},
    }

    async def go() -> None:
        with Alertmanager(SHIPPED, tmp_path / "shipped") as shipped:
            async with sending(database, shipped):
                put(database, *(new(name, **changes) for name, changes in given.items()))
                await until(lambda: set(shipped.alerts()) == set(given))
                await until(lambda: inhibited(shipped) == {"lesser": {"critical"}, "volume": LEAKS})

    asyncio.run(go())


SHIPPED = Path(__file__).resolve().parents[2] / "deploy" / "alertmanager" / "alertmanager.yml"
LEAKS = {"leak", "volume that leaked"}


def inhibited(alertmanager: Alertmanager) -> dict[str, set[str]]:
    """Which alerts are inhibited, and by which of several it may be."""
    held = alertmanager.alerts()
    names = {each["fingerprint"]: name for name, each in held.items()}
    by = {
        name: {names[one] for one in each["status"]["inhibitedBy"]}
        for name, each in held.items()
        if each["status"]["inhibitedBy"]
    }
    # It names one of those that could inhibit an alert.
    return {name: LEAKS if found <= LEAKS else found for name, found in by.items()}


def test_alertmanager_that_is_frozen_delays_no_other(
    database: Engine, alertmanager: Alertmanager, inbox: Inbox, tmp_path: Path
) -> None:
    """The second one has its alerts as ever; the first has them when it goes on."""
    shutil.copy(alertmanager.configuration, tmp_path / "second.yml")

    async def go() -> None:
        with Alertmanager(tmp_path / "second.yml", tmp_path / "second-data") as second:
            alertmanager.send(signal.SIGSTOP)
            try:
                async with sending(database, alertmanager, second):
                    put(database, new("a"))
                    await until(lambda: set(second.alerts()) == {"a"}, seconds=5)
                    alertmanager.send(signal.SIGCONT)
                    await until(lambda: set(alertmanager.alerts()) == {"a"})
                    await until(lambda: len(inbox.told("a")) >= 2)  # by each of them
            finally:
                alertmanager.send(signal.SIGCONT)

    asyncio.run(go())
