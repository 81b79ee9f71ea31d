"""What a baseline takes in between two commits, added up: its rule matches nearly every event there is."""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from operator import attrgetter
from typing import Any

import msgspec

from alerts.engine.reading import Read, as_number, as_text
from alerts.model import EVIDENCE, Evidence, Group
from alerts.rule import Baseline

HOUR_MS = 3_600_000
LARGEST_VALUE = 2**53
"""A single value counts at most so much, as counts on events do: one that lies must not outweigh all."""

Key = Any  # the values of the fields that a rule groups by: one, or a tuple of them


class Portion(msgspec.Struct, array_like=True):
    """What one group had in one hour (counted since 1970), as far as it was not handed over yet.

    `total` and `squares` are the sums of values and of their squares, in whole units; `values` are the
    different ones, where those are counted. `evidence` are the EVIDENCE earliest events, in no order.
    """

    group: Group
    hour: int
    agency: str
    count: int = 0
    total: int = 0
    squares: int = 0
    first_ms: int = 0
    last_ms: int = 0
    values: set[str] = msgspec.field(default_factory=set)
    evidence: list[Evidence] = msgspec.field(default_factory=list)
    latest_ms: int = 0  # of the evidence


def _note(portion: Portion, time_ms: int, event_id: str) -> None:
    """Keep the earliest events."""
    evidence = portion.evidence
    evidence.append(Evidence(time_ms, event_id))
    if len(evidence) > EVIDENCE:
        evidence.remove(max(evidence))
    portion.latest_ms = max(evidence).time_ms


class Gather:
    """Adds up what one baseline takes in. `unusable` counts values that are no amount."""

    __slots__ = (
        "_agency_of",
        "_begins",
        "_ends",
        "_hour",
        "_key_of",
        "_measure",
        "_names",
        "_open",
        "_others",
        "_single",
        "_value_of",
        "unusable",
    )

    def __init__(
        self,
        rule: Baseline,
        names: tuple[str, ...],
        reads: tuple[Read, ...],
        agency: Read,
        value: Read | None,
    ) -> None:
        self.unusable = 0
        self._names = names
        self._single = len(names) == 1
        self._key_of = _together(reads)
        self._agency_of = agency
        self._value_of = value
        self._measure = rule.measure
        self._hour = self._begins = self._ends = 0  # of the portions in `_open`
        self._open: dict[Key, Portion] = {}
        self._others: list[Portion] = []  # of other hours

    def add(self, event: Any, time_ms: int, event_id: str) -> bool:
        """Take one match in; False where the event lacks a field that the rule groups by."""
        if not self._begins <= time_ms < self._ends:
            self._enter(time_ms)
        key = self._key_of(event)
        portion = self._open.get(key)
        if portion is None:
            portion = self._begin(key, event, time_ms)
            if portion is None:
                return False
        if self._value_of is not None:
            value = self._value_of(event)
            if self._measure == "sum":
                if type(value) is not int or not 0 <= value <= LARGEST_VALUE:
                    value = _amount(value)
                    if value is None:
                        self.unusable += 1
                        return True
                portion.total += value
                portion.squares += value * value
            elif type(value) is str:
                portion.values.add(value)
            else:
                text = as_text(value)
                if text is None:
                    self.unusable += 1
                    return True
                portion.values.add(text)
        portion.count += 1
        if time_ms > portion.last_ms:
            portion.last_ms = time_ms
            if portion.count > EVIDENCE:  # what is kept is earlier
                return True
        elif time_ms < portion.first_ms:
            portion.first_ms = time_ms
        if time_ms <= portion.latest_ms or portion.count <= EVIDENCE:
            _note(portion, time_ms, event_id)
        return True

    def crosses(self, watermark_ms: int) -> bool:
        """Whether an hour of which something is held ends before the watermark."""
        if not self._open and not self._others:
            return False
        return watermark_ms >= min([self._ends, *((each.hour + 1) * HOUR_MS for each in self._others)])

    def take(self) -> list[Portion]:
        """Hand over what was added up, hour by hour."""
        taken = [*self._others, *self._open.values()]
        self._others, self._open = [], {}
        self._begins = self._ends = 0
        return [each for each in taken if each.count]

    def _enter(self, time_ms: int) -> None:
        """Make another hour the current one; events of two hours mix for a few minutes only."""
        self._others += self._open.values()
        self._hour = time_ms // HOUR_MS
        self._begins = self._hour * HOUR_MS
        self._ends = self._begins + HOUR_MS
        self._open = {}

    def _begin(self, key: Key, event: Any, time_ms: int) -> Portion | None:
        texts = [as_text(each) for each in ((key,) if self._single else key)]
        pairs = [(name, text) for name, text in zip(self._names, texts, strict=True) if text is not None]
        if len(pairs) < len(texts):
            return None
        agency = as_text(self._agency_of(event)) or ""
        portion = Portion(tuple(sorted(pairs)), self._hour, agency, first_ms=time_ms)
        self._open[key] = portion
        return portion


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
