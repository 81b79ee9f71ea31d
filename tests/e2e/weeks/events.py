"""Events as the engine gets them, with what a rule can see of them and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from alerts.fields import ExchangeSeen
from monitor.events.exchange import Exchange, Outcome
from monitor.events.security_event import SecurityEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Timed(NamedTuple):
    """An event at its time, milliseconds since 1970."""

    time_ms: int
    event: ExchangeSeen | SecurityEvent


def exchange(
    event_id: str,
    time_ms: int,
    pair: tuple[str, str, str],
    *,
    outcome: Outcome = "ok",
    breach: tuple[str, ...] = (),
    records: int = 1,
    actor: str | None = None,
    subject: str | None = None,
    requested: str | None = None,
) -> Timed:
    """A judged exchange of (provider, consumer, service); `requested` is the service's name as it came."""
    provider, consumer, service = pair
    seen = Exchange(
        id=event_id,
        time=_EPOCH + timedelta(milliseconds=time_ms),
        provider=provider,
        consumer=consumer,
        service=requested or service,
        outcome=outcome,
        duration_ms=80.0,
        records=records if outcome == "ok" else 0,
        response_bytes=600 * records if outcome == "ok" else 200,
    )
    return Timed(time_ms, ExchangeSeen(seen, time_ms, pair, breach, (), actor, subject))


def security(event_id: str, time_ms: int, agency: str, kind: str, severity: int = 2, **more: Any) -> Timed:
    """A security event."""
    time = _EPOCH + timedelta(milliseconds=time_ms)
    return Timed(
        time_ms, SecurityEvent(id=event_id, time=time, agency=agency, kind=kind, severity=severity, **more)
    )
