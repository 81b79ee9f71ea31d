"""What a check found: a state, a sentence that says what is, and one that says what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

LISTED = 5  # names or partitions that a sentence repeats; the rest are counted


class State(StrEnum):
    """How serious it is: only a problem makes the command fail."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"
    NOT_CHECKED = "not checked"


@dataclass(frozen=True, slots=True)
class Finding:
    """The outcome of one check; `remedy` is empty where there is nothing to do."""

    name: str
    state: State
    what: str
    remedy: str = ""


def ok(name: str, what: str) -> Finding:
    """Nothing to do."""
    return Finding(name, State.OK, what)


def warning(name: str, what: str, remedy: str) -> Finding:
    """The figures are right, but something should be looked at."""
    return Finding(name, State.WARNING, what, remedy)


def problem(name: str, what: str, remedy: str) -> Finding:
    """The monitor cannot work, or its figures are wrong."""
    return Finding(name, State.PROBLEM, what, remedy)


def not_checked(name: str, why: str) -> Finding:
    """It could not be looked at."""
    return Finding(name, State.NOT_CHECKED, why)


def listed(items: Iterable[object], limit: int = LISTED) -> str:
    """The first items and how many more there are: "a, b, c and 4 more"."""
    texts = [str(item) for item in items]
    shown = ", ".join(texts[:limit])
    return shown if len(texts) <= limit else f"{shown} and {len(texts) - limit} more"


def counted(number: int, thing: str, things: str = "") -> str:
    """A number with its noun: "1 record", "1 200 records"."""
    return f"{number:,} {thing if number == 1 else things or thing + 's'}".replace(",", " ")


def brief(why: BaseException) -> str:
    """The first line of an error in at most 200 characters; the driver's own words for a database's."""
    text = str(getattr(why, "orig", None) or why).strip()
    # PostgreSQL's client says which addresses it tried before the line that says why.
    lines = [line for line in text.splitlines() if line.strip() and "attempts were" not in line]
    return (lines[0].strip() if lines else type(why).__name__)[:200]
