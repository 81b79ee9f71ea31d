"""A batch to events: exchanges many in one call, and everything else as it is read from Kafka."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec

from monitor.backfill.batch import Batch
from monitor.events.decode import MAX_BODY_BYTES, Decoded, Headers, decode_batch
from monitor.events.exchange import Exchange
from monitor.events.problems import UNDECODABLE

Decode = Callable[[Sequence[bytes | None], Callable[[int], Headers]], Sequence[Any]]

# Some eighty exchanges: what is decoded in one call, and read anew line by line where one of it is bad.
_PIECE_BYTES = 32 * 1024
_PIECE_RECORDS = 64
# How a structured CloudEvent begins, of which more than its members must be looked at.
_STRUCTURED = b'{"spe'
# A line break that is not between two events, or before a structured one. One search, which begins with a
# byte that C finds fast, takes a quarter of the time of counting and looking for each of these by itself.
_UNSURE = re.compile(rb"\n(?:(?<!\}\n)|(?!\{)|(?=" + re.escape(_STRUCTURED) + rb"))")

_exchanges = msgspec.json.Decoder(Exchange)


def exchanges_of(batch: Batch) -> Sequence[Decoded]:
    """Every record as an Exchange or a Rejection, in their order; blank lines are rejected as empty."""
    decoded: list[Decoded] = []
    if batch.block is None:
        for start in range(0, batch.count, _PIECE_RECORDS):
            bodies = batch.records[start : start + _PIECE_RECORDS]
            together = _together(b"\n".join((*bodies, b"")))
            if together is None or len(together) != len(bodies):
                together = decode_batch(bodies, _no_headers)
            decoded += together
        return decoded
    for piece in _pieces(batch.block):
        together = _together(piece)
        decoded += decode_batch(Batch.lines_of(piece), _no_headers) if together is None else together
    if len(decoded) != batch.count:  # a line held two events
        return decode_batch(batch.bodies(), _no_headers)
    return decoded


def decoding_with(decode: Decode) -> Callable[[Batch], Sequence[Any]]:
    """The decoding of a batch with what decodes messages."""
    return lambda batch: decode(batch.bodies(), _no_headers)


def _pieces(block: bytes) -> Iterator[bytes]:
    """A block in pieces of whole lines."""
    start, size = 0, len(block)
    while start < size:
        stop = block.rfind(b"\n", start, start + _PIECE_BYTES) + 1 or block.find(b"\n", start) + 1 or size
        yield block[start:stop]
        start = stop


def _together(lines: bytes) -> Sequence[Decoded] | None:
    """Decode whole lines in one call; None when any of them needs a closer look.

    The decoder takes line breaks for blanks. Where every line begins with `{` and ends with `}`, none can run
    into the next (monitor/events/decode.py says why): there is at least one exchange for each line, and where
    there are as many as lines, they are one of each.
    """
    if len(lines) > MAX_BODY_BYTES or not lines.startswith(b"{") or not lines.endswith(b"}\n"):
        return None
    if lines.startswith(_STRUCTURED) or _UNSURE.search(lines, 0, len(lines) - 1) is not None:
        return None
    try:
        return _exchanges.decode_lines(lines)
    except UNDECODABLE:
        return None


def _no_headers(_index: int) -> Headers:
    return ()
