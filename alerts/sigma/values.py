"""Tests of one field against the values of a rule: what may be compared with what, and how."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Literal

from sigma.types import (
    CompareOperators,
    SigmaBool,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaString,
    SigmaType,
)

from alerts.engine.reading import as_number
from alerts.fields import FieldKind, Source
from alerts.rule import Bound, Literals, Matches
from alerts.sigma.names import Named, find_field
from alerts.sigma.problems import Refused
from alerts.sigma.reading import as_text
from alerts.sigma.term import CHEAP, DEAR, MIDDLING, Leaf, Term, some
from alerts.sigma.text import TextTest, regex_test, text_tests

Read = Callable[[Any], Any]

REMEMBERED = 4_096  # addresses whose answer is kept for each test; a flood of others only forgets them

_COMPARE: dict[CompareOperators, Callable[[Any, Any], bool]] = {
    CompareOperators.LT: operator.lt,
    CompareOperators.LTE: operator.le,
    CompareOperators.GT: operator.gt,
    CompareOperators.GTE: operator.ge,
}
_OPERATORS: dict[CompareOperators, Literal["gt", "gte", "lt", "lte"]] = {
    CompareOperators.LT: "lt",
    CompareOperators.LTE: "lte",
    CompareOperators.GT: "gt",
    CompareOperators.GTE: "gte",
}
_WHAT = {
    FieldKind.TEXT: "text",
    FieldKind.NUMBER: "a number",
    FieldKind.BOOLEAN: "true or false",
    FieldKind.LIST: "a list of texts",
    FieldKind.ADDRESS: "an address",
}
_TEXTS = (FieldKind.TEXT, FieldKind.LIST)


def term_for(field: Named, values: Sequence[SigmaType], source: Source) -> Term:
    """A term that matches when the field has any of the values; raises Refused."""
    texts = [value for value in values if isinstance(value, SigmaString)]
    numbers = [value for value in values if isinstance(value, SigmaNumber)]
    parts: list[Leaf] = []
    if texts:
        parts.extend(_texts(field, texts))
    if numbers:
        parts.append(_numbers(field, numbers))
    grouped = (SigmaString, SigmaNumber)
    parts.extend(_single(field, value, source) for value in values if not isinstance(value, grouped))
    named = frozenset((field.name,))
    return some(part if part.fields else replace(part, fields=named) for part in parts)


def _single(field: Named, value: SigmaType, source: Source) -> Leaf:
    match value:
        case SigmaNull():
            return Leaf(_absent(field.read), CHEAP)
        case SigmaExists():
            return Leaf(_present(field.read) if value.exists else _absent(field.read), CHEAP)
        case SigmaBool():
            return _boolean(field, value.boolean)
        case SigmaCompareExpression():
            return _comparison(field, value)
        case SigmaCIDRExpression():
            return _network(field, value)
        case SigmaRegularExpression():
            _expect(field, _TEXTS, "searched by a regular expression")
            return _over(field, regex_test(value))
        case SigmaFieldReference():
            return _reference(field, value, source)
        case _:
            what = type(value).__name__.removeprefix("Sigma")
            raise Refused(f"values of the kind {what} are not supported")


def _expect(field: Named, kinds: tuple[FieldKind, ...], done: str) -> None:
    if field.kind is not None and field.kind not in kinds:
        raise Refused(f"is {_WHAT[field.kind]} and cannot be {done}{_advice(field.kind)}")


def _advice(kind: FieldKind) -> str:
    match kind:
        case FieldKind.ADDRESS:
            return "; compare it with whole addresses or by |cidr"
        case FieldKind.NUMBER:
            return "; compare it with numbers, also by |lt, |lte, |gt, |gte"
        case FieldKind.BOOLEAN:
            return "; compare it with true or false, without quotes"
        case _:
            return ""


# Texts


def _texts(field: Named, values: Sequence[SigmaString]) -> list[Leaf]:
    if field.kind is FieldKind.ADDRESS:
        return [_addresses(field, values)]
    _expect(field, _TEXTS, f"compared with text such as '{values[0]}'")
    return [_over(field, test) for test in text_tests(values)]


def _over(field: Named, test: TextTest) -> Leaf:
    """A test of one text as a test of the field."""
    if test.values is not None:
        if not test.folded:
            folded = frozenset(value.casefold() for value in test.values)
            return Leaf(_holding(field, test), test.cost, _index(field, folded))
        return Leaf(
            _equal(field, test.values),
            test.cost,
            _index(field, test.values),
            None if field.kind is None else lambda wanted: _equal(field, wanted),
        )
    return Leaf(_holding(field, test), test.cost)


def _index(field: Named, values: frozenset[str]) -> Literals | None:
    return Literals(field.name, values) if field.kind in _TEXTS else None


def _equal(field: Named, wanted: frozenset[str]) -> Matches:
    read = field.read
    if field.kind is FieldKind.TEXT:
        if len(wanted) == 1:
            (only,) = wanted

            def is_that(event: Any) -> bool:
                text = read(event)
                return text is not None and text.casefold() == only

            return is_that

        def is_one(event: Any) -> bool:
            text = read(event)
            return text is not None and text.casefold() in wanted

        return is_one
    return _holding(field, TextTest(wanted.__contains__, True, CHEAP, wanted))


def _holding(field: Named, test: TextTest) -> Matches:
    read, holds, folded = field.read, test.holds, test.folded

    def of_text(event: Any) -> bool:
        text = read(event)
        return text is not None and holds(text.casefold() if folded else text)

    def of_list(event: Any) -> bool:
        for text in read(event) or ():  # noqa: SIM110  # any() over a generator takes twice the time
            if holds(text.casefold() if folded else text):
                return True
        return False

    def of_any(event: Any) -> bool:
        value = read(event)
        if value is None:
            return False
        text = as_text(value)
        return holds(text.casefold() if folded else text)

    if field.kind is FieldKind.TEXT:
        return of_text
    return of_list if field.kind is FieldKind.LIST else of_any


# Numbers, true and false, presence


def _numbers(field: Named, values: Sequence[SigmaNumber]) -> Leaf:
    if field.kind in _TEXTS:
        raise Refused(f"is {_what(field)} and is compared with the number {values[0]}; write it in quotes")
    _expect(field, (FieldKind.NUMBER,), f"compared with the number {values[0]}")
    wanted = frozenset(_finite(value.number) for value in values)
    read = field.read
    if field.kind is FieldKind.NUMBER:
        bounds = (Bound(field.name, "gte", min(wanted)), Bound(field.name, "lte", max(wanted)))
        return Leaf(lambda event: read(event) in wanted, CHEAP, bounds=bounds)
    return Leaf(lambda event: as_number(read(event)) in wanted, MIDDLING)


def _finite(number: float) -> float:
    if not math.isfinite(number):
        raise Refused("is too large a number")
    return number


def _comparison(field: Named, value: SigmaCompareExpression) -> Leaf:
    _expect(field, (FieldKind.NUMBER,), "compared as a number")
    holds, limit, read = _COMPARE[value.op], _finite(value.number.number), field.read

    def of_number(event: Any) -> bool:
        number = read(event)
        return number is not None and holds(number, limit)

    def of_any(event: Any) -> bool:
        number = as_number(read(event))
        return number is not None and holds(number, limit)

    if field.kind is FieldKind.NUMBER:
        return Leaf(of_number, CHEAP, bounds=(Bound(field.name, _OPERATORS[value.op], limit),))
    return Leaf(of_any, MIDDLING)


def _boolean(field: Named, wanted: bool) -> Leaf:
    if field.kind is not FieldKind.BOOLEAN and field.kind is not None:
        raise Refused(f"is {_WHAT[field.kind]} and cannot be compared with {str(wanted).lower()}")
    read, word = field.read, str(wanted).lower()
    if field.kind is FieldKind.BOOLEAN:
        return Leaf(lambda event: read(event) is wanted, CHEAP)

    def of_any(event: Any) -> bool:
        value = read(event)
        return value is wanted or (isinstance(value, str) and value.casefold() == word)

    return Leaf(of_any, MIDDLING)


def _absent(read: Read) -> Matches:
    def absent(event: Any) -> bool:
        value = read(event)
        return value is None or value == ()

    return absent


def _present(read: Read) -> Matches:
    def present(event: Any) -> bool:
        value = read(event)
        return value is not None and value != ()

    return present


# Addresses


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that a text holds, or None; an IPv4 address inside an IPv6 one is that IPv4 address."""
    try:
        found = ip_address(text.strip())
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


