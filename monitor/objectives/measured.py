"""Which objectives exchanges are measured on today: what counters show before the first exchange."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, datetime
from zoneinfo import ZoneInfo

from monitor.judging.book import version_in_force
from monitor.objectives.slo import AVAILABILITY, ERROR_RATE, LATENCY, agreed
from monitor.registry.registry import Registry


class MeasuredToday:
    """Agreement and objective of every agreement that is in force on the local day of the call.

    Bounded by the registry: three for each consumer and service. Worked out once a day.
    """

    def __init__(self, registry: Registry, zone: ZoneInfo, now: Callable[[], datetime]) -> None:
        self._registry = registry
        self._zone = zone
        self._now = now
        self._day: date | None = None
        self._found: frozenset[tuple[str, str]] = frozenset()

    def __call__(self) -> frozenset[tuple[str, str]]:
        """What exchanges of today can be counted under."""
        today = self._now().astimezone(self._zone).date()
        if today != self._day:
            self._found = frozenset(_measured(self._registry, today))
            self._day = today
        return self._found


def _measured(registry: Registry, day: date) -> Iterator[tuple[str, str]]:
    pairs = {(agreement.consumer, agreement.service) for agreement in registry.agreements}
    for consumer, service in pairs:
        agreement = version_in_force(registry.versions(consumer, service), day)
        if agreement is None or not agreement.permits:
            continue
        objectives = agreed(agreement, registry.services[service])
        # As exchanges are counted: availability under every agreement, agreed or not.
        yield agreement.id, AVAILABILITY
        if objectives.error_rate is not None:
            yield agreement.id, ERROR_RATE
        if objectives.latency is not None:
            yield agreement.id, LATENCY
