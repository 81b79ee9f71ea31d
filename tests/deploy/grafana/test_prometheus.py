"""Every PromQL query asked of a real Prometheus, with one worker's series and with two workers'."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from urllib.error import HTTPError

import pytest

from tests.deploy.grafana.metrics import exported
from tests.deploy.grafana.shown import ENGLISH, filled, panels, promql
from tests.parts.prometheus import Prometheus, promtool, require_prometheus

SCRAPE_S = 15
SCRAPES = 60  # a quarter of an hour
HOUR_S = 3600
CHOSEN = {
    "agency": "MOH",
    "service": "population.verify-identity",
    "agreement": "AGR-2026-0012",
    "provider": "MPS",
    "consumer": "MOH",
    "__rate_interval": "1m",
    "__range": "10m",
}
# What each label has in the series below, the chosen one first. A label that is not named has `a`.
LABEL_VALUES = {
    "agency": ("MOH", "MPS"),
    "provider": ("MPS", "MOH"),
    "consumer": ("MOH", "MPS"),
    "service": ("population.verify-identity",),
    "agreement": ("AGR-2026-0012", "AGR-2026-0013"),
    "slo": ("availability", "latency"),
    "window": ("month", "30d"),
    "outcome": ("fault", "denied", "timeout", "ok"),
    "severity": ("critical", "high", "medium"),
    "duty": ("connect", "review"),
    "state": ("live",),
    "version": ("1",),
    "status": ("active",),
    "incident": ("INC-2026-0001",),
    "le": ("0.1", "1.0", "+Inf"),
}
AHEAD_S = {"breach_notification_due": 40 * HOUR_S}  # any other time that a metric tells is 100 hours ahead
RATIOS = {"slo_objective_ratio": 0.99, "slo_attainment_ratio": 0.98, "slo_error_budget_remaining_ratio": -1.0}
# Who asks whom under each agreement.
SIDES = {("AGR-2026-0012", "MPS", "MOH"), ("AGR-2026-0013", "MOH", "MPS")}
# Says something of each worker, so it differs with their number.
OF_EACH_WORKER = ("build_info", "process_resident_memory_bytes", "rules_loaded")


def series(start: int, workers: int) -> Iterator[tuple[str, list[tuple[int, float]]]]:
    """Every exported metric's samples: each worker has its share of counters, and gauges like all others."""
    for (name, metric), worker in itertools.product(sorted(exported().items()), range(workers)):
        own = [LABEL_VALUES.get(label, ("a",)) for label in metric.labels]
        for values in itertools.product(*own):
            labels = dict(zip(metric.labels, values, strict=True))
            if name.endswith("agreement_info") and not SIDES & {
                (labels["agreement"], labels["provider"], labels["consumer"])
            }:
                continue
            labels |= {"job": "monitor", "instance": f"worker-{workers}-{worker}:6066"}
            shown = ",".join(f'{label}="{value}"' for label, value in labels.items())
            counted = metric.type in ("counter", "histogram")
            yield (
                f"{name}{{{shown}}}",
                [
                    (
                        start + step * SCRAPE_S,
                        step * growth(name, labels) / workers if counted else gauge(name, start, values),
                    )
                    for step in range(SCRAPES)
                ],
            )


def growth(name: str, labels: dict[str, str]) -> float:
    """What a counter grows by between two scrapes: failures are few, buckets hold more the wider they are."""
    if "failures" in name or "bad" in name:
        return 1.0
    return {"0.1": 60.0, "1.0": 110.0}.get(labels.get("le", ""), 120.0)


def gauge(name: str, start: int, values: tuple[str, ...]) -> float:
    """A likely value; times lie ahead of the end of the series."""
    if "timestamp" in name:
        ahead = next((each for part, each in AHEAD_S.items() if part in name), 100 * HOUR_S)
        return float(start + SCRAPES * SCRAPE_S + ahead)
    for part, value in RATIOS.items():
        if part in name:
            return value
    return 1.0 if name.endswith(("_info", "_state")) else 3.0 + len(values)


@pytest.fixture(scope="module")
def filled_prometheus(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Prometheus, dict[int, int]]]:
    """A Prometheus with a quarter of an hour of one worker and, later, of two; and when each ended."""
    require_prometheus()
    folder = tmp_path_factory.mktemp("prometheus")
    # Two hours apart, so that neither is seen in the time of the other.
    starts = {1: int(time.time()) - 4 * HOUR_S, 2: int(time.time()) - 2 * HOUR_S}
    lines = [
        f"{name} {value} {moment}"
        for workers, start in starts.items()
        for name, samples in series(start, workers)
        for moment, value in samples
    ]
    history = folder / "history.txt"
    history.write_text("\n".join([*sorted(lines, key=family), "# EOF", ""]), encoding="utf-8")
    made = promtool("tsdb", "create-blocks-from", "openmetrics", history, folder / "data" / "series")
    assert made.returncode == 0, made.stderr[-2000:]
    configuration = folder / "prometheus.yml"
    configuration.write_text("global: {scrape_interval: 15s}\n", encoding="utf-8")
    with Prometheus(configuration, folder / "data") as running:
        yield running, {workers: start + (SCRAPES - 1) * SCRAPE_S for workers, start in starts.items()}


def family(line: str) -> str:
    """OpenMetrics wants the lines of a metric together."""
    return line.split("{", 1)[0]


def answer(server: Prometheus, text: str, moment: int) -> dict[tuple[tuple[str, str], ...], float]:
    """What a query gives at a moment, by its labels."""
    asked = filled(text, CHOSEN)
    try:
        found = server.get("query", query=asked, time=str(moment))
    except HTTPError as refused:
        pytest.fail(f"{asked}: {refused.read().decode()}")
    if found["resultType"] == "scalar":
        return {(): float(found["result"][1])}
    return {tuple(sorted(each["metric"].items())): float(each["value"][1]) for each in found["result"]}


@pytest.mark.parametrize("file", ENGLISH)
def test_every_query_answers_and_shows_the_same_whether_one_worker_or_two_share_the_work(
    filled_prometheus: tuple[Prometheus, dict[int, int]], file: str
) -> None:
    """No query fails or stays empty on series that are all there, and two workers' figures equal one's."""
    server, ends = filled_prometheus
    for query in promql(file):
        one, two = (answer(server, query.text, ends[workers]) for workers in (1, 2))
        assert one, f"{query}: nothing for {query.text}"
        assert two, f"{query}: nothing with two workers for {query.text}"
        assert not any(map(math.isnan, one.values())), query
        if any(name in query.text for name in OF_EACH_WORKER):
            continue
        assert two == pytest.approx(one, rel=1e-3), query


@pytest.mark.parametrize("file", ENGLISH)
def test_rows_of_tables_come_together(
    filled_prometheus: tuple[Prometheus, dict[int, int]], file: str
) -> None:
    """Every query of a table gives exactly the labels that are its columns: else rows stay apart or empty."""
    server, ends = filled_prometheus
    for panel in panels(file):
        if panel["type"] != "table" or "expr" not in panel["targets"][0]:
            continue
        (organised,) = (each for each in panel["transformations"] if each["id"] == "organize")
        columns = {name for name in organised["options"]["renameByName"] if not name.startswith("Value")}
        for target in panel["targets"]:
            for labels in answer(server, target["expr"], ends[2]):
                assert {name for name, _ in labels} == columns, f"{panel['title']}: {target['refId']}"
