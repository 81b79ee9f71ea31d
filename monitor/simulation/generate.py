"""The simulation: event times in, events out, in order, the same bytes for the same seed and arguments."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice, takewhile
from random import Random
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from monitor.errors import MonitorError
from monitor.judging.breach import Breach
from monitor.simulation.agenda import Agenda, Slice
from monitor.simulation.body import BITS, Body, TimeTexts, body
from monitor.simulation.breaches import KINDS, Offender
from monitor.simulation.envelope import bare, binary, structured
from monitor.simulation.identity import Identities
from monitor.simulation.malformed import malformed, oversized
from monitor.simulation.rhythm import arrivals
from monitor.simulation.sent import UNREGISTERED, Headers, Kind, Sent
from monitor.simulation.shares import Shares
from monitor.simulation.template import Template

if TYPE_CHECKING:
    from monitor.registry.load import Registry

PLATFORM_RATE = 32.0
"""Exchanges a second on the national platform, the mean of a week (2.8 million a day)."""

JITTER = 1.0
"""Seconds between an event and its arrival on the stream, at the most."""

_LATE_MS = (2 * 3_600_000, 26 * 3_600_000)  # well past any tolerance; at most one day and a bit
_REPEATABLE = 200  # events among which a duplicate finds its original
_REPEAT_WITHIN = 60.0  # seconds of event time between the original and its duplicate


class Simulation:
    """A stream of exchanges over a registry's agreements. One simulation yields one stream."""

    def __init__(
        self,
        registry: Registry,
        seed: int,
        zone: ZoneInfo,
        shares: Shares | None = None,
        *,
        kinds: tuple[Breach, ...] = KINDS,
        jitter: float = JITTER,
        live: bool = False,
    ) -> None:
        """`kinds` are the breaches committed; events happened up to `jitter` seconds before their arrival.

        `live` says that arrivals follow the clock of whoever reads the stream.
        """
        self._jitter_ms = jitter * 1000
        self._shares = shares = shares or Shares()
        self._failing = shares.fault + shares.denied + shares.timeout
        self._wrapping = shares.binary + shares.structured
        self._live = live
        self._rng = Random(f"{seed}:events")
        self._registry = registry
        self._agenda = Agenda(registry, zone, seed)
        self._offender = Offender(registry, kinds, Random(f"{seed}:breaches"))
        self._identities = Identities(Random(f"{seed}:identities"))
        self._times = TimeTexts(zone)
        self._recent: deque[Sent] = deque(maxlen=_REPEATABLE)

    def events(self, times: Iterable[float]) -> Iterator[Sent]:
        """Yield one event for each time (epoch seconds, not falling); none when no agreement is open then.

        Raises MonitorError when agreements are in force but every call they allow that day is used up.
        """
        shares, random = self._shares, self._rng.random
        at, jitter_ms = self._agenda.at, self._jitter_ms
        to_malformed = shares.malformed
        to_oversized = to_malformed + shares.oversized
        to_duplicate = to_oversized + shares.duplicate
        to_breach = to_duplicate + shares.breach
        to_late = to_breach + shares.late
        now: Slice | None = None
        for time in times:
            # The product of two draws: small delays are more frequent than long ones.
            milliseconds = int(time * 1000 - jitter_ms * random() * random())
            if now is None or not now.first <= milliseconds < now.last:
                now = at(milliseconds)
            special = random()
            sent: Sent | None = None
            if special < to_late:
                if special < to_oversized:
                    sent = self._malformed(now, milliseconds, big=special >= to_malformed)
                elif special < to_duplicate:
                    sent = self._duplicate(milliseconds / 1000)
                elif special < to_breach:
                    sent = self._breach(now, milliseconds)
                else:
                    moment = milliseconds - self._rng.randint(*_LATE_MS)
                    sent = self._regular("late", at(moment), moment)
            if sent is None:
                sent = self._regular("clean", now, milliseconds)
            if sent is not None:
                if sent.kind in ("clean", "breach"):
                    self._recent.append(sent)
                yield sent

    def _regular(self, kind: Kind, now: Slice, milliseconds: int) -> Sent | None:
        entry = now.draw()
        if entry is None:
            if kind == "clean" and now.spent():
                raise MonitorError(
                    "every call that the agreements allow on that day is used up; "
                    "lower the rate or raise calls_per_day in the registry"
                )
            return None
        entry.left -= 1
        return self._exchange(kind, entry.template, milliseconds)

    def _exchange(self, kind: Kind, chosen: Template, milliseconds: int) -> Sent:
        """An exchange that keeps its agreement."""
        outcome = self._outcome()
        event_id, written = self._written(chosen, milliseconds, outcome)
        value, headers = self._wrapped(written.text, event_id, chosen.agreement.provider)
        return Sent(
            chosen.key,
            value,
            headers,
            milliseconds / 1000,
            kind,
            "",
            event_id,
            chosen.provider,
            chosen.consumer,
            chosen.service.id,
            outcome,
            written.records,
            written.request_bytes,
            written.response_bytes,
            written.duration_us,
        )

    def _written(self, chosen: Template, milliseconds: int, outcome: str) -> tuple[str, Body]:
        bits, subject = self._rng.getrandbits(BITS), self._rng.getrandbits(64)
        event_id = self._identities.next(milliseconds)
        time = self._times.write(milliseconds, subject)
        return event_id, body(chosen, event_id, time, outcome, bits, subject)

    def _outcome(self) -> str:
        lot = self._rng.random()
        if lot >= self._failing:
            return "ok"
        shares = self._shares
        if lot < shares.fault:
            return "fault"
        return "denied" if lot < shares.fault + shares.denied else "timeout"

    def _wrapped(self, text: str, event_id: str, provider: str) -> tuple[bytes, Headers]:
        lot = self._rng.random()
        if lot >= self._wrapping:
            return bare(text)
        return (binary if lot < self._shares.binary else structured)(text, event_id, provider)

    def _breach(self, now: Slice, milliseconds: int) -> Sent | None:
        """An exchange that commits one breach; answered, so that there is something to breach."""
        choice = self._offender.choose(now)
        if choice is None:
            return None
        kind, chosen = choice
        event_id, written = self._written(chosen, milliseconds, "ok")
        members = json.loads(written.text)
        self._offender.commit(kind, members, chosen)
        text = json.dumps(members, separators=(",", ":"))
        value, headers = self._wrapped(text, event_id, members["provider"])
        provider, consumer, service = self._counted_under(members)
        return Sent(
            members["consumer"].encode(),
            value,
            headers,
            milliseconds / 1000,
            "breach",
            kind.value,
            event_id,
            provider,
            consumer,
            service,
            "ok",
            members["records"],
            members["request_bytes"],
            members["response_bytes"],
            written.duration_us,
        )

    def _counted_under(self, members: dict[str, str]) -> tuple[str, str, str]:
        """The names that the ledger counts an exchange under."""
        canonical = self._registry.canonical
        provider = canonical.get(members["provider"], UNREGISTERED)
        consumer = canonical.get(members["consumer"], UNREGISTERED)
        service = self._registry.services.get(members["service"])
        offered = service is not None and service.provider == provider
        return provider, consumer, members["service"] if offered else UNREGISTERED

    def _duplicate(self, time: float) -> Sent | None:
        """An earlier event once more, byte for byte; None when none was sent within a minute."""
        if not self._recent:
            return None
        original = self._rng.choice(self._recent)
        if abs(time - original.time) > _REPEAT_WITHIN:
            original = self._recent[-1]
        if abs(time - original.time) > _REPEAT_WITHIN:
            return None
        return replace(original, kind="duplicate", reason=Breach.DUPLICATE_ID.value)

    def _malformed(self, now: Slice, milliseconds: int, *, big: bool) -> Sent | None:
        entry = now.draw()
        if entry is None:
            return None
        chosen = entry.template  # borrowed: what cannot be read is not a call under its agreement
        event_id, written = self._written(chosen, milliseconds, "ok")
        time = milliseconds / 1000
        value, reason = (
            oversized(written.text) if big else malformed(written.text, time, self._rng, live=self._live)
        )
        return Sent(
            chosen.key, value, [], time, "malformed", reason.value, event_id, "", "", "", "", 0, 0, 0, 0
        )  # fmt: skip


def simulate(
    registry: Registry,
    *,
    seed: int,
    start: float,
    zone: ZoneInfo,
    rate: float = PLATFORM_RATE,
    count: int | None = None,
    duration: float | None = None,
    shares: Shares | None = None,
    kinds: tuple[Breach, ...] = KINDS,
    rhythm: bool = True,
    jitter: float = JITTER,
) -> Iterator[Sent]:
    """Yield events from `start` (epoch seconds) at `rate` a second of event time, with `rhythm` on average.

    Ends after `count` events or `duration` seconds of event time, whichever comes first, or never.
    """
    times: Iterator[float] = arrivals(start, rate, seed, zone if rhythm else None)
    if duration is not None:
        end = start + duration
        times = takewhile(lambda time: time < end, times)
    return islice(Simulation(registry, seed, zone, shares, kinds=kinds, jitter=jitter).events(times), count)
