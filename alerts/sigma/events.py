"""The events of a rule's cases: written as fields, built as the objects that the engine sees."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from alerts.fields import SOURCES, ExchangeSeen, FieldKind
from alerts.sigma.document import Document
from alerts.sigma.model import Case, instant
from alerts.sigma.names import suggestion
from alerts.sigma.problems import Refused
from monitor.events.exchange import Exchange
from monitor.events.security_event import DetailOnWire, SecurityEvent
from monitor.registry.wording import shown

# A Monday in a week without holidays, 09:00 in Hanoi.
BASE_MS = 1_793_584_800_000
MAX_EVENTS = 100_000  # of one case: five weeks with an event every half minute
EVERY_MS = 1_000  # between repeated events that say nothing else

_TIMING = ("source", "at", "time", "repeat", "every", "vary")
_NUMBERED = "{n}"  # stands for 0, 1, 2 … in `vary`
_EXCHANGE: Mapping[str, Any] = {
    "provider": "MPS",
    "consumer": "MOH",
    "service": "population.verify-identity",
    "outcome": "ok",
    "duration_ms": 50.0,
    "records": 1,
}
_SECURITY: Mapping[str, Any] = {"agency": "MOH", "kind": "other", "severity": 1}


class Timed(NamedTuple):
    """An event of a case, when it happened (milliseconds since 1970), and its id."""

    time_ms: int
    event: Any
    event_id: str


def case_events(case: Case, sources: Sequence[str]) -> list[Timed]:
    """All events of a case, by time; those at the same time as they were written.

    An event is of the one source of its rule, or of the one that it names as `source`. Its time is `at` after
    the case's begin, or `time`, or that of the event before. Raises Refused.
    """
    found: list[Timed] = []
    clock = BASE_MS
    for at, written in enumerate(case.events):
        for time_ms, values, source in _repeated(written, sources, clock):
            event_id = str(values.get("id", f"e{at}-{len(found)}"))
            found.append(Timed(time_ms, build_event(source, values, time_ms, event_id), event_id))
        clock = found[-1].time_ms
    return sorted(found, key=lambda each: each.time_ms)


def check_cases(document: Document, cases: Sequence[Case], sources: Sequence[str]) -> None:
    """Note as problems what is wrong with the events of cases: every written event is built once."""
    for number, case in enumerate(cases):
        path = ("monitor", "cases", number, "events")
        total, clock = 0, BASE_MS
        for at, written in enumerate(case.events):
            try:
                total += _count(written)
                if total > MAX_EVENTS:
                    raise Refused(f"makes more than {MAX_EVENTS:,} events of one case")
                first = next(iter(_repeated(written, sources, clock)))
                clock, values, source = first
                build_event(source, values, clock, "e")
            except Refused as why:
                document.problem(str(why), *path, at)


def _count(written: Mapping[str, Any]) -> int:
    count = written.get("repeat", 1)
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise Refused(f"repeat: expected a whole number from 1, found {shown(count)}")
    return count


def _repeated(
    written: Mapping[str, Any], sources: Sequence[str], clock: int
) -> Iterator[tuple[int, dict[str, Any], str]]:
    """Times, values and source of what one written event stands for."""
    source = _source(written, sources)
    count = _count(written)
    start = _start(written, clock)
    every = _seconds(written, "every") * 1000 if "every" in written else EVERY_MS
    vary = written.get("vary", {})
    if not isinstance(vary, dict) or not all(isinstance(text, str) for text in vary.values()):
        raise Refused("vary: expected fields with texts such as s-{n}")
    values = {key: value for key, value in written.items() if key not in _TIMING}
    both = sorted(values.keys() & vary.keys())
    if both:
        raise Refused(f"{both[0]} is given twice, once in vary")
    for number in range(count):
        varied = {key: _numbered(source, key, text, number) for key, text in vary.items()}
        yield start + number * every, values | varied, source


def _source(written: Mapping[str, Any], sources: Sequence[str]) -> str:
    named = written.get("source")
    if named is None:
        if len(sources) == 1:
            return sources[0]
        raise Refused(f"source: is missing; this rule reads {' and '.join(sources)}")
    if named not in sources:
        raise Refused(f"source: {shown(named)} does not reach this rule, which reads {' and '.join(sources)}")
    return str(named)


def _start(written: Mapping[str, Any], clock: int) -> int:
    if "at" in written and "time" in written:
        raise Refused("has both at and time")
    if "at" in written:
        return BASE_MS + _seconds(written, "at") * 1000
    if "time" not in written:
        return clock
    try:
        time = datetime.fromisoformat(str(written["time"]))
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise Refused(
            f"time: {shown(written['time'])} is no time with an offset, such as 2026-11-02T09:00:00+07:00"
        )
    return int(time.timestamp() * 1000)


def _seconds(written: Mapping[str, Any], key: str) -> int:
    try:
        return instant(written[key])
    except ValueError as why:
        raise Refused(f"{key}: {shown(written[key])} is not accepted: {why}") from why


def _numbered(source: str, key: str, text: str, number: int) -> str | float:
    found = text.replace(_NUMBERED, str(number))
    known = SOURCES[source].fields.get(key)
    if known is None or known.kind is not FieldKind.NUMBER:
        return found
    try:
        return float(found) if "." in found else int(found)
    except ValueError as why:
        raise Refused(f"vary: {key} holds numbers, and {found} is none") from why


def build_event(source: str, values: dict[str, Any], time_ms: int, event_id: str) -> Any:
    """An event of a source from its fields, with what they leave out filled in; raises Refused."""
    try:
        if source == "exchanges":
            return _exchange(values, time_ms, event_id)
        return _security(values, time_ms, event_id)
    except (msgspec.ValidationError, TypeError, ValueError, OverflowError) as why:
        raise Refused(f"is no event: {_shorter(str(why))}") from why


def _shorter(said: str) -> str:
    return said[:1].lower() + said[1:].replace("`", "'").replace("$.", "")


def _known(values: Mapping[str, Any], source: str) -> None:
    held = SOURCES[source]
    for key in values:
        if key not in held.fields and key not in {"detail", "case"}:
            raise Refused(f"{key} is no field of {source}; {suggestion(key, held.fields)}")


def _exchange(values: Mapping[str, Any], time_ms: int, event_id: str) -> ExchangeSeen:
    _known(values, "exchanges")
    if "detail" in values:
        raise Refused("detail is no field of exchanges")
    if "agency" in values and "consumer" in values:
        raise Refused("has both consumer and agency, which are one field of exchanges")
    held = {**_EXCHANGE, "id": event_id, **values}
    if "agency" in held:
        held["consumer"] = held.pop("agency")
    pair = tuple(_text(held, key) for key in ("provider", "consumer", "service"))
    wire = {
        **{key: held[key] for key in ("id", "outcome", "duration_ms")},
        "time": time_ms,
        "provider": held.get("requested_provider", held["provider"]),
        "consumer": held["consumer"],
        "service": held.get("requested_service", held["service"]),
    }
    for key in ("purpose", "records", "request_bytes", "response_bytes", "signed"):
        if key in held:
            wire[key] = held[key]
    exchange = msgspec.convert(wire, Exchange)
    breach, fields = (msgspec.convert(held.get(key, []), tuple[str, ...]) for key in ("breach", "fields"))
    actor, subject = (msgspec.convert(held.get(key), str | None) for key in ("actor", "subject"))
    provider, consumer, service = pair
    return ExchangeSeen(exchange, time_ms, (provider, consumer, service), breach, fields, actor, subject)


def _security(values: Mapping[str, Any], time_ms: int, event_id: str) -> SecurityEvent:
    _known(values, "security-events")
    if "case" in values:
        raise Refused("case is no field of security-events; did you mean detail: {case: …}?")
    held = {**_SECURITY, "id": event_id, "time": time_ms, **values}
    if "detail" in held:
        held["detail"] = msgspec.convert(held["detail"], DetailOnWire)
    return msgspec.convert(held, SecurityEvent)


def _text(held: Mapping[str, Any], key: str) -> str:
    return msgspec.convert(held[key], str)
