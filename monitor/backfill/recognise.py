"""Before anything is counted: which file this is, what it holds, and where to go on in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from sqlalchemy import Engine

from monitor.backfill.batch import Batch, Place
from monitor.backfill.form import HEAD_BYTES, Form, form_of, splitter_of
from monitor.backfill.identity import ALIKE_MARK, Known, continued, head_of, known_files
from monitor.backfill.kinds import Kind
from monitor.backfill.source import Source
from monitor.errors import MonitorError, UsageProblem
from monitor.storage import tables

SAMPLE = 100  # records that the kind is told by
_SAME_HEAD = 1000  # files that begin alike: a first line that every export has


@dataclass(frozen=True, slots=True)
class Recognised:
    """A file, its kind, and where to go on; `source` is open and stands there, to be closed by the caller.

    `guessed` says that nobody named the kind.
    """

    known: Known
    kind: Kind
    source: Source
    place: Place
    guessed: bool


def recognise(path: Path, kinds: Mapping[str, Kind], wanted: str | None, engine: Engine) -> Recognised:
    """Look at the beginning of a file, and for it in the database.

    Raises MonitorError when it is empty, of no kind that is known, or changed since it was counted;
    UsageProblem when it was counted as another kind; sqlalchemy.exc.DBAPIError.
    """
    with Source(path) as source:
        head = _head(source)
        if not head.strip():
            raise MonitorError(f"{path}: {source.damage or 'is empty: there is nothing to count'}")
    form = form_of(head)
    sample = _sample(head, form)
    if not sample:
        raise MonitorError(f"{path}: its first {len(head)} bytes hold no whole record")
    key = head_of(sample[0])
    alike = known_files(engine, key)
    for known in alike:
        source = Source(path)
        place = continued(source, known)
        if place is None:
            source.close()
        elif wanted not in (None, known.kind):
            source.close()
            raise UsageProblem(f"{path}: was counted as {known.kind}, and goes on as that: leave --kind out")
        else:
            renamed = replace(known, name=path.name)
            return Recognised(renamed, kinds[known.kind], source, place, guessed=False)
    kind = kinds[wanted] if wanted is not None else _guess(path, kinds, sample)
    others = [other.name for other in kinds.values() if _understood(other, sample)]
    if others and kind.name not in others:
        raise MonitorError(
            f"{path}: none of its first {len(sample)} records is {kind.one}: {_problem(kind, sample[0])}; "
            f"they are {others[0]}"
        )
    if alike and _understood(kind, sample[:1]):
        raise MonitorError(
            f"{path}: begins as {alike[0].name} did, of which {alike[0].next_offset} lines were counted, but "
            "is shorter than that or changed within it; counting it from the beginning counts lines twice. "
            f"`monitor backfill --undo {alike[0].topic}` takes back what was counted; then count it anew"
        )
    if len(alike) >= _SAME_HEAD:
        raise MonitorError(f"{path}: {len(alike)} files with the same first line were counted: leave it out")
    taken = {each.topic for each in alike}
    first = f"{tables.FILE_PREFIX}{key}"
    others_of_it = (f"{first}{ALIKE_MARK}{number}" for number in range(2, _SAME_HEAD + 2))
    topic = next(each for each in (first, *others_of_it) if each not in taken)
    new = Known(topic, key, kind.name, str(form), path.name, 0, "", 0, 0)
    return Recognised(new, kind, Source(path), Place.beginning(), guessed=wanted is None)


def _head(source: Source) -> bytes:
    head = b""
    while len(head) < HEAD_BYTES and (data := source.read(HEAD_BYTES - len(head))):
        head += data
    return head


def _sample(head: bytes, form: Form) -> list[bytes]:
    """The first records that are not blank."""
    sample: list[bytes] = []
    for batch in splitter_of(form, BytesIO(head).read, Place.beginning()).batches():
        cut_off = batch.open and len(head) == HEAD_BYTES
        if not batch.rejected and not cut_off:
            sample += [body for body in batch.bodies() if body.strip()]
        if len(sample) >= SAMPLE:
            break
    return sample[:SAMPLE]


def _guess(path: Path, kinds: Mapping[str, Kind], sample: list[bytes]) -> Kind:
    found = {name: _understood(kind, sample) for name, kind in kinds.items()}
    most = max(found.values())
    likeliest = [name for name, count in found.items() if count == most]
    if not most or len(likeliest) > 1:
        raise MonitorError(
            f"{path}: its first {len(sample)} records do not tell what they are: "
            f"name it with --kind ({', '.join(kinds)})"
        )
    return kinds[likeliest[0]]


def _understood(kind: Kind, sample: list[bytes]) -> int:
    events = kind.decode(Batch(0, len(sample), 0, Place.beginning().digest, records=tuple(sample)))
    return sum(kind.refusal(event) is None for event in events)


def _problem(kind: Kind, body: bytes) -> str:
    (event,) = kind.decode(Batch(0, 1, 0, Place.beginning().digest, records=(body,)))
    refused = kind.refusal(event)
    return refused.detail if refused is not None else ""
