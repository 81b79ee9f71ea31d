"""A batch to events: exchanges a block in one call, and everything else as it is read from Kafka."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from monitor.backfill.batch import Batch
from monitor.events.decode import MAX_BODY_BYTES, Decoded, Headers, decode_batch
from monitor.events.exchange import Exchange
from monitor.events.problems import UNDECODABLE

Decode = Callable[[Sequence[bytes | None], Callable[[int], Headers]], Sequence[Any]]

# Where a block holds a bad line, so many parts of it are tried in one call each: one part is read anew.
_PARTS = 12
_STRUCTURED = b'{"spe'  # how a structured CloudEvent begins, of which more than its members must be looked at

_exchanges = msgspec.json.Decoder(Exchange)


def exchanges_of(batch: Batch) -> Sequence[Decoded]:
    """Every record as an Exchange or a Rejection, in their order; blank lines are rejected as empty."""
    if batch.block is not None:
        together = _together(batch.block, batch.count)
        if together is not None:
            return together
    bodies = batch.bodies()
    size = -(-len(bodies) // _PARTS)
    decoded: list[Decoded] = []
    for start in range(0, len(bodies), size):
        part = bodies[start : start + size]
        decoded += _together(b"\n".join([*part, b""]), len(part)) or decode_batch(part, _no_headers)
    return decoded


def decoding_with(decode: Decode) -> Callable[[Batch], Sequence[Any]]:
    """The decoding of a batch with what decodes messages."""
    return lambda batch: decode(batch.bodies(), _no_headers)


def _together(block: bytes, count: int) -> Sequence[Decoded] | None:
    """Decode a block of whole lines in one call; None when any of it needs a closer look.

    The decoder takes line breaks for blanks. Where every line begins with `{` and ends with `}`, none can run
    into the next (monitor/events/decode.py says why), and as many exchanges as lines are one of each.
    """
    if len(block) > MAX_BODY_BYTES or not block.startswith(b"{") or not block.endswith(b"}\n"):
        return None
    if block.count(b"}\n{") != count - 1 or block.startswith(_STRUCTURED) or b"\n" + _STRUCTURED in block:
        return None
    try:
        exchanges = _exchanges.decode_lines(block)
    except UNDECODABLE:
        return None
    return exchanges if len(exchanges) == count else None


def _no_headers(_index: int) -> Headers:
    return ()
