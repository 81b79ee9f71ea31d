"""Which agencies and pairs stand out: the rows of the overview's tables, worst first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from math import sqrt
from typing import Any

from monitor.judging.breach import Breach
from monitor.judging.terms import UNREGISTERED, Pair
from monitor.metrics.ledger import Snapshot
from monitor.registry.registry import Registry

Row = dict[str, Any]
_Z = 1.96  # two-sided 95 %


class _Deeds:
    """What one agency did, as consumer (asked, breached, breaches) and as provider (the rest)."""

    __slots__ = ("answered", "asked", "breached", "breaches", "denied", "duration_us", "failures")

    def __init__(self) -> None:
        self.asked = self.breached = self.breaches = 0
        self.answered = self.denied = self.failures = self.duration_us = 0

    def badness(self) -> float:
        return proven_share(self.breached + self.failures, self.asked + self.answered - self.denied)


def agency_rows(snapshot: Snapshot, registry: Registry) -> list[Row]:
    """A row for each agency that asked or answered, the worst first.

    As consumer: `asked`, `breaches`, and `breach_share` (exchanges with at least one breach; one exchange
    may hold several). As provider: `answered`, `failure_share` (faults and timeouts of what it did not deny)
    and `mean_duration_ms`. A share of nothing is None. Worst is the highest share of exchanges that were
    breached or failed which its number of exchanges proves.
    """
    deeds: defaultdict[str, _Deeds] = defaultdict(_Deeds)
    for pair, figures in snapshot.pairs.items():
        consumer = deeds[pair.consumer]
        consumer.asked += figures.exchanges
        consumer.breached += figures.breached
        provider = deeds[pair.provider]
        provider.answered += figures.exchanges
        provider.denied += figures.denied
        provider.failures += figures.fault + figures.timeout
    for (provider_code, _service), microseconds in snapshot.durations_us.items():
        deeds[provider_code].duration_us += microseconds
    for (pair, _breach), count in snapshot.breaches.items():
        deeds[pair.consumer].breaches += count
    ordered = sorted(deeds.items(), key=lambda each: (-each[1].badness(), each[0]))
    return [
        {
            **agency_names(registry, code),
            "asked": each.asked,
            "answered": each.answered,
            "failure_share": _share(each.failures, each.answered - each.denied),
            "breaches": each.breaches,
            "breach_share": _share(each.breached, each.asked),
            "mean_duration_ms": each.duration_us / each.answered / 1000 if each.answered else None,
        }
        for code, each in ordered
    ]


def pair_rows(snapshot: Snapshot, registry: Registry) -> list[Row]:
    """A row for each pair with breaches, most first, with the kind that is most frequent in it."""
    kinds: defaultdict[Pair, dict[Breach, int]] = defaultdict(dict)
    for (pair, breach), count in snapshot.breaches.items():
        kinds[pair][breach] = count
    ordered = sorted(kinds.items(), key=lambda each: (-sum(each[1].values()), each[0]))
    return [
        {
            "consumer": agency_names(registry, pair.consumer),
            "provider": agency_names(registry, pair.provider),
            "service": service_names(registry, pair.service),
            "breaches": sum(counts.values()),
            "exchanges": snapshot.pairs[pair].exchanges if pair in snapshot.pairs else 0,
            "kind": max(counts, key=lambda breach: (counts[breach], breach)),
        }
        for pair, counts in ordered
    ]


def kind_rows(breaches: Mapping[tuple[Pair, Breach], int]) -> list[Row]:
    """A row for each kind of breach that occurred, most frequent first."""
    counts: defaultdict[Breach, int] = defaultdict(int)
    for (_pair, breach), count in breaches.items():
        counts[breach] += count
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return [{"breach": breach, "count": count} for breach, count in ordered]


def agency_names(registry: Registry, code: str) -> Row:
    """An agency's code with its names in both languages; the code itself where it has none."""
    agency = registry.agency(code)
    return {
        "code": code,
        "registered": code != UNREGISTERED,
        "en": agency.name.en if agency else code,
        "vi": agency.name.vi if agency else code,
    }


def service_names(registry: Registry, service: str) -> Row:
    """A service's id with its names in both languages; the id itself where it has none."""
    found = registry.services.get(service)
    return {
        "id": service,
        "registered": service != UNREGISTERED,
        "en": found.name.en if found else service,
        "vi": found.name.vi if found else service,
    }


def proven_share(bad: int, of: int) -> float:
    """The lower bound of Wilson's 95 % interval for a share, so that one bad exchange of two proves little.

    Source: Wilson, Probable inference, Journal of the American Statistical Association 22 (1927).
    """
    if of <= 0:
        return 0.0
    share, square = min(bad / of, 1.0), _Z * _Z
    centre = share + square / (2 * of)
    spread = _Z * sqrt((share * (1 - share) + square / (4 * of)) / of)
    return max((centre - spread) / (1 + square / of), 0.0)


def _share(part: int, of: int) -> float | None:
    return part / of if of > 0 else None
