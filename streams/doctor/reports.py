"""Check of the folder of scheduled reports: it is there or can be made, takes a file, and has room."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from monitor.settings import Settings
from streams.doctor.finding import Finding, State, ok, problem, warning

NAME = "report folder"
MIB = 1024**2
# A report takes some megabytes, the score cards of all agencies some hundred, and each period so much again.
LOW_SPACE, NO_SPACE = 1024 * MIB, 50 * MIB
_PREFIX = ".doctor-"
_CONTENT = b"Written and removed by `monitor doctor`.\n"
_LET_WRITE = (
    "Let the worker's user write there, or set MONITOR_REPORT_FOLDER to a folder that it may write to."
)


class Unusable(Exception):
    """A step failed: what was seen, and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


def check_report_folder(settings: Settings) -> list[Finding]:
    """Try the folder as a worker uses it, a subfolder with a file in it; none where the setting is not set.

    What is made for it is removed. Without a schedule nothing is written there, so whatever is wrong is no
    more than a warning.
    """
    if settings.report_folder is None:
        return []
    finding = _tried(settings.report_folder.absolute())
    if settings.report_schedule or not finding.remedy:
        return [finding]
    what = f"{finding.what}; nothing is written there before MONITOR_REPORT_SCHEDULE is set"
    return [replace(finding, state=State.WARNING, what=what)]


def _tried(folder: Path) -> Finding:
    made: list[Path] = []
    try:
        _make(folder, made)
        _write(folder)
        free = shutil.disk_usage(folder).free
    except Unusable as why:
        return problem(NAME, why.what, why.remedy)
    except OSError as why:
        return problem(NAME, f"{folder} cannot be used: {_said(why)}", _LET_WRITE)
    finally:
        for each in reversed(made):
            with suppress(OSError):  # a worker's report is in it by now
                each.rmdir()
    state = "is not there yet and can be made" if made else "takes files"
    what = f"{folder} {state}; {free // MIB:,} MiB free".replace(",", " ")
    remedy = "Make room on that disk, or set MONITOR_REPORT_FOLDER to a folder with more."
    if free < NO_SPACE:
        return problem(NAME, what, remedy)
    return warning(NAME, what, remedy) if free < LOW_SPACE else ok(NAME, what)


def _make(folder: Path, made: list[Path]) -> None:
    """Make what is missing of a folder, as a worker would, and add it to `made`. Raises Unusable."""
    try:
        for each in (*reversed(folder.parents), folder):
            if not each.exists():
                each.mkdir()
                made.append(each)
    except OSError as why:
        raise Unusable(
            f"{folder} can neither be reached nor made: {_said(why)}",
            "Make it, writable for the worker's user, or correct MONITOR_REPORT_FOLDER.",
        ) from why
    if not folder.is_dir():
        raise Unusable(f"{folder} is no folder", "Correct MONITOR_REPORT_FOLDER, or move that file away.")


def _write(folder: Path) -> None:
    """Write a file in a subfolder, read it back and remove both. Raises Unusable and OSError."""
    try:
        aside = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=folder))
    except OSError as why:
        raise Unusable(f"nothing can be made in {folder}: {_said(why)}", _LET_WRITE) from why
    file = aside / "tried"
    try:
        with file.open("wb") as out:
            out.write(_CONTENT)
            out.flush()
            os.fsync(out.fileno())  # a quota, or a disk of the network, may refuse only now
        if file.read_bytes() != _CONTENT:
            raise Unusable(
                f"a file written to {folder} is read back with other content",
                "Look at the disk's health and the system's log.",
            )
        file.unlink()
        aside.rmdir()
    except OSError as why:
        raise Unusable(
            f"a file cannot be written to {folder}, read back and removed: {_said(why)}",
            "Look at rights, quota and free room there, or set MONITOR_REPORT_FOLDER to another folder.",
        ) from why
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _said(why: OSError) -> str:
    return why.strerror or type(why).__name__
