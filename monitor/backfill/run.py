"""One history file into the ledger: read, judge, count, and commit with the position, chunk by chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from monitor.backfill.arrival import Window, sift
from monitor.backfill.batch import Batch, Place
from monitor.backfill.form import Form, splitter_of
from monitor.backfill.identity import note, shortened
from monitor.backfill.kinds import Kind, Opened
from monitor.backfill.overlap import Overlap, hour_text, refuse_overlap
from monitor.backfill.recognise import Recognised, recognise
from monitor.backfill.rejects import Rejects
from monitor.errors import MonitorError
from monitor.events.rejection import Reason, Rejection
from monitor.storage.progress import Fenced

# One transaction: large enough that it costs little beside what it writes, small enough for flat memory and
# for others who want to write (a quarter of a second, on SQLite).
CHUNK_RECORDS = 100_000
CHUNK_BYTES = 64 * 1024 * 1024

Told = Callable[[int, int], None]
"""Bytes of the file that were read, and records of this run."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What was asked of a backfill."""

    kind: str | None = None
    window: Window = field(default_factory=Window)
    allow_overlap: bool = False
    rejects: Path | None = None


@dataclass(slots=True)
class Outcome:
    """What a run did with one file: numbers of this run, committed; `before` are records of earlier runs.

    `alone` and `completed` are as in monitor.backfill.kinds.Added. `problems` are sentences: why it is not
    all of the file.
    """

    path: Path
    kind: str = ""
    topic: str = ""
    guessed: bool = False
    before: int = 0
    records: int = 0
    counted: int = 0
    duplicates: int = 0
    alone: int = 0
    completed: int = 0
    left_out: int = 0
    hours: set[int] = field(default_factory=set)
    rejected: Counter[str] = field(default_factory=Counter)
    first_rejected: list[tuple[int, Rejection]] = field(default_factory=list)
    rejects: Path | None = None
    problems: list[str] = field(default_factory=list)


def backfill(
    path: Path,
    wishes: Wishes,
    kinds: Mapping[str, Kind],
    engine: Engine,
    clock: Callable[[], datetime],
    told: Told = lambda _bytes, _records: None,
) -> Outcome:
    """Count what was not counted of a file. Nothing is raised that concerns this file alone: see `problems`.

    Raises UsageProblem.
    """
    outcome = Outcome(path)
    try:
        found = recognise(path, kinds, wishes.kind, engine)
        with found.source:
            _Run(path, found, wishes, clock, told, outcome).run()
    except Overlap as why:
        first = hour_text(why.hours[0])
        outcome.problems.append(
            f"stopped after {_line(outcome)}: what follows reaches into the hour {first}, which was counted "
            f"live. --until {first} (or the minute in which live counting began) leaves out what is from "
            "then on; --allow-overlap counts it too"
        )
    except Fenced:
        outcome.problems.append("another backfill is counting this file: this one lets go")
    except DBAPIError as why:
        said = str(why.orig).strip().partition("\n")[0]
        outcome.problems.append(
            f"stopped after {_line(outcome)}: the database: {said}. Run it again to go on"
        )
    except MonitorError as why:
        if type(why) is not MonitorError:
            raise
        outcome.problems.append(str(why).removeprefix(f"{path}: "))
    return outcome


def _line(outcome: Outcome) -> str:
    return f"line {outcome.before + outcome.records}"


