"""Connection, obstacles and what is due next: what agencies must do, as of the end of the period."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from monitor.duties.item import DutyItem, end_of, last_day
from monitor.reports.figures import Indicator, Share, Text
from monitor.reports.gather.standing import Stood
from monitor.reports.model import Coming, ConnectionPart, ConnectionRow, ObjectiveRow, Obstacle
from monitor.reports.sections.compliance import duties_of
from monitor.reports.sections.sharing import days_of
from monitor.reports.sections.view import View, name_of
from monitor.reports.texts import both

MOST_OBSTACLES: Final = 500  # overdue duties first, then the objectives that were missed most often
MOST_COMING: Final = 500
_RESPONSIBLE: Final = {
    "connect": "connect",
    "freshness": "operation",
    "review": "agreement",
    "expiry": "agreement",
    "default_list_review": "connect",
    "answer": "answer",
}


def connection_part(view: View) -> ConnectionPart:
    """How far agencies have come towards the deadline."""
    gathered = view.gathered
    stood, earlier = gathered.stood, None if gathered.before is None else gathered.before.stood
    rules = gathered.terms.rules.connect
    _, last = days_of(view)
    bound = {
        each.agency: each for each in stood.items if each.duty == "connect" and view.concerns(each.agency)
    }
    rows = []
    for code, agency in gathered.registry.agencies.items():
        if not view.concerns(code):
            continue
        standing, duty = stood.standings[code], bound.get(code)
        due = None if duty is None or duty.due is None else last_day(duty.due, gathered.terms.zone)
        rows.append(
            ConnectionRow(
                agency=code,
                name=Text(en=agency.name.en, vi=agency.name.vi),
                state=standing.state,
                cleared=standing.cleared,
                since=standing.since,
                points=agency.connection.points,
                deadline=due,
                done=standing.in_use and standing.cleared,
            )
        )
    done = sum(each.done for each in bound.values())
    own = {each.deadline for each in rows if each.deadline is not None}
    deadline = own.pop() if len(own) == 1 else rules.deadline
    return ConnectionPart(
        live=Indicator(
            key="connection",
            numerator=done,
            denominator=len(bound),
            eligible=len(bound),
            target=gathered.terms.rules.indicators.targets.connection,
            source="standings",
            scored=bool(bound),
            reason=None if bound else "nobody_bound",
            before=None if earlier is None else _share(earlier, view),
        ),
        deadline=deadline,
        days_left=(deadline - last).days,
        states=_states(stood, view),
        states_before=None if earlier is None else _states(earlier, view),
        agencies=tuple(rows),
    )


def _share(stood: Stood, view: View) -> Share:
    bound = [each for each in stood.items if each.duty == "connect" and view.concerns(each.agency)]
    return Share(numerator=sum(each.done for each in bound), denominator=len(bound))


def _states(stood: Stood, view: View) -> dict[str, int]:
    ours = (standing.state for code, standing in stood.standings.items() if view.concerns(code))
    return dict(sorted(Counter[str](ours).items()))


# Obstacles


def obstacles(view: View, objectives: tuple[ObjectiveRow, ...]) -> tuple[list[Obstacle], int]:
    """What is overdue or was not kept, in the form of the six "clear"; and how many more there are.

    Missed objectives of a service are one obstacle for each kind: it is one service that must be put right.
    """
    overdue = sorted(
        (each for each in duties_of(view) if each.overdue),
        key=lambda each: (each.due is None, each.due, each.agency, each.subject),
    )
    found = [*(_of_duty(view, each) for each in overdue), *_of_objectives(view, objectives)]
    return found[:MOST_OBSTACLES], max(len(found) - MOST_OBSTACLES, 0)


def _of_duty(view: View, one: DutyItem) -> Obstacle:
    day = None if one.due is None else last_day(one.due, view.gathered.terms.zone)
    return Obstacle(
        id=f"OB-{one.duty}-{one.agency}-{one.subject}",
        agency=one.agency,
        kind=one.duty,
        subject=one.subject,
        who=_who(view, one.agency),
        work=both(f"obstacle.{one.duty}.work", subject=one.subject),
        responsibility=both(f"responsibility.{_RESPONSIBLE[one.duty]}"),
        authority=_authority(view, one.agency),
        time=both("time.not_known") if day is None else both("time.was_due", day=day),
        result=both(f"obstacle.{one.duty}.result", subject=one.subject),
    )


def _of_objectives(view: View, objectives: tuple[ObjectiveRow, ...]) -> Iterator[Obstacle]:
    groups: dict[tuple[str, str, str], list[ObjectiveRow]] = {}
    for row in objectives:
        if row.kept is False and view.concerns(row.provider):
            groups.setdefault((row.provider, row.service, row.slo), []).append(row)
    following = view.gathered.period.following.last_day
    order = sorted(groups.items(), key=lambda each: (-sum(row.bad - row.allowed for row in each[1]), each[0]))
    for (provider, service, slo), rows in order:
        attained = Share(
            numerator=sum(row.attained.numerator for row in rows),
            denominator=sum(row.attained.denominator for row in rows),
        )
        # Of several objectives the strictest is named; each row of the report has its own.
        strictest = max(row.objective for row in rows)
        values = {
            "subject": service,
            "share": attained,
            "objective": Share(numerator=round(strictest * 10**9), denominator=10**9),
            "agreements": len(rows),
        }
        yield Obstacle(
            id=f"OB-{slo}-{provider}-{service}",
            agency=provider,
            kind=slo,
            subject=service,
            who=_who(view, provider),
            work=both(f"obstacle.{slo}.work", **values),
            responsibility=both("responsibility.operation"),
            authority=_authority(view, provider),
            time=both("time.by", day=following),
            result=both(f"obstacle.{slo}.result"),
        )


def _who(view: View, agency: str) -> Text:
    return name_of(view.registry, agency) or Text(en=agency, vi=agency)


def _authority(view: View, agency: str) -> Text:
    known = view.registry.agencies.get(agency)
    return both(f"authority.{'other' if known is None else known.kind}")


# What comes


def coming(view: View) -> tuple[list[Coming], int]:
    """What falls due within the period that follows, and how many more than are listed."""
    gathered = view.gathered
    zone = gathered.terms.zone
    ends: datetime = end_of(gathered.period.following.last_day, zone)
    due = [
        (last_day(each.due, zone), each)
        for each in duties_of(view)
        # Data that is synchronised every hour is due every hour: that is no date to keep in mind.
        if each.due is not None and not each.done and not each.overdue and each.duty != "freshness"
        if each.due <= ends
    ]
    rows = [
        Coming(
            day=day,
            agency=each.agency,
            kind=each.duty,
            subject=each.subject,
            text=both(f"coming.{each.duty}", subject=each.subject),
        )
        for day, each in sorted(
            due, key=lambda pair: (pair[0], pair[1].agency, pair[1].duty, pair[1].subject)
        )
    ]
    return rows[:MOST_COMING], max(len(rows) - MOST_COMING, 0)
