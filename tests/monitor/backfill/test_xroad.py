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
from monitor.backfill.kinds import Kind, kinds_of
from monitor.backfill.run import Outcome, Wishes, backfill
from monitor.backfill.undo import take_back
from monitor.errors import UsageProblem
from monitor.judging.book import Book
from monitor.settings import load_settings
from monitor.storage import tables
from tests.builders import ZONE
from tests.monitor.backfill.history import AGE, live_hour, write
from tests.monitor.xroad.parts import BEGIN, REGISTRY, halves, sample


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


def test_real_records_are_all_paired(engine: Engine) -> None:
    """Two hundred calls of four hundred records, none of them seen from one side alone."""
    outcome = run(engine, sample("opmon_400.ndjson"))
    assert (outcome.records, outcome.counted, outcome.problems) == (400, 200, [])
    assert joined(engine)["joined"] == 200
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.xroad_late)).scalar_one() == 0
