"""What baselines take in between two commits, added up: their rules match nearly every event there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import isfinite
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from alerts.engine.reading import Read, as_number, as_text, digest, reader
from alerts.fields import Source
from alerts.model import EVIDENCE, Evidence, Group

if TYPE_CHECKING:
    from alerts.engine.plan import MemoryNode

HOUR_MS = 3_600_000
LARGEST_VALUE = 2**53
LARGEST_TOTAL = 2**62  # a total that is stored fits into 64 bits
"""A single value counts at most so much, as counts on events do: one that lies must not outweigh all."""


class Shape(NamedTuple):
    """How matches are told apart: each field of a group with the field of the event that has it, and the
    event's field that names the agency."""

    groups: tuple[tuple[str, str], ...]
    agency: str


class Wanted(NamedTuple):
    """The field whose values are added up: as amounts, or as how many different ones there are."""

    field: str
    sums: bool


_new = tuple.__new__  # of a named tuple: half the time of its own

Key = Any  # the values of the fields that a rule groups by: one, or a tuple of them


def storable(number: int) -> int | float:
    """A sum as it can be stored: one beyond 64 bits, of values that nobody counts, is rounded."""
    return number if number < 2**63 else float(number)


class Portion(msgspec.Struct, array_like=True):
    """What one group had in one hour (counted since 1970), as far as it was not handed over yet.

    `count` are its events, `usable` those that had the value asked for. `total` and `squares` are the sums of
    values and of their squares, in whole units; `values` are the digests of different ones, where those are
    counted. `evidence` are the EVIDENCE earliest events, in no order.
    """

    group: Group
    hour: int
    agency: str
    count: int = 0
    usable: int = 0
    total: int = 0
    squares: int | float = 0
    first_ms: int = 0
    last_ms: int = 0
    values: set[int] = msgspec.field(default_factory=set)
    evidence: list[Evidence] = msgspec.field(default_factory=list)


class _Open(msgspec.Struct, gc=False, eq=False):
    """A portion that is being added to: its own fields, with different values as texts. `latest_ms` is the
    latest of the evidence."""

    group: Group
    hour: int
    agency: str
    first_ms: int
    count: int = 0
    usable: int = 0
    total: int = 0
    squares: int = 0
    last_ms: int = 0
    latest_ms: int = 0
    texts: set[str] = set()
    evidence: list[Evidence] = []

    def note(self, time_ms: int, event_id: str) -> None:
        """Keep one that may be among the earliest, where there are as many as are kept."""
        evidence = self.evidence
        evidence.append(Evidence(time_ms, event_id))
        evidence.remove(max(evidence))
        self.latest_ms = max(evidence).time_ms

    def note_many(self, times_ms: Sequence[int], event_ids: Sequence[str]) -> None:
        """Keep the earliest of them and of those that are kept."""
        latest_ms = sorted(times_ms)[:EVIDENCE][-1]
        fresh = [
            Evidence(at, event) for at, event in zip(times_ms, event_ids, strict=True) if at <= latest_ms
        ]
        self.evidence = sorted([*self.evidence, *fresh])[:EVIDENCE]
        self.latest_ms = self.evidence[-1].time_ms

    def done(self) -> Portion:
        """What is handed over."""
        return Portion(
            self.group,
            self.hour,
            self.agency,
            self.count,
            self.usable,
            min(self.total, LARGEST_TOTAL),
            storable(self.squares),
            self.first_ms,
            self.last_ms,
            set(map(digest, self.texts)),
            self.evidence,
        )


