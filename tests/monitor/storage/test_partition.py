"""One partition in the database: one transaction, one owner, and nothing forgotten over a restart."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, func, insert, select
from sqlalchemy.exc import DBAPIError, OperationalError

from monitor.events.exchange import Exchange
from monitor.events.rejection import Reason, Rejection
from monitor.judging.book import Book
from monitor.judging.breach import Breach
from monitor.ledger.cell import Cell, CellKey
from monitor.ledger.finding import FindingKey
from monitor.ledger.partition import OTHER_NAMES, Limits, PartitionLedger
from monitor.storage import partition as storage
from monitor.storage import progress, tables, upsert
from monitor.storage.partition import FROM_THE_BEGINNING, LARGEST_SUM, Fenced, PartitionStore
from tests.builders import MOMENT, PAIR, Arrived, agreement, book_of, exchange, limits
from tests.monitor.ledger.recount import BASE, Event, held, play

TOPIC = "exchanges"
HOUR = int(MOMENT.timestamp()) // 3600 * 3600


class Owner:
    """A worker's part for one partition: what it loads, folds and writes."""

    def __init__(
        self, engine: Engine, *, book: Book | None = None, partition: int = 0, **changes: Any
    ) -> None:
        held: Limits = limits(**changes)
        self.store = PartitionStore(engine, TOPIC, partition)
        resumed = self.store.load(held.dedupe_window, held.dedupe_max_ids, MOMENT)
        self.ledger = PartitionLedger(
            book or book_of(), held, resumed.ids, resumed.next_offset, resumed.newest, self.store.calls
        )

    def fold(self, *events: Exchange | Rejection) -> None:
        """Count events at the next offsets."""
        self.ledger.fold(events, Arrived(len(events), first=max(self.ledger.next_offset, 0)), MOMENT)

    def commit(self) -> storage.Written:
        """Write what was counted."""
        written = self.store.write(self.ledger.take(), MOMENT)
        self.ledger.settled()
        return written


def made(ids: Iterable[object], **changes: Any) -> list[Exchange]:
    """Exchanges with these ids."""
    return [exchange(id=str(identity), **changes) for identity in ids]


def totals(engine: Engine) -> dict[int, int]:
    """Exchanges by partition."""
    cells = tables.cells.c
    query = select(cells.partition, func.sum(cells.ok)).group_by(cells.partition)
    with engine.connect() as connection:
        return {partition: int(ok) for partition, ok in connection.execute(query)}


def test_a_partition_begins_and_is_resumed(engine: Engine) -> None:
    """First from the beginning, then at the next offset, with the newest time and the ids."""
    first = Owner(engine)
    assert first.ledger.next_offset == FROM_THE_BEGINNING
    first.fold(*made("abc"))
    written = first.commit()
    assert [cell.ok for _, cell in written.additions] == [3]
    second = Owner(engine)
    assert (second.ledger.next_offset, second.ledger.newest) == (3, MOMENT)
    second.fold(*made("cde"))
    second.commit()
    assert totals(engine) == {0: 5}


def test_partitions_are_apart(engine: Engine) -> None:
    """Each has its own offset, cells and ids."""
    for partition in range(3):
        owner = Owner(engine, partition=partition)
        owner.fold(*made(range(partition + 1)))
        owner.commit()
    assert totals(engine) == {0: 1, 1: 2, 2: 3}


def test_of_two_owners_only_the_first_to_write_goes_on(engine: Engine) -> None:
    """The other is fenced, writes nothing, and stays fenced."""
    old, new = Owner(engine), Owner(engine)
    for owner in (old, new):
        owner.fold(*made("ab"))
    new.commit()
    before = held(engine, TOPIC)
    changes = old.ledger.take()
    for _ in range(2):
        with pytest.raises(Fenced, match="exchanges/0"):
            old.store.write(changes, MOMENT)
    assert held(engine, TOPIC) == before
    new.fold(*made("c"))
    new.commit()
    assert totals(engine) == {0: 3}


def test_whoever_takes_a_partition_over_fences_its_former_owner(engine: Engine) -> None:
    """At once, and also where that one would move no offset: what was loaded then stays as it is."""
    old = Owner(engine)
    old.fold(*made("a"))
    old.commit()
    later = MOMENT + timedelta(seconds=1)
    store = PartitionStore(engine, TOPIC, 0)
    store.load(timedelta(hours=2), 1000, later)
    with pytest.raises(Fenced):
        old.store.write(old.ledger.take(), later)
    assert totals(engine) == {0: 1}


