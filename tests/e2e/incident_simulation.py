"""Four weeks of a platform under attack, after four weeks of history, through the shipped rules and the
real engine.

The platform is the example registry's: the agencies that are connected, the pairs that have an agreement in
force, 32 exchanges a second on the week's average with the simulator's rhythm and skew, some 2,500 officers,
20 thousand accounts. Into its ordinary noise (`tests.e2e.weeks`) forty incidents are written, four of each of
ten kinds, at seeded times. Sizes of noise and incidents were written down before the rules were tuned, by
the false alerts of the first seed; other seeds are a check.

What is exact. Every event that could match a rule on single events, or a count of them, is an event and goes
through `alerts.engine.engine.Engine` with all shipped rules: breaches, refusals, repeats, every security
event.

What is left out. Exchanges that keep their agreement and are answered: no rule on single events can match
them, but for full pages (officers' searches find odd numbers here, so none is full but the harvester's) and
look-ups of a person. Of the latter, persons who are looked up fewer than four times on a day are left out:
the rules on one person need six officers or forty look-ups within a day, and no such person can get there.

What is given as totals. The four baselines over all exchanges (volume of a pair, volume of an officer,
different persons of an officer, silence of a provider) get one total for each group and hour, by
`observe_total`, instead of some eighty million observations. Their verdicts depend on the hour's total and,
for sums, on the mean square of single values, which is then taken as an exponential distribution's. What
differs is only the moment within the hour at which a bound is passed. The history is given by `prime`, as a
worker takes it from its ledger.

What is added up. Detections become alerts as in `alerts.lifecycle`: by rule, agency and group, those no
further apart than the rule's quiet time are one. An alert that no incident explains is false, also where it
tells of something that is really wrong (an agreement that lapsed, a certificate that ran out, a tool's
finding).
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from random import Random

from alerts.engine.register import AgreementsInForce
from alerts.model import Detection
from alerts.sigma.load import load_rules
from monitor.registry.load import load_registry
from tests.e2e.weeks.calendar import HOUR_MS, ZONE, Calendar
from tests.e2e.weeks.events import Timed
from tests.e2e.weeks.feeds import Singles, Totals
from tests.e2e.weeks.incidents import EACH, KINDS, Author
from tests.e2e.weeks.noise_exchanges import ExchangeNoise
from tests.e2e.weeks.noise_security import SecurityNoise
from tests.e2e.weeks.platform import platform
from tests.e2e.weeks.verdict import Verdict, alerts_of, judge
from tests.e2e.weeks.volumes import Volumes

ROOT = Path(__file__).resolve().parents[2]


def simulate(
    seed: int,
    calendar: Calendar | None = None,
    each: int = EACH,
    kinds: Sequence[str] = KINDS,
    *,
    totals: bool = True,
) -> Verdict:
    """Run the weeks of `calendar` with `each` incidents of every kind; without `totals`, single events
    only.
    """
    calendar = calendar or Calendar()
    rules = load_rules(ROOT / "alerts" / "rules")
    registry = load_registry(ROOT / "deploy" / "registry")
    made = platform(registry, seed, calendar.day(calendar.scored_from), calendar.weeks)
    incidents = Author(made, calendar, Random(f"{seed}:incidents")).all(each, kinds)
    volumes = Volumes(made, calendar, Random(f"{seed}:volumes"))
    volumes.away += [one.away for one in incidents if one.away]
    exchanges = ExchangeNoise(made, calendar, Random(f"{seed}:exchanges"))
    security = SecurityNoise(made, calendar, Random(f"{seed}:security"))
    security.silent += [one.quiet for one in incidents if one.quiet]
    coming: dict[int, list[Timed]] = defaultdict(
        list
    )  # by hour: cases are worked on for hours, and so written ahead

    def write(events: Iterable[Timed]) -> None:
        for timed in events:
            coming[(timed.time_ms - calendar.ms(0)) // HOUR_MS].append(timed)

    for one in incidents:
        write(one.events)

    by_total, by_event = Totals(rules, calendar), Singles(rules, calendar, AgreementsInForce(registry, ZONE))
    found: list[Detection] = []
    for hour in calendar.hours:
        if totals:
            found += by_total.hour(hour, volumes, incidents)
        write(exchanges.hour(hour))
        write(security.hour(hour))
        found += by_event.hour(hour, coming.pop(hour, ()))
    infos = {rule.info.id: rule.info for rule in (*rules.events, *rules.memories)}
    return judge(alerts_of(found, infos), incidents, calendar)


def main() -> None:
    """Print the table for a seed; with --false, every false alert and what it says."""
    parser = argparse.ArgumentParser(description=simulate.__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--false", action="store_true", help="list every false alert")
    parser.add_argument("--no-totals", action="store_true", help="single events only")
    given = parser.parse_args()
    begun = time.monotonic()
    verdict = simulate(given.seed, totals=not given.no_totals)
    print(verdict.table())  # noqa: T201
    print(f"{time.monotonic() - begun:.0f} s")  # noqa: T201
    if given.false:
        for one in verdict.false:
            when = datetime.fromtimestamp(one.total.first_ms / 1000, ZONE)
            facts = {
                name: round(fact, 1) if isinstance(fact, float) else fact
                for name, fact in one.total.facts.items()
            }
            print(  # noqa: T201
                f"{when:%a %d %b %H:%M} {one.rule} {one.agency} {dict(one.group)} {one.total.count} {facts}"
            )
        print(Counter(one.rule for one in verdict.false))  # noqa: T201


if __name__ == "__main__":
    main()
