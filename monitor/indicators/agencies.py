"""The indicators of every agency, worked out from its situation and its duties."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Final

from monitor.duties.facts import Traffic
from monitor.duties.item import DutyItem
from monitor.duties.situation import Situation
from monitor.indicators.indicator import Indicator, unscored
from monitor.indicators.objectives import Met
from monitor.judging.book import version_in_force

CONNECTION: Final = "connection"
SERVICES_USED: Final = "services_used"
TRAFFIC: Final = "traffic_under_agreement"
DUTIES: Final = "duties_on_time"
OBJECTIVES: Final = "objectives_met"
INDICATORS: Final = (CONNECTION, SERVICES_USED, TRAFFIC, DUTIES, OBJECTIVES)
"""In the order in which they are shown."""


ByAgency = dict[str, dict[str, Indicator]]
"""Indicators by agency and name; what does not concern an agency is there, and unscored."""


def agency_indicators(
    at: Situation, items: Iterable[DutyItem], objectives: Mapping[str, Met] | None = None
) -> ByAgency:
    """The five indicators of every agency of the registry, over the window of the rules.

    - connection: it is live (dormant is live) and security-cleared; of one that is connected.
    - services_used: services it provides that were answered at least once; of those that somebody may use,
      that is, whose consumer of an agreement in force is live. Eligible are all that have begun: what stands
      in the registry is what must be shared.
    - traffic_under_agreement: exchanges it made as consumer that an agreement permitted, whatever else was
      wrong with them; of those whose provider and service the registry holds.
    - duties_on_time: duties neither overdue nor done too late.
    - objectives_met: objectives of what it provides (absent without `objectives`).

    An agency that is not connected is scored in none of them, and lowers the coverage of each that concerns
    it. One that has not gone live yet, or is suspended, has no services that could be used.
    """
    targets = at.rules.indicators.targets
    duties, on_time = Counter[str](), Counter[str]()
    for one in items:
        duties[one.agency] += 1
        on_time[one.agency] += one.on_time
    offered, usable, used = _services(at)
    found: ByAgency = {}
    for code in at.registry.agencies:
        standing = at.standings[code]
        traffic = at.facts.traffic.get(code, Traffic())
        live = standing.in_use and standing.cleared
        parts = {
            CONNECTION: (int(live), 1, 1),
            SERVICES_USED: (used[code], usable[code], offered[code])
            if standing.in_use
            else (0, 0, offered[code]),
            TRAFFIC: (traffic.agreed, traffic.judged, traffic.exchanges),
            DUTIES: (on_time[code], duties[code], duties[code]),
        }
        if objectives is not None:
            parts[OBJECTIVES] = objectives.get(code, Met())
        found[code] = {
            name: Indicator(name, *counts, target=getattr(targets, name))
            if standing.connected
            else unscored(name, counts[2], getattr(targets, name))
            for name, counts in parts.items()
        }
    return found


def _services(at: Situation) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """By provider: services that have begun, those that somebody may use, and those that somebody did."""
    usable_by: defaultdict[str, bool] = defaultdict(bool)
    for consumer, name in {(each.consumer, each.service) for each in at.registry.agreements}:
        one = version_in_force(at.registry.versions(consumer, name), at.today)
        if one is not None and one.permits and at.standings[consumer].in_use:
            usable_by[name] = True
    offered, usable, used = Counter[str](), Counter[str](), Counter[str]()
    for name, service in at.registry.services.items():
        if service.since is not None and service.since > at.today:
            continue
        offered[service.provider] += 1
        if usable_by[name]:
            usable[service.provider] += 1
            used[service.provider] += at.facts.answered.get(name, 0) > 0
    return offered, usable, used
