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
from monitor.objectives.slo import AVAILABILITY, ERROR_RATE, LATENCY, Counted, agreed, served, timely
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


class Layout:
    """Where each agreement version and each service of a registry stands in a block.

    What is summed is bounded by the registry: a name that it does not hold is left out, as nobody agreed
    anything for it.
    """

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._versions = {(one.id, one.version): index for index, one in enumerate(registry.agreements)}
        self._services = {name: index for index, name in enumerate(registry.services)}
        self._agreed = [agreed(one, registry.services[one.service]) for one in registry.agreements]

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
        block = self.empty()
        versions, services = block
        for row in rows:
            pair = self.pair(row.provider, row.consumer, row.service)
            if pair is None:
                continue
            at = self._services[pair[1]] * WIDTH
            services[at] += row.ok
            services[at + 1] += row.fault
            services[at + 2] += row.denied
            services[at + 3] += row.timeout
            agreement = version_in_force(self.registry.versions(*pair), day)
            if agreement is None or not agreement.permits:
                continue
            index = self._versions[agreement.id, agreement.version]
            at = index * WIDTH
            events, bad = served(row.ok, row.fault, row.timeout)
            versions[at] += events
            versions[at + 1] += bad
            events, bad = timely(row.ok, row.slow)  # shown only where a latency was agreed
            versions[at + 2] += events
            versions[at + 3] += bad
        return block

    def figures(self, block: Block) -> dict[tuple[str, str], Figure]:
        """How each objective was kept, by agreement and slo; what had no exchanges is absent."""
        parts: dict[tuple[str, str], list[tuple[Counted, float]]] = {}
        for index, one in enumerate(self.registry.agreements):
            at = index * WIDTH
            if not block.versions[at]:
                continue
            numbers = block.versions[at : at + WIDTH]
            availability, latency = Counted(numbers[0], numbers[1]), Counted(numbers[2], numbers[3])
            for slo, counted in (
                (AVAILABILITY, availability),
                (ERROR_RATE, availability),
                (LATENCY, latency),
            ):
                objective = self._agreed[index].objective(slo)
                if objective is not None and counted.events:
                    parts.setdefault((one.id, slo), []).append((counted, objective))
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
