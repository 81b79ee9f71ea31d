"""Regular expressions and wildcards: linear in time, bounded in memory, never an exception."""

from __future__ import annotations

import time
from types import SimpleNamespace

import pytest

from alerts.sigma.text import MAX_PROGRAM
from tests.alerts.sigma.writing import drafted, matches, selecting

LONG = 200_000  # characters: with backtracking each of these would take years
# What makes a backtracking matcher try every way of dividing a text.
HOSTILE = [
    ("purpose|re", "(x+x+)+y", "x" * LONG),
    ("purpose|re", "^(([a-z])+.)+[A-Z]([a-z])+$", "a" * LONG),
    ("purpose|re", "(a|aa)+$", "a" * LONG + "!"),
    ("purpose|re|i", "(.*a){20}b", "a" * LONG),
    ("purpose|re|s", ".*.*.*.*.*=", "x" * LONG),
    ("purpose|re", "(a|b)*a(a|b){100}!", "ab" * (LONG // 2)),
    ("purpose", "*a*a*a*a*a*a*a*a*b", "a" * LONG),
    ("purpose", "a?a?*a?*a?*b", "a" * LONG),
]
# A second for 200 thousand characters, on a machine that eight test processes share; measured: 0.01.
SECONDS = 5.0


@pytest.mark.parametrize(("key", "pattern", "text"), HOSTILE, ids=[each[1] for each in HOSTILE])
def test_matching_takes_time_linear_in_the_text(key: str, pattern: str, text: str) -> None:
    """No expression that is accepted can stop the worker, whatever text it meets."""
    started = time.perf_counter()
    assert not matches(selecting({key: pattern}), {"purpose": text})
    assert time.perf_counter() - started < SECONDS


@pytest.mark.parametrize("text", ["\ud800", "a\ud800b", "\x00", "", "ấ" * 1000])
@pytest.mark.parametrize("key", ["detail.x|re", "detail.x", "detail.x|contains"])
def test_no_text_makes_a_rule_raise(key: str, text: str) -> None:
    """Half a surrogate, a zero, nothing: a rule matches or does not."""
    found = drafted(selecting({key: "q*q"}), "security-events")
    assert isinstance(found, tuple)

    event = SimpleNamespace(detail={"x": text})
    assert found[0](event) in (True, False)


def test_the_largest_expression_is_one_that_can_still_be_run() -> None:
    """The limit lies on what an expression compiles to, as a short one can unfold into a large one."""
    found = drafted(selecting({"purpose|re": "((a{1,30}){1,30}){1,30}"}))
    assert isinstance(found, list)
    assert f"at most {MAX_PROGRAM:,} are taken" in found[0] or "invalid repetition size" in found[0]
