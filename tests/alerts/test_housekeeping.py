"""Housekeeping: alerts end when every partition that is read has come so far, and no other counts."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import insert

from alerts.engine.tables import progress
from alerts.housekeeping import WATCHED, Housekeeping, Shown
from alerts.incidents.metrics import IncidentMetrics
from alerts.metrics import AlertMetrics
from alerts.risk.metrics import RiskMetrics
from alerts.standing import Standing
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from tests.alerts.lifecycle.parts import Desk, detection
from tests.builders import MOMENT

LONG_QUIET = MOMENT + timedelta(days=10)


@pytest.mark.parametrize(
    ("topic", "ends"),
    [*((f"ours-{name}", False) for name in WATCHED), ("exchanges", True), ("theirs-exchanges", True)],
)
def test_only_what_is_read_keeps_an_alert_open(tmp_path: Path, topic: str, ends: bool) -> None:
    """A partition that lags may still bring events of it; one of a topic that was renamed never will."""
    settings = load_settings(database_url=f"sqlite:///{tmp_path}/monitor.db", topic_prefix="ours-")
    engine = open_engine(settings.sqlalchemy_url)
    migrate(engine)
    desk = Desk(engine)
    desk.find(detection())
    rows = [("ours-exchanges", 1, LONG_QUIET), (topic, 0, MOMENT - timedelta(days=1))]
    with engine.begin() as connection:
        for name, partition, time in rows:
            row = {"topic": name, "partition": partition, "format": 1, "sequence": 1, "counters": b"\x80"}
            row |= {"newest": time, "watermark": time, "advanced": time}
            connection.execute(insert(progress), [row])
    shown = Shown(
        AlertMetrics.create(CollectorRegistry()),
        IncidentMetrics(),
        RiskMetrics(lambda: datetime.now(UTC)),
        Standing(),
    )
    with ThreadPoolExecutor(1) as threads:
        keeping = Housekeeping(
            engine, settings, lambda: desk.book, shown, holder="us", executor=threads, changed=lambda: None
        )
        assert keeping.round() is True  # it ends, or is told again
    (found,) = desk.alerts()
    assert found.is_open is not ends
    engine.dispose()
