"""Sums of one span under the terms in force then, in arrays that a registry gives their shape."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from datetime import date
from operator import add
from typing import Final, NamedTuple, Self

from monitor.judging.book import version_in_force
from monitor.objectives.figures import Figure, Outcomes, figure
from monitor.objectives.reading import PairSum
from monitor.objectives.slo import LATENCY, SLOS, Agreed, Counted, agreed, served, timely
from monitor.registry.registry import Registry

WIDTH: Final = 4
"""Numbers of a version (served, of them bad, timely, of them bad), and of a service (by outcome)."""

Pair = tuple[str, str]  # consumer and service, under present codes


class Block(NamedTuple):
    """WIDTH numbers for each agreement version and each service, in the order of the `Layout`."""

    versions: array[int]
    services: array[int]

    def plus(self, other: Self) -> Block:
        """A new block that holds both."""
        return Block(
            array("q", map(add, self.versions, other.versions)),
            array("q", map(add, self.services, other.services)),
        )


_REMEMBERED: Final = 65_536  # names of pairs whose place on the day that was judged last is known


class Layout:
    """Where each agreement version and each service of a registry stands in a block.

    What is summed is bounded by the registry: a name that it does not hold is left out, as nobody agreed
    anything for it.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._versions = {(one.id, one.version): index for index, one in enumerate(registry.agreements)}
        self._services = {name: index for index, name in enumerate(registry.services)}
        self._objectives = [
            (one.id, _ratios(agreed(one, registry.services[one.service]))) for one in registry.agreements
        ]
        self._day: date | None = None
        self._places: dict[tuple[str, str, str], tuple[int, int | None] | tuple[None, None]] = {}

    def empty(self) -> Block:
        """A block in which nothing happened."""
        return Block(
            array("q", bytes(8 * WIDTH * len(self._versions))),
            array("q", bytes(8 * WIDTH * len(self._services))),
        )

    def pair(self, provider: str, consumer: str, service: str) -> Pair | None:
        """Consumer and service under their present codes; None unless all three are registered together."""
        canonical = self.registry.canonical
        offered = self.registry.services.get(service)
        asks = canonical.get(consumer)
        if offered is None or asks is None or canonical.get(provider) != offered.provider:
            return None
        return asks, service

    def judge(self, rows: Iterable[PairSum], day: date) -> Block:
        """Add sums of one local day to a new block, each under the version in force on that day.

        A pair without a version in force, or under one that permits nothing, has no objective to keep: its
        exchanges count for the service's outcomes only.
        """
        if day != self._day or len(self._places) > _REMEMBERED:
            self._day, self._places = day, {}
        places, block = self._places, self.empty()
        versions, services = block
        for row in rows:
            names = row[:3]
            place = places.get(names)
            if place is None:
                place = places[names] = self._place(*names, day)
            service_at, version_at = place
            if service_at is None:
                continue
            services[service_at] += row.ok
            services[service_at + 1] += row.fault
            services[service_at + 2] += row.denied
            services[service_at + 3] += row.timeout
            if version_at is not None:
                events, bad = served(row.ok, row.fault, row.timeout)
                versions[version_at] += events
                versions[version_at + 1] += bad
                events, bad = timely(row.ok, row.slow)  # shown only where a latency was agreed
                versions[version_at + 2] += events
                versions[version_at + 3] += bad
        return block

    def _place(
        self, provider: str, consumer: str, service: str, day: date
    ) -> tuple[int, int | None] | tuple[None, None]:
        """Where the numbers of a pair stand on a day: its service's, and its version's if it had one."""
        pair = self.pair(provider, consumer, service)
        if pair is None:
            return None, None
        agreement = version_in_force(self.registry.versions(*pair), day)
        service_at = self._services[service] * WIDTH
        if agreement is None or not agreement.permits:
            return service_at, None
        return service_at, self._versions[agreement.id, agreement.version] * WIDTH

    def figures(self, block: Block) -> dict[tuple[str, str], Figure]:
        """How each objective was kept, by agreement and slo; what had no exchanges is absent."""
        parts: dict[tuple[str, str], list[tuple[Counted, float]]] = {}
        for index, (name, objectives) in enumerate(self._objectives):
            at = index * WIDTH
            if not block.versions[at]:
                continue
            events, bad, answered, slow = block.versions[at : at + WIDTH]
            for slo, objective in objectives:
                counted = Counted(answered, slow) if slo == LATENCY else Counted(events, bad)
                if counted.events:
                    parts.setdefault((name, slo), []).append((counted, objective))
        return {key: figure(held) for key, held in parts.items()}

    def quality(self, block: Block) -> dict[tuple[str, str], Outcomes]:
        """Outcomes by provider and service; what had no exchanges is absent."""
        found = {}
        for (name, index), service in zip(
            self._services.items(), self.registry.services.values(), strict=True
        ):
            outcomes = Outcomes(*block.services[index * WIDTH : (index + 1) * WIDTH])
            if outcomes.exchanges:
                found[service.provider, name] = outcomes
        return found


def _ratios(objectives: Agreed) -> list[tuple[str, float]]:
    """Each slo that is agreed, with its objective."""
    held = ((slo, objectives.objective(slo)) for slo in SLOS)
    return [(slo, objective) for slo, objective in held if objective is not None]
