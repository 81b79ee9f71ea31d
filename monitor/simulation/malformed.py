"""Malformed events: every way in which a body is expected to arrive broken, each with its intended reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from monitor.events.rejection import Reason

_REQUIRED = ("id", "time", "provider", "consumer", "service", "outcome", "duration_ms")
_COUNTS = ("records", "request_bytes", "response_bytes")
_NO_JSON = (b"<exchange/>", b"id=1;time=now", b"{'id': 'single quotes'}", b"\x00\x01\x02\x03", b"{]")
_EMPTY = (b"", b"  ", b"\n")
_AGE_OF_TOO_OLD = timedelta(days=400)  # beyond the default limit of 90 days, and beyond a year
_AHEAD = (timedelta(minutes=10), timedelta(hours=24))  # the contract allows 5 minutes
_FAR_FUTURE = datetime(2999, 1, 1, tzinfo=UTC)  # ahead of every clock that may read a simulated stream
_OVER_A_MEBIBYTE = 1024 * 1024 + 1

Members = dict[str, Any]


def malformed(text: str, time: float, rng: Random, *, live: bool) -> tuple[bytes, Reason]:
    """Break the body of an exchange; `live` when `time` (epoch seconds) is the clock of whoever reads it."""
    return rng.choice(_WAYS)(text, time, rng, live)


def oversized(text: str) -> tuple[bytes, Reason]:
    """A body that is right in everything except its size: just over 1 MiB."""
    return _changed(text, detail="x" * _OVER_A_MEBIBYTE), Reason.OVERSIZED


def _truncated(text: str, _: float, rng: Random, __: bool) -> tuple[bytes, Reason]:
    return text[: rng.randrange(1, len(text))].encode(), Reason.NOT_JSON


def _not_json(_: str, __: float, rng: Random, ___: bool) -> tuple[bytes, Reason]:
    return rng.choice(_NO_JSON), Reason.NOT_JSON


def _not_utf8(text: str, _: float, __: Random, ___: bool) -> tuple[bytes, Reason]:
    # In the provider's code, because a value that nobody reads may go unnoticed.
    return text.encode().replace(b'"provider":"', b'"provider":"\xff\xfe', 1), Reason.NOT_JSON


def _missing_field(text: str, _: float, rng: Random, __: bool) -> tuple[bytes, Reason]:
    members: Members = json.loads(text)
    del members[rng.choice(_REQUIRED)]
    return _written(members), Reason.MISSING_FIELD


def _negative_count(text: str, _: float, rng: Random, __: bool) -> tuple[bytes, Reason]:
    return _changed(text, **{rng.choice(_COUNTS): -rng.randint(1, 1000)}), Reason.NEGATIVE_COUNT


def _unknown_outcome(text: str, _: float, rng: Random, __: bool) -> tuple[bytes, Reason]:
    return _changed(text, outcome=rng.choice(("OK", "success", "error", ""))), Reason.UNKNOWN_OUTCOME


def _in_future(text: str, time: float, rng: Random, live: bool) -> tuple[bytes, Reason]:
    least, most = (one.total_seconds() for one in _AHEAD)
    moment = time + rng.uniform(least, most) if live else _FAR_FUTURE.timestamp()
    return _changed(text, time=int(moment * 1000)), Reason.IN_FUTURE


def _too_old(text: str, time: float, _: Random, __: bool) -> tuple[bytes, Reason]:
    moment = datetime.fromtimestamp(time, UTC) - _AGE_OF_TOO_OLD
    return _changed(text, time=moment.isoformat()), Reason.TOO_OLD


def _nothing(_: str, __: float, rng: Random, ___: bool) -> tuple[bytes, Reason]:
    return rng.choice(_EMPTY), Reason.EMPTY


_WAYS: tuple[Callable[[str, float, Random, bool], tuple[bytes, Reason]], ...] = (
    _truncated,
    _not_json,
    _not_utf8,
    _missing_field,
    _negative_count,
    _unknown_outcome,
    _in_future,
    _too_old,
    _nothing,
)


def _changed(text: str, **changes: Any) -> bytes:
    members: Members = json.loads(text)
    members.update(changes)
    return _written(members)


def _written(members: Members) -> bytes:
    return json.dumps(members, separators=(",", ":")).encode()
