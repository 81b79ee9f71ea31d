"""Dossiers of a simulation: what citizens ask of ministries and provinces, told when it is over, or nearly.

A dossier takes days, and whoever watches has minutes. So each is told as a whole, with the days behind it:
the index shows something at once, and no step is older than seven weeks. They come between exchanges, drawn
from a generator of their own: exchanges are the same with and without them.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from monitor.errors import MonitorError
from monitor.simulation.identity import Identities
from monitor.simulation.sent import DossierSent, SecuritySent, Sent

if TYPE_CHECKING:
    from monitor.registry.load import Registry

SIMULATED_GROUPS = Path(__file__).resolve().parent / "service-quality.yaml"
"""A file for MONITOR_SERVICE_QUALITY, with a group for each of PROCEDURES: events themselves name none."""

# Codes in the form of the national list of procedures, with the days that an office promises; made up.
PROCEDURES = (
    ("1.001193", 3), ("2.000635", 5), ("1.000656", 7), ("1.004222", 10), ("2.002516", 15), ("1.012781", 20),
)  # fmt: skip
_DUPLICATES = 0.003  # as among exchanges
_REPEATABLE = 50
_OPEN, _WITHDRAWN = 0.08, 0.02  # still at work; taken back
_SUPPLEMENT, _SECOND = 0.12, 0.15  # asked for more; and asked again
_FEE, _RATED, _COMPLAINED, _ANSWERED = 0.6, 0.35, 0.02, 0.9
_MOST_LATE = 1.6  # of what was promised
_DAY = 86_400.0
_SERVING = ("ministry", "province")


@dataclass(frozen=True, slots=True)
class _Office:
    """How good an agency is, by lot: shares of its dossiers."""

    agency: str
    on_time: float
    online: float
    paid_online: float
    digitised: float
    reused: float
    population_database: float
    satisfied: float


class DossierSimulation:
    """A stream of steps of dossiers; the same for the same seed and moments."""

    def __init__(self, registry: Registry, seed: int, zone: ZoneInfo, share: float) -> None:
        """`share` is dossiers for each exchange, at most 1; each has some five steps.

        Raises MonitorError when the registry holds no agency.
        """
        agencies = [code for code, one in registry.agencies.items() if one.kind in _SERVING]
        agencies = agencies or list(registry.agencies)
        if not agencies:
            raise MonitorError("the registry holds no agency, so nobody handles dossiers")
        self._zone = zone
        self._share = share
        self._rng = Random(f"{seed}:dossiers")
        self._identities = Identities(Random(f"{seed}:dossier-identities"))
        self._offices = [_office(code, Random(f"{seed}:dossiers:{code}")) for code in sorted(agencies)]
        self._number = 0
        self._recent: deque[DossierSent] = deque(maxlen=_REPEATABLE)

    def between(
        self, events: Iterable[Sent | SecuritySent | DossierSent], latest: Callable[[], float]
    ) -> Iterator[Sent | SecuritySent | DossierSent]:
        """Pass events on, and after an exchange now and then a dossier; `latest` tells the time (epoch s)."""
        for event in events:
            yield event
            if isinstance(event, Sent) and self._rng.random() < self._share:
                yield from self.dossier(latest())

    def dossier(self, time: float) -> Iterator[DossierSent]:
        """The steps of one dossier up to a moment (epoch seconds), in their order, and perhaps one again."""
        rng = self._rng
        office = rng.choice(self._offices)
        self._number += 1
        number = f"{office.agency}-{rng.getrandbits(24):06x}-{self._number:06d}"
        for after, step, fields in self._story(office):
            if after > 0:
                break
            yield self._sent(office.agency, number, step, time + after, fields)
        if self._recent and rng.random() < _DUPLICATES:
            yield replace(rng.choice(self._recent), kind="duplicate")

    def _story(self, office: _Office) -> list[tuple[float, str, dict[str, Any]]]:
        """Steps with their seconds from the end (below 0: before it) and their fields, in order."""
        rng = self._rng
        procedure, promised = rng.choice(PROCEDURES)
        in_time = rng.random() < office.on_time
        took = promised * (rng.uniform(0.2, 0.95) if in_time else rng.uniform(1.1, _MOST_LATE))
        waited = rng.uniform(1, 5) if rng.random() < _SUPPLEMENT else 0.0
        begin = -(took + waited) * _DAY
        received = {"procedure": procedure, "promised": promised, "online": rng.random() < office.online}
        steps: list[tuple[float, str, dict[str, Any]]] = [(begin, "received", received)]
        if rng.random() < _FEE:
            paid_online = rng.random() < office.paid_online
            steps.append((begin + rng.uniform(60, 7200), "paid", {"paid_online": paid_online}))
        if rng.random() < office.population_database:
            steps.append((begin + rng.uniform(60, 3600), "population_database_used", {}))
        if waited:
            asked = begin + rng.uniform(0.1, 0.6) * took * _DAY
            given = asked + waited * _DAY
            steps += [(asked, "supplement_requested", {}), (given, "supplemented", {})]
            if rng.random() < _SECOND:
                steps.append((given + 3600, "supplement_requested", {}))
        lot = rng.random()
        if lot < _OPEN:
            cut = begin * rng.uniform(0.1, 0.9)
            return [(after - cut, step, said) for after, step, said in sorted(steps, key=_when)]
        if lot < _OPEN + _WITHDRAWN:
            return sorted([*steps, (-60.0, "withdrawn", {})], key=_when)
        done = {"digitised": rng.random() < office.digitised, "reused": rng.random() < office.reused}
        steps.append((-1800.0, "completed", done))
        if rng.random() < _COMPLAINED:
            steps.append((begin * 0.5, "complaint_received", {}))
            if rng.random() < _ANSWERED:
                steps.append((-600.0, "complaint_answered", {}))
        if rng.random() < _RATED:
            rating = rng.choice((4, 5, 5)) if rng.random() < office.satisfied else rng.choice((1, 2, 3))
            steps.append((-rng.uniform(1, 900), "rated", {"rating": rating}))
        return sorted(steps, key=_when)

    def _sent(self, agency: str, number: str, step: str, time: float, fields: dict[str, Any]) -> DossierSent:
        milliseconds = int(time * 1000)
        event_id = self._identities.next(milliseconds)
        said = {name: value for name, value in fields.items() if value is not False}
        if "promised" in said:
            day = datetime.fromtimestamp(time, self._zone).date() + timedelta(days=said["promised"])
            said["promised"] = day.isoformat()
        body = {
            "id": event_id,
            "time": milliseconds,
            "agency": agency,
            "dossier": number,
            "step": step,
            **said,
        }
        sent = DossierSent(
            key=number.encode(),
            value=json.dumps(body, separators=(",", ":")).encode(),
            headers=[],
            time=milliseconds / 1000,
            kind="clean",
            id=event_id,
            agency=agency,
            step=step,
        )
        self._recent.append(sent)
        return sent


def _when(step: tuple[float, str, dict[str, Any]]) -> float:
    return step[0]


def _office(code: str, lot: Random) -> _Office:
    return _Office(
        code,
        on_time=lot.uniform(0.7, 0.98),
        online=lot.uniform(0.25, 0.9),
        paid_online=lot.uniform(0.3, 0.95),
        digitised=lot.uniform(0.4, 0.95),
        reused=lot.uniform(0.1, 0.7),
        population_database=lot.uniform(0.3, 0.95),
        satisfied=lot.uniform(0.75, 0.99),
    )
