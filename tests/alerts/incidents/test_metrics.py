"""The metrics of incidents, as a scrape shows them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from alerts.incidents.metrics import IncidentMetrics
from alerts.incidents.store import Standing
from alerts.incidents.words import Tier
from tests.builders import MOMENT


def test_nothing_known_is_no_notice_due_and_every_tier_at_zero() -> None:
    """A tier without incidents is a zero, so that a rise can be told from a beginning."""
    registry = CollectorRegistry()
    registry.register(IncidentMetrics())
    assert registry.get_sample_value("datashare_incidents_open", {"tier": "5"}) == 0
    assert registry.get_sample_value("datashare_incidents_refused_total") == 0
    names = {sample.name for family in registry.collect() for sample in family.samples}
    assert "datashare_breach_notification_due_timestamp_seconds" not in names


def test_the_standing_that_was_shown_last_is_scraped() -> None:
    """Settled incidents disappear with the next."""
    registry, metrics = CollectorRegistry(), IncidentMetrics()
    registry.register(metrics)
    due = "datashare_breach_notification_due_timestamp_seconds"
    metrics.show(Standing({"INC-2026-0001": MOMENT}, {Tier.SERIOUS: 2}))
    assert registry.get_sample_value(due, {"incident": "INC-2026-0001"}) == MOMENT.timestamp()
    assert registry.get_sample_value("datashare_incidents_open", {"tier": "4"}) == 2
    metrics.show(Standing({}, {}))
    assert registry.get_sample_value(due, {"incident": "INC-2026-0001"}) is None
    assert registry.get_sample_value("datashare_incidents_open", {"tier": "4"}) == 0


def test_refused_reports_add_up() -> None:
    """A limit that is reached does not go unseen."""
    registry, metrics = CollectorRegistry(), IncidentMetrics()
    registry.register(metrics)
    metrics.refused(2)
    metrics.refused(3)
    assert registry.get_sample_value("datashare_incidents_refused_total") == 5
