"""`monitor backfill` as people type it: what it says, what it returns, and what it refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.cli import main
from tests.builders import AGENCIES, SERVICES, agreement, exchange_json
from tests.monitor.backfill.history import counted, write
from tests.monitor.registry.writing import write_folder

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Run:
    """`run("history.ndjson")` in a folder with a registry and a database: status, output, errors."""
    write_folder(tmp_path / "registry", agencies=AGENCIES, services=SERVICES, agreements=[agreement()])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_REGISTRY", "registry")
    monkeypatch.setenv("MONITOR_DATABASE_URL", engine.url.render_as_string())

    def command(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["monitor", "backfill", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        written = capsys.readouterr()
        return int(left.value.code or 0), written.out, written.err

    return command


def past(count: int, first: int = 0) -> list[bytes]:
    """Exchanges of the past, a minute apart, up to a day ago."""
    start = datetime.now(UTC) - timedelta(days=2)
    return [
        exchange_json(id=f"x{number}", time=start + timedelta(minutes=number))
        for number in range(first, first + count)
    ]


def test_a_whole_file_is_exit_0(run: Run, engine: Engine, tmp_path: Path) -> None:
    """It says what it took the file for, what was counted and when that was; again, that nothing is new."""
    write(tmp_path / "a.ndjson", past(30))
    status, out, err = run("a.ndjson")
    assert (status, err) == (0, "")
    assert "a.ndjson: exchanges (told by its first lines; --kind says otherwise), file:" in out
    assert "30 lines: 30 counted" in out
    assert "touched, from 20" in out
    assert "30 of 30 lines counted in" in out
    status, out, err = run("a.ndjson", "--kind", "exchanges")
    assert (status, err) == (0, "")
    assert "30 lines were counted before" in out
    assert "nothing to add" in out
    assert counted(engine) == 30


def test_what_is_wrong_is_named_with_file_and_line(run: Run, tmp_path: Path) -> None:
    """On standard error; good lines and other files go on, and it is exit 1."""
    write(tmp_path / "a.ndjson", [*past(3), *[b"x"] * 12, *past(3, 10)])
    write(tmp_path / "b.ndjson", past(4, 20))
    (tmp_path / "c.ndjson").touch()
    status, out, err = run("a.ndjson", "c.ndjson", "b.ndjson", "missing", "--rejects", "kept")
    assert status == 1
    assert "10 of 22 lines counted in" in out
    lines = err.splitlines()
    assert lines[0] == "a.ndjson: 12 rejected: not_json"
    assert lines[1].startswith("a.ndjson: line 4: not_json: ")
    assert len([line for line in lines if line.startswith("a.ndjson: line")]) == 10
    assert lines[11].startswith("a.ndjson: the first 10 are shown; all: kept/a.ndjson.")
    assert lines[12:] == [
        "c.ndjson: is empty: there is nothing to count",
        "missing: cannot be read: No such file or directory",
    ]
    (kept,) = (tmp_path / "kept").iterdir()
    assert len(kept.read_text().splitlines()) == 12
    assert kept.stat().st_mode & 0o077 == 0


def test_files_side_by_side_come_to_the_same(run: Run, engine: Engine, tmp_path: Path) -> None:
    """Each in a process of its own."""
    names = []
    for number in range(3):
        names.append(f"{number}.ndjson")
        write(tmp_path / names[-1], past(20, number * 100))
    write(tmp_path / "bad.ndjson", [b"1,2,3"])
    status, out, err = run(*names, "bad.ndjson", "--jobs", "2")
    assert (status, out.count("20 lines: 20 counted")) == (1, 3)
    assert "bad.ndjson: its first 1 records do not tell what they are" in err
    assert counted(engine) == 60


def test_files_can_be_listed_and_taken_back(run: Run, engine: Engine, tmp_path: Path) -> None:
    """By what they are known by, and only after asking."""
    assert run("--list")[1] == "No history file was counted.\n"
    write(tmp_path / "a.ndjson", past(30))
    run("a.ndjson", "--until", "1h")
    status, out, _ = run("--list")
    topic = out.split()[0]
    assert (status, out) == (0, f"{topic}  exchanges  30 lines  a.ndjson\n")
    status, out, _ = run("--undo", topic, "--yes")
    assert (status, out) == (0, "a.ndjson: 30 lines were taken back\n")
    assert counted(engine) == 0
    assert run("--undo", topic, "--yes")[0] == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name at least one FILE"),
        (("-",), "standard input cannot be continued"),
        (("registry",), "is a folder: name the files in it"),
        (("a", "--list"), "take no FILE"),
        (("a", "--since", "1d", "--until", "2d"), "--since is not before --until"),
        (("a", "--since", "yesterday"), "is no time"),
    ],
)
def test_wrong_use_is_exit_2(run: Run, arguments: tuple[str, ...], said: str) -> None:
    """With the reason."""
    status, _, err = run(*arguments)
    assert (status, said in err) == (2, True), err


def test_without_a_database_it_says_what_to_do(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before any file is read."""
    monkeypatch.setenv("MONITOR_DATABASE_URL", f"sqlite:///{tmp_path}/new.db")
    write(tmp_path / "a.ndjson", past(3))
    status, _, err = run("a.ndjson")
    assert status == 1
    assert "run `monitor migrate`" in err
