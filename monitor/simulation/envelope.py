"""CloudEvents 1.0 around an exchange: attributes in Kafka headers (binary) or in the body (structured)."""

from __future__ import annotations

from monitor.simulation.sent import Headers

_TYPE = "datashare.exchange.v1"
_BARE: Headers = []  # shared: most events have none, and nobody changes it


def bare(text: str) -> tuple[bytes, Headers]:
    """The exchange as it is."""
    return text.encode(), _BARE


def binary(text: str, event_id: str, provider: str) -> tuple[bytes, Headers]:
    """The exchange as it is, its attributes in `ce_` headers."""
    return text.encode(), [
        ("content-type", b"application/json"),
        ("ce_specversion", b"1.0"),
        ("ce_type", _TYPE.encode()),
        ("ce_source", f"/agencies/{provider}".encode()),
        ("ce_id", event_id.encode()),
    ]


def structured(text: str, event_id: str, provider: str) -> tuple[bytes, Headers]:
    """The exchange as the data of a CloudEvent."""
    event = (
        f'{{"specversion":"1.0","id":"{event_id}","source":"/agencies/{provider}","type":"{_TYPE}",'
        f'"datacontenttype":"application/json","data":{text}}}'
    )
    return event.encode(), [("content-type", b"application/cloudevents+json")]
