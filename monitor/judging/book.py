"""The book of agreements: which terms hold for a pair in a given hour."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from monitor.judging.breach import Breach
from monitor.judging.hours import opening
from monitor.judging.terms import UNREGISTERED, Breaches, Pair, Said, Terms
from monitor.objectives.slo import agreed
from monitor.registry.load import Registry
from monitor.registry.model import Agreement

_SURELY_TOMORROW = 36 * 3600  # seconds from a local midnight to some time of the next day, in any zone
_RESOLVED = 65_536  # (pair, hour) combinations remembered: an hour of 5 thousand pairs, several times over


class Book:
    """A registry, opened for judging: terms by names and hour."""

    def __init__(self, registry: Registry, zone: ZoneInfo) -> None:
        self.registry = registry
        self.zone = zone
        self._verdicts: dict[tuple[str, int], dict[Said, Breaches]] = {}
        self._registered_terms = lru_cache(maxsize=_RESOLVED)(self._resolve)

    def terms(self, provider: str, consumer: str, service: str, hour: int) -> Terms:
        """Return the terms for names as they stand on an exchange, in the UTC hour starting at `hour`.

        A former code of an agency counts as its present one. Within a UTC hour terms never change:
        agreements begin and end with local days, and local days begin on a whole hour.
        """
        canonical = self.registry.canonical
        known_provider = canonical.get(provider, UNREGISTERED)
        known_consumer = canonical.get(consumer, UNREGISTERED)
        offered = self.registry.services.get(service)
        known_service = (
            service if offered is not None and offered.provider == known_provider else UNREGISTERED
        )
        pair = Pair(known_provider, known_consumer, known_service)
        if UNREGISTERED in (known_provider, known_consumer):
            return Terms(pair, Breach.UNKNOWN_AGENCY)
        if known_service is UNREGISTERED:
            return Terms(pair, Breach.UNKNOWN_SERVICE)
        return self._registered_terms(pair, hour)

    def day_begins(self, hour: int) -> int:
        """The UTC hour with which the local day of an hour begins, both in epoch seconds."""
        # fold=0: where clocks are put back to midnight, the day begins with the first of the two.
        local = datetime.fromtimestamp(hour, self.zone)
        return int(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).timestamp())

    def day_ends(self, day: int) -> int:
        """The UTC hour with which the next local day begins: a day has 23 or 25 hours when clocks change."""
        return self.day_begins(day + _SURELY_TOMORROW)

    def _resolve(self, pair: Pair, hour: int) -> Terms:
        versions = self.registry.versions(pair.consumer, pair.service)
        today = datetime.fromtimestamp(hour, self.zone).date()
        agreement = version_in_force(versions, today)
        if agreement is None:
            stopped = version_ended(versions, today)
            if stopped is not None and stopped.status == "terminated":
                return Terms(pair, Breach.AGREEMENT_INACTIVE, stopped.id, stopped.version)
            return Terms(pair, standing_without(versions, today))
        named = {"agreement": agreement.id, "version": agreement.version}
        if not agreement.permits:
            return Terms(pair, Breach.AGREEMENT_INACTIVE, agreement.id, agreement.version)
        limits = agreement.ceilings
        objectives = agreed(agreement, self.registry.services[pair.service])
        return Terms(
            pair,
            **named,  # type: ignore[arg-type]
            purposes=frozenset(agreement.purposes),
            fields=frozenset(agreement.fields) or None,
            records_per_call=limits.records_per_call,
            calls_per_day=limits.calls_per_day,
            opening=opening(agreement.hours, hour, self.zone) if agreement.hours else None,
            case_required=agreement.case_required,
            signature_required=agreement.signature_required,
            latency_limit_ms=objectives.latency.limit_ms if objectives.latency else float("inf"),
            error_rate_agreed=objectives.error_rate is not None,
            verdicts=self._verdicts.setdefault((agreement.id, agreement.version), {}),
        )


def version_in_force(versions: Sequence[Agreement], day: date) -> Agreement | None:
    """Return the version that covers a local day; a draft only where nothing else does."""
    covering = [version for version in versions if version.start <= day <= version.last_day]
    settled = [version for version in covering if version.status != "draft"]
    candidates = settled or covering
    return candidates[-1] if candidates else None


def version_ended(versions: Sequence[Agreement], day: date) -> Agreement | None:
    """Return the version that was the last to end before a local day; drafts never began."""
    ended = [version for version in versions if version.last_day < day and version.status != "draft"]
    return max(ended, key=lambda version: version.last_day, default=None)


def standing_without(versions: Sequence[Agreement], day: date) -> Breach:
    """Say why no version covers a day: there is none, one ran out, or the first is yet to start."""
    if not versions:
        return Breach.NO_AGREEMENT
    if any(version.last_day < day for version in versions):
        return Breach.AGREEMENT_EXPIRED
    return Breach.AGREEMENT_NOT_STARTED
