"""Detections as trees of tests: how a tree becomes one closure, and what every matching event must have."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from alerts.rule import Bound, Literals, Matches, Narrow

# What a test costs beside others, so that conjunctions try the cheap ones first. Measured on one event:
# an equality takes 0.1 µs, a regular expression 3 µs.
CHEAP, MIDDLING, DEAR = 1, 3, 30

# How many events hold one value of a field, roughly: an index is best that few events pass. `ok` is the
# outcome of nearly all exchanges, whoever takes part.
_SHARES = {
    "id": 0.0,
    "subject": 0.0001,
    "actor": 0.0005,
    "breach": 0.002,
    "purpose": 0.01,
    "service": 0.01,
    "requested_service": 0.01,
    "kind": 0.03,
    "fields": 0.3,
}
_SHARE = 0.02  # one agency of fifty
_SHARES_OF_OUTCOMES = {"ok": 0.95}


@dataclass(frozen=True, slots=True)
class Leaf:
    """One test of one field, or of two that are compared. `index` is what it requires literally, `bounds`
    which numbers; `widened` makes the same test for more values, where the test is nothing but equality with
    those of `index`. `fields` are all that it reads; where none is said, that is not known."""

    matches: Matches
    cost: int
    index: Literals | None = None
    widened: Callable[[frozenset[str]], Matches] | None = None
    bounds: tuple[Bound, ...] = ()
    fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Every:
    """All parts match."""

    parts: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Some:
    """At least one part matches."""

    parts: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not match."""

    part: Term


Term = Leaf | Every | Some | Not


def every(parts: Iterable[Term]) -> Term:
    """A conjunction, flattened; of one part, the part itself."""
    flat: list[Term] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Every) else (part,))
    return flat[0] if len(flat) == 1 else Every(tuple(flat))


def some(parts: Iterable[Term]) -> Term:
    """A disjunction, flattened, with the equalities of one field made one; of one part, the part itself."""
    flat: list[Term] = []
    for part in parts:
        for each in part.parts if isinstance(part, Some) else (part,):
            _add_alternative(flat, each)
    return flat[0] if len(flat) == 1 else Some(tuple(flat))


def _add_alternative(flat: list[Term], part: Term) -> None:
    if isinstance(part, Leaf) and part.index is not None and part.widened is not None:
        for at, held in enumerate(flat):
            if (
                isinstance(held, Leaf)
                and held.index is not None
                and held.widened is not None
                and held.index.field == part.index.field
            ):
                values = held.index.values | part.index.values
                index = Literals(part.index.field, values)
                flat[at] = Leaf(
                    part.widened(values), part.cost, index, part.widened, fields=part.fields | held.fields
                )
                return
    flat.append(part)


def closure(term: Term) -> Matches:
    """One function that tells whether an event matches."""
    if isinstance(term, Leaf):
        return term.matches
    if isinstance(term, Not):
        return _negation(closure(term.part))
    parts = sorted(term.parts, key=_cost)
    tests = [closure(part) for part in parts]
    return _conjunction(tests) if isinstance(term, Every) else _disjunction(tests)


def narrowing(term: Term) -> Narrow:
    """How a term is narrowed to events that have one event's values in some fields."""

    def narrow(alike: frozenset[str], event: Any) -> Matches | bool:
        left = _left(term, alike, event)
        return left if isinstance(left, bool) else closure(left)

    return narrow


def _left(term: Term, alike: frozenset[str], event: Any) -> Term | bool:
    """What of a term the event does not decide for all that are alike."""
    if isinstance(term, Leaf):
        return term.matches(event) if term.fields and term.fields <= alike else term
    if isinstance(term, Not):
        left = _left(term.part, alike, event)
        return not left if isinstance(left, bool) else Not(left)
    conjunction = isinstance(term, Every)
    undecided: list[Term] = []
    for part in term.parts:
        left = _left(part, alike, event)
        if not isinstance(left, bool):
            undecided.append(left)
        elif left is not conjunction:  # one that fails decides a conjunction, one that holds a disjunction
            return left
    if not undecided:
        return conjunction
    return every(undecided) if conjunction else some(undecided)


