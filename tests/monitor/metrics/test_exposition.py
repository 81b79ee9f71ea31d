"""Scrapes: the same families and series as the client library writes, and faster."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, Counter, Enum, Gauge, Histogram, Info, Summary
from prometheus_client import generate_latest as plainly
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_open
from prometheus_client.parser import text_string_to_metric_families as parse
from prometheus_client.registry import Collector

from monitor.metrics import exposition
from monitor.metrics.exposition import Exposition

AWKWARD = 'back\\slash, "quotes",\na line, and Bộ Y tế'


class Dated(Collector):
    """A family whose samples carry a time."""

    def collect(self) -> list[Metric]:
        """One sample at a second and a half."""
        family = GaugeMetricFamily("dated", "Of long ago", labels=["a"])
        family.add_metric(["x"], 1, timestamp=1.5)
        return [family]


def registry() -> CollectorRegistry:
    """One of every type, with what is hard to write."""
    made = CollectorRegistry()
    counter = Counter("asked", AWKWARD, ("who", "what"), registry=made)
    counter.labels(AWKWARD, "").inc(3)
    counter.labels("b", "ÿ").inc(2.5)
    gauge = Gauge("level", "How high", ("a",), registry=made)
    for name, value in (
        ("inf", float("inf")),
        ("minus", float("-inf")),
        ("nan", float("nan")),
        ("big", 1e22),
    ):
        gauge.labels(name).set(value)
    Gauge("whole", "A number without labels", registry=made).set(1_790_000_000)
    Histogram("took", "How long", ("a",), registry=made).labels("x").observe(0.3)
    Summary("sizes", "How large", registry=made).observe(4)
    Info("build", "Which", registry=made).info({"version": AWKWARD})
    Enum("state", "Of what", states=["on", "off"], registry=made).state("off")
    made.register(Dated())
    return made


def as_parsed(text: bytes) -> list[str]:
    """What a reader makes of a text; NaN is no number that equals itself, so as text."""
    return [repr(family) for family in parse(text.decode())]


def test_a_scrape_says_what_the_library_would() -> None:
    """To whoever reads it; numbers may be written in another way."""
    made = registry()
    ours = Exposition(made)
    assert as_parsed(ours.write()) == as_parsed(plainly(made))
    assert ours.write() == ours.write()
    assert b"e+22" in ours.write()


def test_what_has_changed_is_seen_at_the_next_scrape() -> None:
    """Only the beginnings of lines are remembered."""
    made = CollectorRegistry()
    counter = Counter("asked", "How often", ("who",), registry=made)
    counter.labels("a").inc()
    ours = Exposition(made)
    ours.write()
    counter.labels("a").inc()
    counter.labels("b").inc()
    assert as_parsed(ours.write()) == as_parsed(plainly(made))


def test_more_series_than_are_remembered_are_all_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again, whatever came between."""
    monkeypatch.setattr(exposition, "REMEMBERED", 7)
    made = registry()
    many = Gauge("many", "Of them", ("number",), registry=made)
    for number in range(50):
        many.labels(str(number)).set(number)
    ours = Exposition(made)
    for _ in range(2):
        assert as_parsed(ours.write()) == as_parsed(plainly(made))


@pytest.mark.parametrize(
    ("accept", "open_metrics"),
    [
        ("", False),
        ("*/*", False),
        ("application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1", False),
        ("application/openmetrics-text; version=1.0.0", True),
        ("application/openmetrics-text; version=x", False),
    ],
)
def test_openmetrics_is_written_for_whoever_takes_nothing_else(accept: str, open_metrics: bool) -> None:
    """Prometheus takes both."""
    write, content_type = Exposition(registry()).writer(accept)
    assert content_type.startswith(
        "application/openmetrics-text" if open_metrics else "text/plain; version=0.0.4"
    )
    assert list((parse_open if open_metrics else parse)(write().decode()))


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text; version=1.0.0"])
def test_only_what_is_named_is_written(accept: str) -> None:
    """By the names of samples, also of collectors that describe nothing; an unknown name brings nothing."""
    made = CollectorRegistry(auto_describe=True)
    Counter("asked", "How often", ("who",), registry=made).labels("a").inc()
    Gauge("level", "How high", registry=made).set(1)
    made.register(Dated())
    read = parse_open if accept else parse

    def named(*names: str) -> list[str]:
        text = Exposition(made).writer(accept, names)[0]().decode()
        return sorted(sample.name for family in read(text) for sample in family.samples)

    assert named("asked_total") == ["asked_total"]
    assert named("dated", "level") == ["dated", "level"]
    assert named("unknown") == []
    assert len(named()) > 3
