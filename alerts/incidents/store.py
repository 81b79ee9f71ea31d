"""Incidents in the database. Every function works within the caller's transaction.

Call `open_incidents` late in a transaction: it may wait for another worker that opens one, and then holds
the year's number until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, insert, select, update

from alerts.incidents.changes import differences, hear
from alerts.incidents.clock import clock_detections, due_at, runs
from alerts.incidents.clock_alerts import resolve_clock_alerts
from alerts.incidents.model import Change, Incident, Report, items
from alerts.incidents.rows import to_change, to_incident, to_json, to_row
from alerts.incidents.tables import incident_changes, incident_numbers, incident_sources, incidents
from alerts.incidents.words import UNSETTLED, Tier
from alerts.model import Detection
from monitor.errors import UsageProblem
from monitor.storage.rows import portions
from monitor.storage.upsert import insert_new

# A desk cannot work on more of one agency at a time, and one flood must not fill the list for all others.
MAX_UNSETTLED_PER_AGENCY: Final = 100
MAX_UNSETTLED: Final = 2000
MACHINE: Final = "monitor"  # the desk that is none: opened or told by the program itself


@dataclass(slots=True)
class Opened:
    """What became of reports: incidents opened, reports known before, and reports beyond the limits."""

    incidents: list[Incident] = field(default_factory=list)
    known: int = 0
    refused: int = 0


def open_incidents(
    connection: Connection, reports: Iterable[Report], *, zone: ZoneInfo, now: datetime, desk: str = MACHINE
) -> Opened:
    """Open an incident for each source that has none; of reports of one source the earliest detection holds.

    A report of which any key is known opens none: `known` counts it, an alert is noted at the incident it
    belongs to, and one not heard before may tell that personal data are concerned (`changes.hear`). Give the
    reports of a batch's events and alerts together, or those of events first: an event tells more of an
    incident than the alert on it.
    Numbers are those of the year of detection in `zone`: INC-2026-0001. A report beyond
    MAX_UNSETTLED_PER_AGENCY or MAX_UNSETTLED incidents opens none and is counted in `refused`; the alert or
    event that made it is kept elsewhere.
    """
    opened = Opened()
    # Each source once; what was reported of it in one batch in several ways, as it was detected first.
    by_source: dict[str, Report] = {}
    given = sorted(reports, key=_order)
    for report in reversed(given):
        opened.known += report.source in by_source
        by_source[report.source] = report
    wanted = sorted(by_source.values(), key=_order)
    if not wanted:
        return opened
    held = _incidents_of(connection, given)
    if not all(_key_held(report, held) for report in wanted):
        # Years in order, so that two writers never wait for each other; once they are held, what others have
        # opened is committed and can be seen.
        numbers = {
            year: _hold_number(connection, year) for year in sorted({_year(one, zone) for one in wanted})
        }
        held = _incidents_of(connection, given)
        per_agency = _unsettled_by_agency(connection)
        for report in wanted:
            if _key_held(report, held):
                continue
            of_agency = per_agency.get(report.agency, 0)
            if of_agency >= MAX_UNSETTLED_PER_AGENCY or sum(per_agency.values()) >= MAX_UNSETTLED:
                opened.refused += 1
                continue
            per_agency[report.agency] = of_agency + 1
            year = _year(report, zone)
            numbers[year] += 1
            incident = _open(connection, report, f"INC-{year}-{numbers[year]:04d}", desk, now)
            opened.incidents.append(incident)
            held |= dict.fromkeys(_keys(report), incident.id)
        for year, last in numbers.items():
            rows = update(incident_numbers).where(incident_numbers.c.year == year)
            connection.execute(rows.values(last=last))
    new = {one.source for one in opened.incidents}
    opened.known += sum(one.source not in new and _key_held(one, held) for one in wanted)
    _link(connection, [one for one in given if _key_held(one, held)], held, now, desk)
    return opened


def find_incident(connection: Connection, incident: str, *, for_update: bool = False) -> Incident:
    """The incident of an id; raises UsageProblem where there is none."""
    query = select(incidents).where(incidents.c.id == incident)
    if for_update:
        query = query.with_for_update()
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        raise UsageProblem(f"there is no incident {incident}: `monitor incidents list` shows them")
    return to_incident(row)


def list_incidents(
    connection: Connection, *, unsettled: bool = False, limit: int | None = None
) -> list[Incident]:
    """Incidents, those first whose notice is due first; with `unsettled` only open and notified ones."""
    query = select(incidents).order_by(incidents.c.due_at, incidents.c.id)
    if unsettled:
        query = query.where(incidents.c.status.in_(UNSETTLED))
    if limit is not None:
        query = query.limit(limit)
    return [to_incident(row) for row in connection.execute(query).mappings()]


def changes_of(connection: Connection, incident: str) -> list[Change]:
    """An incident's audit trail, oldest first."""
    query = select(incident_changes).where(incident_changes.c.incident == incident)
    return [to_change(row) for row in connection.execute(query.order_by("number")).mappings()]


