"""A file's figures are exact however often it is run, whatever it is called, and wherever a run ended."""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.exc import OperationalError

from monitor.backfill import run as running
from monitor.backfill.arrival import Window
from monitor.backfill.identity import known_files, note
from monitor.backfill.run import Wishes, backfill
from monitor.backfill.undo import take_back
from monitor.errors import UsageProblem
from monitor.storage import tables
from tests.builders import MOMENT, exchange_json
from tests.monitor.backfill.history import (
    NOW,
    as_list,
    bodies,
    counted,
    kinds,
    live_hour,
    now,
    run,
    totals,
    until,
    write,
)

SECURITY = json.dumps(
    {"id": "s1", "time": "2026-10-05T08:15:30Z", "agency": "MOH", "kind": "sign-in-failed", "severity": 3}
).encode()


def test_a_second_run_adds_nothing(engine: Engine, tmp_path: Path) -> None:
    """Nor does one under another name, in another folder, or with gzip."""
    path = write(tmp_path / "history.ndjson", bodies(30))
    first = run(engine, path)
    assert (first.kind, first.guessed, first.records, first.counted) == ("exchanges", True, 30, 30)
    assert first.problems == []
    assert len(first.hours) == 1
    (tmp_path / "elsewhere").mkdir()
    for name in ("history.ndjson", "elsewhere/old.ndjson"):
        path = path.rename(tmp_path / name)
        again = run(engine, path)
        assert (again.before, again.records, again.counted, again.problems) == (30, 0, 0, [])
    packed = run(engine, write(tmp_path / "history.ndjson.gz", bodies(30)))
    assert (packed.before, packed.records, packed.topic) == (30, 0, first.topic)
    assert totals(engine)["ok"] == totals(engine)["records"] == 30


@pytest.mark.parametrize("ended", [True, False])
def test_a_file_that_grew_goes_on_where_it_ended(engine: Engine, tmp_path: Path, ended: bool) -> None:
    """Whether or not its last line had a line break when it was counted; numbers are those of its lines."""
    path = tmp_path / "history.ndjson"
    write(path, bodies(3), ended=ended)
    assert run(engine, path).counted == 3
    grown = run(engine, write(path, [*bodies(7), b"{}"]))
    assert (grown.before, grown.records, grown.counted) == (3, 5, 4)
    assert [line for line, _ in grown.first_rejected] == [8]
    assert counted(engine) == 7


def test_a_line_that_is_still_written_waits_for_its_end(engine: Engine, tmp_path: Path) -> None:
    """It is neither rejected nor passed: the next run counts it."""
    path = tmp_path / "history.ndjson"
    whole = b"\n".join(bodies(5))
    path.write_bytes(whole[:-9])
    outcome = run(engine, path)
    assert (outcome.counted, sum(outcome.rejected.values())) == (4, 0)
    assert "line 5, the last, has no end" in outcome.problems[0]
    path.write_bytes(whole)
    outcome = run(engine, path)
    assert (outcome.before, outcome.counted, outcome.problems) == (4, 1, [])


def test_a_list_that_grew_goes_on_too(engine: Engine, tmp_path: Path) -> None:
    """Its last record was not its end."""
    path = tmp_path / "history.json"
    path.write_bytes(as_list(bodies(3)))
    assert run(engine, path).counted == 3
    path.write_bytes(as_list(bodies(5)))
    outcome = run(engine, path)
    assert (outcome.before, outcome.counted, outcome.problems) == (3, 2, [])
    path.write_bytes(as_list(bodies(7))[:-9])
    outcome = run(engine, path)
    assert (outcome.before, outcome.counted) == (5, 1)
    assert outcome.problems == ["record 7 does not end"]


def test_a_file_that_changed_within_is_refused(engine: Engine, tmp_path: Path) -> None:
    """Counting it from its beginning would count twice; it says how to begin anew."""
    path = write(tmp_path / "history.ndjson", bodies(30))
    topic = run(engine, path).topic
    for changed in (bodies(12), bodies(12) + bodies(18, 12, records=2)):
        outcome = run(engine, write(path, changed))
        assert f"--undo {topic}" in outcome.problems[0]
        assert outcome.records == 0
    assert totals(engine)["records"] == 30
    take_back(engine, topic)
    assert counted(engine) == 0
    run(engine, path)
    assert totals(engine)["records"] == 12 + 2 * 18


