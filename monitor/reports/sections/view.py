"""What was gathered, as one report sees it: all of it, or what concerns one agency."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from monitor.duties.facts import WITHOUT_AGREEMENT
from monitor.judging.terms import UNREGISTERED, Pair
from monitor.ledger.histogram import Histogram, merge
from monitor.registry.registry import Registry
from monitor.reports.figures import Durations, Indicator, Share, Text, Trend
from monitor.reports.gather.cells import Tallied
from monitor.reports.gather.counted import Counted, total
from monitor.reports.gather.findings import Breached, BreachKey
from monitor.reports.gather.gathered import Compared, Gathered


@dataclass(frozen=True)
class Past:
    """One period, restricted to what concerns the report."""

    tallied: Tallied
    pairs: Mapping[Pair, Counted]
    breaches: Mapping[BreachKey, Breached]

    @cached_property
    def total(self) -> Counted:
        """The sum of all pairs."""
        return total(self.pairs.values())

    @cached_property
    def without(self) -> dict[Pair, int]:
        """Exchanges that could be judged and that no agreement permitted, by pair."""
        found: dict[Pair, int] = {}
        for key, breached in self.breaches.items():
            if key.breach in WITHOUT_AGREEMENT and UNREGISTERED not in key.pair:
                found[key.pair] = found.get(key.pair, 0) + breached.count
        return found

    @cached_property
    def by_service(self) -> dict[tuple[str, str], list[Pair]]:
        """The pairs of each provider and service."""
        found: dict[tuple[str, str], list[Pair]] = {}
        for pair in self.pairs:
            found.setdefault((pair.provider, pair.service), []).append(pair)
        return found

    @cached_property
    def by_provider(self) -> dict[str, list[Pair]]:
        """The pairs of each provider."""
        found: dict[str, list[Pair]] = {}
        for pair in self.pairs:
            found.setdefault(pair.provider, []).append(pair)
        return found

    @cached_property
    def by_consumer(self) -> dict[str, list[Pair]]:
        """The pairs of each consumer."""
        found: dict[str, list[Pair]] = {}
        for pair in self.pairs:
            found.setdefault(pair.consumer, []).append(pair)
        return found

    def exchanges(self, pairs: Iterable[Pair]) -> int:
        """The exchanges of several pairs."""
        return sum(self.pairs[pair].exchanges for pair in pairs)

    def sums(self, pair: Pair) -> Counted:
        """What a pair counted, also where it has no cells."""
        return self.pairs.get(pair) or Counted()

    def under(self, pair: Pair) -> int:
        """Exchanges of a pair that an agreement permitted."""
        if UNREGISTERED in pair:
            return 0
        # The findings of an hour are of exchanges, each of which has one such breach at the most.
        return max(self.pairs[pair].exchanges - self.without.get(pair, 0), 0)

    def latency(self, pairs: Iterable[Pair]) -> Histogram:
        """The merged histogram of several pairs."""
        found: Histogram = {}
        for pair in pairs:
            merge(found, self.tallied.latencies.get(pair, {}))
        return found

    def durations(self, pairs: Iterable[Pair]) -> Durations:
        """How long the exchanges of several pairs took."""
        held = [pair for pair in pairs if pair in self.pairs]
        return total(self.pairs[pair] for pair in held).durations(self.latency(held))


class View:
    """One report's view; `agency` is a present code, None for the national report."""

    def __init__(self, gathered: Gathered, agency: str | None) -> None:
        self.gathered = gathered
        self.agency = agency
        self.now = self._past(gathered.tallied, gathered.breaches)
        self.before = self._compared(gathered.before)
        self.year_ago = self._compared(gathered.year_ago)

    @property
    def registry(self) -> Registry:
        """The registry."""
        return self.gathered.registry

    def concerns(self, *agencies: str) -> bool:
        """Whether something of these agencies belongs into the report."""
        return self.agency is None or self.agency in agencies

    def name(self, agency: str) -> Text | None:
        """What an agency is called; None for what the registry does not hold."""
        return name_of(self.registry, agency)

    def trend(self, count: Callable[[Past], int]) -> Trend:
        """A count of each period."""
        return Trend(
            now=count(self.now),
            before=None if self.before is None else count(self.before),
            year_ago=None if self.year_ago is None else count(self.year_ago),
        )

    def indicator(
        self,
        key: str,
        counts: Callable[[Past], tuple[int, int, int]],
        *,
        target: float | None,
        source: str,
        reason: str,
    ) -> Indicator:
        """An indicator of each period, from numerator, denominator and eligible; `reason` is for a 0."""
        numerator, denominator, eligible = counts(self.now)
        return Indicator(
            key=key,
            numerator=numerator,
            denominator=denominator,
            eligible=eligible,
            target=target,
            source=source,
            scored=denominator > 0,
            reason=None if denominator else reason,
            before=share_of(self.before, counts),
            year_ago=share_of(self.year_ago, counts),
        )

    def availability(self, pairs: Callable[[Past], Iterable[Pair]], target: float | None = None) -> Indicator:
        """Answers of what was answered or failed; a denial is neither, and lowers the coverage."""

        def counts(past: Past) -> tuple[int, int, int]:
            sums = total(past.pairs[pair] for pair in pairs(past))
            return sums.sums[0], sums.sums[0] + sums.failed, sums.exchanges

        return self.indicator("availability", counts, target=target, source="cells", reason="no_exchanges")

    def _past(self, tallied: Tallied, breaches: Mapping[BreachKey, Breached]) -> Past:
        if self.agency is None:
            return Past(tallied, tallied.pairs, breaches)
        return Past(
            tallied,
            {pair: each for pair, each in tallied.pairs.items() if self.agency in pair[:2]},
            {key: each for key, each in breaches.items() if self.agency in key.pair[:2]},
        )

    def _compared(self, compared: Compared | None) -> Past | None:
        return None if compared is None else self._past(compared.tallied, compared.breaches)


def share_of(past: Past | None, counts: Callable[[Past], tuple[int, int, int]]) -> Share | None:
    """The two counts of another period."""
    if past is None:
        return None
    numerator, denominator, _ = counts(past)
    return Share(numerator=numerator, denominator=denominator)


def name_of(registry: Registry, agency: str) -> Text | None:
    """What an agency is called in both languages."""
    known = registry.agencies.get(agency)
    return None if known is None else Text(en=known.name.en, vi=known.name.vi)
