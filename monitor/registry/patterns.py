"""Patterns for identifiers of other systems: which match, which of two says more, and whether two can clash.

A pattern is text with `*` for any characters, also none, and `?` for one. Capital and small letters differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_REMEMBERED = 10_000


@lru_cache(maxsize=_REMEMBERED)
def compiled(pattern: str) -> re.Pattern[str]:
    """The pattern as a regular expression, to be used with `fullmatch`."""
    parts = ("[^/]*" if sign == "*" else "[^/]" if sign == "?" else re.escape(sign) for sign in pattern)
    return re.compile("".join(parts), re.DOTALL)


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern of parts between `/` matches a name; a wildcard never reaches beyond its part."""
    return compiled(pattern).fullmatch(name) is not None


def covers(wide: str, narrow: str) -> bool:
    """Whether every name that `narrow` matches is matched by `wide` as well.

    Sound and, for patterns that people write, complete: `*` of the narrow one is taken for a sign that only
    `*` matches. What is not seen is reported as a clash, which a person can resolve.
    """
    reached = {0}
    for sign in narrow:
        reached = {
            after
            for at in _skipped(wide, reached)
            if at < len(wide)
            for after in ((at,) if wide[at] == "*" else (at + 1,))
            if _takes(wide[at], sign)
        }
        if not reached:
            return False
    return len(wide) in _skipped(wide, reached)


def overlap(one: str, other: str) -> bool:
    """Whether some name is matched by both patterns."""
    seen: set[tuple[int, int]] = set()
    waiting = [(0, 0)]
    while waiting:
        here = waiting.pop()
        if here in seen:
            continue
        seen.add(here)
        i, j = here
        if i == len(one) and j == len(other):
            return True
        first = one[i] if i < len(one) else ""
        second = other[j] if j < len(other) else ""
        if first == "*":
            waiting.append((i + 1, j))
            if second and second != "/":
                waiting.append((i, j + 1))
        if second == "*":
            waiting.append((i, j + 1))
            if first and first != "/":
                waiting.append((i + 1, j))
        if first and second and "*" not in (first, second) and _same(first, second):
            waiting.append((i + 1, j + 1))
    return False


def narrowest(patterns: Iterable[str]) -> str | None:
    """The pattern that all others of these cover; the first where none is; None of none."""
    found: str | None = None
    for pattern in patterns:
        if found is None or (covers(found, pattern) and found != pattern):
            found = pattern
    return found


def _skipped(wide: str, reached: Iterable[int]) -> set[int]:
    """Positions reached, and those after a `*` that matches nothing more."""
    found = set()
    for start in reached:
        at = start
        found.add(at)
        while at < len(wide) and wide[at] == "*":
            at += 1
            found.add(at)
    return found


def _takes(wide: str, sign: str) -> bool:
    if wide == "*":
        return sign != "/"
    if wide == "?":
        return sign not in ("*", "/")
    return wide == sign


def _same(first: str, second: str) -> bool:
    if "/" in (first, second):
        return first == second
    return "?" in (first, second) or first == second
