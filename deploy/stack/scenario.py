"""What happens on the simulated platform: incidents one after the other, and what agencies record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import cycle, islice
from typing import Any, Final
from zoneinfo import ZoneInfo

from monitor.errors import MonitorError
from monitor.judging.book import version_in_force
from monitor.registry.model import Agreement
from monitor.registry.registry import Registry
from monitor.simulation import INCIDENTS
from monitor.simulation.popularity import pair_weights

# More is wrong than in life, so that every panel has something to show within a minute.
SHARES: Final = {
    "breach": 0.03,
    "fault": 0.015,
    "denied": 0.008,
    "timeout": 0.006,
    "malformed": 0.004,
    "late": 0.003,
    "duplicate": 0.003,
}
SECURITY_SHARE: Final = 0.1
XROAD_SHARE: Final = 0.3
XROAD_WAIT: Final = "PT15S"
"""How long half a call waits: people who watch a stack do not wait for the half hour of a real one."""
DOSSIER_SHARE: Final = 0.02
# Seconds after the start.
OPENING: Final = (
    ("bulk", 2),
    ("credentials", 4),
    ("tampering", 6),
    ("enumeration", 8),
    ("watched", 10),
    ("stuffing", 12),
    ("leak", 14),
)
# Afterwards one every five minutes, for a day; whoever lets it run longer sees ordinary days.
EVERY_S: Final = 300
LATER: Final = 288
REVIEWED: Final = 20  # agreements whose review is recorded at the start: the busiest
ASKED: Final = 3  # agencies of which something is requested
_ANSWERED: Final = 2  # of these, those that have answered


def simulation(rate: float, seed: int) -> Iterator[str]:
    """The arguments of `monitor simulate`, at so many exchanges a second."""
    yield from (
        "simulate",
        "--seed",
        str(seed),
        "--rate",
        f"{rate:g}",
        "--security-share",
        str(SECURITY_SHARE),
        "--xroad-share",
        str(XROAD_SHARE),
        "--dossier-share",
        str(DOSSIER_SHARE),
    )
    for name, share in SHARES.items():
        yield from (f"--{name}", str(share))
    for name, after in OPENING:
        yield from ("--incident", f"{name}@{after}s")
    for number, name in enumerate(islice(cycle(INCIDENTS), LATER), start=1):
        yield from ("--incident", f"{name}@{number * EVERY_S}s")


def leaked(registry: Registry, seed: int, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    """A leak that was confirmed just now, where most is asked: its clock runs as soon as somebody looks.

    That of the simulation is only confirmed a minute after it was suspected. Raises MonitorError for a
    registry without an agreement in force.
    """
    busiest = next(_in_force(registry, seed, now.astimezone(zone).date()), None)
    if busiest is None:
        raise MonitorError("the registry holds no agreement that is in force, so nothing can be exchanged")
    return {
        "id": f"leak-{now:%Y%m%d%H%M%S}",
        "time": now.astimezone(UTC).isoformat(),
        "agency": busiest.consumer,
        "kind": "leak_confirmed",
        "severity": "critical",
        "service": busiest.service,
        "count": 4_000,
    }


def recorded(registry: Registry, seed: int, zone: ZoneInfo, now: datetime) -> Iterator[dict[str, Any]]:
    """Lifecycle events of this moment: reviews of agreements, requests, and answers to most of them.

    The agreements are those that the simulation of the same seed uses most.

    The last event comes twice, as senders send again what was not acknowledged.
    """
    today = now.astimezone(zone).date()
    stamp, moment = now.strftime("%Y%m%d%H%M%S"), now.astimezone(UTC).isoformat()
    event: dict[str, Any] = {}
    for number, agreement in enumerate(islice(_in_force(registry, seed, today), REVIEWED)):
        event = {
            "id": f"review-{stamp}-{number}",
            "time": moment,
            "agency": agreement.provider,
            "kind": "reviewed",
            "agreement": agreement.id,
            "due": str(today + timedelta(days=365)),
        }
        yield event
    for number, agency in enumerate(islice(sorted(registry.agencies), ASKED)):
        about = {"time": moment, "agency": agency, "request": f"YC-{stamp}-{number}"}
        event = {**about, "id": f"request-{stamp}-{number}", "kind": "requested", "limit": "simple"}
        yield event
        if number < _ANSWERED:
            event = {**about, "id": f"answer-{stamp}-{number}", "kind": "answered"}
            yield event
    yield event


def _in_force(registry: Registry, seed: int, day: date) -> Iterator[Agreement]:
    weights = pair_weights(registry, seed)
    for consumer, service in sorted(weights, key=lambda pair: (-weights[pair], pair)):
        agreement = version_in_force(registry.versions(consumer, service), day)
        if agreement is not None and agreement.permits:
            yield agreement
