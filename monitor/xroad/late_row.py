"""A call of which one half had waited in vain: judged once, kept as a row, and summed into its cell."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import RowMapping

from monitor.judging.breach import Breach
from monitor.judging.terms import Pair, Terms
from monitor.ledger.cell import Cell, CellKey, microseconds
from monitor.ledger.finding import Finding, FindingKey
from monitor.ledger.histogram import bucket_of, merge
from monitor.ledger.moment import moment
from monitor.registry.xroad import XroadNames
from monitor.storage.upsert import Row
from monitor.xroad import call as calls
from monitor.xroad.book import RecordBook
from monitor.xroad.call import Call
from monitor.xroad.causes import SECURITY_KIND
from monitor.xroad.figures import Figures
from monitor.xroad.half import Half, pack, unpack
from monitor.xroad.pairing import Lapsed

_TOO_MANY = 2**53  # calls of a day: more than any agreement allows


@dataclass(frozen=True, slots=True)
class LateCall:
    """A late call as it stands in `xroad_late`; its name is that of the half that came first.

    It was judged by the terms and counted under the names that the registry had when it last changed.
    """

    name: str
    call: Call
    match: str | None
    cell: CellKey
    time: datetime
    outcome: str
    duration_us: int
    slow: bool
    breaches: tuple[Breach, ...]
    agreement: str | None
    version: int
    topic: str
    partition: int

    @property
    def key(self) -> tuple[int, str, str, str]:
        """Its cell as the columns that name it."""
        return (self.cell.hour, *self.cell.pair)

    @property
    def half(self) -> Half | None:
        """The only half; None where both are there."""
        return None if self.call.client and self.call.producer else self.call.first

    def alone(self) -> Cell:
        """The cell it would be by itself."""
        found = calls.measured(self.call).values
        cell = Cell(
            request_bytes=found.get("request_bytes", 0),
            response_bytes=found.get("response_bytes", 0),
            duration_us=self.duration_us,
            shortest_us=self.duration_us,
            longest_us=self.duration_us,
            slow=int(self.slow),
            breached=int(bool(self.breaches)),
            last_time=self.time,
        )
        setattr(cell, self.outcome, 1)
        merge(cell.latency, {bucket_of(self.duration_us): 1})
        return cell

    def row(self, changed_at: datetime) -> Row:
        """Its row."""
        client, producer = self.call
        return {
            "call": self.name,
            "match": self.match,
            "hour": self.cell.hour,
            **self.cell.pair._asdict(),
            "time": self.time,
            "outcome": self.outcome,
            "duration_us": self.duration_us,
            "slow": int(self.slow),
            "breaches": ",".join(self.breaches),
            "agreement": self.agreement,
            "version": self.version,
            "client": None if client is None else pack(client),
            "producer": None if producer is None else pack(producer),
            "topic": self.topic,
            "partition": self.partition,
            "changed_at": changed_at,
        }


def of_row(row: RowMapping) -> LateCall:
    """The late call that a row holds."""
    return LateCall(
        name=row["call"],
        call=Call(*[None if row[side] is None else unpack(row[side]) for side in ("client", "producer")]),
        match=row["match"],
        cell=CellKey(row["hour"], Pair(row["provider"], row["consumer"], row["service"])),
        time=row["time"],
        outcome=row["outcome"],
        duration_us=row["duration_us"],
        slow=bool(row["slow"]),
        breaches=tuple(Breach(name) for name in row["breaches"].split(",") if name),
        agreement=row["agreement"],
        version=row["version"],
        topic=row["topic"],
        partition=row["partition"],
    )


class LateJudge:
    """Makes late calls of halves, judging them by the registry."""

    def __init__(self, book: RecordBook, names: XroadNames) -> None:
        self._book = book
        self._names = names

    def late(self, lapsed: Lapsed, match: str | None, topic: str, partition: int) -> tuple[LateCall, Terms]:
        """A call of which only one half has come, in a source partition."""
        half = lapsed.waiting.half
        return self._judged(half.call, Call.of(half), match, topic, partition, lapsed.calls)

    def completed(self, late: LateCall, half: Half) -> LateCall:
        """The same call with the half that it lacked. Where it was one too many of its day, it still is."""
        call = Call.of(late.call.first, half)
        number = _TOO_MANY if Breach.QUOTA_EXCEEDED in late.breaches else 0
        completed, _ = self._judged(late.name, call, None, late.topic, late.partition, number)
        return completed

    def _judged(
        self, name: str, call: Call, match: str | None, topic: str, partition: int, number: int
    ) -> tuple[LateCall, Terms]:
        exchange = calls.exchange_of(call, calls.measured(call), self._names)
        terms, breaches = self._book.judged(exchange, call.first.begun, number)
        late = LateCall(
            name=name,
            call=call,
            match=match,
            cell=CellKey(call.hour, terms.pair),
            time=moment(call.first.begun),
            outcome=exchange.outcome,
            duration_us=microseconds(exchange.duration_ms),
            slow=exchange.outcome == "ok" and exchange.duration_ms > terms.latency_limit_ms,
            breaches=breaches,
            agreement=terms.agreement,
            version=terms.version,
            topic=topic,
            partition=partition,
        )
        return late, terms


def completion(old: LateCall, new: LateCall) -> Figures | None:
    """What the half that came later adds to the figures of its call's cell.

    None where it also changes what the first half had put in: then the cell is to be worked out anew.
    """
    before, after = calls.measured(old.call), calls.measured(new.call)
    causes = old.call.cause, new.call.cause
    alike = old.time == new.time and old.outcome == new.outcome and causes[0] == causes[1]
    if old.cell != new.cell or any(after.values.get(name) != value for name, value in before.values.items()):
        return None
    if not (set(before.flagged) <= set(after.flagged) and set(before.wrong) <= set(after.wrong)):
        return None
    if (old.breaches or new.breaches) and not (
        alike and old.breaches == new.breaches and old.call.id == new.call.id
    ):
        return None
    if any(cause in SECURITY_KIND for cause in causes) and not alike:
        return None
    figures, whole, cell = Figures(), Figures(), new.cell
    added = [(name, value) for name, value in after.values.items() if name not in before.values]
    figures.measure(cell, added, [name for name in after.flagged if name not in before.flagged])
    _count(whole, new)
    figures.counts = whole.counts
    whole = Figures()
    _count(whole, old)
    for key, count in whole.counts.items():
        figures.counts[key] = figures.counts.get(key, 0) - count
    return figures


def _count(figures: Figures, late: LateCall) -> None:
    """Count everything of a call but its measures."""
    noted = Figures()
    calls.note(noted, late.call, calls.measured(late.call), late.cell.pair)
    figures.counts.update(noted.counts)
    _count_kind(figures, late)


def _count_kind(figures: Figures, late: LateCall) -> None:
    half = late.half
    figures.count(late.cell, "joined_late" if half is None else calls.ORPHAN.format(half.side))
    if half is None and calls.differs(late.call):
        figures.count(late.cell, calls.DIFFERENT)


def without(cell: Cell, part: Cell) -> Cell:
    """A cell without what a part had put into its counts, sums and histogram; its extremes are left alone."""
    latency = dict(cell.latency)
    merge(latency, {bucket: -count for bucket, count in part.latency.items()})
    less = {name: getattr(cell, name) - getattr(part, name) for name in _SUMS}
    kept = {bucket: count for bucket, count in latency.items() if count}
    return replace(cell, **less, latency=kept)


_SUMS = (
    "ok", "fault", "denied", "timeout", "records", "request_bytes", "response_bytes", "duration_us", "slow",
    "breached",
)  # fmt: skip


def summed(
    late: Iterable[LateCall],
) -> tuple[dict[CellKey, Cell], dict[FindingKey, Finding], Figures]:
    """What late calls amount to; taken by time and name, so that their order changes nothing."""
    cells: dict[CellKey, Cell] = {}
    findings: dict[FindingKey, Finding] = {}
    figures = Figures()
    for each in sorted(late, key=lambda one: (one.time, one.name)):
        alone = each.alone()
        before = cells.get(each.cell)
        cells[each.cell] = before.plus(alone) if before else alone
        for breach in each.breaches:
            found = Finding(
                1, int(each.outcome == "denied"), each.time, each.time, (each.call.id,),
                each.agreement, each.version,
            )  # fmt: skip
            key = FindingKey(each.cell.hour, each.cell.pair, breach)
            known = findings.get(key)
            findings[key] = known.plus(found) if known else found
        calls.note(figures, each.call, calls.measured(each.call), each.cell.pair)
        _count_kind(figures, each)
    return cells, findings, figures
