"""Keeps the record of reports: adds drafts, signs them, finds what an issue is to be compared with."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from monitor.errors import UsageProblem
from monitor.reports.figures import Language
from monitor.reports.model import Report
from monitor.reports.narrative import Written
from monitor.reports.tables import report_runs

KEPT_DRAFTS: Final = 5
"""Drafts kept of one period, agency and language; older ones go. What was signed is never deleted."""

LONGEST_ISSUER: Final = 200
_runs = report_runs.c
_HEAD = (
    _runs.id,
    _runs.period,
    _runs.agency,
    _runs.language,
    _runs.issuer,
    _runs.made_at,
    _runs.state,
    _runs.signed_at,
    _runs.signed_by,
    _runs.fingerprint,
)


@dataclass(frozen=True, slots=True)
class Run:
    """One report that was made; `agency` is None for the national one."""

    id: int
    period: str
    agency: str | None
    language: Language
    issuer: str | None
    made_at: datetime
    state: str
    signed_at: datetime | None
    signed_by: str | None
    fingerprint: str


def add(connection: Connection, report: Report, written: Written) -> Report:
    """Record a report as a draft, and return it with its number; forget the oldest drafts of its kind."""
    values: dict[str, Any] = {
        "period": report.period.key,
        "agency": report.agency or "",
        "language": report.language,
        "issuer": report.issuer,
        "made_at": report.made_at,
        "state": "draft",
        "signed_at": None,
        "signed_by": None,
        "fingerprint": report.inputs.fingerprint,
        "narrative": msgspec.json.encode(
            {
                "slots": dict(written.slots),
                "obstacles": {name: dict(words) for name, words in written.obstacles.items()},
            }
        ).decode(),
        "figures": packed(report),
    }
    number = connection.execute(insert(report_runs).returning(_runs.id), values).scalar_one()
    numbered = msgspec.structs.replace(report, run=number)
    kind = (
        _runs.period == report.period.key,
        _runs.agency == (report.agency or ""),
        _runs.language == report.language,
        _runs.state == "draft",
    )
    drafts = connection.execute(select(_runs.id).where(*kind).order_by(_runs.id.desc())).scalars().all()
    if len(drafts) > KEPT_DRAFTS:
        connection.execute(delete(report_runs).where(_runs.id.in_(drafts[KEPT_DRAFTS:])))
    connection.execute(update(report_runs).where(_runs.id == number), {"figures": packed(numbered)})
    return numbered


def remove(connection: Connection, number: int) -> None:
    """Take back a draft whose files could not be written."""
    connection.execute(delete(report_runs).where(_runs.id == number, _runs.state == "draft"))


def sign(connection: Connection, number: int, office: str, at: datetime) -> Report:
    """Mark a draft as signed, by an office or role, and return the report as it was signed.

    Raises UsageProblem where there is no such run, where it is signed already, or still about to date.
    """
    run, report = load(connection, number)
    if run.state == "signed":
        raise UsageProblem(f"run {number} was signed already, by {run.signed_by}")
    if report.period.to_date:
        raise UsageProblem(
            f"run {number} is to date: {report.period.key} was still running; make the report again"
        )
    signed = msgspec.structs.replace(report, state="signed", issuer=office)
    changed = connection.execute(
        update(report_runs).where(_runs.id == number, _runs.state == "draft"),
        {"state": "signed", "signed_at": at, "signed_by": office, "figures": packed(signed)},
    )
    if changed.rowcount != 1:
        raise UsageProblem(f"run {number} was signed meanwhile")
    return signed


def load(connection: Connection, number: int) -> tuple[Run, Report]:
    """A run and its report. Raises UsageProblem where there is none."""
    row = connection.execute(select(*_HEAD, _runs.figures).where(_runs.id == number)).first()
    if row is None:
        raise UsageProblem(f"there is no report run {number}: `monitor report list` shows those there are")
    return _run(row), unpacked(row.figures)


def last_signed(connection: Connection, period: str, agency: str | None) -> tuple[Run, Report] | None:
    """The report on a period and agency that was signed last, in whatever language."""
    number = connection.execute(
        select(_runs.id)
        .where(_runs.period == period, _runs.agency == (agency or ""), _runs.state == "signed")
        .order_by(_runs.signed_at.desc(), _runs.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    return None if number is None else load(connection, number)


def last_written(connection: Connection, period: str, agency: str | None, language: str) -> Written:
    """What people wrote for the last issue of a report."""
    text = connection.execute(
        select(_runs.narrative)
        .where(_runs.period == period, _runs.agency == (agency or ""), _runs.language == language)
        .order_by(_runs.id.desc())
        .limit(1)
    ).scalar_one_or_none()
    if text is None:
        return Written()
    held = msgspec.json.decode(text)
    return Written(held["slots"], held["obstacles"])


def all_runs(connection: Connection, limit: int) -> Sequence[Run]:
    """The runs, the newest first."""
    query = select(*_HEAD).order_by(_runs.id.desc()).limit(limit)
    return [_run(row) for row in connection.execute(query)]


def packed(report: Report) -> bytes:
    """A report as it is kept."""
    return zlib.compress(msgspec.json.encode(report), 6)


def unpacked(figures: bytes) -> Report:
    """A report that was kept. Raises UsageProblem where another version of the program wrote it."""
    try:
        return msgspec.json.decode(zlib.decompress(figures), type=Report)
    except (zlib.error, msgspec.MsgspecError) as why:
        raise UsageProblem(f"the figures of this run cannot be read by this version: {why}") from why


def _run(row: Any) -> Run:
    return Run(
        id=row.id,
        period=row.period,
        agency=row.agency or None,
        language=row.language,
        issuer=row.issuer,
        made_at=row.made_at,
        state=row.state,
        signed_at=row.signed_at,
        signed_by=row.signed_by,
        fingerprint=row.fingerprint,
    )
