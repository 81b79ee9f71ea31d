"""What a worker says of itself is there from its start: a burst that begins a series would not be seen."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from monitor.events.rejection import Reason
from monitor.metrics.own import OwnMetrics


def test_what_can_be_lost_of_the_topics_that_are_read_begins_at_zero() -> None:
    """Every reason of every topic, and no other series."""
    exposed = CollectorRegistry()
    OwnMetrics.create(exposed, ["a", "b"])
    found = [
        (sample.labels, sample.value)
        for family in exposed.collect()
        for sample in family.samples
        if sample.name == "datashare_dead_letters_total"
    ]
    assert sorted((labels["topic"], labels["reason"]) for labels, _ in found) == sorted(
        (topic, str(reason)) for topic in ("a", "b") for reason in Reason
    )
    assert {value for _, value in found} == {0}
    for topic in ("a", "b"):
        assert exposed.get_sample_value("datashare_records_lost_total", {"topic": topic}) == 0