def change_incident(
    connection: Connection,
    incident: str,
    step: Callable[[Incident], Incident],
    *,
    what: str,
    desk: str,
    now: datetime,
) -> Incident:
    """Apply one of `alerts.incidents.changes` and note it in the audit trail; return what it is then.

    Where its clock stops or starts anew, the alerts that the clock had raised are resolved. A step that
    changes nothing writes nothing. Raises UsageProblem for an unknown id, and what the step does.
    """
    before = find_incident(connection, incident, for_update=True)
    after = step(before)
    changed = differences(before, after)
    if not changed:
        return before
    row = to_row(after)
    connection.execute(update(incidents).where(incidents.c.id == incident).values(row))
    if runs(before) and (not runs(after) or after.running_since != before.running_since):
        resolve_clock_alerts(connection, after, now)
    last = select(func.max(incident_changes.c.number)).where(incident_changes.c.incident == incident)
    number = (connection.execute(last).scalar() or 0) + 1
    _note(connection, incident, number, now, desk, what, changed)
    return after


def take_clock_detections(connection: Connection, now: datetime) -> list[Detection]:
    """Of each running clock the detection of the least time that it has come to, given out once.

    What it came to before that is past. The caller makes alerts of them in the same transaction. Of several
    callers at once, one gets each.
    """
    query = select(incidents).where(incidents.c.status == "open", incidents.c.personal_data != "no")
    # By id: two callers never wait for each other.
    running = [
        to_incident(row)
        for row in connection.execute(query.order_by(incidents.c.id).with_for_update()).mappings()
    ]
    found = []
    for incident in running:
        detections = clock_detections([incident], now)
        if detections:
            told = min(detections, key=_hours)
            mine = incidents.c.id == incident.id
            connection.execute(update(incidents).where(mine).values(warned=_hours(told)))
            found.append(told)
    return found


def _hours(detection: Detection) -> int:
    return int(detection.facts["within_hours"])


class Standing(NamedTuple):
    """What metrics and the page show of the incidents that are not settled."""

    due: Mapping[str, datetime]  # incident -> when its notice is due, for those whose clock runs
    by_tier: Mapping[Tier, int]


def read_standing(connection: Connection) -> Standing:
    """Unsettled incidents by tier, and which notices are due when; MAX_UNSETTLED bounds both."""
    unsettled = list_incidents(connection, unsettled=True)
    by_tier = dict.fromkeys(Tier, 0)
    for incident in unsettled:
        by_tier[incident.tier] += 1
    return Standing({one.id: one.due_at for one in unsettled if runs(one)}, by_tier)


def _open(connection: Connection, report: Report, number: str, desk: str, now: datetime) -> Incident:
    incident = Incident(
        **_fields(report),
        id=number,
        due_at=due_at(report.detected_at),
        running_since=now,
        opened_at=now,
        updated_at=now,
    )
    connection.execute(insert(incidents), to_row(incident))
    # Two reports of one batch may share an alias.
    rows = [{"source": key, "incident": number} for key in sorted(_keys(report))]
    insert_new(connection, incident_sources, rows)
    facts = {name: value for name, value in _fields(report).items() if name != "aliases"}
    _note(connection, number, 1, now, desk, "opened", facts)
    return incident