def _addresses(field: Named, values: Sequence[SigmaString]) -> Leaf:
    wanted = set()
    for value in values:
        found = None if value.contains_special() else _address("".join(str(part) for part in value.s))
        if found is None:
            raise Refused(f"is an address, and '{value}' is none; parts of networks are compared by |cidr")
        wanted.add(found)
    return _on_address(field, lambda address: address in wanted)


def _network(field: Named, value: SigmaCIDRExpression) -> Leaf:
    if field.kind is not FieldKind.ADDRESS and field.kind is not None:
        raise Refused(f"is {_WHAT[field.kind]} and has no network; |cidr is for addresses")
    network = value.network
    return _on_address(field, lambda address: address in network)


def _on_address(field: Named, holds: Callable[[IPv4Address | IPv6Address], bool]) -> Leaf:
    read = field.read

    @lru_cache(maxsize=REMEMBERED)
    def known(text: str) -> bool:
        address = _address(text)
        return address is not None and holds(address)

    def matches(event: Any) -> bool:
        text = read(event)
        return isinstance(text, str) and known(text)

    return Leaf(matches, DEAR)


# Other fields of the same event


def _reference(field: Named, value: SigmaFieldReference, source: Source) -> Leaf:
    other = find_field(source, value.field)
    kinds = {field.kind, other.kind} - {None}
    parts = value.starts_with or value.ends_with
    both = frozenset((field.name, other.name))
    if FieldKind.LIST in kinds and (other.kind is FieldKind.LIST or not kinds <= set(_TEXTS)):
        raise Refused(f"is {_what(field)} and cannot be compared with {other.name}, which is {_what(other)}")
    if len(kinds) == 2 and not kinds <= set(_TEXTS):
        raise Refused(f"is {_what(field)} and cannot be compared with {other.name}, which is {_what(other)}")
    if parts and not kinds <= set(_TEXTS):
        raise Refused("parts can be compared of texts only")
    if not parts and kinds and not kinds & set(_TEXTS):
        return Leaf(_same(field.read, other.read, field.kind or other.kind), CHEAP, fields=both)
    holds = _PARTS[value.starts_with, value.ends_with]
    return Leaf(_reference_test(field, other.read, holds), MIDDLING, fields=both)


