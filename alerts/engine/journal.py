"""The write-ahead journal: what was done to the kinds' states since the last commit, as one row.

A row holds steps in their order. Rules are numbered in it, with a table of their ids and fingerprints, so
that a row outlives a change of the rules around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from alerts.engine.gather import Portion
from alerts.engine.kind import Observation
from alerts.model import Group

# A step is (rule's number, observations), (_GATHERED + gather's number, portion), (-1, watermark), or
# (-2 - rule's number, groups that were evicted).
ADVANCED = -1
_EVICTED = -2
_GATHERED = 1_000_000  # more than there are rules

Name = tuple[str, str]  # a rule's id and fingerprint


def evicted_step(number: int, groups: list[Group]) -> tuple[int, list[Group]]:
    """That a rule forgot groups for want of room."""
    return _EVICTED - number, groups


def gathered_step(number: int) -> int:
    """How a step is marked that holds what a gather added up."""
    return _GATHERED + number


class Steps(msgspec.Struct, array_like=True):
    """A row: rules by number, the numbers of the rules that a gather is for, by its own, and the steps."""

    rules: dict[int, Name]
    gathers: dict[int, Sequence[int]]
    steps: list[tuple[int, Any]]


def encode_steps(
    rules: Sequence[Name], gathers: Sequence[Sequence[int]], steps: list[tuple[int, Any]]
) -> bytes:
    """A row of steps; only the rules that it names are in its table."""
    numbers = {number for number, _ in steps} - {ADVANCED}
    used = {each - _GATHERED: gathers[each - _GATHERED] for each in numbers if each >= _GATHERED}
    named = {each if each >= 0 else _EVICTED - each for each in numbers if each < _GATHERED}
    named.update(*used.values())
    return _encoder.encode(Steps({number: rules[number] for number in sorted(named)}, used, steps))


class Applied(msgspec.Struct):
    """A step of a row, decoded: one of observation, portion, evicted and watermark is set."""

    rules: tuple[Name, ...] = ()
    observation: Observation | None = None
    portion: Portion | None = None
    evicted: list[Group] | None = None
    watermark_ms: int | None = None


def decode_steps(encoded: bytes) -> list[Applied]:
    """The steps of a row. Raises msgspec.DecodeError."""
    row = _decoder.decode(encoded)
    found = []
    for number, held in row.steps:
        if number == ADVANCED:
            found.append(Applied(watermark_ms=msgspec.convert(held, int)))
        elif number >= _GATHERED:
            rules = tuple(row.rules[each] for each in row.gathers[number - _GATHERED])
            found.append(Applied(rules, portion=msgspec.convert(held, Portion)))
        elif number >= 0:
            rules = (row.rules[number],)
            for group, *rest in held:
                observation = msgspec.convert((_group(group), *rest), Observation)
                found.append(Applied(rules, observation=observation))
        else:
            groups = [_group(each) for each in held]
            found.append(Applied((row.rules[_EVICTED - number],), evicted=groups))
    return found


def _group(pairs: Any) -> Group:
    return msgspec.convert(pairs, Group)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Steps)
