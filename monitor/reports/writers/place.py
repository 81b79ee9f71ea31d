"""Puts what writers wrote where it belongs: all formats of a report, or none."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from monitor.errors import MonitorError
from monitor.reports.model import Report
from monitor.reports.texts import Texts
from monitor.reports.writers import writer

_PREFIX = ".report-"


def check_folder(out: Path) -> None:
    """Make the folder where it is not there, and see that files can be made in it. Raises MonitorError."""
    with _workshop(out):
        pass


def write_all(report: Report, texts: Texts, formats: Iterable[str], out: Path) -> list[Path]:
    """Write a report in several formats into a folder; files of the same names are replaced.

    Everything is written aside first, and moved when all is there. Whatever goes wrong, the folder is as it
    was before. Raises MonitorError for a folder or a format that cannot be written.
    """
    with _workshop(out) as aside:
        written: list[Path] = []
        for name in dict.fromkeys(formats):
            folder = aside / "new" / name
            folder.mkdir(parents=True)
            written += writer(name)(report, texts, folder)
        names = [path.name for path in written]
        assert len(set(names)) == len(names), f"two formats wrote {names}"  # noqa: S101  # writers' names differ
        return _move(written, out, aside)


def _move(written: list[Path], out: Path, aside: Path) -> list[Path]:
    """Move files to their places; when one cannot be, put back what was there before."""
    old = aside / "old"
    old.mkdir()
    placed: list[Path] = []
    try:
        for path in written:
            target = out / path.name
            if target.exists():
                target.replace(old / path.name)
            placed.append(target)
            path.replace(target)
    except OSError as why:
        for target in placed:
            if (old / target.name).exists():
                (old / target.name).replace(target)
            else:
                target.unlink(missing_ok=True)
        raise MonitorError(f"cannot write to {out}: {why.strerror}") from why
    return placed


@contextmanager
def _workshop(out: Path) -> Iterator[Path]:
    """A folder within `out`, so that moving from it is renaming; it is removed in the end."""
    made = [each for each in (out, *out.parents) if not each.exists()]
    aside: Path | None = None
    try:
        out.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=out))
        yield aside
    except OSError as why:
        raise MonitorError(f"cannot write to {out}: {why.strerror}") from why
    finally:
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
        for each in made:  # what was made for nothing goes, the innermost first
            try:
                each.rmdir()
            except OSError:
                break
