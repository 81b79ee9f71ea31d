"""Records of X-Road from files: a call is counted once, whether its halves lie in one file or in two."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from monitor.backfill import run as running
from monitor.backfill.arrival import Window
from monitor.backfill.identity import known_files
from monitor.backfill.kinds import Kind, kinds_of
from monitor.backfill.overlap import hour_text
from monitor.backfill.run import Outcome, Wishes, backfill
from monitor.backfill.undo import take_back
from monitor.errors import UsageProblem
from monitor.judging.book import Book
from monitor.settings import load_settings
from monitor.storage import tables
from tests.builders import ZONE
from tests.monitor.backfill.history import AGE, live_hour, write
from tests.monitor.xroad.parts import BEGIN, REGISTRY, Owner, Record, body, halves, sample


def kinds(engine: Engine) -> dict[str, Kind]:
    """What is known, over a registry with names of X-Road."""
    return dict(kinds_of(load_settings(), engine, Book(REGISTRY, ZONE), AGE))


def run(engine: Engine, path: Path, **wishes: Any) -> Outcome:
    """Count a file, some days later."""
    return backfill(path, Wishes(**wishes), kinds(engine), engine, lambda: BEGIN + timedelta(days=9))


def lines(records: Sequence[object]) -> list[bytes]:
    """One record a line."""
    return [json.dumps(record).encode() for record in records]


def exchanges(engine: Engine) -> int:
    """Calls in all cells."""
    cells = tables.cells.c
    with engine.connect() as connection:
        query = select(func.sum(cells.ok + cells.fault + cells.denied + cells.timeout))
        return int(connection.execute(query).scalar_one() or 0)


def joined(engine: Engine) -> dict[str, int]:
    """How calls were joined."""
    counts = tables.xroad_counts.c
    with engine.connect() as connection:
        query = select(counts.what, func.sum(counts["count"])).group_by(counts.what)
        return {what: int(count) for what, count in connection.execute(query)}


def waiting(engine: Engine) -> int:
    """Halves that wait."""
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(tables.xroad_waiting)).scalar_one())


CALLS = [halves(number) for number in range(40)]


def test_halves_in_one_file_make_calls(engine: Engine, tmp_path: Path) -> None:
    """As lines or under `records`, and a second run adds nothing."""
    both = [half for call in CALLS for half in call]
    path = write(tmp_path / "a.ndjson", lines(both[:40]))
    first = run(engine, path)
    assert (first.kind, first.guessed, first.records, first.counted) == ("xroad-records", True, 40, 20)
    wrapped = tmp_path / "b.json"
    wrapped.write_text(json.dumps({"records": both[40:]}, indent=1), encoding="utf-8")
    assert run(engine, wrapped).counted == 20
    assert [run(engine, each).records for each in (path, wrapped)] == [0, 0]
    assert exchanges(engine) == 40
    assert joined(engine)["joined"] == 40
    assert waiting(engine) == 0


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_halves_in_two_files_meet(engine: Engine, tmp_path: Path, order: tuple[int, int]) -> None:
    """Each security server's own records, in whichever order they are counted."""
    first, second = (
        write(tmp_path / f"{side}.ndjson", lines([call[side] for call in CALLS])) for side in order
    )
    alone, completed = run(engine, first), run(engine, second)
    assert (alone.counted, alone.alone, alone.completed) == (40, 40, 0)
    assert (completed.counted, completed.alone, completed.completed) == (0, 0, 40)
    assert exchanges(engine) == 40
    assert waiting(engine) == 0
    with engine.connect() as connection:
        late = tables.xroad_late.c
        query = select(func.count()).where(late.client.is_not(None), late.producer.is_not(None))
        assert connection.execute(query).scalar_one() == 40


