"""What a rule says that every matching event must have: right for all rules, and the best of it first."""

from __future__ import annotations

import operator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from alerts.fields import EXCHANGES
from alerts.sigma.events import BASE_MS, build_event
from alerts.sigma.term import bounds, closure, indexes
from tests.alerts.sigma.writing import drafted, drafted_term, selecting

COMPARE = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}
WORDS = ["ok", "OK", "denied", "Denied", "a", "A", "ab", "B", "", "ß", "SS", "İ", "bảo", "BẢO"]
BREACHES = ["unsigned", "Unsigned", "quota_exceeded", "no_agreement"]


def index_of(detection: dict[str, Any]) -> list[tuple[str, list[str]]]:
    """The indexes of a detection, readable."""
    found = drafted(detection)
    assert isinstance(found, tuple), found
    return [(each.field, sorted(each.values)) for each in found[1]]


values = st.sampled_from(WORDS)
items = st.one_of(
    st.tuples(
        st.sampled_from(["purpose", "consumer", "service", "breach"]),
        values | st.lists(values, min_size=1, max_size=3),
    ),
    st.tuples(
        st.sampled_from(["purpose|cased", "breach|cased", "purpose|neq", "breach|all", "purpose|all"]),
        st.lists(values, min_size=1, max_size=3),
    ),
    st.tuples(st.sampled_from(["purpose|contains", "purpose|startswith", "breach|endswith"]), values),
    st.tuples(
        st.sampled_from(["records", "records|gt", "records|gte", "records|lt", "records|lte", "records|neq"]),
        st.integers(0, 3) | st.lists(st.integers(0, 3), min_size=1, max_size=2),
    ),
    st.tuples(st.just("purpose"), st.just(None)),
    st.tuples(st.just("breach"), st.sampled_from(BREACHES)),
    st.tuples(st.just("outcome"), st.sampled_from(["ok", "denied", "DENIED"])),
)
maps = st.lists(items, min_size=1, max_size=3).map(dict)
selections = maps | st.lists(maps, min_size=1, max_size=3)
conditions = st.recursive(
    st.sampled_from(["a", "b", "c", "1 of them", "all of them"]),
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) and ({two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]}) or ({two[1]})"),
    ),
    max_leaves=5,
)
events = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(["ok", "denied"]),
        "breach": st.lists(st.sampled_from([*BREACHES, *WORDS]), max_size=2),
        "records": st.integers(0, 3),
        "consumer": st.sampled_from([word for word in WORDS if word]),
        "service": st.sampled_from([word for word in WORDS if word]),
    },
    optional={"purpose": values},
)


@settings(max_examples=200, deadline=None)
@given(a=selections, b=selections, c=selections, condition=conditions, event=events)
@example(a={"purpose": "ß"}, b={"records": 1}, c={"records": 1}, condition="a", event={"purpose": "SS"})
def test_every_matching_event_has_every_literal_of_the_index_and_keeps_every_bound(
    a: Any, b: Any, c: Any, condition: str, event: dict[str, Any]
) -> None:
    """For any rule and event: if it matches, what the rule is said to require holds."""
    both = [condition, f"({condition}) and (a or b or c)"]  # so that every part is used
    term = drafted_term({"a": a, "b": b, "c": c, "condition": both})
    assert not isinstance(term, list), term
    seen = build_event("exchanges", event, BASE_MS, "e1")
    if not closure(term)(seen):
        return
    for field, comparison, limit in bounds(term):
        assert COMPARE[comparison](EXCHANGES.fields[field].read(seen), limit), (field, comparison, limit)
    for field, wanted in indexes(term):
        held = EXCHANGES.fields[field].read(seen)
        texts = held if isinstance(held, tuple) else (held,)
        assert any(text is not None and text.casefold() in wanted for text in texts), (field, wanted)


@pytest.mark.parametrize(
    ("detection", "expected"),
    [
        (selecting({"outcome": "Denied"}), [("outcome", ["denied"])]),
        (selecting({"breach": ["a", "b"]}), [("breach", ["a", "b"])]),
        (selecting({"purpose|cased": "Tax"}), [("purpose", ["tax"])]),
        (selecting({"service|startswith": "population."}), []),
        (selecting({"records|gt": 5}), []),
        (selecting({"purpose": None}), []),
        (selecting({"purpose": ["x", None]}), []),
        (selecting({"purpose": ["x", "y*"]}), []),
        (selecting({"outcome|neq": "ok"}), []),
        # of requirements, all; the most selective first
        (
            selecting({"outcome": "ok", "service": ["a.b", "c.d"], "breach": "unsigned"}),
            [("breach", ["unsigned"]), ("service", ["a.b", "c.d"]), ("outcome", ["ok"])],
        ),
        (selecting({"breach|all": ["x", "y"]}), [("breach", ["x"]), ("breach", ["y"])]),
        # of alternatives, what all of them require
        (
            selecting([{"outcome": "denied", "service": "a.b"}, {"service": "c.d"}]),
            [("service", ["a.b", "c.d"])],
        ),
        (selecting([{"outcome": "denied"}, {"service": "c.d"}]), []),
        (
            {"x1": {"purpose": "x"}, "x2": {"purpose": "Y"}, "condition": "1 of x*"},
            [("purpose", ["x", "y"])],
        ),
        # an exception requires nothing
        (
            {"a": {"outcome": "denied"}, "b": {"consumer": "MOH"}, "condition": "a and not b"},
            [("outcome", ["denied"])],
        ),
    ],
)
def test_the_index_of_a_rule(detection: dict[str, Any], expected: list[tuple[str, list[str]]]) -> None:
    """Equality with texts makes an index, and what few events have comes first."""
    assert index_of(detection) == expected


def test_open_fields_make_no_index() -> None:
    """Their values may be numbers, which an index of texts would miss."""
    found = drafted(selecting({"detail.code": "5", "kind": "x"}), "security-events")
    assert isinstance(found, tuple)
    assert [each.field for each in found[1]] == ["kind"]
