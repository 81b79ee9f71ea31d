"""A group's state as it is stored: MessagePack, short enough for thousands of groups."""

from __future__ import annotations

import msgspec

from alerts.baselines.distinct import Distinct
from alerts.baselines.drift import Drift
from alerts.baselines.history import History
from alerts.baselines.opened import OpenHour
from alerts.baselines.silence import Silence
from alerts.engine.gather import storable
from alerts.model import Evidence

LAYOUT = 1  # raised when the layout changes; another one is refused


class HourState(msgspec.Struct, array_like=True, gc=False):
    """An hour that has not ended."""

    hour: int
    total: int
    pending: int
    first_ms: int
    last_ms: int
    told_ms: int
    squares: int | float
    evidence: list[tuple[int, str]]
    hashes: bytes | None


class GroupState(msgspec.Struct, array_like=True, gc=False):
    """A group: `closed` is the last hour that is part of its history, `last` the last one with an event."""

    layout: int
    closed: int
    last: int
    first: tuple[int, int]
    agency: str
    slots: dict[int, list[int]]
    sizes: dict[int, tuple[float, float]]
    hours: list[HourState]
    silence: Silence | None
    drift: Drift | None


encode = msgspec.msgpack.Encoder().encode
decode = msgspec.msgpack.Decoder(GroupState).decode


def hour_state(hour: int, opened: OpenHour) -> HourState:
    """An open hour as it is stored; its bound is worked out anew."""
    distinct = opened.distinct
    return HourState(
        hour,
        opened.total,
        opened.pending,
        opened.first_ms,
        opened.last_ms,
        opened.told_ms,
        storable(opened.squares),
        [(one.time_ms, one.event_id) for one in opened.evidence],
        None if distinct is None else distinct.encode(),
    )


def open_hour(state: HourState) -> OpenHour:
    """An open hour as it was. Raises ValueError for hashes that are none."""
    opened = OpenHour()
    opened.total = state.total
    opened.pending = state.pending
    opened.first_ms = state.first_ms
    opened.last_ms = state.last_ms
    opened.told_ms = state.told_ms
    opened.squares = int(state.squares)
    opened.evidence = [Evidence(*one) for one in state.evidence]
    if state.hashes is not None:
        opened.distinct = Distinct.decode(state.hashes, state.total)
    return opened


def history(state: GroupState) -> History:
    """The weeks before."""
    return History(state.first, state.slots, state.sizes)
