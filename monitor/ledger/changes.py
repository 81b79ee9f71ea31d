"""What one partition has counted since its last commit: the content of one transaction."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from monitor.events.rejection import Reason, Rejection
from monitor.judging.terms import Pair
from monitor.ledger.finding import Finding, FindingKey
from monitor.ledger.ids import NO_IDS, IdState
from monitor.ledger.tally import Tally


class GapKey(NamedTuple):
    """A name on exchanges that the registry does not hold: `kind` is agency or service."""

    kind: str
    name: str


@dataclass(slots=True)
class Changes:
    """Deltas since the last commit, and the offset up to which they reach.

    `ids` are the ids accepted, by generation, and `id_state` is where that memory stands at the end;
    `ages` are (event time, weight) samples for the metric of event age; `rejections` carry the offset of
    each event that was set aside.
    """

    next_offset: int
    newest: datetime | None = None
    id_state: IdState = NO_IDS
    events: int = 0
    tallies: dict[int, dict[Pair, Tally]] = field(default_factory=dict)
    findings: dict[FindingKey, Finding] = field(default_factory=dict)
    gaps: dict[GapKey, int] = field(default_factory=dict)
    rejected: dict[Reason, int] = field(default_factory=dict)
    ids: dict[int, list[str]] = field(default_factory=dict)
    rejections: list[tuple[int, Rejection]] = field(default_factory=list)
    ages: list[tuple[datetime, int]] = field(default_factory=list)
    held_bytes: int = 0  # beside the counts; exchanges themselves are not kept
