"""The book of alerts: detections go in, inside the transaction of whoever found them, and alerts come out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo

from sqlalchemy import Connection, bindparam, func, select, update

from alerts.lifecycle import locked
from alerts.lifecycle.alert import Alert, Change, alert_id, opened
from alerts.lifecycle.episodes import Folded, fold
from alerts.lifecycle.owner import owner_of
from alerts.lifecycle.tables import alerts, series
from alerts.lifecycle.total import Total, moment, storable
from alerts.model import Detection, Group, Level, RuleInfo
from alerts.rule import RuleSet
from monitor.judging.terms import UNREGISTERED
from monitor.registry.registry import Registry

# Open alerts of one rule that are told apart; more than that nobody reads. The groups beyond share one alert
# an agency, so that a flood (a rule by source address, a scan from everywhere) stays bounded; its count tells
# how much came.
OPEN_PER_RULE = 200
OTHER_GROUPS: Group = (("group", "others"),)

# Made once: making a statement takes several times as long as running it, and nearly each commit runs these.
_open_by_rule = (
    select(alerts.c.rule, func.count())
    .where(alerts.c.state == "open", alerts.c.rule.in_(bindparam("some_rules", expanding=True)))
    .group_by(alerts.c.rule)
)
_number = update(series).where(series.c.id == bindparam("one")).values(last_episode=bindparam("number"))


@dataclass(slots=True)
class _Found:
    """What there is for one id."""

    info: RuleInfo
    agency: str
    group: Group
    totals: list[Total] = field(default_factory=list)

    @property
    def begins(self) -> datetime:
        return moment(min(total.first_ms for total in self.totals))


class AlertBook:
    """Adds detections to alerts under the rules and the registry of the moment. Holds no state of its own.

    `built_in` are rules that lie in no folder. Whoever finds their detections bounds and ends their alerts
    group by group: however many are open, none is put together with others.
    """

    def __init__(
        self,
        rules: RuleSet,
        registry: Registry,
        zone: tzinfo = UTC,
        *,
        built_in: Iterable[RuleInfo] = (),
        open_per_rule: int = OPEN_PER_RULE,
    ) -> None:
        own = {info.id: info for info in built_in}
        loaded = {one.info.id: one.info for one in (*rules.events, *rules.memories)}
        self._rules: Mapping[str, RuleInfo] = {**own, **loaded}
        self._bounded_elsewhere = own.keys() - loaded.keys()
        self._registry = registry
        self._zone = zone
        self._open_per_rule = open_per_rule

    def info(self, rule: str) -> RuleInfo:
        """What is known of a rule; for one that is no longer loaded, a stand-in that says so."""
        return self._rules.get(rule) or RuleInfo(
            rule,
            title=f"Rule no longer loaded: {rule}",
            level=Level.MEDIUM,
            title_vi=f"Quy tắc không còn được nạp: {rule}",
        )

    def registered(self, agency: str) -> str:
        """An agency's present code; `unregistered` for one that the registry does not hold."""
        return self._registry.canonical.get(agency, UNREGISTERED)

    def write(self, connection: Connection, detections: Iterable[Detection], now: datetime) -> list[Change]:
        """Add detections to the alerts of their rules, agencies and groups, in the caller's transaction.

        Counts add up exactly, whichever transactions the detections of several partitions come in, as long as
        each detection is given in the one transaction that commits. Returns what is to be told, which the
        outbox then holds too. Call it after the compare-and-set of the offset, and touch no alert before it
        in the same transaction: its locks are taken in one order. Raises sqlalchemy.exc.DBAPIError.
        """
        found = self._by_id(detections)
        if not found:
            return []
        self._bounded(connection, found)
        last = locked.lock(connection, found)
        held = locked.reachable(connection, {one: what.begins for one, what in found.items()})
        folded = {
            one: self._fold(what, held.get(one, []), last[one], now) for one, what in sorted(found.items())
        }
        locked.remove(connection, [gone for one in folded.values() for gone in one.gone])
        numbers = [
            {"one": one, "number": result.last_episode}
            for one, result in folded.items()
            if result.last_episode != last[one]
        ]
        if numbers:
            connection.execute(_number, numbers)
        changes = [change for one in folded.values() for change in one.changes]
        locked.put(connection, [alert for one in folded.values() for alert in one.alerts], changes)
        return changes

    def _by_id(self, detections: Iterable[Detection]) -> dict[str, _Found]:
        apart: dict[tuple[str, str, Group], list[Total]] = {}
        for one in detections:
            key = (one.rule, storable(one.agency), tuple(sorted(one.group)))
            apart.setdefault(key, []).append(Total.of(one))
        return {
            alert_id(rule, agency, group): _Found(self.info(rule), agency, group, totals)
            for (rule, agency, group), totals in apart.items()
        }

    def _fold(self, what: _Found, held: list[Alert], last_episode: int, now: datetime) -> Folded:
        info = what.info
        if what.group == OTHER_GROUPS:
            info = replace(
                info,
                title=f"{info.title} (further groups)",
                title_vi=f"{info.title_vi} (các nhóm khác)".lstrip(),
            )

        def opener(total: Total, episode: int) -> Alert:
            agency, group, at = what.agency, what.group, moment(total.last_ms)
            owner = owner_of(info, agency, group, at, self._registry, self._zone)
            return opened(total, info, agency=agency, group=group, owner=owner, episode=episode, now=now)

        return fold(held, what.totals, last_episode, info.quiet, opener, now)

    # A flood of groups

    def _bounded(self, connection: Connection, found: dict[str, _Found]) -> None:
        """Put together the groups that would open more than `open_per_rule` alerts of a rule.

        Decided before the locks are taken, so two transactions at once may go a little over.
        """
        by_rule: dict[str, list[str]] = {}
        for key, what in found.items():
            if what.info.id not in self._bounded_elsewhere:
                by_rule.setdefault(what.info.id, []).append(key)
        if not by_rule:
            return
        column = alerts.c
        is_open = {row[0]: row[1] for row in connection.execute(_open_by_rule, {"some_rules": list(by_rule)})}
        for rule, keys in by_rule.items():
            already = is_open.get(rule, 0)
            if already + len(keys) <= self._open_per_rule:
                continue
            query = select(column.id).where(column.state == "open", column.rule == rule)
            known = set(connection.execute(query).scalars())
            new = sorted((key for key in keys if key not in known), key=lambda key: (found[key].begins, key))
            for key in new[max(0, self._open_per_rule - already) :]:
                self._put_together(found, found.pop(key))

    def _put_together(self, found: dict[str, _Found], what: _Found) -> None:
        agency = self.registered(what.agency)
        key = alert_id(what.info.id, agency, OTHER_GROUPS)
        found.setdefault(key, _Found(what.info, agency, OTHER_GROUPS)).totals.extend(what.totals)
