"""What a registry amounts to on a day: counts, versions in force, agreements that end soon."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from monitor.registry.model import Agreement
from monitor.registry.registry import Registry

EXPIRY_NOTICE = timedelta(days=60)  # time enough to negotiate and sign a renewal


@dataclass(frozen=True, slots=True)
class Summary:
    """A registry on one local day."""

    day: date
    agencies: int
    services: int
    agreements: int  # by id; an agreement has one version or more
    versions: int
    in_force: Mapping[str, int]  # versions whose days include this one, by status; drafts are left out
    expiring: tuple[
        Agreement, ...
    ]  # in force, ending within the notice, with nothing to follow; soonest first


def summarise(registry: Registry, day: date) -> Summary:
    """Sum up a registry for one local day."""
    covering = [one for one in registry.agreements if _holds(one, day)]
    expiring = [
        one
        for one in covering
        if one.status in ("active", "registered")
        and one.last_day <= day + EXPIRY_NOTICE
        and not any(
            _holds(next_one, one.last_day + timedelta(days=1))
            for next_one in registry.versions(one.consumer, one.service)
        )
    ]
    return Summary(
        day=day,
        agencies=len(registry.agencies),
        services=len(registry.services),
        agreements=len({one.id for one in registry.agreements}),
        versions=len(registry.agreements),
        in_force=dict(sorted(Counter(one.status for one in covering).items())),
        expiring=tuple(sorted(expiring, key=lambda one: (one.last_day, one.id))),
    )


def _holds(one: Agreement, day: date) -> bool:
    return one.status != "draft" and one.start <= day <= one.last_day