def test_files_with_the_same_heading_are_told_apart(engine: Engine, tmp_path: Path) -> None:
    """A first line that is no event may be that of every export."""
    heading = b"# exported exchanges"
    first = write(tmp_path / "a.ndjson", [heading, *bodies(3)])
    second = write(tmp_path / "b.ndjson", [heading, *bodies(4, 100)])
    assert [run(engine, path).counted for path in (first, second)] == [3, 4]
    assert [run(engine, path).records for path in (first, second)] == [0, 0]
    assert [known.topic.endswith("~2") for known in known_files(engine)].count(True) == 1
    assert counted(engine) == 7
    undone = min(known.topic for known in known_files(engine))
    take_back(engine, undone)
    assert counted(engine) == 4
    assert [run(engine, path).counted for path in (first, second)] == [3, 0]
    assert undone in {known.topic for known in known_files(engine)}


def test_undo_takes_back_one_file_and_nothing_else(engine: Engine, tmp_path: Path) -> None:
    """Every table of the ledger is free of it."""
    strange = [exchange_json(id="n", provider="NEW"), b"[]"]
    first = run(engine, write(tmp_path / "a.ndjson", [*bodies(3), *strange]))
    run(engine, write(tmp_path / "b.ndjson", bodies(4, 100)))
    take_back(engine, first.topic)
    with engine.connect() as connection:
        for table in (tables.cells, tables.findings, tables.gaps, tables.rejected, tables.seen_ids):
            query = select(func.count()).where(table.c.topic == first.topic)
            assert connection.execute(query).scalar_one() == 0, table.name
    assert counted(engine) == 4
    with pytest.raises(UsageProblem, match="no such file was counted"):
        take_back(engine, "exchanges")


def test_every_form_and_kind_is_read(engine: Engine, tmp_path: Path) -> None:
    """Lines, a list, one object over several lines; exchanges and security events."""
    (tmp_path / "one.json").write_bytes(json.dumps(json.loads(bodies(1)[0]), indent=2).encode())
    (tmp_path / "list.json").write_bytes(as_list(bodies(3, 10)))
    assert run(engine, tmp_path / "one.json").counted == 1
    assert run(engine, tmp_path / "list.json").counted == 3
    secured = run(engine, write(tmp_path / "s.ndjson", [SECURITY, SECURITY]))
    assert (secured.kind, secured.counted, secured.duplicates) == ("security-events", 1, 1)
    with engine.connect() as connection:
        assert connection.execute(select(func.sum(tables.security_counts.c["count"]))).scalar_one() == 1
        assert connection.execute(select(tables.security_events.c.topic)).scalar_one() == secured.topic


@pytest.mark.parametrize(
    ("lines", "kind", "said"),
    [
        ([], None, "is empty"),
        ([b"", b" "], None, "is empty"),
        ([b"a,b,c", b"1,2,3"], None, "do not tell what they are"),
        ([SECURITY], "exchanges", "none of its first 1 .*missing required field.*they are security-events"),
        ([b"x" * (1024 * 1024 + 9)], None, "hold no whole record"),
    ],
)
def test_a_file_of_no_use_is_refused_with_the_reason(
    engine: Engine, tmp_path: Path, lines: Sequence[bytes], kind: str | None, said: str
) -> None:
    """Before anything is noted of it."""
    outcome = run(engine, write(tmp_path / "history.ndjson", lines), kind=kind)
    (problem,) = outcome.problems
    with pytest.raises(AssertionError, match=said):
        raise AssertionError(problem)
    assert known_files(engine) == []


def test_a_kind_that_is_named_is_believed_where_nothing_speaks_against_it(
    engine: Engine, tmp_path: Path
) -> None:
    """A hundred bad lines at the beginning do not keep the good ones behind them from being counted."""
    path = write(tmp_path / "history.ndjson", [b"bad"] * 120 + bodies(3))
    assert "name it with --kind" in run(engine, path).problems[0]
    outcome = run(engine, path, kind="exchanges")
    assert (outcome.counted, dict(outcome.rejected), outcome.guessed) == (3, {"not_json": 120}, False)


def test_a_file_goes_on_as_what_it_was(engine: Engine, tmp_path: Path) -> None:
    """Another kind than the first time is wrong use."""
    path = write(tmp_path / "history.ndjson", bodies(3))
    run(engine, path)
    with pytest.raises(UsageProblem, match="was counted as exchanges"):
        run(engine, path, kind="security-events")