class _Run:
    """The run of one file; what it counts waits in the ledger until `_commit`."""

    def __init__(
        self,
        path: Path,
        found: Recognised,
        wishes: Wishes,
        clock: Callable[[], datetime],
        told: Told,
        outcome: Outcome,
    ) -> None:
        self._path = path
        self._found = found
        self._kind = found.kind
        self._wishes = wishes
        self._clock = clock
        self._told = told
        self._outcome = outcome
        self._opened = self._open()
        self._left_out = 0  # since the last commit, like the next
        self._records = 0
        self._bytes = 0
        outcome.kind, outcome.topic = found.kind.name, found.known.topic
        outcome.guessed, outcome.before = found.guessed, found.place.number

    def _open(self) -> Opened:
        opened = self._kind.open(self._found.known.topic, self._clock())
        if max(opened.ledger.next_offset, 0) != self._found.place.number:
            raise Fenced(f"{self._found.known.topic}: moved while it was looked at")
        return opened

    def run(self) -> None:
        """Read to the end."""
        source, place = self._found.source, self._found.place
        splitter = splitter_of(Form(self._found.known.form), source.read, place)
        rejects = self._rejects(place.number)
        reached = place
        try:
            for batch in splitter.batches():
                if not self._fold(batch, rejects):
                    break
                reached = batch.place
                if self._full():
                    self._commit(reached, rejects)
                self._told(source.on_disk, self._outcome.records + self._records)
            if self._opened.finish(self._clock()) or self._records:
                self._commit(reached, rejects)
            self._told(source.on_disk, self._outcome.records)
            self._outcome.problems += [said for said in (source.damage, splitter.left) if said is not None]
        finally:
            rejects.close()

    def _full(self) -> bool:
        """Whether to write what was counted: security events are kept until then, and count for more."""
        held = self._bytes + self._opened.ledger.changes.held_bytes
        return self._records >= CHUNK_RECORDS or held >= CHUNK_BYTES

    def _rejects(self, committed: int) -> Rejects:
        folder, short = self._wishes.rejects, shortened(self._found.known.topic)
        path = folder / f"{self._path.name}.{short}.rejected.ndjson" if folder else None
        self._outcome.rejects = path
        rejects = Rejects(path, self._path.name, committed)
        self._outcome.rejected, self._outcome.first_rejected = rejects.counts, rejects.first
        return rejects

    def _fold(self, batch: Batch, rejects: Rejects) -> bool:
        """Judge and count a batch; False when it is the beginning of a line that is still being written."""
        now, ledger = self._clock(), self._opened.ledger
        decoded = self._kind.decode(batch)
        unread = self._kind.refusal(decoded[0]) if batch.open else None
        if unread is not None:
            if unread.reason is not Reason.EMPTY:
                self._outcome.problems.append(
                    f"line {batch.first + 1}, the last, has no end and is {unread.reason}: left for when "
                    "it is complete"
                )
            return False
        sifted = sift(batch, decoded, self._wishes.window, self._kind, now)
        known = len(ledger.changes.rejections)
        ledger.fold(sifted.events, sifted.arrived, now)
        rejections = ledger.changes.rejections[known:]
        if rejections:
            bodies = batch.bodies()
            for number, rejection in rejections:
                rejects.add(number, rejection, bodies[number - batch.first])
        self._left_out += sifted.left_out
        self._records += batch.count
        self._bytes += len(batch.block or b"") + sum(map(len, batch.records))
        return True

    def _commit(self, reached: Place, rejects: Rejects) -> None:
        """Write what was counted up to a place, with that position, in one transaction.

        What was rejected is in its file before: after a kill it may be there twice, never not at all, and the
        next run cuts off what was not committed.
        """
        rejects.flush()
        now, kind, outcome = self._clock(), self._kind, self._outcome
        changes = self._opened.ledger.take()
        hours = set(kind.hours(changes))
        also: list[Callable[[Connection], None]] = []
        if not self._wishes.allow_overlap:
            until = self._wishes.window.until
            also.append(lambda connection: refuse_overlap(connection, kind.by_hour, hours, until))
        left_out = outcome.left_out + self._left_out
        also.append(partial(note, known=self._found.known, reached=reached, left_out=left_out, now=now))
        written = self._opened.store.write(changes, now, also)
        self._opened.ledger.settled()
        added = self._opened.added(written)
        outcome.counted += added.counted
        outcome.duplicates += added.duplicates
        outcome.alone += added.alone
        outcome.completed += added.completed
        outcome.hours |= hours
        outcome.left_out = left_out
        outcome.records += self._records
        self._left_out = self._records = self._bytes = 0
