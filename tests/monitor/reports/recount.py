"""A second way to make a report's numbers: from the events, one by one, with none of the monitor's code.

It gives a flat mapping from where a number stands in JSON to what it must be. Percentiles are given as the
exact duration of that rank.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from tests.builders import agency, agreement, made, service
from tests.monitor.reports.ledgers import Event

HANOI_OFFSET = timedelta(hours=7)  # of Asia/Ho_Chi_Minh, all year
CODES = {"MPS": "MPS", "GOV-P": "MPS", "MOH": "MOH", "VSS": "VSS"}  # present and former, to the present one
PROVIDERS = {"population.verify-identity": "MPS", "insurance.verify-insured": "VSS"}
AGREED = {("MOH", "population.verify-identity")}
PURPOSE = "health-insurance"
AVAILABILITY, SLOW_MS, TIMELY = 0.94, 100.0, 0.84
OUTCOMES = ("ok", "fault", "denied", "timeout")
UNKNOWN = "unregistered"

REGISTRY = made(
    agreement(objectives={"availability": AVAILABILITY, "latency": {"limit_ms": SLOW_MS, "ratio": TIMELY}}),
    agencies=(agency("MPS", previous_codes=["GOV-P"]), agency("MOH"), agency("VSS")),
    services=(
        service(),
        service("insurance.verify-insured", provider="VSS", fields=["insurance_number"]),
    ),
)


@dataclass
class Sum:
    """What some exchanges amount to."""

    outcomes: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    records: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    breached: int = 0
    duplicates: int = 0
    slow: int = 0
    us: list[int] = field(default_factory=list)

    @property
    def exchanges(self) -> int:
        """All of them."""
        return sum(self.outcomes.values())


Key = tuple[str, str, str]


def recount(events: Sequence[Event], period: tuple[date, date]) -> dict[str, Any]:
    """Every number of volume, quality, compliance and pairs of the national report on these local days."""
    pairs: defaultdict[Key, Sum] = defaultdict(Sum)
    days: defaultdict[date, Sum] = defaultdict(Sum)
    breaches: defaultdict[tuple[str, Key], int] = defaultdict(int)
    denied: defaultdict[tuple[str, Key], int] = defaultdict(int)
    seen: set[str] = set()
    for event in events:
        day = (event.time + HANOI_OFFSET).date()
        again = event.id in seen
        seen.add(event.id)
        if not period[0] <= day <= period[1]:
            continue
        key = pair_of(event)
        sums = (pairs[key], days[day])
        found = ["duplicate_id"] if again else breaches_of(event, key)
        for breach in found:
            breaches[breach, key] += 1
            denied[breach, key] += event.outcome == "denied"
        for each in sums:
            if again:
                each.duplicates += 1
                continue
            each.outcomes[event.outcome] += 1
            each.records += event.records
            each.request_bytes += event.request_bytes
            each.response_bytes += event.response_bytes
            each.breached += bool(found)
            each.slow += key in agreed_keys() and event.outcome == "ok" and event.duration_ms > SLOW_MS
            each.us.append(math.floor(event.duration_ms * 1000 + 0.5))
    expected: dict[str, Any] = {}
    total = together(pairs.values())
    expected |= volume("volume.total", total)
    for day in days_between(*period):
        here = days[day]
        expected |= {
            f"volume.days[{day}].exchanges": here.exchanges,
            f"volume.days[{day}].failed": here.outcomes["fault"] + here.outcomes["timeout"],
            f"volume.days[{day}].denied": here.outcomes["denied"],
            f"volume.days[{day}].breached": here.breached,
        }
    # The other period has no part in `period`: its exchanges are counted day by day, each event once.
    last_before = period[0] - timedelta(days=1)
    daily = dict.fromkeys(days_between(last_before.replace(day=1), last_before), 0)
    for event in {each.id: each for each in reversed(events)}.values():
        day = (event.time + HANOI_OFFSET).date()
        if day in daily:
            daily[day] += 1
    expected["volume.days_before"] = ", ".join(map(str, daily.values()))
    expected["volume.days_year_ago"] = ""
    active = [key for key, each in pairs.items() if each.exchanges]
    expected |= {
        "volume.agencies_active.now": len({code for key in active for code in key[:2]} - {UNKNOWN}),
        "volume.services_active.now": len({key[2] for key in active} - {UNKNOWN}),
        "volume.pairs_active.now": len(active),
    }
    expected |= availability("quality.availability", total)
    expected |= share("quality.denied", total.outcomes["denied"], total.exchanges)
    expected |= durations("quality.durations", total)
    by_service: defaultdict[tuple[str, str], list[Key]] = defaultdict(list)
    for key in pairs:
        by_service[key[0], key[2]].append(key)
    for (provider, name), keys in by_service.items():
        sums_of = together(pairs[key] for key in keys)
        at = f"quality.services[{provider}/{name}]"
        expected |= volume(f"{at}.volume", sums_of)
        expected |= durations(f"{at}.durations", sums_of)
        expected |= availability(f"{at}.availability", sums_of)
        expected[f"{at}.exchanges.now"] = sums_of.exchanges
        expected[f"{at}.consumers"] = sum(pairs[key].exchanges > 0 for key in keys)
    for key, here in pairs.items():
        at = f"pairs[{'/'.join(key)}]"
        expected |= volume(f"{at}.volume", here)
        expected |= durations(f"{at}.durations", here)
        expected |= availability(f"{at}.availability", here)
        expected[f"{at}.exchanges.now"] = here.exchanges
        expected[f"{at}.under_agreement"] = here.exchanges if key in agreed_keys() else 0
    expected |= objectives(pairs)
    expected |= compliance(pairs, breaches, denied)
    return expected


def pair_of(event: Event) -> Key:
    """The present codes, or `unregistered`."""
    provider, consumer = CODES.get(event.provider, UNKNOWN), CODES.get(event.consumer, UNKNOWN)
    name = event.service if PROVIDERS.get(event.service) == provider else UNKNOWN
    return provider, consumer, name


def agreed_keys() -> set[Key]:
    """Pairs with an agreement."""
    return {(PROVIDERS[name], consumer, name) for consumer, name in AGREED}


def breaches_of(event: Event, key: Key) -> list[str]:
    """What is wrong with an exchange."""
    if UNKNOWN in key[:2]:
        return ["unknown_agency"]
    if key[2] == UNKNOWN:
        return ["unknown_service"]
    if key not in agreed_keys():
        return ["no_agreement"]
    if event.purpose is None:
        return ["purpose_missing"]
    return [] if event.purpose == PURPOSE else ["purpose_not_permitted"]


def objectives(pairs: dict[Key, Sum]) -> dict[str, Any]:
    """The two objectives of the one agreement."""
    here = pairs.get(("MPS", "MOH", "population.verify-identity"), Sum())
    failed = here.outcomes["fault"] + here.outcomes["timeout"]
    rows = {
        "availability": (here.outcomes["ok"] + failed, failed, AVAILABILITY),
        "latency": (here.outcomes["ok"], here.slow, TIMELY),
    }
    found: dict[str, Any] = {}
    met = measured = 0
    for slo, (of, bad, objective) in rows.items():
        at = f"quality.objectives[AGR-1/{slo}]"
        found |= share(f"{at}.attained", of - bad, of)
        found[f"{at}.bad"] = bad
        found[f"{at}.allowed"] = round((1 - objective) * of, 6)
        kept = bad <= (1 - objective) * of + 1e-6
        found[f"{at}.kept"] = kept if of else None
        measured += of > 0
        met += of > 0 and kept
    at = "quality.objectives_met"
    return found | {f"{at}.numerator": met, f"{at}.denominator": measured, f"{at}.eligible": 2}


def compliance(
    pairs: dict[Key, Sum], breaches: dict[tuple[str, Key], int], denied: dict[tuple[str, Key], int]
) -> dict[str, Any]:
    """Coverage, breaches by kind and by pair."""
    judged = [key for key in pairs if UNKNOWN not in key]
    total = together(pairs.values())
    at = "compliance.under_agreement"
    found: dict[str, Any] = {
        f"{at}.numerator": sum(pairs[key].exchanges for key in judged if key in agreed_keys()),
        f"{at}.denominator": sum(pairs[key].exchanges for key in judged),
        f"{at}.eligible": total.exchanges,
    }
    found |= share("compliance.without_breach", total.exchanges - total.breached, total.exchanges)
    kinds = {kind for kind, _ in breaches}
    for kind in kinds:
        at = f"compliance.breaches[{kind}]"
        found[f"{at}.count.now"] = sum(n for (name, _), n in breaches.items() if name == kind)
        found[f"{at}.denied"] = sum(n for (name, _), n in denied.items() if name == kind)
        found[f"{at}.pairs"] = sum(name == kind for name, _ in breaches)
    for (kind, key), count in breaches.items():
        at = f"compliance.findings[{'/'.join((kind, *key))}]"
        found[f"{at}.count"] = count
        found[f"{at}.denied"] = denied[kind, key]
    return found


def together(sums: Any) -> Sum:
    """The sum of sums."""
    found = Sum()
    for each in sums:
        for name in OUTCOMES:
            found.outcomes[name] += each.outcomes[name]
        for name in ("records", "request_bytes", "response_bytes", "breached", "duplicates", "slow"):
            setattr(found, name, getattr(found, name) + getattr(each, name))
        found.us += each.us
    return found


def volume(at: str, of: Sum) -> dict[str, Any]:
    """A volume's numbers."""
    names = ("records", "request_bytes", "response_bytes", "breached", "duplicates", "exchanges")
    found = {f"{at}.{name}": getattr(of, name) for name in names}
    return found | {f"{at}.{name}": count for name, count in of.outcomes.items()} | {f"{at}.late": 0}


