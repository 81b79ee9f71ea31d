"""The 72-hour clock: when a notice is due, how long is left, and the alerts as time runs out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from alerts.incidents.model import Incident
from alerts.model import Detection, Evidence, Group, Level, RuleInfo

# Law 91/2025, in force since 1 January 2026: a breach of personal data is notified within 72 hours of its
# detection.
NOTIFY_WITHIN: Final = timedelta(hours=72)
THRESHOLDS: Final = (48, 24, 6, 0)  # hours left at which an alert is raised, in the order they come
# The clock is no stream that falls quiet: its alerts end when somebody notifies or decides, not by
# themselves. Two years stand for "never", which the life cycle has no word for.
UNTIL_SETTLED: Final = 2 * 365 * 86_400

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RUNBOOK = (
    "monitor incidents show ID: read what is known; ask the agency for what is missing.",
    "monitor incidents amend ID --set cause=…: fill in; monitor incidents notice ID drafts the notice.",
    "Have the notice approved and sent by the desk in charge.",
    "monitor incidents notified ID --at … --by DESK --reference …: this stops the clock.",
    "Not a leak of personal data: monitor incidents close ID --not-notifiable --by DESK --reason …",
)


def _rule(uuid: str, level: Level, risk: int, title: str, title_vi: str) -> RuleInfo:
    return RuleInfo(
        id=uuid,
        title=title,
        title_vi=title_vi,
        level=level,
        risk_score=risk,
        description="The clock of an incident that must be notified within 72 hours of its detection.",
        author="Data-sharing monitor",
        runbook=_RUNBOOK,
        quiet=UNTIL_SETTLED,
        source="built in",
    )


CLOCK_RULES: Final[Mapping[int, RuleInfo]] = {
    48: _rule(
        "5b0d5e1c-7c61-4a50-9a3c-0d8f6b2e4801",
        Level.MEDIUM,
        40,
        "A breach notice is due within 48 hours",
        "Còn không quá 48 giờ để thông báo sự cố dữ liệu cá nhân",
    ),
    24: _rule(
        "5b0d5e1c-7c61-4a50-9a3c-0d8f6b2e2401",
        Level.HIGH,
        70,
        "A breach notice is due within 24 hours",
        "Còn không quá 24 giờ để thông báo sự cố dữ liệu cá nhân",
    ),
    6: _rule(
        "5b0d5e1c-7c61-4a50-9a3c-0d8f6b2e0601",
        Level.CRITICAL,
        88,
        "A breach notice is due within 6 hours",
        "Còn không quá 6 giờ để thông báo sự cố dữ liệu cá nhân",
    ),
    0: _rule(
        "5b0d5e1c-7c61-4a50-9a3c-0d8f6b2e0001",
        Level.CRITICAL,
        98,
        "A breach notice is overdue",
        "Đã quá hạn thông báo sự cố dữ liệu cá nhân",
    ),
}
"""The rules of the clock's alerts, by hours left. Their ids never change: alerts are known by them."""


def due_at(detected_at: datetime) -> datetime:
    """When a notice must have been given, for an incident detected then."""
    return detected_at + NOTIFY_WITHIN


def runs(incident: Incident) -> bool:
    """Whether its clock runs: nobody has notified or decided, and personal data may be concerned."""
    return incident.status == "open" and incident.personal_data != "no"


def hours_left(incident: Incident, now: datetime) -> float:
    """Hours until the notice is due; negative when it is overdue."""
    return (incident.due_at - now) / timedelta(hours=1)


def clock_detections(incidents: Iterable[Incident], now: datetime) -> list[Detection]:
    """What the running clocks have come to since `warned`: one detection an incident and threshold.

    A detection depends on the incident and the threshold alone, not on when it is looked for: whoever looks
    late gets all that were missed, each with the time at which it was reached, or at which the clock began
    to be watched where that was later. The moment itself counts as reached: with exactly 24 hours left, the
    24 hours are told.
    """
    found = []
    for incident in incidents:
        if not runs(incident):
            continue
        for hours in THRESHOLDS:
            moment = incident.due_at - timedelta(hours=hours)
            told = incident.warned is not None and hours >= incident.warned
            if moment <= now and not told:
                found.append(_detection(incident, hours, max(moment, incident.running_since)))
    return found


def clock_groups(incident: Incident) -> list[tuple[str, str, Group]]:
    """(rule, agency, group) of the alerts that an incident's clock may have open: resolved when it stops."""
    return [(rule.id, incident.agency, _group(incident)) for rule in CLOCK_RULES.values()]


def overtaken_groups(told: Detection) -> list[tuple[str, str, Group]]:
    """(rule, agency, group) of the alerts that told of more time than a detection of the same clock does."""
    hours = int(told.facts["within_hours"])
    return [(rule.id, told.agency, told.group) for more, rule in CLOCK_RULES.items() if more > hours]


def _group(incident: Incident) -> Group:
    return (("incident", incident.id),)


def _detection(incident: Incident, hours: int, moment: datetime) -> Detection:
    time_ms = (moment - _EPOCH) // timedelta(milliseconds=1)
    return Detection(
        rule=CLOCK_RULES[hours].id,
        agency=incident.agency,
        group=_group(incident),
        first_ms=time_ms,
        last_ms=time_ms,
        count=1,
        evidence=(Evidence(time_ms, f"{incident.id}/{hours}h"),),
        facts={"incident": incident.id, "within_hours": hours, "due": incident.due_at.isoformat()},
    )
