"""How rules read events: texts and groups of bounded length, numbers, and what a chained rule passes on."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from alerts.fields import Source
from alerts.model import Group

Read = Callable[[Any], Any]

LONGEST_TEXT = (
    200  # characters of a value in a group, as names on exchanges; a longer one is told by its hash
)
LONGEST_NUMBER = 32  # characters; a longer text is no number anyone wrote
_KEPT = 160


class Passed(NamedTuple):
    """What a rule that became true passes to one that is chained to it, instead of an event."""

    time_ms: int
    event_id: str
    agency: str
    group: Group


def reader(source: Source, name: str) -> Read:
    """How a field is read from events of a source; always None where the source has no such field."""
    field = source.fields.get(name)
    if field is not None:
        return field.read
    if source.open_prefix and source.read_open is not None and name.startswith(source.open_prefix):
        return source.read_open(name.removeprefix(source.open_prefix))
    return lambda _event: None


def passed_reader(name: str) -> Read:
    """How a field is read from what another rule passes on: its group, else `agency`."""

    def read(passed: Passed) -> str | None:
        for field, value in passed.group:
            if field == name:
                return value
        return passed.agency if name == "agency" else None

    return read


def bounded(text: str) -> str:
    """A text no longer than LONGEST_TEXT; longer ones stay different by their hash."""
    if len(text) <= LONGEST_TEXT:
        return text
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
    return f"{text[:_KEPT]}…{digest}"


def digest(text: str) -> int:
    """What stands for a value where values are only told apart: 64 bits, evenly spread."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest())


def as_text(value: Any) -> str | None:
    """A value as it stands in a group or is counted: as JSON writes it, and a list as its sorted items."""
    if value is None:
        return None
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT else bounded(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, list | tuple | set | frozenset):
        return bounded(",".join(sorted(str(each) for each in value)))
    return bounded(str(value))


def as_number(value: Any) -> float | None:
    """A number, or a text that is one; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def group_reader(names: Sequence[str], reads: Sequence[Read]) -> Callable[[Any], Group | None]:
    """How a group is read: pairs sorted by name. None where an event lacks one of the fields: events of
    nobody in particular belong to no group."""
    ordered = sorted(zip(names, reads, strict=True), key=lambda each: each[0])
    # One and two fields are nearly all there are; written out they take half the time of a loop.
    if not ordered:
        return lambda _event: ()
    if len(ordered) == 1:
        ((only, read_only),) = ordered

        def of_one(event: Any) -> Group | None:
            value = read_only(event)
            if type(value) is not str or len(value) > LONGEST_TEXT:
                value = as_text(value)
            return None if value is None else ((only, value),)

        return of_one
    if len(ordered) == 2:
        (one, read_one), (other, read_other) = ordered

        def of_two(event: Any) -> Group | None:
            first, second = read_one(event), read_other(event)
            if type(first) is not str or len(first) > LONGEST_TEXT:
                first = as_text(first)
            if type(second) is not str or len(second) > LONGEST_TEXT:
                second = as_text(second)
            return None if first is None or second is None else ((one, first), (other, second))

        return of_two

    def of_many(event: Any) -> Group | None:
        pairs = []
        for name, read in ordered:
            value = as_text(read(event))
            if value is None:
                return None
            pairs.append((name, value))
        return tuple(pairs)

    return of_many


def loose_group_reader(names: Sequence[str], reads: Sequence[Read]) -> Callable[[Any], Group]:
    """How the group of a rule on single events is read: fields that an event lacks are left out."""
    ordered = sorted(zip(names, reads, strict=True), key=lambda each: each[0])

    def of(event: Any) -> Group:
        pairs = ((name, as_text(read(event))) for name, read in ordered)
        return tuple((name, value) for name, value in pairs if value is not None)

    return of if ordered else lambda _event: ()