def availability(at: str, of: Sum) -> dict[str, Any]:
    """Availability: refusals are left out."""
    served = of.exchanges - of.outcomes["denied"]
    return {
        f"{at}.numerator": of.outcomes["ok"],
        f"{at}.denominator": served,
        f"{at}.eligible": of.exchanges,
    }


def share(at: str, numerator: int, denominator: int) -> dict[str, Any]:
    """An indicator of which all that is eligible is scored."""
    return {f"{at}.numerator": numerator, f"{at}.denominator": denominator, f"{at}.eligible": denominator}


def durations(at: str, of: Sum) -> dict[str, Any]:
    """Exact durations; percentiles by rank."""
    found: dict[str, Any] = {f"{at}.exchanges": of.exchanges, f"{at}.total_us": sum(of.us)}
    ordered = sorted(of.us)
    found[f"{at}.shortest_us"] = ordered[0] if ordered else None
    found[f"{at}.longest_us"] = ordered[-1] if ordered else None
    for name, q in (("p50_us", 0.5), ("p95_us", 0.95), ("p99_us", 0.99)):
        found[f"{at}.{name}"] = ordered[max(math.ceil(q * len(ordered)), 1) - 1] if ordered else None
    return found


def days_between(first: date, last: date) -> list[date]:
    """Every local day of a period."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def local(text: str) -> datetime:
    """A local time as UTC."""
    return (datetime.fromisoformat(text) - HANOI_OFFSET).replace(tzinfo=UTC)
