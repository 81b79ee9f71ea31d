"""The fields that rules can name, by log source, and how each is read from an event."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from operator import attrgetter
from typing import Any, Final, NamedTuple

from monitor.events.exchange import Exchange


class FieldKind(StrEnum):
    """What a field holds; a rule that compares it with something else is refused when it is loaded."""

    TEXT = "text"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"  # of texts: a value matches when any of them does
    ADDRESS = "address"  # IPv4 or IPv6, as text


class Field(NamedTuple):
    """One field: what it holds, and how to read it; the reader returns None when the event lacks it."""

    kind: FieldKind
    read: Callable[[Any], Any]


class Source(NamedTuple):
    """A log source. Names below `open_prefix` (as `detail.system`) need no declaration: they are texts or
    numbers, whatever the event holds, read by `read_open`."""

    name: str
    fields: Mapping[str, Field]
    open_prefix: str = ""
    read_open: Callable[[str], Callable[[Any], Any]] | None = None


class ExchangeSeen:
    """An exchange as rules see it: judged, with the registry's names instead of those it came with.

    `provider`, `consumer` and `service` are `unregistered` where the registry does not hold them (the names
    as they came are in `exchange`). `fields` is what was asked for; `actor` and `subject` are pseudonyms.
    """

    __slots__ = (
        "actor",
        "breach",
        "consumer",
        "exchange",
        "fields",
        "provider",
        "service",
        "subject",
        "time_ms",
    )

    def __init__(
        self,
        exchange: Exchange,
        time_ms: int,
        pair: tuple[str, str, str],
        breach: tuple[str, ...],
        fields: tuple[str, ...],
        actor: str | None = None,
        subject: str | None = None,
    ) -> None:
        self.exchange = exchange
        self.time_ms = time_ms
        self.provider, self.consumer, self.service = pair
        self.breach = breach
        self.fields = fields
        self.actor = actor
        self.subject = subject


def _exchange_field(kind: FieldKind, path: str) -> Field:
    return Field(kind, attrgetter(path))


EXCHANGES: Final = Source(
    "exchanges",
    {
        "id": _exchange_field(FieldKind.TEXT, "exchange.id"),
        "provider": _exchange_field(FieldKind.TEXT, "provider"),
        "consumer": _exchange_field(FieldKind.TEXT, "consumer"),
        "agency": _exchange_field(FieldKind.TEXT, "consumer"),  # who acts; the name that both sources share
        "service": _exchange_field(FieldKind.TEXT, "service"),
        "requested_provider": _exchange_field(FieldKind.TEXT, "exchange.provider"),
        "requested_service": _exchange_field(FieldKind.TEXT, "exchange.service"),
        "purpose": _exchange_field(FieldKind.TEXT, "exchange.purpose"),
        "outcome": _exchange_field(FieldKind.TEXT, "exchange.outcome"),
        "duration_ms": _exchange_field(FieldKind.NUMBER, "exchange.duration_ms"),
        "records": _exchange_field(FieldKind.NUMBER, "exchange.records"),
        "request_bytes": _exchange_field(FieldKind.NUMBER, "exchange.request_bytes"),
        "response_bytes": _exchange_field(FieldKind.NUMBER, "exchange.response_bytes"),
        "actor": _exchange_field(FieldKind.TEXT, "actor"),
        "subject": _exchange_field(FieldKind.TEXT, "subject"),
        "fields": _exchange_field(FieldKind.LIST, "fields"),
        "signed": _exchange_field(FieldKind.BOOLEAN, "exchange.signed"),
        "breach": _exchange_field(FieldKind.LIST, "breach"),
    },
)


def _detail(name: str) -> Callable[[Any], Any]:
    def read(event: Any) -> Any:
        detail = event.detail
        return detail.get(name) if detail else None

    return read


SECURITY_EVENTS: Final = Source(
    "security-events",
    {
        "id": _exchange_field(FieldKind.TEXT, "id"),
        "agency": _exchange_field(FieldKind.TEXT, "agency"),
        "kind": _exchange_field(FieldKind.TEXT, "kind"),
        "severity": _exchange_field(FieldKind.NUMBER, "severity"),
        "actor": _exchange_field(FieldKind.TEXT, "actor"),
        "source_ip": _exchange_field(FieldKind.ADDRESS, "source_ip"),
        "service": _exchange_field(FieldKind.TEXT, "service"),
        "subject": _exchange_field(FieldKind.TEXT, "subject"),
        "count": _exchange_field(FieldKind.NUMBER, "count"),
        "bytes": _exchange_field(FieldKind.NUMBER, "bytes"),
    },
    open_prefix="detail.",
    read_open=_detail,
)

SOURCES: Final[Mapping[str, Source]] = {source.name: source for source in (EXCHANGES, SECURITY_EVENTS)}
