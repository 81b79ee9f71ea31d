"""What an incident is: what opened it, what is known of it, and how far it has been dealt with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from alerts.incidents.words import Kind, PersonalData, Status, Tier

MAX_WHAT = 500  # characters: a headline, the rest belongs into the slots
MAX_SLOT = 4000  # characters of one narrative slot: a page
MAX_ITEMS = 50  # of each list (categories, services, agreements, alerts, events)
MAX_ITEM = 200  # characters, as names on events
MAX_SOURCE = 200

SLOTS: Final = (
    "recipient",
    "what_vi",
    "cause",
    "consequences",
    "measures_taken",
    "measures_planned",
    "contact",
    "informed",
    "subjects_informed",
    "delay_reason",
)
"""What only people can tell. `recipient` is the authority that is notified; `what_vi` is `what` in
Vietnamese; `contact` is a role or unit, never a person; `informed` are agencies told already;
`delay_reason` is why a notice comes after its time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What opens an incident. Times are UTC.

    `source` is what it comes from (an event, an alert, a desk's call); of one source comes one incident,
    however often it is reported. `aliases` are other keys under which the same may be reported.
    `detected_at` starts the clock. `records` and `persons` are None while nobody knows them. `alerts` and
    `events` are ids to look up.
    """

    source: str
    agency: str
    tier: Tier
    detected_at: datetime
    kind: Kind
    what: str
    personal_data: PersonalData = "unknown"
    categories: tuple[str, ...] = ()
    records: int | None = None
    persons: int | None = None
    services: tuple[str, ...] = ()
    agreements: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    slots: Mapping[str, str] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(Report):
    """A report that has a number. Its aliases are kept apart and not read back.

    `due_at` is when the notice must have been given. `running_since` is when the monitor began to watch its
    clock, as it was opened, reopened, found to concern personal data after all, or given another time of
    detection; `warned` is the last threshold (hours left) that an alert was raised for since. `reference` is
    that of the notice, `reason` why it was closed, is not to be notified, or was opened again.
    """

    id: str
    due_at: datetime
    status: Status = "open"
    notified_at: datetime | None = None
    reference: str | None = None
    reason: str | None = None
    running_since: datetime
    warned: int | None = None
    opened_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One line of an incident's audit trail: what was done, when, by which desk, and the new values."""

    incident: str
    number: int
    at: datetime
    desk: str
    what: str
    values: Mapping[str, object]


def source_of(kind: str, key: str) -> str:
    """The key under which a source is known: its own, or a digest of one that is too long to be a key.

    It is storable: NUL, which PostgreSQL refuses, and lone halves of surrogate pairs are replaced.
    """
    clean = key.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    text = f"{kind}:{clean}"
    if len(text) <= MAX_SOURCE:
        return text
    return f"{kind}:sha256:{hashlib.sha256(clean.encode()).hexdigest()}"


def trimmed(text: str, limit: int) -> str:
    """Text that a machine sent, within a limit of characters, and storable: NUL and lone halves are gone."""
    clean = text.replace("\0", "").encode("utf-8", "replace").decode()
    return clean if len(clean) <= limit else clean[: limit - 1] + "…"


def items(given: Iterable[str]) -> tuple[str, ...]:
    """A list of names without repeats and blanks, in its order; the first MAX_ITEMS of them."""
    kept = dict.fromkeys(trimmed(one.strip(), MAX_ITEM) for one in given)
    return tuple(one for one in kept if one)[:MAX_ITEMS]
