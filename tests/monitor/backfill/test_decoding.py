"""Lines of a file, decoded many at a time, are the same as one by one, whatever stands beside whatever."""

from __future__ import annotations

import hashlib
import json

from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.backfill.batch import Batch
from monitor.backfill.decoding import exchanges_of
from monitor.events.decode import decode_one
from monitor.events.exchange import Exchange
from tests.monitor.events.test_batches import MIDDLE, PIECES, STRUCTURED, A, B

BODIES = [body for body in PIECES if body is not None]
LINES = [body for body in BODIES if b"\n" not in body]
# Structured, with an exchange beside its data: alone it is what its data say.
BOTH = json.dumps({"specversion": "1.0", "data": json.loads(B), **json.loads(A)}).encode()


def one_by_one(bodies: list[bytes]) -> list[object]:
    """What decoding each by itself gives."""
    return [decode_one(body, ()) for body in bodies]


def lines_of(lines: list[bytes], end: bytes) -> Batch:
    """A batch of whole lines, but for what `end` leaves off the last."""
    block = b"\n".join(lines) + end
    return Batch(0, len(lines), len(block), hashlib.sha256(), block)


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(LINES), min_size=1, max_size=6), st.booleans())
@example([A + B, A], True)
@example([A + B, b" "], True)
@example([A, b"", B], True)
@example([A[:MIDDLE], A[MIDDLE:], A + B], True)
@example([A[:-1] + b',"x":{}', b"}", A + B], True)
@example([A[:-1] + b',"x":[', b"{}]}", A + B], True)
@example([A, STRUCTURED, B], True)
@example([STRUCTURED, A], True)
@example([A, BOTH], True)
@example([BOTH, A], True)
@example([A + B], False)
def test_lines_are_decoded_as_one_by_one(lines: list[bytes], ended: bool) -> None:
    """Of which some could run into the next, or take its place."""
    if not ended and not lines[-1]:
        lines[-1] = A  # nothing after the last line break is no line
    assert exchanges_of(lines_of(lines, b"\n" if ended else b"")) == one_by_one(lines)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(BODIES), max_size=6))
@example([A + B, b""])
@example([A + b"\n" + B, b" "])
def test_members_of_a_list_are_decoded_as_one_by_one(bodies: list[bytes]) -> None:
    """What comes without lines: bodies that hold line breaks of their own."""
    batch = Batch(0, len(bodies), 1, hashlib.sha256(), records=tuple(bodies))
    assert exchanges_of(batch) == one_by_one(bodies)


def test_a_line_of_two_events_spoils_no_line_of_many() -> None:
    """Thousands of lines are decoded in pieces: each keeps its place."""
    lines = [A, B] * 700
    lines[900] = A + B
    decoded = exchanges_of(lines_of(lines, b"\n"))
    assert decoded == one_by_one(lines)
    assert sum(isinstance(one, Exchange) for one in decoded) == len(lines) - 1
