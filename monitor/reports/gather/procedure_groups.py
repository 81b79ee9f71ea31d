"""Public services by group of procedures: the sums of the period told group by group, the worst first."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from monitor.dossiers.index import index_of
from monitor.dossiers.rules import OTHER, QualityRules
from monitor.dossiers.sums import ByGroup
from monitor.reports.figures import Text
from monitor.reports.gather.scored import indicator, shares
from monitor.reports.shape.service_quality import ProcedureGroup
from monitor.reports.texts.catalogue import CATALOGUE

_NOTHING: Mapping[str, int] = {}


def procedure_groups(
    now: ByGroup, before: ByGroup, year_ago: ByGroup, rules: QualityRules
) -> tuple[ProcedureGroup, ...]:
    """Every group of the period, the worst share on time first, those that are not scored last.

    `before` and `year_ago` are the sums of other periods, empty where there is nothing to compare with.
    """
    rows = (_row(group, now, before, year_ago, rules) for group in now)
    return tuple(sorted(rows, key=_place))


def _row(group: str, now: ByGroup, before: ByGroup, year_ago: ByGroup, rules: QualityRules) -> ProcedureGroup:
    sums, index = now[group], index_of(now[group], rules)
    then, long_ago = (shares(index_of(each.get(group, _NOTHING), rules)) for each in (before, year_ago))
    items = {one.key: one for one in index.items}
    completed = sums["completed"]
    return ProcedureGroup(
        group=group,
        name=_name(group, rules, alone=len(now) == 1),
        received=index.received,
        completed=completed,
        on_time=indicator(
            items["on_time"], then, long_ago, "none_decided" if completed else "none_completed"
        ),
        handled=index.handled,
        handling_days=index.handling_days,
        filed_online=indicator(items["filed_online"], then, long_ago),
        paid_online=indicator(items["paid_online"], then, long_ago),
        satisfaction=indicator(items["satisfaction"], then, long_ago),
    )


def _name(group: str, rules: QualityRules, *, alone: bool) -> Text:
    named = rules.group_names.get(group)
    if named is not None:
        return Text(en=named.en, vi=named.vi)
    if group != OTHER:
        return Text(en=group, vi=group)
    # Where nobody made groups, nothing is there that these could be other than.
    return CATALOGUE["procedures.all" if alone and not rules.groups else "procedures.other"]


def _place(row: ProcedureGroup) -> tuple[bool, Fraction, int, int, str]:
    """Shares are compared exactly; of equal ones the group that concerns more dossiers is first."""
    of = row.on_time
    share = Fraction(of.numerator, of.denominator) if of.scored else Fraction(0)
    return not of.scored, share, -of.denominator, -row.received, row.group
