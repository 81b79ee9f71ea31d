"""Changes as CloudEvents for the topic `alerts`, from an outbox that forgets none."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import select

from alerts.lifecycle import store
from alerts.lifecycle.events import mark_published, unpublished
from alerts.lifecycle.tables import outbox
from alerts.metrics import AlertMetrics
from alerts.model import Level
from tests.alerts.lifecycle.parts import MINUTE, NOW, Desk, detection

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


def test_a_change_is_one_message(desk: Desk) -> None:
    """Binary mode: attributes in headers, the alert as it was then in the body, its id as the key."""
    (change,) = desk.find(detection(count=2, events=["e1"], seen=3.5, odd=float("inf")))
    desk.find(detection(1, count=9))  # what comes later does not change what is told of the opening
    with desk.engine.connect() as connection:
        (message,) = unpublished(connection)
    one = change.alert
    headers = dict(message.headers)
    assert message.key == one.id.encode()
    assert headers["ce_specversion"] == b"1.0"
    assert headers["ce_type"] == b"datashare.alert.opened"
    assert headers["ce_source"] == b"/data-sharing-monitor/alerts"
    assert headers["ce_id"] == f"{one.id}/1/{message.number}".encode()
    assert headers["ce_subject"] == f"{one.id}/1".encode()
    assert headers["content-type"] == b"application/json"
    assert datetime.fromisoformat(headers["ce_time"].decode()) == NOW
    body = json.loads(message.value)
    assert (body["change"], body["alert"]["count"], body["alert"]["level"]) == ("opened", 2, "medium")
    assert body["alert"]["title"] == {"en": "Many denied requests", "vi": "Nhiều yêu cầu bị từ chối"}
    assert "Nhiều yêu cầu" in message.value.decode()
    assert body["alert"]["evidence"] == ["e1"]
    assert body["alert"]["facts"] == {"seen": 3.5, "odd": None}  # JSON has no infinity


def test_what_was_not_marked_is_published_again_under_the_same_id(desk: Desk) -> None:
    """In order, a bounded number at once; what is marked is gone, though its history stays."""
    desk.find(detection(0))
    desk.find(detection(100))
    desk.quiet(200)
    with desk.engine.begin() as connection:
        every = unpublished(connection)
        assert [json.loads(one.value)["change"] for one in every] == [
            "opened",
            "resolved",
            "opened",
            "resolved",
        ]
        assert unpublished(connection) == every
        assert unpublished(connection, limit=1) == every[:1]
        mark_published(connection, [every[0].number, every[2].number], NOW)
        mark_published(connection, [every[0].number], NOW + MINUTE)
        mark_published(connection, [], NOW)
        assert unpublished(connection) == [every[1], every[3]]
        kept = select(outbox.c.body, outbox.c.published_at).where(outbox.c.number == every[0].number)
        assert connection.execute(kept).one() == (None, NOW)
        assert len(store.history(connection, every[0].key.decode())) == 4


def test_metrics_show_what_was_committed(desk: Desk) -> None:
    """Detections by rule, severity and registered agency, by their events; open alerts; changes; repeats."""
    registry = CollectorRegistry()
    metrics = AlertMetrics.create(registry)
    assert registry.get_sample_value("datashare_alerts_open", {"severity": "critical"}) == 0
    found = [detection(count=3), detection(1, count=2), detection(agency="nobody")]
    metrics.happened(desk.find(*found))
    metrics.found(found, desk.book)
    for one in desk.alerts():
        desk.take(one)
    repeats = desk.repeat(NOW + timedelta(days=2))
    metrics.happened(repeats.changes)
    metrics.held_back(repeats.suppressed)
    with desk.engine.connect() as connection:
        metrics.show_open(store.open_by_level(connection))
    values = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }
    rule = ("denied-requests", "medium")
    assert values["datashare_detections_total", *sorted(("MOH", *rule))] == 5
    assert values["datashare_detections_total", *sorted(("unregistered", *rule))] == 1
    assert values["datashare_alerts_open", Level.MEDIUM.word] == 2
    assert values["datashare_alerts_changes_total", "opened"] == 2
    assert values["datashare_alerts_changes_total", "repeated"] == 0
    assert values["datashare_alert_repeats_suppressed_total",] == 2