def test_bad_lines_are_kept_with_their_numbers_and_spoil_no_other(engine: Engine, tmp_path: Path) -> None:
    """Blank lines are nothing; a line feed in the style of Windows is none of the line."""
    good = bodies(200)
    bad = {7: b"not json", 50: b'{"id": "y"}', 51: b"\xff\xfe", 120: exchange_json(time=(NOW + timedelta(1)))}
    lines = [bad.get(number, b"" if number % 40 == 5 else good[number]) for number in range(200)]
    path = tmp_path / "history.ndjson"
    path.write_bytes(b"\r\n".join(lines) + b"\r\n")
    outcome = run(engine, path, rejects=tmp_path / "rejects")
    assert dict(outcome.rejected) == {"not_json": 2, "missing_field": 1, "in_future": 1}
    assert outcome.rejects is not None
    kept = [json.loads(line) for line in outcome.rejects.read_text().splitlines()]
    assert [entry["line"] for entry in kept] == [8, 51, 52, 121]
    assert kept[0] == {
        "file": "history.ndjson",
        "line": 8,
        "reason": "not_json",
        "detail": kept[0]["detail"],
        "body": "not json",
    }
    assert kept[2]["body_base64"] == "//4="
    assert outcome.counted == counted(engine) == 200 - 4 - 5
    with engine.connect() as connection:
        assert connection.execute(select(func.sum(tables.rejected.c["count"]))).scalar_one() == 4


def test_rejected_lines_of_files_that_are_named_and_begin_alike_are_kept_apart(
    engine: Engine, tmp_path: Path
) -> None:
    """An export of each month, in a folder of its own; what is added to one goes behind its own."""
    rejects = tmp_path / "rejects"
    months = {month: tmp_path / month / "export.ndjson" for month in ("08", "09", "10")}
    for number, (month, path) in enumerate(months.items()):
        path.parent.mkdir()
        write(path, [b"# export", *bodies(3, number * 100), f"bad in {month}".encode()])
        assert run(engine, path, rejects=rejects).counted == 3
    path = months["09"]
    path.write_bytes(path.read_bytes() + b"bad later\n")
    run(engine, path, rejects=rejects)
    kept = [
        [json.loads(line)["body"] for line in each.read_text().splitlines()]
        for each in rejects.glob("export.ndjson.*.rejected.ndjson")
    ]
    assert sorted(kept) == [
        ["# export", "bad in 08"], ["# export", "bad in 09", "bad later"], ["# export", "bad in 10"],
    ]  # fmt: skip


