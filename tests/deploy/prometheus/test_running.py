"""A real Prometheus takes deploy/prometheus, with other intervals and ports, and alerts by Alertmanager."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from prometheus_client import CollectorRegistry, start_http_server

from monitor.metrics.agreements import AgreementMetrics
from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.own import OwnMetrics
from monitor.registry.load import load_registry
from tests.deploy.prometheus.promql import SCRAPED
from tests.deploy.prometheus.rules import FOLDER, ROOT
from tests.deploy.prometheus.test_static import OTHERS
from tests.parts.alertmanager import Alertmanager
from tests.parts.prometheus import Prometheus, require_prometheus

SECONDS = 60.0


def eventually(condition: Callable[[], object]) -> bool:
    """Whether the condition comes true within the time."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


@pytest.fixture
def worker() -> Iterator[int]:
    """The port on which what a worker shows of the example registry can be scraped."""
    shown = CollectorRegistry()
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    agreements = load_registry(ROOT / "deploy" / "registry")
    shown.register(AgreementMetrics(agreements, zone, lambda: datetime.now(UTC)))
    shown.register(LedgerMetrics())
    OwnMetrics.create(shown)
    server, thread = start_http_server(0, "127.0.0.1", shown)
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def target(folder: Path, job: str, port: int) -> None:
    """Write where a job is found, all at once: Prometheus may look at any moment."""
    written = folder / "targets" / f"{job}.new"
    written.write_text(f"- targets: ['127.0.0.1:{port}']\n", encoding="utf-8")
    written.rename(folder / "targets" / f"{job}.yml")


@pytest.fixture
def deployed(tmp_path: Path, alertmanager: Alertmanager, worker: int) -> Iterator[Prometheus]:
    """Prometheus with the shipped files, every second instead of four times a minute."""
    require_prometheus()
    folder = tmp_path / "prometheus"
    shutil.copytree(FOLDER, folder)
    for path in (folder / "prometheus.yml", *(folder / "rules").iterdir()):
        quick = re.sub(r"(interval|timeout): \w+", r"\1: 1s", path.read_text(encoding="utf-8"))
        path.write_text(quick, encoding="utf-8")
    target(folder, "monitor", worker)
    target(folder, "alertmanager", alertmanager.port)
    with Prometheus(folder / "prometheus.yml", tmp_path / "prometheus-data") as running:
        target(folder, "prometheus", running.port)  # its port is known only now, and no reload is asked for
        yield running


def test_rules_are_evaluated_without_errors_and_alerts_arrive(
    deployed: Prometheus, alertmanager: Alertmanager
) -> None:
    """All jobs are scraped; what of other programs rules read is there; the watchdog reaches Alertmanager."""

    def up() -> bool:
        found = {labels["job"]: value for labels, value in deployed.query("up")}
        return found == {"monitor": 1, "alertmanager": 1, "prometheus": 1}

    assert eventually(up), deployed.query("up")

    def evaluated() -> bool:
        groups = deployed.get("rules")["groups"]
        return all(rule["health"] == "ok" for group in groups for rule in group["rules"])

    assert eventually(evaluated), deployed.get("rules")
    for name, labels in OTHERS.items():
        assert eventually(partial(deployed.query, name)), name
        for found, _ in deployed.query(name):
            assert SCRAPED | labels <= found.keys(), name
    assert eventually(lambda: "PrometheusWatchdog" in held(alertmanager))
    # The example registry holds an agreement that has run out: joined with its parties, as the rule says.
    assert eventually(lambda: "AgreementExpired" in held(alertmanager))
    assert held(alertmanager)["AgreementExpired"]["agency"] != "none"


def held(alertmanager: Alertmanager) -> dict[str, dict[str, str]]:
    """The labels of an alert of each name that Alertmanager holds."""
    return {each["labels"]["alertname"]: each["labels"] for each in alertmanager.get("/api/v2/alerts")}


def test_a_prometheus_of_a_test_s_own_takes_what_it_is_given(prometheus: Prometheus) -> None:
    """It scrapes nothing at first; after a reload it has the new rules."""
    assert prometheus.get("targets")["activeTargets"] == []
    rules = prometheus.configuration.with_name("rules.yml")
    rules.write_text(
        "groups: [{name: one, rules: [{record: 'all:one:sum', expr: vector(1)}]}]\n", encoding="utf-8"
    )
    prometheus.configuration.write_text(
        f"global: {{evaluation_interval: 1s}}\nrule_files: ['{rules}']\n", encoding="utf-8"
    )
    prometheus.reload()
    assert eventually(lambda: [value for _, value in prometheus.query("all:one:sum")] == [1])
