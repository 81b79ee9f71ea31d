"""The verdict: which alerts belong to which incident, which incidents nobody was told of, and what was
false.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from alerts.lifecycle.total import Total, clusters
from alerts.model import Detection, Group, RuleInfo
from tests.e2e.weeks.calendar import HOUR_MS, Calendar
from tests.e2e.weeks.incidents import KINDS, Incident

# An incident is found when one of these rules alerts about its agency: others may say more, but not what it
# is.
SIGNS: Mapping[str, frozenset[str]] = {
    "bulk": frozenset({"bulk-by-pair", "bulk-by-officer"}),
    "slow harvest": frozenset({"slow-harvest", "equal-chunks", "bulk-by-officer"}),
    "off hours": frozenset({"outside-hours-bulk", "off-hours-access", "bulk-by-officer", "bulk-by-pair"}),
    "browsing": frozenset(
        {"one-subject-many-officers", "one-subject-many-times", "look-up-without-case", "watched-subject"}
    ),
    "stuffing": frozenset({"credential-stuffing", "stuffing-succeeded"}),
    "spraying": frozenset({"password-spraying"}),
    "foreign credentials": frozenset({"foreign-certificate", "system-not-allowed", "new-source-address"}),
    "replay": frozenset({"replay-of-exchanges", "replay-above-usual", "replayed-messages"}),
    "enumeration": frozenset(
        {"denied-burst", "unknown-services", "enumeration-from-one-address", "denied-volume"}
    ),
    "silence": frozenset({"provider-silent", "security-log-silent", "log-gap"}),
}
# A baseline tells at an hour's end, a silence of a day at the day's.
_GRACE_MS = 3 * HOUR_MS


@dataclass(frozen=True, slots=True)
class AlertSeen:
    """An alert as people would see it: detections of one rule, agency and group that lie together in time."""

    rule: str  # the rule's file without folder and suffix
    agency: str
    group: Group
    total: Total


def alerts_of(found: Iterable[Detection], infos: Mapping[str, RuleInfo]) -> list[AlertSeen]:
    """Detections added up as the alerts' life cycle adds them up, by each rule's quiet time."""
    by_key: dict[tuple[str, str, Group], list[Total]] = defaultdict(list)
    for one in found:
        by_key[one.rule, one.agency, one.group].append(Total.of(one))
    return [
        AlertSeen(_name(infos[rule]), agency, group, total)
        for (rule, agency, group), totals in sorted(by_key.items(), key=lambda item: item[0])
        for total in clusters(totals, infos[rule].quiet)
    ]


def _name(info: RuleInfo) -> str:
    return info.source.rsplit("/", 1)[-1].split(".", 1)[0]


@dataclass(slots=True)
class Verdict:
    """What was found, and when after its beginning (hours); what was missed; what was false, by rule."""

    days: int
    found: dict[str, list[Incident]] = field(default_factory=lambda: defaultdict(list))
    missed: dict[str, list[Incident]] = field(default_factory=lambda: defaultdict(list))
    false: list[AlertSeen] = field(default_factory=list)
    delays: dict[str, float] = field(default_factory=dict)

    @property
    def hits(self) -> int:
        """Incidents that were found."""
        return sum(map(len, self.found.values()))

    @property
    def false_a_day(self) -> float:
        """False alerts a day, over all agencies and rules."""
        return len(self.false) / self.days

    def table(self) -> str:
        """The figures, as people read them."""
        lines = [f"{'kind':<22}{'found':>6}{'missed':>8}{'longest delay':>16}"]
        for kind in KINDS:
            delays = [self.delays[one.mark] for one in self.found[kind]]
            worst = f"{max(delays):.1f} h" if delays else ""
            missed = ", ".join(f"#{one.number}" for one in self.missed[kind])
            lines.append(
                f"{kind:<22}{len(self.found[kind]):>6}{len(self.missed[kind]):>8}{worst:>16}  {missed}"
            )
        total = self.hits + sum(map(len, self.missed.values()))
        lines.append(f"found {self.hits} of {total}; false alerts {self.false_a_day:.2f} a day, by rule:")
        by_rule = Counter(one.rule for one in self.false)
        lines += [
            f"  {rule:<32}{count:>5}{count / self.days:>8.2f} a day" for rule, count in by_rule.most_common()
        ]
        return "\n".join(lines)


def judge(alerts: Sequence[AlertSeen], incidents: Sequence[Incident], calendar: Calendar) -> Verdict:
    """Give each alert of the scored weeks to the incident it tells of, or call it false."""
    verdict = Verdict(calendar.scored_days)
    begins, ends = calendar.ms(calendar.scored_from), calendar.ms(calendar.hours.stop)
    told: dict[str, int] = {}
    for alert in alerts:
        if not begins <= alert.total.last_ms <= ends:
            continue
        owner = next((one for one in incidents if _belongs(alert, one, calendar)), None)
        if owner is None:
            verdict.false.append(alert)
        elif alert.rule in SIGNS[owner.kind]:
            told[owner.mark] = min(alert.total.first_ms, told.get(owner.mark, ends))
    for one in incidents:
        if one.mark in told:
            verdict.found[one.kind].append(one)
            verdict.delays[one.mark] = max(0.0, (told[one.mark] - calendar.ms(one.first)) / HOUR_MS)
        else:
            verdict.missed[one.kind].append(one)
    return verdict


def _belongs(alert: AlertSeen, incident: Incident, calendar: Calendar) -> bool:
    """By its evidence; without any, by rule, agency, time, and whom or what the group names."""
    if any(one.event_id.startswith(incident.mark) for one in (*alert.total.earliest, *alert.total.latest)):
        return True
    if alert.agency != incident.agency or alert.rule not in SIGNS[incident.kind]:
        return False
    if not _at_that_time(alert, incident, calendar):
        return False
    group = dict(alert.group)
    officers = {officer.name for _, officer, _ in incident.officer_hours}
    services = {pair.service for _, pair, _ in incident.pair_hours}
    if officers and group.get("actor") not in officers:
        return False
    if services and "service" in group and group["service"] not in services:
        return False
    # What has single events shows them as evidence, unless nothing came.
    return bool(officers or services or incident.away or incident.quiet)


def _at_that_time(alert: AlertSeen, incident: Incident, calendar: Calendar) -> bool:
    first, last = calendar.ms(incident.first), calendar.ms(incident.last)
    return alert.total.first_ms <= last + _GRACE_MS and alert.total.last_ms >= first