def test_what_could_be_read_of_a_cut_off_file_is_counted(engine: Engine, tmp_path: Path) -> None:
    """And the rest when the whole file is there."""
    path = tmp_path / "history.gz"
    whole = gzip.compress(b"\n".join(bodies(500)) + b"\n")
    path.write_bytes(whole[: len(whole) // 2])
    cut = run(engine, path)
    assert "the gzip is cut off" in cut.problems
    assert 0 < cut.counted < 500
    path.write_bytes(whole)
    rest = run(engine, path)
    assert (rest.before, rest.problems) == (cut.records, [])
    assert counted(engine) == 500


def test_a_line_that_is_too_long_is_rejected_and_passed_over(engine: Engine, tmp_path: Path) -> None:
    """Its neighbours are counted, and its beginning is kept."""
    lines = [*bodies(2), b'{"x": "' + b"x" * 3_000_000 + b'"}', *bodies(2, 2)]
    outcome = run(engine, write(tmp_path / "history.ndjson", lines), rejects=tmp_path)
    assert (outcome.counted, dict(outcome.rejected)) == (4, {"oversized": 1})
    assert [line for line, _ in outcome.first_rejected] == [3]
    assert outcome.rejects is not None
    assert json.loads(outcome.rejects.read_text())["body"].encode() == lines[2][:1000]


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction for every few lines, so that a small file has many."""
    monkeypatch.setattr(running, "CHUNK_RECORDS", 10)
    monkeypatch.setattr("monitor.backfill.lines.BLOCK_BYTES", 1000)
    monkeypatch.setattr("monitor.backfill.values.BLOCK_BYTES", 1000)


class Cut(Exception):
    """Stands for a kill."""


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("form", ["lines", "list"])
@pytest.mark.parametrize("at", range(1, 9))
def test_a_run_that_was_cut_off_goes_on_exactly(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: int, form: str
) -> None:
    """Before, in and after a transaction; what was rejected is kept once."""
    lines = [body if number % 9 else b'{"no": 1}' for number, body in enumerate(bodies(95))]
    path = tmp_path / "history.json"
    path.write_bytes(b"[" + b",\n".join(lines) + b"]" if form == "list" else b"\n".join(lines))
    rejects = tmp_path / "rejects"
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            raise Cut

    def noted(*given: Any, **named: Any) -> None:
        step()
        note(*given, **named)
        step()

    with monkeypatch.context() as patched:
        patched.setattr(running, "note", noted)
        with pytest.raises(Cut):
            backfill(path, Wishes(rejects=rejects), kinds(engine), engine, now, lambda *_read: step())
    outcome = run(engine, path, rejects=rejects)
    assert outcome.problems == []
    assert outcome.before + outcome.records == 95
    assert counted(engine) == 95 - 11
    assert outcome.rejects is not None
    numbers = [json.loads(line)["line"] for line in outcome.rejects.read_text().splitlines()]
    assert numbers == list(range(1, 96, 9))


@pytest.mark.usefixtures("small_chunks")
def test_two_at_once_count_once(engine: Engine, tmp_path: Path) -> None:
    """The one that finds the other ahead lets go and says so; the file is counted once."""
    path = write(tmp_path / "history.ndjson", bodies(95))
    begun: list[Path] = []

    def overtake(_read: int, _records: int) -> None:
        if not begun:
            begun.append(path)
            assert run(engine, path).problems == []

    first = backfill(path, Wishes(), kinds(engine), engine, now, overtake)
    assert first.problems == ["another backfill is counting this file: this one lets go"]
    assert counted(engine) == 95
    assert run(engine, path).records == 0


def test_an_id_that_comes_again_in_the_file_is_counted_once(engine: Engine, tmp_path: Path) -> None:
    """Like on a topic; an order other than of time makes none of them late."""
    outcome = run(engine, write(tmp_path / "history.ndjson", [*reversed(bodies(300)), *bodies(20)]))
    assert (outcome.counted, outcome.duplicates) == (300, 20)
    assert totals(engine) | {"ok": 300, "duplicates": 20, "late": 0} == totals(engine)


def test_history_may_be_old_but_not_of_the_future(engine: Engine, tmp_path: Path) -> None:
    """Years are fine where a live event would be refused; ten are the limit."""
    times = [NOW - timedelta(days=3000), NOW - timedelta(days=3651), NOW + timedelta(minutes=6), NOW]
    lines = [exchange_json(id=str(number), time=time) for number, time in enumerate(times)]
    outcome = run(engine, write(tmp_path / "history.ndjson", lines))
    assert (outcome.counted, dict(outcome.rejected)) == (2, {"too_old": 1, "in_future": 1})


def test_a_window_leaves_out_what_is_outside(engine: Engine, tmp_path: Path) -> None:
    """From --since to before --until; what was left out is known with the file, and is passed."""
    path = write(tmp_path / "history.ndjson", [b"bad", *bodies(60)])
    window = Window(MOMENT + timedelta(minutes=10), MOMENT + timedelta(minutes=40))
    outcome = run(engine, path, window=window)
    assert (outcome.counted, outcome.left_out, dict(outcome.rejected)) == (30, 30, {"not_json": 1})
    (known,) = known_files(engine)
    assert (known.left_out, known.next_offset) == (30, 61)
    assert run(engine, path).records == 0


def test_hours_that_were_counted_live_are_not_counted_again(engine: Engine, tmp_path: Path) -> None:
    """It stops before them, and the choice is made by whoever runs it."""
    path = write(tmp_path / "history.ndjson", bodies(120))
    live_hour(engine, MOMENT + timedelta(hours=1))
    outcome = run(engine, path)
    assert "2026-10-05T09:00+00:00, which was counted live" in outcome.problems[0]
    assert (outcome.records, counted(engine)) == (0, 0)
    # Until the minute in which live counting began, within that hour.
    outcome = run(engine, path, window=until(MOMENT + timedelta(minutes=50)))
    assert (outcome.counted, outcome.left_out, outcome.problems) == (50, 70, [])
    take_back(engine, outcome.topic)
    assert run(engine, path, allow_overlap=True).counted == 120


def test_an_end_of_the_window_excuses_no_other_hour(engine: Engine, tmp_path: Path) -> None:
    """Only the hour in which live counting began may hold both."""
    path = write(tmp_path / "history.ndjson", bodies(120))
    live_hour(engine, MOMENT)
    outcome = run(engine, path, window=until(MOMENT + timedelta(minutes=50)))
    assert "2026-10-05T08:00+00:00, which was counted live" in outcome.problems[0]


def test_a_database_that_goes_away_is_a_sentence(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the line that was reached; nothing of the transaction is there."""
    path = write(tmp_path / "history.ndjson", bodies(30))

    def broken(*_given: Any, **_named: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("disk I/O error"))

    with monkeypatch.context() as patched:
        patched.setattr(running, "note", broken)
        outcome = run(engine, path)
    assert outcome.problems == ["stopped after line 0: the database: disk I/O error. Run it again to go on"]
    assert counted(engine) == 0
    assert run(engine, path).counted == 30