def test_a_transaction_that_moves_no_offset_is_written_once_where_the_answer_is_lost(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Time that passes for rules is such a one: what they find then must not be told twice."""
    owner, told = Owner(engine), list[str]()
    owner.fold(*made("a"))
    owner.commit()
    changes, commit = owner.ledger.take(), engine.dialect.do_commit

    def lost(connection: Any) -> None:
        commit(connection)
        raise engine.dialect.dbapi.OperationalError("the connection is gone")  # type: ignore[union-attr]

    with monkeypatch.context() as network:
        network.setattr(engine.dialect, "do_commit", lost)
        with pytest.raises(DBAPIError):
            owner.store.write(changes, MOMENT + timedelta(seconds=1), [lambda _: told.append("once")])
    with pytest.raises(Fenced):
        owner.store.write(changes, MOMENT + timedelta(seconds=2), [lambda _: told.append("twice")])
    assert told == ["once"]


def test_owners_that_race_count_everything_once(engine: Engine) -> None:
    """Three at once, each going on from the database whenever it is fenced."""
    events = made(range(60))
    start = Barrier(3)

    def race(_: int) -> int:
        fenced = 0
        start.wait()
        owner = Owner(engine)
        while (position := max(owner.ledger.next_offset, 0)) < len(events):
            owner.fold(*events[position : position + 4])
            try:
                owner.commit()
            except Fenced:
                fenced += 1
                owner = Owner(engine)
        return fenced

    with ThreadPoolExecutor(3) as three:
        fenced = list(three.map(race, range(3)))
    assert totals(engine) == {0: 60}
    assert held(engine, TOPIC)["state"]["events"] == 60
    assert all(count >= 0 for count in fenced)


@pytest.mark.parametrize("table", ["cells", "findings", "rejected", "gaps", "seen_ids", "offsets"])
def test_a_transaction_that_fails_leaves_nothing_and_can_be_repeated(engine: Engine, table: str) -> None:
    """Wherever it fails; the same changes are then written by the next try, once."""
    owner = Owner(engine)
    owner.fold(
        *made("a"), *made("b", purpose="x"), *made("c", consumer="NEW"), Rejection(Reason.EMPTY, "why")
    )
    owner.commit()
    before = held(engine, TOPIC)
    events: list[Exchange | Rejection] = [
        *made("d"),
        *made("e", purpose="x"),
        *made("f", consumer="NEW"),
        Rejection(Reason.EMPTY, "why"),
    ]
    owner.fold(*events)
    changes = owner.ledger.take()

    def fail(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if statement.lstrip().startswith(("INSERT", "UPDATE")) and table in statement.partition("(")[0]:
            raise OperationalError(statement, None, Exception("the disk is full"))

    event.listen(engine, "before_cursor_execute", fail)
    with pytest.raises(DBAPIError):
        owner.store.write(changes, MOMENT)
    event.remove(engine, "before_cursor_execute", fail)
    assert held(engine, TOPIC) == before
    owner.store.write(changes, MOMENT)
    after = held(engine, TOPIC)
    assert totals(engine) == {0: 6}
    assert after["rejected"] == {"empty": 2}
    assert after["gaps"] == {("agency", "NEW"): 2}
    assert after["findings"][(HOUR, *PAIR, "purpose_not_permitted")]["count"] == 2
    assert after["state"]["events"] == 8


def test_ids_are_kept_over_generations_and_restarts(engine: Engine) -> None:
    """Two generations are loaded; what neither holds was forgotten, and its rows are gone."""
    for generation in range(5):
        owner = Owner(engine, dedupe_max_ids=8)
        owner.fold(*made(range(generation * 4, generation * 4 + 4)))
        owner.commit()
    owner = Owner(engine, dedupe_max_ids=8)
    assert owner.ledger.ids.seen == {str(number) for number in range(12, 20)}
    assert owner.ledger.ids.generation == 4
    with engine.connect() as connection:
        kept = set(connection.execute(select(tables.seen_ids.c.generation)).scalars())
    assert max(kept) == 4
    assert len(kept) <= 3
    before = totals(engine)
    owner.fold(*made([19, 18, 17, 16]))
    owner.commit()
    assert totals(engine) == before


def test_a_quota_is_counted_on_after_a_restart(engine: Engine) -> None:
    """Calls in the database count, of every outcome and hour of the local day, and those before it do not."""
    book = book_of(agreement(ceilings={"calls_per_day": 4}))
    first = Owner(engine, book=book)
    yesterday = MOMENT - timedelta(hours=20)
    first.fold(*made("ab", time=yesterday), *made("cd"), *made("e", time=MOMENT - timedelta(hours=2)))
    first.fold(*made("f", outcome="denied"))
    first.commit()
    second = Owner(engine, book=book)
    second.fold(*made("g"))
    second.commit()
    found = held(engine, TOPIC)["findings"]
    assert {key[-1]: row["count"] for key, row in found.items()} == {"quota_exceeded": 1}


def test_findings_keep_their_first_evidence_over_restarts(engine: Engine) -> None:
    """Counts go on; the ten samples are the first that came."""
    for start in (0, 6, 12):
        owner = Owner(engine)
        owner.fold(*made(range(start, start + 6), purpose="x"))
        owner.commit()
    store = PartitionStore(engine, TOPIC, 0)
    with engine.connect() as connection:
        key = FindingKey(HOUR, PAIR, Breach.PURPOSE_NOT_PERMITTED)
        row = next(iter(store._rows(connection, tables.findings, [(HOUR, *PAIR)])))
    found = storage.finding_of_row(row)
    assert (found.count, found.samples) == (18, tuple(map(str, range(10))))
    assert key.breach == row["breach"]


def test_old_hours_are_read_again_when_touched(engine: Engine) -> None:
    """Only the newest hours stay in memory; a late event adds to its cell all the same."""
    owner = Owner(engine)
    for hours in range(6):
        owner.fold(*made([f"a{hours}"], time=MOMENT - timedelta(hours=10 - hours)))
        owner.commit()
    assert len({key.hour for key in owner.store._cells}) == storage.CACHED_HOURS
    owner.fold(*made(["late"], time=MOMENT - timedelta(hours=10)))
    owner.commit()
    cells = held(engine, TOPIC)["cells"]
    assert cells[(HOUR - 10 * 3600, *PAIR)]["ok"] == 2
    assert sum(row["ok"] for row in cells.values()) == 7


def test_copy_and_single_rows_write_the_same(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """On PostgreSQL many rows go by COPY: inserted and replaced alike, with NULL and with odd names."""
    consumers = [
        "tab\there",
        'quo"te',
        "back\\slash",
        "line\nbreak",
        "\\N",
        "ữ",
        *[f"X{n}" for n in range(40)],
    ]
    found = []
    for threshold in (1, 10_000):
        monkeypatch.setattr(upsert, "COPY_FROM", threshold)
        rows = [
            PartitionStore(engine, f"t{threshold}", 0).cell_row(
                CellKey(HOUR, PAIR._replace(consumer=name)),
                Cell(ok=1, last_time=MOMENT, latency={5: 1}, shortest_us=None),
            )
            for name in consumers
        ]
        for ok in (1, 2):
            with engine.begin() as connection:
                upsert.upsert(connection, tables.cells, [{**row, "ok": ok} for row in rows])
        with engine.connect() as connection:
            query = (
                select(tables.cells)
                .where(tables.cells.c.topic == f"t{threshold}")
                .order_by(tables.cells.c.consumer)
            )
            found.append([{**row, "topic": ""} for row in connection.execute(query).mappings()])
    assert found[0] == found[1]
    assert {row["consumer"] for row in found[0]} == set(consumers)
    assert {row["ok"] for row in found[0]} == {2}


@pytest.mark.parametrize("again", [10, 250])
def test_a_table_is_written_more_than_once_in_a_transaction(engine: Engine, again: int) -> None:
    """As late calls of X-Road do with cells: each time writes its own rows, few of them or many."""

    def rows(numbers: range, count: int) -> list[dict[str, Any]]:
        names = {"topic": TOPIC, "partition": 0, "kind": "agency", "last_time": MOMENT, "count": count}
        return [{**names, "name": f"n{number:04}"} for number in numbers]

    with engine.begin() as connection:
        upsert.upsert(connection, tables.gaps, rows(range(300), 1))
        upsert.upsert(connection, tables.gaps, rows(range(again), 2))
        upsert.upsert(connection, tables.gaps, rows(range(200, 500), 3))
    gaps = tables.gaps.c
    with engine.connect() as connection:
        found = {row[0]: row[1] for row in connection.execute(select(gaps.name, gaps["count"]))}
    assert found == {
        f"n{number:04}": 3 if number >= 200 else 2 if number < again else 1 for number in range(500)
    }


def test_rows_are_written_in_the_order_of_their_keys(engine: Engine) -> None:
    """Two writers of the same rows then wait for each other instead of blocking each other."""
    seen: list[Any] = []

    def watch(_c: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "INTO rejected" in statement:
            seen.extend(parameters if isinstance(parameters, list) else [parameters])

    event.listen(engine, "before_cursor_execute", watch)
    row = {"topic": "t", "partition": 0, "count": 1, "last_offset": 0}
    with engine.begin() as connection:
        upsert.upsert(connection, tables.rejected, [{**row, "reason": reason} for reason in "cabed"])
    event.remove(engine, "before_cursor_execute", watch)
    values = [
        one["reason"] if isinstance(one, dict) else next(v for v in one if str(v) in set("abcde"))
        for one in seen
    ]
    assert values == list("abcde")


def test_writers_in_opposite_order_do_not_deadlock(engine: Engine) -> None:
    """Many rows, shared keys, both ways round, at once."""
    names = [f"n{number:03}" for number in range(120)]
    row = {"topic": "t", "partition": 0, "count": 1, "last_offset": 0}

    def write(order: int) -> None:
        for _ in range(5):
            with engine.begin() as connection:
                upsert.upsert(
                    connection, tables.rejected, [{**row, "reason": name} for name in names[::order]]
                )

    with ThreadPoolExecutor(2) as two:
        list(two.map(write, (1, -1)))
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.rejected)).scalar_one() == 120


def test_sums_beyond_a_column_stop_nothing(engine: Engine) -> None:
    """A sender that claims absurd sizes spoils its own sums, not the partition."""
    owner = Owner(engine)
    owner.fold(*made(range(1500), response_bytes=2**53))
    owner.commit()
    assert held(engine, TOPIC)["cells"][(HOUR, *PAIR)]["response_bytes"] == LARGEST_SUM
    second = Owner(engine)
    second.fold(*made(["more"], response_bytes=2**53))
    second.commit()
    assert totals(engine) == {0: 1501}


def test_names_with_nul_stop_nothing(engine: Engine) -> None:
    """PostgreSQL has no NUL in texts; ids, which are stored packed, may hold it."""
    owner = Owner(engine)
    owner.fold(
        exchange(id="i\0d", consumer="c\0d", purpose="p\0"), exchange(id="i\0e", purpose="p\0", case="\0")
    )
    owner.commit()
    assert totals(engine) == {0: 2}
    assert Owner(engine).ledger.ids.seen == {"i\0d", "i\0e"}


def test_unregistered_names_are_bounded_in_the_database(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond the limit they count as others, also over restarts; known ones keep their count."""
    monkeypatch.setattr(progress, "MAX_GAP_NAMES", 3)
    for start in (0, 2, 4):
        owner = Owner(engine)
        owner.fold(*[exchange(id=f"{start}-{n}", consumer=f"X{n}") for n in range(start, start + 3)])
        owner.commit()
    gaps = held(engine, TOPIC)["gaps"]
    assert gaps == {("agency", "X0"): 1, ("agency", "X1"): 1, ("agency", "X2"): 2, ("agency", OTHER_NAMES): 5}


def test_both_databases_hold_the_same_after_a_bumpy_ride(engine: Engine) -> None:
    """Commits, crashes and re-reading on this database end as one smooth run does."""
    events = [
        Event(
            exchange(
                BASE + timedelta(minutes=n), id=f"i{n % 31}", purpose="x" if n % 3 else "health-insurance"
            ),
            BASE + timedelta(minutes=n),
        )
        for n in range(40)
    ]
    plan = [(7, "commit"), (5, "crash"), (9, "commit"), (0, "reread"), (4, "commit"), (3, "crash"), (3, "go")]
    remembered = limits(dedupe_window=timedelta(minutes=15), dedupe_max_ids=12)
    bumpy, smooth = (
        play(engine, "bumpy", events, remembered, plan),
        play(engine, "smooth", events, remembered),
    )
    for found in (bumpy, smooth):
        del found["state"]["topic"]
    assert bumpy == smooth


def test_others_write_in_the_same_transaction_or_not_at_all(engine: Engine) -> None:
    """After the offset has moved; when one of them fails nothing was written, and it can be tried again."""
    owner = Owner(engine)
    owner.fold(exchange())
    changes = owner.ledger.take()
    gap = {"topic": "other", "partition": 0, "kind": "agency", "name": "X", "count": 1, "last_time": MOMENT}
    seen: list[int] = []

    def writes(connection: Connection) -> None:
        seen.append(connection.execute(select(tables.offsets.c.next_offset)).scalar_one())
        connection.execute(insert(tables.gaps), gap)

    def fails(_: Connection) -> None:
        raise RuntimeError("no")

    def stored() -> tuple[int, int]:
        with engine.connect() as connection:
            cells = connection.execute(select(func.count()).select_from(tables.cells)).scalar_one()
            return cells, connection.execute(select(func.count()).select_from(tables.gaps)).scalar_one()

    with pytest.raises(RuntimeError):
        owner.store.write(changes, MOMENT, (writes, fails))
    assert stored() == (0, 0)
    owner.store.write(changes, MOMENT, (writes,))
    assert stored() == (1, 1)
    assert seen == [1, 1]
