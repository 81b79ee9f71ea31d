"""What one partition of dossier events has counted since its last commit: one transaction's content."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from monitor.dossiers.state import Dossier
from monitor.ledger.single import SingleChanges


class DossierKey(NamedTuple):
    """Whose dossier, under the registry's present code, and its number there."""

    agency: str
    dossier: str


class Heard(NamedTuple):
    """What was heard of a dossier since the last commit, and the newest time of it."""

    dossier: Dossier
    last_time: datetime


@dataclass(slots=True)
class DossierChanges(SingleChanges):
    """Deltas since the last commit, and the offset up to which they reach.

    `steps` counts events by agency and step; of unregistered agencies nothing else is kept.
    """

    heard: dict[DossierKey, Heard] = field(default_factory=dict)
    steps: Counter[tuple[str, str]] = field(default_factory=Counter)
