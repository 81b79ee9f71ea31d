"""What an engine hands over to be written with each commit, and what it is given back after a restart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from alerts.model import Detection, Group


class Pace(NamedTuple):
    """How fast states are written: the journal holds every step, so a state may wait.

    A changed state waits `after` commits, so that one that changes all the time is not written every time,
    but not longer than `steps` steps, which bounds the journal and the time that a restart takes. `states`
    and `size` (bytes): what a commit writes at the most, one state at least.
    """

    after: int = 40
    steps: int = 200_000
    states: int = 300
    size: int = 1_048_576


class StateRow(NamedTuple):
    """The state of one group of one rule after the steps of a commit; None where nothing is left of it."""

    rule: str
    fingerprint: str
    group: Group
    sequence: int
    state: bytes | None


@dataclass(slots=True)
class Progress:
    """The engine's own figures. Times are milliseconds since 1970, None before the first event."""

    sequence: int = 0  # of the last commit
    newest_ms: int | None = None
    watermark_ms: int | None = None
    advanced_ms: int | None = None  # the watermark that the kinds were told last
    counters: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class EngineChanges:
    """What one commit writes. `journal` is None where nothing was done to any state, or all is in `states`;
    rows of the journal before `oldest` are no longer needed."""

    progress: Progress
    detections: list[Detection]
    journal: bytes | None
    states: list[StateRow]
    oldest: int


@dataclass(slots=True)
class Loaded:
    """What was written before: states, and rows of the journal as (sequence, steps), in order."""

    progress: Progress
    states: list[StateRow]
    journal: list[tuple[int, bytes]]
