"""The words that all of alerts/ shares: levels, what is known of a rule, and what a rule has found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import NamedTuple

Group = tuple[tuple[str, str], ...]
"""What a rule tells apart: (field, value) pairs, sorted by field. No natural person's name; officers and data
subjects are pseudonyms."""

EVIDENCE = 10  # event ids kept for a detection or an alert: enough to look at, and bounded


class Level(IntEnum):
    """Sigma's levels, with the numbers of OCSF's severity_id."""

    INFORMATIONAL = 1
    LOW = 2
    MEDIUM = 3
    HIGH = 4
    CRITICAL = 5

    @property
    def word(self) -> str:
        """As it is written in rules, labels and texts."""
        return self.name.lower()


# Risk scores that fit a level, both ends included: a rule outside its band is refused.
RISK_BANDS: Mapping[Level, tuple[int, int]] = {
    Level.INFORMATIONAL: (0, 9),
    Level.LOW: (10, 29),
    Level.MEDIUM: (30, 59),
    Level.HIGH: (60, 84),
    Level.CRITICAL: (85, 100),
}


@dataclass(frozen=True, slots=True)
class RuleInfo:
    """What a person is told about a rule. Times are seconds.

    `agency` names the field whose value is the agency that an alert is about. `quiet` is how long (event
    time) nothing must match before an alert of this rule is resolved. `owner` says whose work it is: `soc`,
    or the `consumer` or `provider` whose contact the registry knows.
    """

    id: str
    title: str
    level: Level
    title_vi: str = ""
    description: str = ""
    status: str = "stable"
    author: str = ""
    references: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    falsepositives: tuple[str, ...] = ()
    runbook: tuple[str, ...] = ()
    owner: str = "soc"
    risk_score: int = 0
    agency: str = "agency"
    quiet: int = 1800
    leak: bool = False
    source: str = ""  # the file, as people would name it


class Evidence(NamedTuple):
    """One event behind a detection: its time in milliseconds since 1970, and its id."""

    time_ms: int
    event_id: str


@dataclass(slots=True)
class Detection:
    """That a rule matched for a group: what is new since the last one of the same rule and group.

    Adding up detections of one (rule, group) in any order gives the same total: `count` events that were
    not counted before, from `first_ms` to `last_ms` (milliseconds since 1970), the EVIDENCE earliest of them
    as `evidence`, sorted. `facts` is what the rule can say in figures (`expected`, `seen`, `threshold`,
    `history_weeks` …); of two, the one with the later `last_ms` holds.
    """

    rule: str
    agency: str
    group: Group
    first_ms: int
    last_ms: int
    count: int
    evidence: tuple[Evidence, ...] = ()
    facts: Mapping[str, float | int | str] = field(default_factory=dict)