def _link(
    connection: Connection, known: Iterable[Report], held: Mapping[str, str], now: datetime, desk: str
) -> None:
    """Note what reports add to the incidents they belong to, and their keys, to be known next time.

    One whose keys are all held was heard before, and adds nothing: a desk may have judged it since.
    """
    alerts: dict[str, set[str]] = {}
    more_told: dict[str, list[Report]] = {}
    keys: dict[str, str] = {}
    for report in known:
        incident = next(held[key] for key in (report.source, *report.aliases) if key in held)
        if report.source not in held:
            alerts.setdefault(incident, set()).update(report.alerts)
        if new := _keys(report) - held.keys():
            more_told.setdefault(incident, []).append(report)
            keys |= dict.fromkeys(new, incident)
    if not keys:
        return
    rows = [{"source": key, "incident": incident} for key, incident in sorted(keys.items())]
    insert_new(connection, incident_sources, rows)
    # By id: two writers never wait for each other.
    for incident, told in sorted(more_told.items()):
        if more := sorted(alerts.get(incident, ())):
            linked = partial(_with_alerts, more=more, now=now)
            change_incident(connection, incident, linked, what="linked", desk=desk, now=now)
        if any(one.personal_data == "yes" for one in told):
            heard = partial(_with_told, told=told, now=now)
            change_incident(connection, incident, heard, what="reported again", desk=MACHINE, now=now)


def _with_alerts(incident: Incident, more: Iterable[str], now: datetime) -> Incident:
    return replace(incident, alerts=items((*incident.alerts, *more)), updated_at=now)


def _with_told(incident: Incident, told: Iterable[Report], now: datetime) -> Incident:
    for report in told:
        incident = hear(incident, report, now)
    return incident


def _order(report: Report) -> tuple[bool, datetime, str, str]:
    """Events before alerts, then by detection; the rest only so that the order of arrival decides nothing."""
    return report.kind == "leak_rule", report.detected_at, report.source, to_json(asdict(report))


def _fields(report: Report) -> dict[str, Any]:
    return {name: getattr(report, name) for name in Report.__dataclass_fields__}


def _year(report: Report, zone: ZoneInfo) -> int:
    return report.detected_at.astimezone(zone).year


def _keys(report: Report) -> set[str]:
    return {report.source, *report.aliases}


def _key_held(report: Report, held: Mapping[str, str]) -> bool:
    return any(key in held for key in _keys(report))


def _incidents_of(connection: Connection, reports: Iterable[Report]) -> dict[str, str]:
    """The incidents of those keys of reports that are known."""
    keys = sorted({key for report in reports for key in _keys(report)})
    held: dict[str, str] = {}
    for chunk in portions(keys):
        column = incident_sources.c
        query = select(column.source, column.incident).where(column.source.in_(chunk))
        held |= {row[0]: row[1] for row in connection.execute(query)}
    return held


def _hold_number(connection: Connection, year: int) -> int:
    """The last number given out in a year, held for this transaction."""
    insert_new(connection, incident_numbers, [{"year": year, "last": 0}])
    query = select(incident_numbers.c.last).where(incident_numbers.c.year == year)
    return int(connection.execute(query.with_for_update()).scalar_one())


def _unsettled_by_agency(connection: Connection) -> dict[str, int]:
    query = select(incidents.c.agency, func.count()).where(incidents.c.status.in_(UNSETTLED))
    return {agency: int(count) for agency, count in connection.execute(query.group_by(incidents.c.agency))}


def _note(
    connection: Connection,
    incident: str,
    number: int,
    at: datetime,
    desk: str,
    what: str,
    changed: Mapping[str, Any],
) -> None:
    row = {
        "incident": incident,
        "number": number,
        "at": at,
        "desk": desk,
        "what": what,
        "changed": to_json(changed),
    }
    connection.execute(insert(incident_changes), row)
