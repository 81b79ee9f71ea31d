"""Which rules an event may match: found by one look-up for each indexed field instead of trying them all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from alerts.engine.reading import Read, reader
from alerts.fields import FieldKind, Source
from alerts.rule import EventRule, Literals

# Values of a field whose rules are kept as they were written, so that only a new value is case-folded.
_REMEMBERED = 10_000


class Ruled(Protocol):
    """Something that stands for an event rule."""

    @property
    def event_rule(self) -> EventRule:
        """The rule."""


R = TypeVar("R", bound=Ruled)


def usable(source: Source, literals: Literals) -> bool:
    """Whether a field always holds text (or texts), so that its literals can be looked up."""
    field = source.fields.get(literals.field)
    return field is not None and field.kind in (FieldKind.TEXT, FieldKind.LIST)


class _ByField(Generic[R]):
    """The rules that require literals of one field."""

    def __init__(self, read: Read, wanted: Iterable[tuple[Literals, R]]) -> None:
        self.read = read
        by_value: dict[str, list[R]] = {}
        for literals, rule in wanted:
            for value in literals.values:
                by_value.setdefault(value, []).append(rule)
        self._by_value = {value: tuple(rules) for value, rules in by_value.items()}
        self.known: dict[str, tuple[R, ...]] = {}

    def of(self, value: str) -> tuple[R, ...]:
        """The rules for a value that is not among the known."""
        rules = self._by_value.get(value.casefold(), ())
        if len(self.known) < _REMEMBERED:
            self.known[value] = rules
        return rules


class RuleIndex(Generic[R]):
    """Rules on events of one source, each under the best literal that it requires, or under none.

    A rule's literals come best first, so each is filed under its first usable one.
    """

    def __init__(self, source: Source, rules: Sequence[R]) -> None:
        by_field: dict[str, list[tuple[Literals, R]]] = {}
        always: list[R] = []
        for rule in rules:
            best = next((each for each in rule.event_rule.indexes if usable(source, each)), None)
            if best is None:
                always.append(rule)
            else:
                by_field.setdefault(best.field, []).append((best, rule))
        self.always = tuple(always)
        self._texts: list[_ByField[R]] = []
        self._lists: list[_ByField[R]] = []
        for name in sorted(by_field):
            field = _ByField(reader(source, name), by_field[name])
            kind = source.fields[name].kind
            (self._texts if kind is FieldKind.TEXT else self._lists).append(field)

    @property
    def candidates(self) -> Callable[[Any], Sequence[R]]:
        """What gives the rules that an event may match, none twice, in an order that depends on the event
        alone."""
        if len(self._texts) == 1 and not self._lists and not self.always:
            return self._of_one_text
        return self._of_all

    def _of_one_text(self, event: Any) -> Sequence[R]:
        """Where all rules require one field, as kinds of events often are."""
        (field,) = self._texts
        value = field.read(event)
        if value is None:
            return ()
        rules = field.known.get(value)
        return field.of(value) if rules is None else rules

    def _of_all(self, event: Any) -> Sequence[R]:
        found = list(self.always)
        for field in self._texts:
            value = field.read(event)
            if value is not None:
                rules = field.known.get(value)
                if rules is None:
                    rules = field.of(value)
                if rules:
                    found += rules
        for field in self._lists:
            values = field.read(event)
            if values:
                several: dict[int, R] = {}
                for value in values:
                    rules = field.known.get(value)
                    for rule in field.of(value) if rules is None else rules:
                        several[id(rule)] = rule
                found += several.values()
        return found
