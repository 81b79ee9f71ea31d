"""What the readers of foreign forms share: what stands around an event, and what they make of it."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any, NamedTuple, Self

from monitor.events.security_event import UNKNOWN_AGENCY

_DIGEST_DIGITS = 32  # 128 bits: two different events never have the same one
_LONGEST = 200  # of names and ids, as on exchanges


class Outer(NamedTuple):
    """What is said around the data, by a CloudEvent or in front of a log line."""

    id: str | None = None
    time: str | None = None
    source: str | None = None
    host: str | None = None

    def completed_by(self, other: Self) -> Outer:
        """This, and from the other what this lacks."""
        return Outer(*(mine or its for mine, its in zip(self, other, strict=True)))


class Mapped(NamedTuple):
    """The members of the contract's own form, and the names that may be the agency's."""

    members: dict[str, Any]
    claims: tuple[str, ...]


def text_at(event: Any, *path: str | int) -> str | None:
    """The text at a path of members and list places; a whole number counts as text; else None."""
    found = event
    for step in path:
        if isinstance(step, str) and isinstance(found, dict):
            found = found.get(step)
        elif isinstance(step, int) and isinstance(found, list) and len(found) > step:
            found = found[step]
        else:
            return None
    if isinstance(found, int) and not isinstance(found, bool):
        found = str(found)
    return found.strip() or None if isinstance(found, str) else None


def first_text(event: Any, *paths: tuple[str | int, ...]) -> str | None:
    """The first text at any of the paths, tried in turn."""
    return next((found for path in paths if (found := text_at(event, *path))), None)


def value_at(event: Any, *path: str) -> Any:
    """Whatever stands at a path, or None."""
    found = event
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    return found


def integer_at(event: Any, *path: str) -> int | None:
    """The whole number at a path, if one stands there."""
    found = value_at(event, *path)
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def identity(given: str | None, data: bytes) -> str:
    """The id that an event has, or a digest of its data: sent twice, it counts once."""
    if given and len(given) <= _LONGEST:
        return given
    return sha256(data).hexdigest()[:_DIGEST_DIGITS]


def source_claims(outer: Outer) -> tuple[str, ...]:
    """The agency in a CloudEvent's `source`: the last part of it, as in `/agencies/MOH`."""
    last = (outer.source or "").rstrip("/").rpartition("/")[2]
    return (last,) if last else ()


def claimed(names: Iterable[str | None]) -> tuple[str, tuple[str, ...]]:
    """The first name, or that there is none; and all of them, each once."""
    found = tuple(dict.fromkeys(name[:_LONGEST] for name in names if name))
    return (found[0] if found else UNKNOWN_AGENCY), found
