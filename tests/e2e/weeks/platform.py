"""The platform as it is: agencies, pairs with their volumes, officers, accounts and addresses."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from random import Random

from monitor.registry.model import Agreement, Hours
from monitor.registry.registry import Registry
from monitor.simulation.generate import PLATFORM_RATE
from monitor.simulation.popularity import pair_weights
from tests.e2e.weeks.lots import spread

_HOUR = 3600
_QUOTA_KEPT = 0.35  # of the daily ceiling, on an average day: peaks must stay below it
_OFFICERS_SHARE = 0.4  # of a pair's calls at the most: portals and gateways make the rest
_BY_METHOD = {"query": 1.1, "sync": 300.0, "sync-general": 1200.0, "package": 6000.0}  # records a call
_OUTSIDE_OFFICE = 0.25  # of officers: registrars of hospitals, border posts and police work in shifts


@dataclass(frozen=True, slots=True)
class Pair:
    """A consumer's use of one service: `rate` calls an hour, `records` records a call, on average."""

    consumer: str
    provider: str
    service: str
    rate: float
    records: float
    hours: Hours | None
    case_required: bool
    personal: bool
    shows_person: bool


@dataclass(slots=True)
class Officer:
    """`rate` is look-ups in an hour of full work; `first` and `last` are the hours of employment."""

    name: str
    consumer: str
    pair: Pair
    rate: float
    shifts: bool
    first: int = 0
    last: int = 1 << 30


@dataclass(slots=True)
class Platform:
    """All of it, the same for the same seed."""

    registry: Registry
    seed: int
    day: date
    pairs: tuple[Pair, ...] = ()
    officers: list[Officer] = field(default_factory=list)
    accounts: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, list[str]] = field(default_factory=dict)

    @property
    def agencies(self) -> list[str]:
        """Those that are connected: the others send nothing."""
        return sorted(self.accounts)


# What a look-up shows of a person; identity checks and notifications show nothing worth browsing.
SHOWING = frozenset({
    "population.lookup-citizen", "insurance.lookup-contributions", "social-protection.lookup-beneficiary",
    "judicial-record.verify-status", "land.lookup-parcel", "electricity.lookup-customer",
    "education.lookup-pupil", "vehicle.lookup-registration",
})  # fmt: skip


def platform(registry: Registry, seed: int, day: date, weeks: int) -> Platform:
    """Everything that exists before anything happens; `weeks` is for officers who come and go."""
    rng = Random(f"{seed}:platform")
    made = Platform(registry, seed, day)
    made.pairs = _pairs(registry, seed, day)
    for pair in made.pairs:
        if pair.personal:
            made.officers += _officers(pair, rng, weeks)
    for number, (code, agency) in enumerate(sorted(registry.agencies.items())):
        if agency.connection.state in ("live", "cleared", "suspended"):
            made.accounts[code] = int(40 + 160 * spread(rng, 0.7))
            points = max(1, agency.connection.points)
            made.addresses[code] = [f"10.{number}.{point}.10" for point in range(min(points, 8))]
    return made


def _pairs(registry: Registry, seed: int, day: date) -> tuple[Pair, ...]:
    """Pairs with an agreement in force on the day, with the platform's rate shared out below the ceilings."""
    weights = pair_weights(registry, seed)
    in_force: dict[tuple[str, str], Agreement] = {}
    for key in weights:
        for version in registry.versions(*key):
            if version.status == "active" and version.start <= day <= version.last_day:
                in_force[key] = version
    total = PLATFORM_RATE * _HOUR
    capped: dict[tuple[str, str], float] = {}
    open_pairs = sorted(in_force)
    while True:
        left = total - sum(capped.values())
        shares = sum(weights[key] for key in open_pairs)
        over = [
            key
            for key in open_pairs
            if (ceiling := in_force[key].ceilings.calls_per_day)
            and left * weights[key] / shares > ceiling * _QUOTA_KEPT / 24
        ]
        if not over:
            break
        for key in over:
            capped[key] = (in_force[key].ceilings.calls_per_day or 0) * _QUOTA_KEPT / 24
        open_pairs = [key for key in open_pairs if key not in capped]
    pairs = []
    for key, agreement in sorted(in_force.items()):
        service = registry.services[agreement.service]
        pairs.append(
            Pair(
                agreement.consumer,
                agreement.provider,
                agreement.service,
                capped.get(key, left * weights[key] / shares),
                _BY_METHOD[service.method],
                agreement.hours,
                agreement.case_required,
                service.method == "query" and service.personal_data != "none",
                agreement.service in SHOWING,
            )
        )
    return tuple(pairs)


def _officers(pair: Pair, rng: Random, weeks: int) -> list[Officer]:
    """Officers at desks, each with a pace of its own; a few begin or leave while we watch."""
    found: list[Officer] = []
    room = pair.rate * 2.4 * _OFFICERS_SHARE  # in a working hour
    most = int(10 + 22 * spread(rng, 0.6))
    while room > 0 and len(found) < most:
        rate = 8.0 * spread(rng, 0.6)
        room -= rate
        officer = Officer(
            f"{rng.getrandbits(64):016x}", pair.consumer, pair, rate, rng.random() < _OUTSIDE_OFFICE
        )
        lot = rng.random()
        if lot < 0.01 * weeks:
            officer.first = rng.randrange(weeks * 168)
        elif lot < 0.02 * weeks:
            officer.last = rng.randrange(weeks * 168)
        found.append(officer)
    return found
