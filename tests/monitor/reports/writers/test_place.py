"""Formats are written all or none; what was there before stays when something goes wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from monitor.errors import MonitorError
from monitor.reports import writers
from monitor.reports.model import Report
from monitor.reports.texts import Texts
from monitor.reports.writers import place
from monitor.reports.writers.place import check_folder, write_all
from tests.monitor.reports.example import example

TEXTS = Texts("vi")


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """A format whose writer leaves half a file and fails."""

    def write(report: Report, texts: Texts, folder: Path) -> list[Path]:
        del report, texts
        (folder / "half.txt").write_text("half")
        raise MonitorError("the paper ran out")

    known: Callable[[str], writers.Writer] = writers.writer
    monkeypatch.setattr(place, "writer", lambda name: write if name == "broken" else known(name))


def test_all_formats_are_there_with_names_that_say_what_they_are(tmp_path: Path) -> None:
    """The folder is made; nothing else is left in it."""
    out = tmp_path / "a" / "b"
    paths = write_all(example("MOH", "en"), TEXTS, ["json", "csv", "csv-plain", "json"], out)
    assert [path.name for path in paths] == [
        "report-2026-10-MOH-en.json",
        "report-2026-10-MOH-en.csv.zip",
        "report-2026-10-MOH-en.csv-plain.zip",
    ]
    assert sorted(out.iterdir()) == sorted(paths)


@pytest.mark.usefixtures("broken")
def test_a_format_that_fails_leaves_nothing_of_any(tmp_path: Path) -> None:
    """Not the formats before it, not the folder that was made for them; what was there stays as it was."""
    with pytest.raises(MonitorError, match="paper"):
        write_all(example(), TEXTS, ["json", "broken"], tmp_path / "new" / "folder")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "report-2026-10-national-vi.json").write_text("signed")
    with pytest.raises(MonitorError, match="paper"):
        write_all(example(), TEXTS, ["json", "broken"], tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["report-2026-10-national-vi.json"]
    assert (tmp_path / "report-2026-10-national-vi.json").read_text() == "signed"


def test_a_name_that_is_taken_by_a_folder_moves_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk that fails at the second file of two."""
    (tmp_path / "report-2026-10-national-vi.json").write_text("old")
    moved = Path.replace

    def failing(self: Path, target: Path) -> Path:
        if self.suffix == ".zip":
            raise OSError(28, "No space left on device")
        return moved(self, target)

    monkeypatch.setattr(Path, "replace", failing)
    with pytest.raises(MonitorError, match="No space left"):
        write_all(example(), TEXTS, ["json", "csv"], tmp_path)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["report-2026-10-national-vi.json"]
    assert (tmp_path / "report-2026-10-national-vi.json").read_text() == "old"


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_read(tmp_path: Path) -> None:
    """A file in its place; the sentence names the folder."""
    (tmp_path / "file").write_text("")
    with pytest.raises(MonitorError, match=r"cannot write to .*file/out"):
        check_folder(tmp_path / "file" / "out")
    check_folder(tmp_path / "fine")
    assert not (tmp_path / "fine").exists()
