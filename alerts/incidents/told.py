"""Texts that people type about an incident: within limits, and without addresses of persons."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from alerts.incidents.model import MAX_ITEM, MAX_ITEMS, MAX_SLOT, MAX_WHAT, SLOTS
from monitor.errors import UsageProblem

MAX_LINE: Final = MAX_WHAT

_MAIL = re.compile(r"[^\s@]@[^\s@]")


def line(what: str, text: str, limit: int = MAX_LINE) -> str:
    """One line of at most `limit` characters; raises UsageProblem that names `what` and the reason."""
    return _checked(what, " ".join(text.split()), limit)


def slot(assignment: str) -> tuple[str, str]:
    """A narrative slot as it is typed, `cause=text`; the text may have lines and may be empty.

    Raises UsageProblem for a name that is no slot, and as `line` does.
    """
    name, equals, text = assignment.partition("=")
    if not equals or name not in SLOTS:
        raise UsageProblem(f"--set {name}: expected NAME=TEXT, with one of the names {', '.join(SLOTS)}")
    kept = "\n".join(" ".join(one.split()) for one in text.strip().splitlines())
    return name, _checked(f"--set {name}", kept, MAX_SLOT) if kept else ""


def names(what: str, given: Iterable[str]) -> tuple[str, ...]:
    """A list of names or ids without repeats; raises UsageProblem for too many, too long or empty ones."""
    kept = tuple(dict.fromkeys(line(what, one, MAX_ITEM) for one in given))
    if len(kept) > MAX_ITEMS:
        raise UsageProblem(f"{what}: {len(kept)} were given; {MAX_ITEMS} are kept")
    return kept


def _checked(what: str, text: str, limit: int) -> str:
    if not text:
        raise UsageProblem(f"{what}: a text is needed")
    if len(text) > limit:
        raise UsageProblem(f"{what}: has {len(text)} characters; {limit} are kept")
    if _MAIL.search(text):
        raise UsageProblem(f"{what}: holds an e-mail address; name a unit or a role, persons are not kept")
    if bad := next((c for c in text if not c.isprintable() and c != "\n"), None):
        raise UsageProblem(f"{what}: holds the character U+{ord(bad):04X}, which cannot be shown")
    return text
