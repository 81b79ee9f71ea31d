"""What every kind of rule that remembers is to the engine: observations in, detections out, state by group.

The engine matches events and turns each match into an observation. These wait until the watermark moves on
or a commit comes. Then each rule applies all of its own, in their order, while its states are in the
processor's cache, and the engine notes those that changed something in the journal. After a crash it
restores groups from their last written state and applies the journal's observations that came after it. So
`apply` and `advance` must depend on nothing but the state and their arguments: no clock, no randomness, no
order of a set or of hashes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple, Protocol

from alerts.model import Detection, Group


class Observation(NamedTuple):
    """One event as one rule sees it: all that windows and baselines need to remember of it.

    `part` is which of a correlation's rules the event matched (its index; 0 for others). `value` is the value
    of the field that is counted, summed or compared, or None.
    """

    group: Group
    time_ms: int
    event_id: str
    agency: str
    part: int = 0
    value: str | float | None = None


# As kinds take it in: as plain tuple, which is made and taken apart in half the time. One is made for every
# match.
Observed = tuple[Group, int, str, str, int, str | float | None]


class _Unchanged(tuple[Detection, ...]):
    """The type of UNCHANGED: a tuple that is no other empty tuple."""

    __slots__ = ()


# What `apply` may return for an observation that changed nothing, such as one that is known already: it need
# not be noted in the journal. Compared by identity.
UNCHANGED: Collection[Detection] = _Unchanged()


class Kind(Protocol):
    """The state of one rule in one partition.

    Whatever the order in which observations come, as long as none is older than the watermark, the sum of
    all detections returned is the same.
    """

    rule: str

    def apply(self, observation: Observed) -> Collection[Detection]:
        """Take one observation in; return what it completes."""

    def advance(self, watermark_ms: int) -> Collection[Detection]:
        """No observation older than this will come: close what waited for it, and forget what is over."""

    def touched(self) -> Collection[Group]:
        """The groups whose state has changed since `encode` was last called for them."""

    def encode(self, group: Group) -> bytes | None:
        """The group's whole state (MessagePack); None when it is empty and its row can be deleted."""

    def restore(self, states: Mapping[Group, bytes]) -> None:
        """Put back what `encode` gave."""