def _cost(term: Term) -> int:
    if isinstance(term, Leaf):
        return term.cost
    if isinstance(term, Not):
        return _cost(term.part)
    return sum(_cost(part) for part in term.parts)


def _negation(test: Matches) -> Matches:
    return lambda event: not test(event)


def _conjunction(tests: Sequence[Matches]) -> Matches:
    # Two and three tests are nearly all there are; written out they take half the time of a loop.
    if len(tests) == 2:
        first, second = tests
        return lambda event: first(event) and second(event)
    if len(tests) == 3:
        first, second, third = tests
        return lambda event: first(event) and second(event) and third(event)

    def matches(event: object) -> bool:
        for test in tests:  # noqa: SIM110  # all() over a generator takes twice the time
            if not test(event):
                return False
        return True

    return matches


def _disjunction(tests: Sequence[Matches]) -> Matches:
    if len(tests) == 2:
        first, second = tests
        return lambda event: first(event) or second(event)

    def matches(event: object) -> bool:
        for test in tests:  # noqa: SIM110  # any() over a generator takes twice the time
            if test(event):
                return True
        return False

    return matches


def indexes(term: Term) -> tuple[Literals, ...]:
    """Every field of which a matching event must have one of some values; the most selective first."""
    return tuple(
        sorted(set(_required(term)), key=lambda each: (_share(each), each.field, sorted(each.values)))
    )


def _required(term: Term) -> list[Literals]:
    if isinstance(term, Leaf):
        return [] if term.index is None else [term.index]
    if isinstance(term, Every):
        return [each for part in term.parts for each in _required(part)]
    if isinstance(term, Not):
        return []
    # Of alternatives, what each of them requires of the same field.
    best: list[dict[str, Literals]] = []
    for part in term.parts:
        by_field: dict[str, Literals] = {}
        for each in _required(part):
            held = by_field.get(each.field)
            if held is None or len(each.values) < len(held.values):
                by_field[each.field] = each
        best.append(by_field)
    shared = set(best[0]).intersection(*best[1:])
    return [
        Literals(field, frozenset().union(*(by_field[field].values for by_field in best)))
        for field in sorted(shared)
    ]


def bounds(term: Term) -> tuple[Bound, ...]:
    """Limits within which numbers of every matching event lie."""
    return tuple(sorted(set(_bounds(term))))


def _bounds(term: Term) -> list[Bound]:
    if isinstance(term, Leaf):
        return list(term.bounds)
    if isinstance(term, Every):
        return [each for part in term.parts for each in _bounds(part)]
    if isinstance(term, Not):
        return []
    # Of alternatives the loosest, where each of them has the same comparison of the same field.
    found: list[dict[tuple[str, str], Bound]] = []
    for part in term.parts:
        tightest: dict[tuple[str, str], Bound] = {}
        for each in _bounds(part):
            key = (each.field, each.operator)
            held = tightest.get(key)
            tightest[key] = each if held is None else _pick(held, each, max, min)
        found.append(tightest)
    shared = set(found[0]).intersection(*found[1:])
    return [_loosest([by_key[key] for by_key in found]) for key in sorted(shared)]


def _loosest(several: Sequence[Bound]) -> Bound:
    found = several[0]
    for each in several[1:]:
        found = _pick(found, each, min, max)
    return found


def _pick(one: Bound, other: Bound, lower: Callable[..., float], upper: Callable[..., float]) -> Bound:
    """One of two bounds alike: by `lower` of the limits where they are lower bounds, else by `upper`."""
    choose = lower if one.operator in ("gt", "gte") else upper
    return one._replace(limit=choose(one.limit, other.limit))


def _share(literals: Literals) -> float:
    if literals.field == "outcome":
        return sum(_SHARES_OF_OUTCOMES.get(value, _SHARE) for value in literals.values)
    return len(literals.values) * _SHARES.get(literals.field, _SHARE)
