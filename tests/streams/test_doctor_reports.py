"""The doctor's look at the folder of scheduled reports: whatever it finds, it leaves nothing behind."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from monitor.settings import load_settings
from streams.doctor.examination import Options, examine
from streams.doctor.finding import Finding
from streams.doctor.reports import LOW_SPACE, MIB, NO_SPACE, check_report_folder

SCHEDULED: dict[str, Any] = {"report_schedule": "month"}


def told(folder: Path, **given: Any) -> Finding:
    """The one finding on a folder; with a schedule unless told otherwise."""
    (finding,) = check_report_folder(load_settings(report_folder=folder, **(given or SCHEDULED)))
    return finding


def test_a_folder_that_is_not_set_is_not_spoken_of() -> None:
    """Reports on a schedule are a choice."""
    assert check_report_folder(load_settings()) == []


def test_a_folder_that_takes_files_is_left_as_it_was(tmp_path: Path) -> None:
    """Ok with the room there is, and what was there before is all there is."""
    (tmp_path / "2026-10").mkdir()
    finding = told(tmp_path)
    assert finding.state == "ok", finding
    assert f"{tmp_path} takes files" in finding.what
    assert "MiB free" in finding.what
    assert list(tmp_path.rglob("*")) == [tmp_path / "2026-10"]


def test_a_folder_that_can_be_made_is_ok_and_not_made(tmp_path: Path) -> None:
    """As the worker makes it, with all above it, when the first report is due."""
    finding = told(tmp_path / "out" / "reports")
    assert finding.state == "ok", finding
    assert "can be made" in finding.what
    assert list(tmp_path.iterdir()) == []


def test_a_relative_folder_is_named_in_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It depends on where the worker was started."""
    monkeypatch.chdir(tmp_path)
    assert f"{tmp_path}/reports" in told(Path("reports")).what


def test_a_file_in_the_way_is_a_problem(tmp_path: Path) -> None:
    """In the folder's own place, or above it."""
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    at, below = told(tmp_path / "taken"), told(tmp_path / "taken" / "reports")
    assert (at.state, below.state) == ("problem", "problem")
    assert "is no folder" in at.what
    assert "can neither be reached nor made: Not a directory" in below.what
    assert "MONITOR_REPORT_FOLDER" in at.remedy
    assert "MONITOR_REPORT_FOLDER" in below.remedy
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("folder", ["/sys", "/sys/reports"])
def test_a_folder_without_the_right_to_write(folder: str) -> None:
    """The folder itself, and one that would have to be made: nobody may there, whoever runs this."""
    finding = told(Path(folder))
    assert finding.state == "problem"
    assert "/sys" in finding.what
    assert "worker's user" in finding.remedy


@pytest.mark.parametrize("call", ["mkdir", "mkdtemp", "fsync", "unlink"])
def test_each_step_that_is_refused_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    """A read-only disk, a quota that is full: with the system's own words, and nothing is left."""

    def refused(*_: object, **__: object) -> None:
        raise OSError(122, "Disk quota exceeded")

    with monkeypatch.context() as patched:
        if call == "mkdir":
            patched.setattr(Path, "mkdir", refused)
        elif call == "unlink":
            patched.setattr(Path, "unlink", refused)
        else:
            patched.setattr(
                f"streams.doctor.reports.{'tempfile' if call == 'mkdtemp' else 'os'}.{call}", refused
            )
        finding = told(tmp_path / "reports")
    assert finding.state == "problem"
    assert "Disk quota exceeded" in finding.what
    assert finding.remedy
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_changes_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken disk must not be found out by those who sign the report."""
    monkeypatch.setattr(Path, "read_bytes", lambda _: b"something else")
    finding = told(tmp_path)
    assert (finding.state, "other content" in finding.what) == ("problem", True)
    assert list(tmp_path.iterdir()) == []


def test_little_room_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning first, a problem when a report would no longer find room."""
    states = []
    for free in (LOW_SPACE, LOW_SPACE - 1, NO_SPACE, NO_SPACE - 1):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free))
        finding = told(tmp_path)
        states.append(str(finding.state))
        assert f"{free // MIB:,} MiB free".replace(",", " ") in finding.what
    assert states == ["ok", "warning", "warning", "problem"]


def test_without_a_schedule_nothing_is_worse_than_a_warning(tmp_path: Path) -> None:
    """Nothing is written there yet: the folder may be set where the program was installed."""
    (tmp_path / "taken").touch()
    finding = told(tmp_path / "taken", report_schedule="")
    assert finding.state == "warning"
    assert "MONITOR_REPORT_SCHEDULE" in finding.what
    assert told(tmp_path, report_schedule="").state == "ok"


def test_the_examination_includes_it(tmp_path: Path) -> None:
    """Whatever becomes of registry, database and broker."""
    settings = load_settings(
        report_folder=tmp_path / "reports",
        registry=tmp_path / "none",
        database_url=f"sqlite:///{tmp_path}/none.db",
        kafka_bootstrap="127.0.0.1:1",
        **SCHEDULED,
    )
    found = {each.name: each for each in examine(settings, Options(5, 10.0), {}, tmp_path)}
    assert found["report folder"].state == "ok"