def test_files_in_one_run_or_cut_off_come_to_the_same(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cut off before the transaction in which the last halves stop waiting, it is made up for."""
    monkeypatch.setattr(running, "CHUNK_RECORDS", 10)
    monkeypatch.setattr("monitor.backfill.lines.BLOCK_BYTES", 4000)
    path = write(tmp_path / "a.ndjson", lines([call[0] for call in CALLS]))

    class Cut(Exception):
        pass

    def cut(_read: int, records: int) -> None:
        if records == 40:
            raise Cut

    with pytest.raises(Cut):
        backfill(path, Wishes(), kinds(engine), engine, lambda: BEGIN + timedelta(days=9), cut)
    assert waiting(engine) > 0
    run(engine, path)
    assert waiting(engine) == 0
    assert exchanges(engine) == 40


def test_bad_records_windows_and_live_hours_are_as_with_exchanges(engine: Engine, tmp_path: Path) -> None:
    """And what was joined with other files' halves cannot be taken back."""
    records = [half for call in CALLS for half in call]
    bad = [b"{}", b"not json", b'{"x": "' + b"y" * 3_000_000 + b'"}']
    path = write(tmp_path / "a.ndjson", [*lines(records), *bad, b""])
    live_hour(engine, BEGIN)
    assert "was counted live" in run(engine, path).problems[0]
    window = Window(BEGIN + timedelta(seconds=17 * 10), None)
    outcome = run(engine, path, allow_overlap=True, window=window)
    assert (outcome.counted, outcome.left_out) == (30, 20)
    assert dict(outcome.rejected) == {"missing_field": 1, "not_json": 1, "oversized": 1}
    with pytest.raises(UsageProblem, match="cannot be taken apart"):
        take_back(engine, outcome.topic)


def test_old_halves_in_files_that_are_counted_weeks_apart_meet(engine: Engine, tmp_path: Path) -> None:
    """A worker that looks meanwhile for what is final leaves them, old as they are."""
    old = [halves(number, at=BEGIN - timedelta(days=120, minutes=number)) for number in range(40)]
    first, second = (
        write(tmp_path / f"{side}.ndjson", lines([call[side] for call in old])) for side in (0, 1)
    )
    assert backfill(first, Wishes(), kinds(engine), engine, lambda: BEGIN).alone == 40
    worker = Owner(engine, max_event_age=timedelta(days=90))
    for day in (1, 3, 30):
        at = BEGIN + timedelta(days=day)
        worker.fold(*[body(half) for half in halves(1000 + day, at=at)], at=at)
        worker.store.write(worker.ledger.take(), at)
    met = backfill(second, Wishes(), kinds(engine), engine, lambda: BEGIN + timedelta(days=31))
    assert (met.counted, met.completed) == (0, 40)
    assert exchanges(engine) == 40 + 3


def test_a_backfill_takes_no_late_call_for_final(engine: Engine, tmp_path: Path) -> None:
    """Workers may still accept what it was told to refuse."""
    client, producer = halves(1)
    worker = Owner(engine)
    worker.fold(body(client))
    worker.ledger.tick(BEGIN + timedelta(days=1))
    worker.commit()
    path = write(tmp_path / "a.ndjson", lines(halves(2, at=BEGIN + timedelta(days=19))))
    settings, book, age = load_settings(), Book(REGISTRY, ZONE), timedelta(days=7)
    short = dict(kinds_of(settings, engine, book, age))
    assert backfill(path, Wishes(), short, engine, lambda: BEGIN + timedelta(days=20)).counted == 1
    worker.fold(body(producer))
    worker.commit()
    assert joined(engine)["joined_late"] == 1
    assert exchanges(engine) == 2


EARLY, LATE = halves(1), halves(2, at=BEGIN + timedelta(hours=5))
BETWEEN = BEGIN + timedelta(hours=1)


@pytest.mark.parametrize("window", [Window(None, BETWEEN), Window(BETWEEN, None)])
@pytest.mark.parametrize("records", [[*EARLY, *LATE], [*LATE, *EARLY], [LATE[0], *EARLY, LATE[1]]])
def test_each_record_of_a_line_is_left_out_by_its_own_time(
    engine: Engine, tmp_path: Path, records: list[Record], window: Window
) -> None:
    """Whichever comes first in its line."""
    outcome = run(engine, write(tmp_path / "a.ndjson", [body(*records)]), window=window)
    assert (outcome.records, outcome.counted, outcome.alone, outcome.left_out) == (1, 1, 0, 2)
    assert {hour_text(hour) for hour in outcome.hours} == {
        "2026-10-05T01:00+00:00" if window.until else "2026-10-05T06:00+00:00"
    }


def test_a_line_without_records_lies_in_every_window(engine: Engine, tmp_path: Path) -> None:
    """It is nothing to count, and nothing to reject."""
    path = write(tmp_path / "a.ndjson", [body(*EARLY), b'{"records": []}', body(*LATE), b'{"records": []}'])
    outcome = run(engine, path, window=Window(None, BETWEEN))
    assert (outcome.records, outcome.counted, outcome.left_out, outcome.problems) == (4, 1, 2, [])
    assert not outcome.rejected


def test_bad_records_are_rejected_whatever_is_left_out_of_their_line(engine: Engine, tmp_path: Path) -> None:
    """Their time is not known; they are named by their places in the whole line."""
    ahead = halves(4, at=BEGIN + timedelta(days=30))[0]
    bodies = [body(*LATE), body(*LATE, {}), body(LATE[0], EARLY[0], {}, EARLY[1]), body(LATE[1], ahead)]
    path = write(tmp_path / "a.ndjson", bodies)
    outcome = run(engine, path, window=Window(None, BETWEEN))
    assert (outcome.counted, outcome.left_out) == (1, 2 + 2 + 1 + 2)
    assert [line for line, _ in outcome.first_rejected] == [2, 3]
    assert all("record 2: " in rejection.detail for _, rejection in outcome.first_rejected)
    path = write(tmp_path / "b.ndjson", [body(EARLY[0]), body(LATE[1], ahead, EARLY[1])])
    outcome = run(engine, path, window=Window(BETWEEN, None))
    assert (outcome.left_out, [line for line, _ in outcome.first_rejected]) == (2, [2])
    assert "record 1: " in outcome.first_rejected[0][1].detail


@pytest.mark.parametrize("cut_at", [3, 12, 30])
def test_a_window_over_lines_of_several_records_survives_being_cut_off(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cut_at: int
) -> None:
    """The next run goes on at the next line, and what was left out is known with the file."""
    monkeypatch.setattr(running, "CHUNK_RECORDS", 5)
    monkeypatch.setattr("monitor.backfill.lines.BLOCK_BYTES", 4000)
    some = [
        body(*CALLS[number], *halves(100 + number, at=BEGIN - timedelta(hours=3))) for number in range(40)
    ]
    path = write(tmp_path / "a.ndjson", [each for line in some for each in (line, b'{"records": []}')])
    wishes = Wishes(window=Window(BEGIN, None))

    class Cut(Exception):
        pass

    def cut(_read: int, records: int) -> None:
        if records >= cut_at:
            raise Cut

    with pytest.raises(Cut):
        backfill(path, wishes, kinds(engine), engine, lambda: BEGIN + timedelta(days=9), cut)
    rest = backfill(path, wishes, kinds(engine), engine, lambda: BEGIN + timedelta(days=9))
    assert (rest.before + rest.records, rest.problems) == (80, [])
    assert rest.before > 0 or cut_at == 3
    assert (exchanges(engine), joined(engine)["joined"], waiting(engine)) == (40, 40, 0)
    (known,) = known_files(engine)
    assert (known.next_offset, known.left_out) == (80, 80)


def test_servers_whose_clocks_are_ahead_are_counted_up_to_a_day(engine: Engine, tmp_path: Path) -> None:
    """As live; exchanges of other ways are refused from five minutes on."""
    now = BEGIN + timedelta(days=9)
    ahead = [halves(number, at=now + timedelta(hours=hours)) for number, hours in enumerate((23, 25))]
    outcome = run(engine, write(tmp_path / "a.ndjson", lines([half for call in ahead for half in call])))
    assert (outcome.counted, dict(outcome.rejected)) == (1, {"in_future": 2})


def test_real_records_are_all_paired(engine: Engine) -> None:
    """Two hundred calls of four hundred records, none of them seen from one side alone."""
    outcome = run(engine, sample("opmon_400.ndjson"))
    assert (outcome.records, outcome.counted, outcome.problems) == (400, 200, [])
    assert joined(engine)["joined"] == 200
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.xroad_late)).scalar_one() == 0
