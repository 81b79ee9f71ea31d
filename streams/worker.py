"""The worker: everything put together, from settings to a running Faust app."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from alerts.watch import Desk, ExchangeWatch, SecurityWatch
from monitor import __version__
from monitor.calendar.working import working_days
from monitor.dossiers.judge import QualityTerms
from monitor.dossiers.metrics import QualityMetrics
from monitor.duties.assess import Terms
from monitor.duties.metrics import DutyMetrics
from monitor.duties.rules import read_rules
from monitor.errors import MonitorError, UsageProblem
from monitor.events.pseudonym import Pseudonyms
from monitor.judging.book import Book
from monitor.ledger.partition import Limits
from monitor.log import set_up_logging
from monitor.metrics.agreements import AgreementMetrics
from monitor.metrics.dossiers import DossierMetrics
from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.lifecycle import LifecycleMetrics
from monitor.metrics.own import OwnMetrics
from monitor.metrics.security import SecurityMetrics
from monitor.objectives.figures import Figure
from monitor.objectives.measured import MeasuredToday
from monitor.objectives.metrics import ObjectiveMetrics
from monitor.registry.load import load_registry
from monitor.registry.registry import Registry
from monitor.reports.schedule.metrics import ScheduleMetrics
from monitor.settings import Settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import check_schema
from monitor.web.overview import Overview, Sources
from monitor.xroad.ledger import PairingLimits
from monitor.xroad.metrics import XroadMetrics
from monitor.xroad.opening import XroadParts
from streams.app import App, create_app
from streams.dossiers import Dossiers
from streams.exchanges import Exchanges
from streams.interpreter import set_up_interpreter
from streams.lifecycle_events import LifecycleEvents
from streams.processor import Processors
from streams.readiness import Readiness, database_check
from streams.refreshing import Refreshing
from streams.reporting import Reporting
from streams.security_events import SecurityEvents
from streams.stopping import Deadline, Worker, leave_when_told
from streams.watching import watching
from streams.web import WebParts
from streams.xroad_records import Shown, Watches, XroadRecords

log = structlog.get_logger(__name__)


def build(settings: Settings) -> App:
    """Load registry and rules, check the database's schema and build the app.

    Raises RegistryProblems, RuleProblems, SchemaError or UsageProblem, and MonitorError for a database that
    does not answer: a worker that could not be right does not start.
    """
    registry = load_registry(settings.registry)
    engine = open_engine(settings.sqlalchemy_url)
    try:
        check_schema(engine)
    except DBAPIError as why:
        raise MonitorError(
            f"the database: {str(why.orig).strip().splitlines()[0]}; `monitor doctor` tells what is wrong"
        ) from why
    metrics = CollectorRegistry(auto_describe=True)  # so that a scrape can name the families it wants
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=metrics)
    metrics.register(AgreementMetrics(registry, settings.zone, _now))
    counted = LedgerMetrics(MeasuredToday(registry, settings.zone, _now))
    book = Book(registry, settings.zone)
    metrics.register(counted)
    watched = watching(settings, engine, book, metrics)
    processors = _processors(settings, engine, book, watched.desk, counted, metrics)
    own = OwnMetrics.create(metrics, processors)
    app = create_app(settings, processors, own)
    # For reading only: on SQLite any other takes the write lock to read.
    reading = open_engine(settings.sqlalchemy_url, read_only=True)
    app.beside = (watched.serve(app), Refreshing(_figures(settings, registry, reading, metrics)))
    if settings.report_schedule:
        app.beside = (*app.beside, Reporting(settings, engine, reading, registry, ScheduleMetrics(metrics)))
    sources = Sources.of(
        counted,
        own,
        lambda: app.lanes.lag().items(),
        app.lanes.open_partitions,
        watched.shown.standing.document,
    )
    app.web_parts = WebParts(
        overview=Overview(sources, registry, datetime.now(UTC).timestamp()),
        metrics=metrics,
        not_ready=Readiness(app.lanes, database_check(reading)).reason,
    )
    return app


def _now() -> datetime:
    return datetime.now(UTC)


def _processors(
    settings: Settings,
    engine: Engine,
    book: Book,
    desk: Desk,
    counted: LedgerMetrics,
    metrics: CollectorRegistry,
) -> Processors:
    """What is done with the events of each topic."""
    limits = Limits(
        late_after=settings.late_after,
        max_event_age=settings.max_event_age,
        dedupe_window=settings.dedupe_window,
        dedupe_max_ids=settings.dedupe_max_ids,
    )
    secured, lifecycled, xroad = SecurityMetrics(), LifecycleMetrics(), XroadMetrics()
    processed = DossierMetrics()
    for collector in (secured, lifecycled, processed, xroad):
        metrics.register(collector)
    registry, hide = book.registry, partial(Pseudonyms.of, settings)
    return {
        settings.topic("exchanges"): Exchanges(engine, book, limits, counted, partial(ExchangeWatch, desk)),
        settings.topic("security-events"): SecurityEvents(
            engine, registry, limits, hide(), secured, partial(SecurityWatch, desk)
        ),
        settings.topic("lifecycle-events"): LifecycleEvents(engine, registry, limits, hide(), lifecycled),
        settings.topic("dossiers"): Dossiers(
            engine, registry, limits, hide(), QualityTerms.of(settings), processed
        ),
        settings.topic("xroad-records"): XroadRecords(
            XroadParts.of(
                engine, registry, settings.zone, limits, PairingLimits(settings.xroad_wait), hide()
            ),
            Shown(counted, secured, xroad),
            partial(record_watches, desk),
        ),
    }


def record_watches(desk: Desk, topic: str, partition: int, wait: timedelta) -> Watches:
    """The rules of a partition of X-Road records: those on failures remember under a name of their own, which
    no topic of Kafka can have.

    A half may come `wait` later than others, and is shown by itself when it has waited as long again.
    """
    later = 2 * wait
    return Watches(
        ExchangeWatch(desk, topic, partition, later=later),
        SecurityWatch(desk, f"{topic}:security", partition, later=later),
    )


def _figures(
    settings: Settings, registry: Registry, engine: Engine, metrics: CollectorRegistry
) -> list[Callable[[datetime], object]]:
    """What is read from the database now and then, in this order: duties look at objectives."""
    objectives = ObjectiveMetrics(registry, engine, settings.zone)

    def kept() -> Mapping[tuple[str, str], Figure] | None:
        return objectives.latest.figures["30d"] if objectives.latest else None

    terms = Terms(registry, read_rules(settings.duties), working_days(settings), settings.zone)
    duties = DutyMetrics(terms, engine, kept)
    quality = QualityMetrics(registry, QualityTerms.of(settings), engine)
    for collector in (objectives, duties, quality):
        metrics.register(collector)
    return [objectives.refresh, duties.refresh, quality.refresh]


def run(settings: Settings) -> int:
    """Run a worker until it is told to stop (SIGTERM, SIGINT); return its exit status.

    0 after a stop that was asked for, 1 when it ended itself because something outside was wrong for too
    long: its supervisor starts it again, which is always safe. Either way it ends within ten seconds.
    """
    deadline = Deadline()
    leave_when_told(deadline)
    set_up_logging(settings)
    settings = _with_free_port(settings)
    app = build(settings)
    set_up_interpreter()
    log.info(
        "worker starting",
        version=__version__,
        kafka=settings.kafka_bootstrap,
        web=f"http://{settings.web_host}:{settings.web_port}",
    )
    worker = Worker(
        app,
        deadline,
        loglevel=settings.log_level,
        override_logging=False,
        redirect_stdouts=False,
        quiet=True,
        daemon=True,
    )
    try:
        worker.execute_from_commandline()
    except SystemExit as done:
        return _status(done)


def _status(done: SystemExit) -> int:
    return done.code if isinstance(done.code, int) else int(done.code is not None)


def _with_free_port(settings: Settings) -> Settings:
    with socket.socket(socket.AF_INET6 if ":" in settings.web_host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.web_host, settings.web_port))
        except OSError as why:
            raise UsageProblem(
                f"MONITOR_WEB_HOST={settings.web_host!r}, MONITOR_WEB_PORT={settings.web_port}: "
                f"cannot listen there ({why.strerror}); choose another port, or 0 for a free one"
            ) from why
        return settings.model_copy(update={"web_port": probe.getsockname()[1]})