class Gather:
    """Adds up what baselines take in that share a rule, the fields they group by, and one value at most.

    `targets` are these baselines. `unusable` counts values that are no amount, or none at all.
    """

    __slots__ = (
        "_agency_of",
        "_begins",
        "_ends",
        "_hour",
        "_key_of",
        "_names",
        "_open",
        "_others",
        "_single",
        "_source",
        "_sums",
        "number",
        "shape",
        "targets",
        "unusable",
        "value_of",
        "wanted",
    )

    def __init__(self, number: int, shape: Shape, source: Source) -> None:
        self.number = number
        self.shape = shape
        self.unusable = 0
        self.targets: list[MemoryNode] = []
        self.wanted: Wanted | None = None
        self.value_of: Read | None = None
        self._source = source
        self._sums = False
        self._names = tuple(name for name, _ in shape.groups)
        self._single = len(shape.groups) == 1
        self._key_of = _together(tuple(reader(source, field) for _, field in shape.groups))
        self._agency_of = reader(source, shape.agency)
        self._hour = self._begins = self._ends = 0  # of the portions in `_open`
        self._open: dict[Key, _Open] = {}
        self._others: list[_Open] = []  # of other hours

    def want(self, wanted: Wanted) -> None:
        """Add values up from now on."""
        self.wanted = wanted
        self.value_of = reader(self._source, wanted.field)
        self._sums = wanted.sums

    def add(self, event: Any, time_ms: int, event_id: str) -> bool:
        """Take one match in; False where the event lacks a field that the rule groups by."""
        if not self._begins <= time_ms < self._ends:
            self._enter(time_ms)
        key = self._key_of(event)
        held = self._open.get(key)
        if held is None:
            held = self._begin(key, self._agency_of(event), time_ms)
            if held is None:
                return False
        if self.value_of is not None:
            value = self.value_of(event)
            if type(value) is str and not self._sums:
                held.texts.add(value)
                held.usable += 1
            else:
                self._value(held, value)
        if time_ms > held.last_ms:
            held.last_ms = time_ms
        elif time_ms < held.first_ms:
            held.first_ms = time_ms
        if held.count < EVIDENCE:
            held.evidence.append(_new(Evidence, (time_ms, event_id)))
            if time_ms > held.latest_ms:  # noqa: PLR1730  # nearly every event: max() takes twice as long
                held.latest_ms = time_ms
        elif time_ms <= held.latest_ms:
            held.note(time_ms, event_id)
        held.count += 1
        return True

    def place(self, event: Any) -> tuple[Key, Any]:
        """What tells the event's group from others, and the agency: for `add_many`."""
        return self._key_of(event), self._agency_of(event)

    def add_many(
        self,
        key: Key,
        agency: str | None,
        values: Sequence[Any] | None,
        times_ms: Sequence[int],
        event_ids: Sequence[str],
    ) -> bool:
        """Take matches of one group in, of which none may be missing a value for another to have two."""
        first_ms, last_ms = min(times_ms), max(times_ms)
        if first_ms // HOUR_MS != last_ms // HOUR_MS:
            return self._add_by_hour(key, agency, values, times_ms, event_ids)
        if not self._begins <= first_ms < self._ends:
            self._enter(first_ms)
        held = self._open.get(key)
        if held is None:
            held = self._begin(key, agency, first_ms)
            if held is None:
                return False
        if values is not None:
            for value in values:
                self._value(held, value)
        held.count += len(times_ms)
        held.first_ms = min(held.first_ms, first_ms)
        held.last_ms = max(held.last_ms, last_ms)
        if first_ms <= held.latest_ms or len(held.evidence) < EVIDENCE:
            held.note_many(times_ms, event_ids)
        return True

    def _add_by_hour(
        self,
        key: Key,
        agency: str | None,
        values: Sequence[Any] | None,
        times_ms: Sequence[int],
        event_ids: Sequence[str],
    ) -> bool:
        hours: dict[int, list[int]] = {}
        for at, time_ms in enumerate(times_ms):
            hours.setdefault(time_ms // HOUR_MS, []).append(at)
        grouped = True
        for those in hours.values():
            grouped = self.add_many(
                key,
                agency,
                None if values is None else [values[at] for at in those],
                [times_ms[at] for at in those],
                [event_ids[at] for at in those],
            )
        return grouped

    def _value(self, held: _Open, value: Any) -> None:
        if self._sums:
            if type(value) is not int or not 0 <= value <= LARGEST_VALUE:
                value = _amount(value)
                if value is None:
                    self.unusable += 1
                    return
            held.total += value
            held.squares += value * value
        else:
            text = as_text(value)
            if text is None:
                self.unusable += 1
                return
            held.texts.add(text)
        held.usable += 1

    def take(self) -> list[Portion]:
        """Hand over what was added up, hour by hour."""
        taken = [*self._others, *self._open.values()]
        self._others, self._open = [], {}
        self._begins = self._ends = 0
        return [each.done() for each in taken]

    def _enter(self, time_ms: int) -> None:
        """Make another hour the current one; events of two hours mix for a few minutes only."""
        self._others += self._open.values()
        self._hour = time_ms // HOUR_MS
        self._begins = self._hour * HOUR_MS
        self._ends = self._begins + HOUR_MS
        self._open = {}

    def _begin(self, key: Key, agency: Any, time_ms: int) -> _Open | None:
        texts = [as_text(each) for each in ((key,) if self._single else key)]
        pairs = [(name, text) for name, text in zip(self._names, texts, strict=True) if text is not None]
        if len(pairs) < len(texts):
            return None
        held = _Open(tuple(sorted(pairs)), self._hour, as_text(agency) or "", time_ms)
        self._open[key] = held
        return held


def _together(reads: tuple[Read, ...]) -> Callable[[Any], Key]:
    """One reader for several fields; where all are plain attributes, one call of the interpreter's own."""
    if len(reads) == 1:
        return reads[0]
    paths = [each.__reduce__()[1] if isinstance(each, attrgetter) else None for each in reads]
    if all(paths):
        return attrgetter(*(path for some in paths if some for path in some))
    return lambda event: tuple(read(event) for read in reads)


def _amount(value: Any) -> int | None:
    """A value in whole units; None when it is no amount."""
    number = as_number(value)
    if number is None or not isfinite(number) or number < 0:
        return None
    return int(min(number, LARGEST_VALUE) + 0.5)
