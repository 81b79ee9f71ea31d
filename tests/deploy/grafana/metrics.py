"""Every metric that a worker exports, read from the code, and series of them as two workers would show."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from types import ModuleType
from typing import NamedTuple
from zoneinfo import ZoneInfo

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info
from prometheus_client.metrics_core import Metric

from alerts.delivery.metrics import DeliveryMetrics
from alerts.incidents import metrics as incidents
from alerts.metrics import AlertMetrics
from alerts.risk import metrics as risk
from alerts.sigma.reload import RuleMetrics
from monitor.dossiers import names as quality
from monitor.duties import names as duties
from monitor.metrics import names
from monitor.metrics.agreements import AgreementMetrics
from monitor.metrics.dossiers import DossierMetrics
from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.lifecycle import LifecycleMetrics
from monitor.metrics.names import PREFIX, Declaration
from monitor.metrics.own import OwnMetrics
from monitor.metrics.security import SecurityMetrics
from monitor.objectives import names as objectives
from monitor.registry.registry import Registry
from monitor.xroad import metrics as xroad


class Exported(NamedTuple):
    """A metric's type and labels."""

    type: str
    labels: tuple[str, ...]


def _declared(module: ModuleType) -> Iterator[Declaration]:
    return (each for each in vars(module).values() if isinstance(each, Declaration))


@cache
def exported() -> dict[str, Exported]:
    """By the name in a query (`…_total`, `…_bucket`): what the code's collectors and instruments show."""
    found: dict[str, Exported] = {}
    registry = CollectorRegistry()
    counted = LedgerMetrics(), SecurityMetrics(), LifecycleMetrics(), DossierMetrics()
    for collector in (*counted, incidents.IncidentMetrics()):
        registry.register(collector)
    registry.register(xroad.XroadMetrics())
    registry.register(risk.RiskMetrics(lambda: datetime.now(UTC)))
    registry.register(AgreementMetrics(Registry.of([], [], []), ZoneInfo("UTC"), lambda: datetime.now(UTC)))
    labels = {
        PREFIX + one.name: one.labels
        for module in (names, incidents, risk, xroad)
        for one in _declared(module)
    }
    for create in (OwnMetrics.create, AlertMetrics.create, DeliveryMetrics.create, RuleMetrics.create):
        for instrument in create(registry):
            if isinstance(instrument, Counter | Gauge | Histogram | Info):
                labels[instrument._name] = tuple(instrument._labelnames)
    labels[f"{PREFIX}build"] = ("version",)
    for metric in registry.collect():
        for name in _names(metric):
            own = ("le",) if name.endswith("_bucket") else ()
            found[name] = Exported(metric.type, labels.get(metric.name, ()) + own)
    # Worked out from the database now and then, so nothing is collected without one: all are gauges.
    for module in (duties, objectives, quality):
        for one in _declared(module):
            found[PREFIX + one.name] = Exported("gauge", one.labels)
    # Every Python process shows it; the dashboards join it with `build_info` to find the workers.
    found["process_resident_memory_bytes"] = Exported("gauge", ())
    return found


def _names(metric: Metric) -> tuple[str, ...]:
    if metric.type == "histogram":
        return (f"{metric.name}_bucket", f"{metric.name}_count", f"{metric.name}_sum")
    return (metric.name + {"counter": "_total", "info": "_info"}.get(metric.type, ""),)
