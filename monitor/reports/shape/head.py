"""Head of a report: its period, what it was made from, what changed, what people wrote."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from monitor.reports.figures import Figure, Text


class PeriodHead(Figure, frozen=True, kw_only=True):
    """A period that figures are of. `until` is the moment up to which they were summed.

    `to_date` is set while it is still running. `ledger_from` is the hour with which the ledger begins where
    that lies within the period: what came before is in no figure. A period to compare with is cut to as many
    hours as the running one has had.
    """

    key: str
    kind: Literal["month", "quarter", "week", "year"]
    label: Text
    first_day: date
    last_day: date
    begins: datetime
    ends: datetime
    until: datetime
    to_date: bool
    ledger_from: datetime | None = None


class Inputs(Figure, frozen=True, kw_only=True):
    """What the figures were made from; `fingerprint` is the SHA-256 over all of it.

    `events` counts the records that the worker had read when the report was made, over all partitions;
    `offsets` is a digest of where each stood, `ledger` one of the sums of the period, `registry` that of the
    registry, and `narrative` that of what people wrote.
    """

    fingerprint: str
    registry: str
    offsets: str
    ledger: str
    narrative: str
    events: int


class Change(Figure, frozen=True, kw_only=True):
    """A figure that differs from the signed report. `figure` is its path in JSON, with the names of rows.

    `before` and `now` are as JSON has them; None is absent. `label` is what the figure is called.
    """

    figure: str
    label: Text
    before: int | float | str | bool | None
    now: int | float | str | bool | None


class Reissue(Figure, frozen=True, kw_only=True):
    """What changed since the report that was signed; `changes` are the first, `more` how many others.

    `reasons` are the parts of `Inputs` that differ: registry, offsets, ledger, narrative.
    """

    signed_run: int
    signed_at: datetime
    reasons: tuple[str, ...]
    changes: tuple[Change, ...]
    more: int


class Narrative(Figure, frozen=True, kw_only=True):
    """What people wrote for a slot (monitor.reports.narrative.SLOTS): paragraphs of Markdown.

    `carried` is set where it was written for an earlier issue of this report and nobody changed it since.
    """

    slot: str
    text: str
    carried: bool = False
