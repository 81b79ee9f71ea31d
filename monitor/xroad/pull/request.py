"""The question to a security server: who asks, whom, and for the records of which seconds."""

from __future__ import annotations

from dataclasses import dataclass
from xml.sax.saxutils import escape

from monitor.errors import UsageProblem

SERVICE = "getSecurityServerOperationalData"
CONTENT_TYPE = "text/xml; charset=UTF-8"
_MEMBER, _SUBSYSTEM = 3, 4  # parts of an identifier

_ENVELOPE = """<?xml version="1.0" encoding="UTF-8"?>
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"
    xmlns:xrd="http://x-road.eu/xsd/xroad.xsd" xmlns:id="http://x-road.eu/xsd/identifiers"
    xmlns:om="http://x-road.eu/xsd/op-monitoring.xsd">
<soap:Header>
<xrd:client id:objectType="{client_type}">{client}</xrd:client>
<xrd:service id:objectType="SERVICE">{owner}<id:serviceCode>{service}</id:serviceCode></xrd:service>
<xrd:securityServer id:objectType="SERVER">{owner}<id:serverCode>{code}</id:serverCode></xrd:securityServer>
<xrd:id>{message}</xrd:id>
<xrd:protocolVersion>4.0</xrd:protocolVersion>
</soap:Header>
<soap:Body><om:{service}><om:searchCriteria>
<om:recordsFrom>{since}</om:recordsFrom><om:recordsTo>{until}</om:recordsTo>
</om:searchCriteria></om:{service}></soap:Body>
</soap:Envelope>
"""


@dataclass(frozen=True, slots=True)
class Identifier:
    """A member, subsystem or server of X-Road: instance, class, code, and what it is called within."""

    parts: tuple[str, ...]

    @classmethod
    def of(cls, text: str, option: str, *shapes: int) -> Identifier:
        """Read `INSTANCE/CLASS/CODE[/NAME]` with one of so many parts. Raises UsageProblem."""
        parts = tuple(part.strip() for part in text.split("/"))
        if len(parts) not in shapes or not all(parts):
            accepted = " or ".join(
                "/".join(("INSTANCE", "CLASS", "CODE", "NAME")[:count]) for count in shapes
            )
            raise UsageProblem(f"{option} {text!r}: expected {accepted}")
        return cls(parts)

    def __str__(self) -> str:
        return "/".join(self.parts)


def client_of(text: str) -> Identifier:
    """The member or subsystem in whose name is asked. Raises UsageProblem."""
    return Identifier.of(text, "--client", _MEMBER, _SUBSYSTEM)


def server_of(text: str) -> Identifier:
    """The security server that is asked: its owner and its code. Raises UsageProblem."""
    return Identifier.of(text, "--server", _SUBSYSTEM)


def envelope(client: Identifier, server: Identifier, since: int, until: int, message: str) -> bytes:
    """The request for records that the server's monitoring took in from `since` to `until`.

    Both are epoch seconds and inclusive (PR-OPMON, section 2); `message` is the request's own id. The server
    is always named: a member's own server requires that.
    """
    names = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")
    owner = _written(names, server.parts[:_MEMBER])
    return _ENVELOPE.format(
        client_type="SUBSYSTEM" if len(client.parts) == _SUBSYSTEM else "MEMBER",
        client=_written(names, client.parts),
        owner=owner,
        code=escape(server.parts[_MEMBER]),
        service=SERVICE,
        message=escape(message),
        since=since,
        until=until,
    ).encode()


def _written(names: tuple[str, ...], parts: tuple[str, ...]) -> str:
    return "".join(f"<id:{name}>{escape(part)}</id:{name}>" for name, part in zip(names, parts, strict=False))
