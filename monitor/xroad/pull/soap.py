"""Reading an answer's XML: a few texts out of an envelope, with a parser that follows nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn
from xml.parsers import expat

from monitor.errors import MonitorError

_SEPARATOR = " "  # between namespace and name
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
MONITORING = "http://x-road.eu/xsd/op-monitoring.xsd"
_DEEPEST = 50  # an answer is five deep; what is much deeper is no answer
_LARGEST = 256 * 1024  # bytes of an envelope; a fault's detail may be pages


class NotUnderstood(MonitorError):
    """An answer that is not what the protocol says; `why` without the server's name."""


class Fault(MonitorError):
    """The server answered that it will not, in its own words."""

    def __init__(self, code: str, said: str) -> None:
        super().__init__(f"{code}: {said}")
        self.code = code


@dataclass(frozen=True, slots=True)
class Said:
    """What an envelope says: how many records, in which attachment, and from when to ask next."""

    count: int
    attachment: str
    next_from: int | None


def read_envelope(body: bytes) -> Said:
    """Read the answer to a request for records. Raises Fault, and NotUnderstood for anything else."""
    texts = _texts(body)
    fault = {name: texts.get(name, "") for name in ("faultcode", "faultstring", "faultDetail")}
    if fault["faultcode"] or f"{SOAP} Fault" in texts:
        said = " ".join(part for part in (fault["faultstring"], fault["faultDetail"]) if part)
        raise Fault(fault["faultcode"] or "Fault", said or "no reason given")
    try:
        count = int(texts[f"{MONITORING} recordsCount"])
        attachment = texts[f"{MONITORING} records"]
        following = texts.get(f"{MONITORING} nextRecordsFrom")
        next_from = None if following is None else int(following)
    except (KeyError, ValueError) as why:
        raise NotUnderstood(
            f"its envelope has no number of records, attachment and next time: {why}"
        ) from why
    if count < 0 or not attachment.startswith("cid:"):
        raise NotUnderstood(f"its envelope speaks of {count} records in {attachment[:100]!r}")
    return Said(count, attachment.removeprefix("cid:"), next_from)


def _texts(body: bytes) -> dict[str, str]:
    """The text of each element that has no other within; of several of one name, the first."""
    if len(body) > _LARGEST:
        raise NotUnderstood(f"its envelope has {len(body)} bytes")
    parser = expat.ParserCreate(namespace_separator=_SEPARATOR)
    texts: dict[str, str] = {}
    names: list[str] = []
    pieces: list[str] = []

    def begin(name: str, _attributes: object) -> None:
        names.append(name)
        pieces.clear()
        texts.setdefault(name, "")
        if len(names) > _DEEPEST:
            raise NotUnderstood("its XML is nested too deeply")

    def end(name: str) -> None:
        names.pop()
        texts[name] = texts[name] or "".join(pieces).strip()
        pieces.clear()

    def text(data: str) -> None:
        pieces.append(data)

    def refuse(*_: object) -> NoReturn:
        raise NotUnderstood("its XML has a document type, which may hold entities: it is not read")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    parser.buffer_text = True
    try:
        parser.Parse(body, True)
    except expat.ExpatError as why:
        raise NotUnderstood(f"it is not XML: {why}") from why
    return texts