def _what(field: Named) -> str:
    return "of any kind" if field.kind is None else _WHAT[field.kind]


# By pySigma's marks: contains has both.
_PARTS: dict[tuple[bool, bool], Callable[[str, str], bool]] = {
    (False, False): operator.eq,
    (True, False): lambda held, wanted: held.startswith(wanted),
    (False, True): lambda held, wanted: held.endswith(wanted),
    (True, True): lambda held, wanted: wanted in held,
}


def _same(read: Read, read_other: Read, kind: FieldKind | None) -> Matches:
    if kind is FieldKind.ADDRESS:

        def same_address(event: Any) -> bool:
            one, other = read(event), read_other(event)
            if not isinstance(one, str) or not isinstance(other, str):
                return False
            address = _address(one)
            return address is not None and address == _address(other)

        return same_address

    if kind is FieldKind.NUMBER:

        def same_number(event: Any) -> bool:
            number = as_number(read(event))
            return number is not None and number == as_number(read_other(event))

        return same_number

    def same(event: Any) -> bool:
        one = read(event)
        return one is not None and one == read_other(event)

    return same


def _reference_test(field: Named, read_other: Read, holds: Callable[[str, str], bool]) -> Matches:
    read, listed = field.read, field.kind is FieldKind.LIST

    def matches(event: Any) -> bool:
        held, other = read(event), read_other(event)
        if held is None or other is None:
            return False
        wanted = as_text(other).casefold()
        items = held if listed else (held,)
        return any(holds(as_text(item).casefold(), wanted) for item in items)

    return matches
