"""Many events at a time: the same as one by one, and no bad event costs a good neighbour."""

from __future__ import annotations

import gc
import json
import random
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from monitor.events.decode import GROUP, MAX_BODY_BYTES, Body, decode_batch, decode_one
from monitor.events.exchange import Exchange
from monitor.events.rejection import Rejection
from tests.builders import exchange_json

A, B = exchange_json(id="A"), exchange_json(id="B")
STRUCTURED = json.dumps({"specversion": "1.0", "data": json.loads(A)}).encode()
PRETTY = json.dumps(json.loads(A), indent=2).encode()
MIDDLE = A.index(b'"provider"')
# Everything that could run into its neighbours, or take their place.
PIECES: list[Body] = [
    None, b"", b" ", b"\n", A, B, PRETTY, A + b"\n", b" " + A, STRUCTURED, STRUCTURED[:-1],
    A[:MIDDLE], A[MIDDLE:], A[:-1], b"}", b"{", b"{}", b'{"x":', b'"y"}', b"[", b"]", b",",
    A + B, A + b" " + B, A + b"\n" + B, A + b"," + B, A + b"{", b"}" + B, b'{"x":"}', b'{","y":1}',
    b'{"x":{}', b"{}}", b"[" + A + b"]", STRUCTURED + A, b"\xff", b"\x00", b"nul", b"null",
    b'{"specversion":"1.0"}',
]  # fmt: skip


def one_by_one(bodies: list[Body]) -> list[object]:
    """What decoding each by itself gives."""
    return [decode_one(body, ()) for body in bodies]


@settings(max_examples=600, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=8), max_size=6))
@example([A + B, b" "])
@example([A + b" " + B, b""])
@example([A[:MIDDLE], A[MIDDLE:], A + B])
@example([b'{"x":"}', b'{","y":1}', A + B])
@example([STRUCTURED, A[:MIDDLE], A[MIDDLE:], A + B])
def test_a_batch_is_its_events_one_by_one(bodies: list[Body]) -> None:
    """Whatever stands beside whatever."""
    assert decode_batch(bodies, lambda _: ()) == one_by_one(bodies)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 3 * GROUP))
def test_groups_keep_their_order(data: st.DataObject, count: int) -> None:
    """Results stand where their bodies stood, over the edges of groups."""
    bodies: list[Body] = [exchange_json(id=str(number)) for number in range(count)]
    for index in data.draw(st.lists(st.integers(0, count - 1), max_size=4)):
        bodies[index] = data.draw(st.sampled_from(PIECES))
    assert decode_batch(bodies, lambda _: ()) == one_by_one(bodies)


def test_a_group_of_large_bodies_is_no_large_body() -> None:
    """The limit is for each body, however many come together."""
    body = exchange_json(note="x" * (MAX_BODY_BYTES // 4))
    assert all(isinstance(one, Exchange) for one in decode_batch([body] * 6, lambda _: ()))


def mutated(lot: random.Random, good: bytes) -> bytes:
    """A body with some of it cut, doubled, swapped or overwritten."""
    body = bytearray(good)
    for _ in range(lot.randint(1, 4)):
        at = lot.randrange(len(body) + 1)
        kind = lot.randrange(6)
        if kind == 0:
            del body[at : at + lot.randint(1, 40)]
        elif kind == 1:
            body[at:at] = bytes(lot.randrange(256) for _ in range(lot.randint(1, 6)))
        elif kind == 2:
            body[at : at + 1] = lot.choice([b'"', b"{", b"}", b"[", b"]", b",", b":", b"\n", b"\\", b"\xff"])
        elif kind == 3:
            body[at:at] = good[: lot.randrange(len(good))]
        elif kind == 4:
            body[at:at] = body[lot.randrange(len(body) + 1) :][:100]
        else:
            del body[at:]
    return bytes(body)


@pytest.fixture(scope="module")
def fuzzed() -> tuple[list[Body], dict[int, str]]:
    """10 thousand mutated bodies with good ones between them, and the good ones' places and ids."""
    lot = random.Random(20261005)
    bodies: list[Body] = []
    good: dict[int, str] = {}

    def pieces() -> Iterator[bytes]:
        for number in range(10_000):
            yield mutated(lot, STRUCTURED if number % 5 == 0 else A)

    for number, bad in enumerate(pieces()):
        if lot.random() < 0.5:
            good[len(bodies)] = f"good-{number}"
            bodies.append(exchange_json(id=f"good-{number}"))
        bodies.append(bad)
    return bodies, good


def test_ten_thousand_mutated_bodies_lose_none_of_the_good_ones(
    fuzzed: tuple[list[Body], dict[int, str]],
) -> None:
    """Each good one is read, at its place; none is read twice."""
    bodies, good = fuzzed
    decoded = decode_batch(bodies, lambda _: ())
    assert len(decoded) == len(bodies)
    ids = {
        i: one.id for i, one in enumerate(decoded) if isinstance(one, Exchange) and one.id.startswith("good-")
    }
    assert ids == good


def test_a_mutated_body_reads_the_same_among_others(fuzzed: tuple[list[Body], dict[int, str]]) -> None:
    """Batches are cut at random by the network; what is counted must not depend on it."""
    bodies, _ = fuzzed
    assert decode_batch(bodies, lambda _: ()) == one_by_one(bodies)


def test_what_cannot_be_decoded_is_given_back_at_once() -> None:
    """Without waiting for the collector: a flood of such bodies would fill the memory between its rounds."""
    bodies = (b'{"id": 1}', b"[", b'{"specversion": "1.0", "data": 1}') * 100
    gc.collect()
    gc.disable()
    try:
        for body in bodies:
            assert isinstance(decode_one(body, ()), Rejection)
        assert gc.collect() < len(bodies)  # what others leave in the meantime is not a ring for each
    finally:
        gc.enable()
