"""`monitor report` as the worker calls it, and for several reports at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from monitor.errors import UsageProblem
from monitor.registry.load import load_registry
from monitor.reports.schedule.record import Made, noted
from monitor.reports.schedule.record import Wanted as Report
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from tests.monitor.reports.ledgers import Event, count
from tests.monitor.reports.recount import local
from tests.monitor.reports.test_command import PERIOD, files, folder, run

__all__ = ["folder"]
ARGUMENTS = ("--period", PERIOD, "--format", "json", "--out", "out")


def made(issue: str) -> dict[Report, Made]:
    """What is noted."""
    engine = open_engine(load_settings().sqlalchemy_url)
    with engine.connect() as connection:
        found = noted(connection, PERIOD, issue)  # type: ignore[arg-type]  # a word of the table
    engine.dispose()
    return found


def late(name: str) -> None:
    """Count one more event of the period."""
    engine = open_engine(load_settings().sqlalchemy_url)
    count(engine, load_registry(Path("registry")), [Event(name, local("2025-10-06T08:00"))])
    engine.dispose()


def test_several_agencies_and_languages_are_made_at_once(folder: Path) -> None:
    """National, all score cards, and a former code that names one of them again."""
    done = run(*ARGUMENTS, "--agency", "national,all,OLD-M", "--lang", "en,vi")
    assert len(files(folder)) == 2 * (1 + len(load_registry(folder / "registry").agencies))
    assert done.output.splitlines()[:2] == [
        f"out/report-2025-10-national-{each}.json" for each in ("vi", "en")
    ]
    assert len(run("list").output.splitlines()) == 1 + len(files(folder))


@pytest.mark.parametrize(
    "arguments", [("--agency", "national,NOBODY"), ("--agency", ","), ("--lang", "vi,fr")]
)
def test_a_wrong_name_among_several_makes_none(folder: Path, arguments: tuple[str, ...]) -> None:
    """It is told before anything is read or written."""
    with pytest.raises(UsageProblem, match=arguments[0]):
        run(*ARGUMENTS, *arguments)
    assert not (folder / "out").exists()


@pytest.mark.usefixtures("folder")
def test_the_schedule_leaves_out_what_it_has_made() -> None:
    """Run again, with one report more, it makes that one; and a person's own run is no note."""
    run(*ARGUMENTS)
    assert made("first") == {}
    run(*ARGUMENTS, "--scheduled", "first")
    first = made("first")
    assert first.keys() == {(None, "vi")}
    done = run(*ARGUMENTS, "--scheduled", "first", "--agency", "national,MOH")
    assert done.output.splitlines() == ["out/report-2025-10-MOH-vi.json"]
    assert made("first").keys() == {(None, "vi"), ("MOH", "vi")}
    assert made("first")[None, "vi"] == first[None, "vi"]
    assert run(*ARGUMENTS, "--scheduled", "first").output == ""


def test_made_again_only_where_figures_changed(folder: Path) -> None:
    """Without late data it is noted and nothing is written; with it, the figures that changed are told."""
    run(*ARGUMENTS, "--scheduled", "first", "--agency", "national,MOH")
    again = ("--period", PERIOD, "--format", "json", "--out", "again", "--scheduled", "again")
    assert run(*again).output == ""
    assert made("again")[None, "vi"].run is None
    assert not (folder / "again" / "report-2025-10-national-vi.json").exists()
    late("late")
    lines = run(*again, "--agency", "MOH").output.splitlines()
    assert lines[-1] == "again/report-2025-10-MOH-vi.json"
    assert any("exchanges\t1\t2" in line for line in lines[:-1])
    assert made("again")["MOH", "vi"].run is not None


def test_made_again_after_it_was_signed_it_says_so(folder: Path) -> None:
    """What changed is then a part of the report."""
    run(*ARGUMENTS, "--scheduled", "first")
    run("sign", "1", "--issuer", "Văn phòng Bộ")
    late("late")
    run(*ARGUMENTS, "--scheduled", "again")
    plain = json.loads((folder / "out" / "report-2025-10-national-vi.json").read_text(encoding="utf-8"))
    assert plain["reissue"]["signed_run"] == 1


@pytest.mark.usefixtures("folder")
def test_a_report_that_could_not_be_written_is_not_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor recorded: it is still to be made."""
    from monitor.cli import report_making

    def full(*_arguments: object) -> list[Path]:
        raise OSError("no space left")

    monkeypatch.setattr(report_making, "write_files", full)
    with pytest.raises(OSError, match="no space"):
        run(*ARGUMENTS, "--scheduled", "first")
    assert made("first") == {}
    assert run("list").output == "No report was made yet.\n"


def test_a_run_that_is_told_to_end_takes_back_what_is_half_made(folder: Path) -> None:
    """SIGTERM while files are written: no record, no note, and nothing left in the folder."""
    slow = "\n".join(
        (
            "import sys, time",
            "from monitor.reports.writers import json",
            "def write(report, texts, folder):",
            "    print('writing', flush=True)",
            "    time.sleep(60)",
            "json.write = write",
            "from monitor.cli import main",
            "main()",
        )
    )
    with subprocess.Popen(
        [sys.executable, "-c", slow, "report", *ARGUMENTS, "--scheduled", "first"],
        stdout=subprocess.PIPE,
        env={**os.environ},
        cwd=folder,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"writing\n"
        process.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        assert process.wait(30) == 128 + signal.SIGTERM
        assert time.monotonic() - begun < 30
    assert not (folder / "out").exists()
    assert made("first") == {}
    assert run("list").output == "No report was made yet.\n"
