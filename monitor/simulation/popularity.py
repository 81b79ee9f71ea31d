"""Popularity: a few services and a few consumers make most of the exchanges, as everywhere."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING

from monitor.registry.model import Method

if TYPE_CHECKING:
    from monitor.registry.load import Registry

_EXPONENT = 1.1  # Zipf's law, a little steeper than 1
# A transfer carries in one call what queries carry in hundreds, so there are fewer of them.
_BY_METHOD: dict[Method, float] = {"query": 1.0, "sync": 0.05, "sync-general": 0.03, "package": 0.005}


def pair_weights(registry: Registry, seed: int) -> dict[tuple[str, str], float]:
    """Weight of every (consumer, service) that has an agreement.

    The most agreed-upon service comes first among services; consumers are ranked by lot.
    """
    pairs = sorted({(agreement.consumer, agreement.service) for agreement in registry.agreements})
    agreed = Counter(service for _, service in pairs)
    services = [service for service, _ in sorted(agreed.items(), key=lambda item: (-item[1], item[0]))]
    consumers = sorted({consumer for consumer, _ in pairs})
    Random(f"{seed}:popularity").shuffle(consumers)
    of_service = {service: rank**-_EXPONENT for rank, service in enumerate(services, 1)}
    of_consumer = {consumer: rank**-_EXPONENT for rank, consumer in enumerate(consumers, 1)}
    return {
        (consumer, service): of_consumer[consumer]
        * of_service[service]
        * _BY_METHOD[registry.services[service].method]
        for consumer, service in pairs
    }
