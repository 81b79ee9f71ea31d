"""Makes reports: reads the database once, asks for what others know, builds, compares, and keeps a record."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import msgspec
from sqlalchemy import Engine

from monitor.calendar.working import working_days
from monitor.dossiers.rules import QualityRules, read_quality_rules
from monitor.duties.assess import Terms
from monitor.duties.rules import read_rules
from monitor.errors import UsageProblem
from monitor.registry.registry import Registry
from monitor.reports import runs
from monitor.reports.changes import compare
from monitor.reports.figures import Language
from monitor.reports.gather.cells import Progress
from monitor.reports.gather.gathered import Gathered, gather
from monitor.reports.gather.service_quality import service_quality
from monitor.reports.model import Report, SecurityPart
from monitor.reports.narrative import Written, read_narrative
from monitor.reports.period import Period
from monitor.reports.rules import ReportRules, read_report_rules
from monitor.reports.runs import LONGEST_ISSUER
from monitor.reports.sections.whole import Given, build
from monitor.reports.security import Asked, security_reader
from monitor.reports.shape.service_quality import ServiceQuality
from monitor.settings import Settings


@dataclass(frozen=True, slots=True)
class Order:
    """What reports are wanted: agencies by present code, None for the national report.

    `without` are those of them that are not: made already, where a schedule asks.
    """

    period: Period
    agencies: tuple[str | None, ...]
    languages: tuple[Language, ...]
    issuer: str | None = None
    narrative: Path | None = None
    without: frozenset[tuple[str | None, Language]] = frozenset()

    @property
    def wanted(self) -> list[tuple[str | None, Language]]:
        """Each report, the languages of an agency together."""
        every = ((agency, language) for agency in self.agencies for language in self.languages)
        return [each for each in every if each not in self.without]


@dataclass(frozen=True, slots=True)
class Desk:
    """What reports are made with; read before anything that takes long, so that mistakes are told at once."""

    terms: Terms
    rules: ReportRules
    settings: Settings
    quality: QualityRules = field(default_factory=QualityRules)

    @classmethod
    def of(cls, settings: Settings, registry: Registry) -> Desk:
        """Read the files that settings name. Raises MonitorError for one that cannot be used."""
        terms = Terms(registry, read_rules(settings.duties), working_days(settings), settings.zone)
        quality = read_quality_rules(settings.service_quality)
        return cls(terms, read_report_rules(settings.report_rules), settings, quality)


def issuer_named(text: str | None) -> str | None:
    """An office or role as it is kept. Raises UsageProblem for one that is too long, or is an address."""
    if text is None:
        return None
    office = " ".join(text.split())
    if not office or len(office) > LONGEST_ISSUER:
        raise UsageProblem(f"--issuer: expected an office or role of 1 to {LONGEST_ISSUER} characters")
    if "@" in office:
        raise UsageProblem(f"--issuer {office}: expected an office or role, not an address")
    return office


def narratives(desk: Desk, order: Order) -> dict[tuple[str | None, Language], Written]:
    """What people wrote for each report that is wanted. Raises MonitorError."""
    path = order.narrative or desk.settings.report_narratives
    return {
        (agency, language): read_narrative(path, order.period, agency, language) if path else Written()
        for agency, language in order.wanted
    }


def reports(
    engine: Engine,
    desk: Desk,
    order: Order,
    written: dict[tuple[str | None, Language], Written],
    now: datetime,
    progress: Progress | None = None,
) -> Iterator[tuple[Report, Written]]:
    """Make every report that is wanted, from one reading of the database, with what was written for each.

    What an earlier issue said of a slot is carried over where nothing new was written. Nothing is recorded.
    Raises UsageProblem, MonitorError, and sqlalchemy.exc.DBAPIError.
    """
    held = [gather(engine, desk.terms, order.period, now, progress)]
    last = order.wanted[-1] if order.wanted else None
    for agency in order.agencies:
        languages = [each for each in order.languages if (agency, each) not in order.without]
        if not languages:
            continue
        security = _security(engine, desk, held[0], agency)
        quality = _quality(engine, desk, held[0], agency)
        for language in languages:
            given = written[agency, language]
            with engine.connect() as connection:
                earlier = runs.last_written(connection, order.period.key, agency, language)
                signed = runs.last_signed(connection, order.period.key, agency)
            whole = given.over(earlier)
            report = build(
                held[0],
                agency,
                Given(
                    language=language,
                    issuer=order.issuer,
                    rules=desk.rules.composite,
                    security=security,
                    service_quality=quality,
                    written=whole,
                    carried=frozenset(
                        slot for slot, text in whole.slots.items() if given.slots.get(slot, "") != text
                    ),
                ),
            )
            if signed is not None:
                run, before = signed
                reissue = compare(report, before, run.id, run.signed_at)
                report = msgspec.structs.replace(report, reissue=reissue)
            if (agency, language) == last:
                held.clear()  # as large as all else: those who write the report need the room
            yield report, whole


def _security(engine: Engine, desk: Desk, gathered: Gathered, agency: str | None) -> SecurityPart | None:
    reader = security_reader()
    if reader is None:
        return None
    asked = Asked(
        span=gathered.tallied.span,
        before=None if gathered.before is None else gathered.before.tallied.span,
        year_ago=None if gathered.year_ago is None else gathered.year_ago.tallied.span,
        agency=agency,
        canonical=gathered.registry.canonical,
        half_life=desk.settings.risk_half_life,
        now=gathered.made_at,
    )
    with engine.connect() as connection:
        return reader(connection, asked)


def _quality(engine: Engine, desk: Desk, gathered: Gathered, agency: str | None) -> ServiceQuality | None:
    with engine.connect() as connection:
        return service_quality(
            connection,
            gathered.period,
            gathered.registry,
            desk.quality,
            gathered.terms.zone,
            gathered.until,
            agency,
        )


def recorded(engine: Engine, made: Iterable[tuple[Report, Written]]) -> list[Report]:
    """Keep a record of reports, and return them with their numbers. Raises sqlalchemy.exc.DBAPIError."""
    with engine.begin() as connection:
        return [runs.add(connection, report, written) for report, written in made]
