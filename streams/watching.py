"""Rules and alerts in the worker, put together: from settings to what lanes and the app need of them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prometheus_client import CollectorRegistry
from sqlalchemy import Engine

from alerts.baselines.kind import BaselineKind
from alerts.delivery.metrics import DeliveryMetrics
from alerts.engine.metrics import EngineMetrics
from alerts.housekeeping import Shown
from alerts.incidents.metrics import IncidentMetrics
from alerts.lifecycle.book import AlertBook
from alerts.metrics import AlertMetrics
from alerts.risk.metrics import RiskMetrics
from alerts.rule import Baseline, RuleSet
from alerts.sigma.reload import RuleMetrics, Rules
from alerts.standing import Standing
from alerts.watch import Desk, Told
from monitor.calendar.working import working_days
from monitor.events.pseudonym import Pseudonyms
from monitor.judging.book import Book
from monitor.settings import Settings
from streams.alerting import Alerting
from streams.app import App


@dataclass(slots=True)
class Watching:
    """The rules in force, the desk that watches share, and the metrics of both."""

    settings: Settings
    engine: Engine
    book: Book
    rules: Rules
    shown: Shown
    delivered: DeliveryMetrics
    engines: EngineMetrics
    desk: Desk = field(init=False)
    _alerting: Alerting | None = None

    def __post_init__(self) -> None:
        zone, special = self.settings.zone, working_days(self.settings).special

        def baseline(rule: Baseline) -> BaselineKind:
            return BaselineKind(rule, zone, special)

        self.desk = Desk(
            self.engine,
            self.rules.current,
            self.book,
            Pseudonyms.of(self.settings),
            Told(self.shown.alerts, self.shown.incidents, self.engines, self._changed),
            baselines=baseline,
        )

    def serve(self, app: App) -> Alerting:
        """What works on alerts beside the lanes, as a service of the app."""

        async def use(rules: RuleSet) -> None:
            self.desk.use(rules)
            await app.lanes.reopen()

        self._alerting = Alerting(
            self.settings,
            self.engine,
            self.book,
            self._alert_book,
            self.shown,
            self.delivered,
            self.rules,
            use_rules=use,
            send=app.send_change,
            fail=app.crash,
        )
        return self._alerting

    def _alert_book(self) -> AlertBook:
        return self.desk.alerts

    def _changed(self) -> None:
        if self._alerting is not None:
            self._alerting.changed()


def watching(settings: Settings, engine: Engine, book: Book, metrics: CollectorRegistry) -> Watching:
    """Load the rules and declare the metrics. Raises RuleProblems, listing every one."""
    rules = Rules(settings.rules_folder, time.time(), RuleMetrics.create(metrics), strict=False)
    risk = RiskMetrics(lambda: datetime.now(UTC))
    shown = Shown(AlertMetrics.create(metrics), IncidentMetrics(), risk, Standing())
    metrics.register(shown.incidents)
    metrics.register(shown.risk)
    engines = EngineMetrics()
    metrics.register(engines)
    return Watching(settings, engine, book, rules, shown, DeliveryMetrics.create(metrics), engines)
