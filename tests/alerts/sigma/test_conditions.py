"""How the parts of a detection are put together."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from tests.alerts.sigma.writing import drafted, matches

A = {"outcome": "denied"}
B = {"signed": False}
C = {"records|gte": 100}
YES_A: dict[str, Any] = {"outcome": "denied"}
YES_B: dict[str, Any] = {"signed": False}
YES_C: dict[str, Any] = {"records": 100}
EVERY_EVENT: list[dict[str, Any]] = [
    {key: value for held in chosen for key, value in held.items()}
    for count in range(4)
    for chosen in itertools.combinations((YES_A, YES_B, YES_C), count)
]


class Has(NamedTuple):
    """Which of the three parts an event matches."""

    a: bool
    b: bool
    c: bool


CONDITIONS: dict[str, Callable[[Has], bool]] = {
    "x_a": lambda has: has.a,
    "not x_a": lambda has: not has.a,
    "x_a and x_b": lambda has: has.a and has.b,
    "x_a and x_b and y_c": lambda has: has.a and has.b and has.c,
    "x_a or x_b": lambda has: has.a or has.b,
    "x_a or x_b or y_c": lambda has: has.a or has.b or has.c,
    "x_a or x_b and y_c": lambda has: has.a or (has.b and has.c),
    "(x_a or x_b) and y_c": lambda has: (has.a or has.b) and has.c,
    "x_a and not (x_b or y_c)": lambda has: has.a and not (has.b or has.c),
    "not x_a and not x_b": lambda has: not has.a and not has.b,
    "not not x_a": lambda has: has.a,
    "1 of x_*": lambda has: has.a or has.b,
    "any of x_*": lambda has: has.a or has.b,
    "all of x_*": lambda has: has.a and has.b,
    "1 of them": lambda has: has.a or has.b or has.c,
    "any of them": lambda has: has.a or has.b or has.c,
    "all of them": lambda has: has.a and has.b and has.c,
    "all of x_* and not y_c": lambda has: has.a and has.b and not has.c,
    "1 of *_c or x_a": lambda has: has.c or has.a,
    "not 1 of x_* or y_c": lambda has: not (has.a or has.b) or has.c,
}


@pytest.mark.parametrize("condition", CONDITIONS)
def test_a_condition_means_what_its_words_say(condition: str) -> None:
    """Every condition agrees with its meaning on every combination of what matches."""
    used = {"x_a": A, "x_b": B, "y_c": C}
    named = {
        name: part
        for name, part in used.items()
        if name in condition
        or "them" in condition
        or (name[0] == "x" and "x_*" in condition)
        or (name == "y_c" and "*_c" in condition)
    }
    for event in EVERY_EVENT:
        expected = CONDITIONS[condition](Has("outcome" in event, "signed" in event, "records" in event))
        assert matches({**named, "condition": condition}, event) is expected, event


def test_several_conditions_are_alternatives() -> None:
    """A list of conditions matches when any of them does."""
    detection = {"a": A, "b": B, "condition": ["a", "b"]}
    assert [matches(detection, event) for event in (YES_A, YES_B, YES_C)] == [True, True, False]


def test_a_map_asks_for_all_its_fields_and_a_list_of_maps_for_one_of_them() -> None:
    """Fields of a map are joined by and, maps of a list by or."""
    both = {"selection": {**A, **B}, "condition": "selection"}
    either = {"selection": [A, {**B, **C}], "condition": "selection"}
    assert [matches(both, event) for event in (YES_A, YES_B, YES_A | YES_B)] == [False, False, True]
    assert [matches(either, event) for event in (YES_A, YES_B, YES_B | YES_C)] == [True, False, True]


def test_parts_whose_names_begin_with_an_underscore_are_left_out_of_them() -> None:
    """`them` leaves out what begins with _, as Sigma says; a pattern that begins so finds it."""
    detection = {"a": A, "_b": B, "condition": "1 of them and not 1 of _*"}
    assert matches(detection, YES_A)
    assert not matches(detection, YES_A | YES_B)
    assert not matches(detection, YES_B)


def test_names_that_begin_like_an_operator_are_names() -> None:
    """`notable` is no negation and `order` no alternative."""
    detection = {"notable": A, "order": B, "condition": "notable and order"}
    assert matches(detection, YES_A | YES_B)
    assert not matches(detection, YES_B)


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (
            "selecton",
            "condition: names selecton, which is not defined; did you mean selection?",
        ),
        (
            "selection and",
            "condition: cannot be read from character 14 on; "
            "expected words, and, or, not, 1 of x*, all of x*",
        ),
        ("1 of filter*", "condition: asks for 1 of filter*, and nothing is named so"),
        (
            "selection | count() > 5",
            "condition: pipes (| count() …) belong to conditions that Sigma dropped; write a correlation",
        ),
        ("", "condition: expected a condition such as: selection and not 1 of filter_*"),
        (7, "condition: expected a condition such as: selection and not 1 of filter_*"),
        ("(" * 13 + "selection" + ")" * 13, "condition: nests deeper than 12 parentheses"),
        ("selection or " * 200 + "selection", "condition: is longer than 2,000 characters"),
        ([], "condition: is empty"),
        (None, "condition: is missing"),
    ],
)
def test_a_condition_that_says_nothing_is_refused(condition: object, reason: str) -> None:
    """The reason names what is wrong and, where it can, what was meant."""
    assert drafted({"selection": A, "condition": condition}) == [reason]


def test_a_part_that_no_condition_names_is_refused() -> None:
    """An exception that was written and is not used would be taken for one that works."""
    assert drafted({"selection": A, "filter": B, "condition": "selection"}) == [
        "filter: is not used by the condition"
    ]
