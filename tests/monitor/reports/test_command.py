"""`monitor report`: what people type, what they get, and what is written or not."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from monitor.cli.report import report
from monitor.errors import MonitorError, UsageProblem
from monitor.registry.load import load_registry
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from tests.builders import agency
from tests.monitor.registry.writing import AGENCIES, write_folder
from tests.monitor.reports.ledgers import Event, count
from tests.monitor.reports.recount import local

# A period that was over long before these tests were written: the command reads the clock.
PERIOD = "2025-10"
ARGUMENTS = ("--period", PERIOD, "--format", "json,csv", "--out", "out")
NAMES = ["report-2025-10-national-vi.csv.zip", "report-2025-10-national-vi.json"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a registry and a ledger of two months."""
    monkeypatch.chdir(tmp_path)
    named = (*AGENCIES[:1], agency("MOH", previous_codes=["OLD-M"]), *AGENCIES[2:])
    write_folder(tmp_path / "registry", agencies=named)
    monkeypatch.setenv("MONITOR_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("MONITOR_DATABASE_URL", f"sqlite:///{tmp_path}/monitor.db")
    engine = open_engine(load_settings().sqlalchemy_url)
    migrate(engine)
    times = ("2025-09-30T08:00", "2025-10-05T08:00", "2025-11-01T08:00")
    count(engine, load_registry(tmp_path / "registry"), [Event(f"E-{time}", local(time)) for time in times])
    engine.dispose()
    return tmp_path


def run(*arguments: str) -> Result:
    """Run the command; its errors are raised as the main command would get them."""
    return CliRunner().invoke(report, arguments, catch_exceptions=False, standalone_mode=False)


def files(folder: Path) -> list[str]:
    """What stands in the folder that was written to."""
    return sorted(path.name for path in (folder / "out").iterdir())


def test_a_report_is_written_in_all_formats_and_recorded(folder: Path) -> None:
    """The names are printed; the record has its number, office and state."""
    done = run(*ARGUMENTS, "--issuer", "Văn phòng Bộ")
    assert done.output.splitlines() == [f"out/{name}" for name in reversed(NAMES)]
    assert files(folder) == NAMES
    plain = json.loads((folder / "out" / NAMES[1]).read_text(encoding="utf-8"))
    assert (plain["run"], plain["state"], plain["issuer"]) == (1, "draft", "Văn phòng Bộ")
    assert plain["volume"]["total"]["exchanges"] == 1
    listed = run("list").output.splitlines()[1].split("\t")
    assert listed[:5] == ["1", PERIOD, "national", "vi", "draft"]
    assert listed[-1] == "Văn phòng Bộ"


def test_a_former_code_makes_the_score_card_of_the_present_one(folder: Path) -> None:
    """In English, where it is asked for."""
    run("--period", PERIOD, "--agency", "OLD-M", "--lang", "en", "--format", "json", "--out", "out")
    assert files(folder) == ["report-2025-10-MOH-en.json"]


def test_signing_and_showing_write_the_figures_of_the_record(folder: Path) -> None:
    """What was signed is written again with the same figures, though the ledger moved on."""
    run(*ARGUMENTS)
    engine = open_engine(load_settings().sqlalchemy_url)
    late = [Event("late", local("2025-10-06T08:00"))]
    count(engine, load_registry(folder / "registry"), late)
    engine.dispose()
    signed = run("sign", "1", "--issuer", "Văn phòng Bộ", "--format", "json", "--out", "signed")
    assert signed.output.splitlines()[0] == "run 1 is signed by Văn phòng Bộ"
    plain = json.loads((folder / "signed" / NAMES[1]).read_text(encoding="utf-8"))
    assert (plain["state"], plain["volume"]["total"]["exchanges"]) == ("signed", 1)
    run(*ARGUMENTS)
    again = json.loads((folder / "out" / NAMES[1]).read_text(encoding="utf-8"))
    assert again["volume"]["total"]["exchanges"] == 2
    assert again["reissue"]["signed_run"] == 1
    shown = run("show", "2").output
    assert "Trong tháng 10 năm 2025" in shown
    assert "volume.total.exchanges\t1\t2" in shown
    run("show", "1", "--format", "json", "--out", "shown")
    assert (folder / "shown" / NAMES[1]).read_bytes() == (folder / "signed" / NAMES[1]).read_bytes()


def test_a_report_can_be_made_without_a_record(folder: Path) -> None:
    """For a database that is only read."""
    run(*ARGUMENTS, "--no-record")
    assert json.loads((folder / "out" / NAMES[1]).read_text(encoding="utf-8"))["run"] is None
    assert run("list").output == "No report was made yet.\n"


def test_narratives_come_from_a_file_or_from_the_settings(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The option goes before the setting."""
    (folder / "words").mkdir()
    (folder / "words" / "2025-10.national.next.md").write_text("Từ thư mục.", encoding="utf-8")
    (folder / "n.yaml").write_text("period: 2025-10\nslots: {next: Từ tệp.}\n", encoding="utf-8")
    monkeypatch.setenv("MONITOR_REPORT_NARRATIVES", str(folder / "words"))
    for given, expected in (((), "Từ thư mục."), (("--narrative", "n.yaml"), "Từ tệp.")):
        run(*ARGUMENTS, *given)
        plain = json.loads((folder / "out" / NAMES[1]).read_text(encoding="utf-8"))
        assert plain["narratives"] == [{"slot": "next", "text": expected, "carried": False}]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--agency", "NOBODY"), "--agency NOBODY: no agency of the registry has that code"),
        (("--period", "2098-01"), "it begins on 2098-01-01"),
        (("--period", "2025-13"), "expected a month"),
        (("--format", "doc"), "--format doc: accepted are .*json, csv"),
        (("--issuer", "somebody@example.vn"), "expected an office or role"),
        (("--narrative", "absent.yaml"), "there is no such file or folder"),
    ],
)
def test_wrong_use_is_a_sentence_and_writes_nothing(
    folder: Path, arguments: tuple[str, str], message: str
) -> None:
    """Not even the folder, and no record."""
    with pytest.raises(UsageProblem, match=message):
        run(*ARGUMENTS, *arguments)
    assert not (folder / "out").exists()
    assert run("list").output == "No report was made yet.\n"


def test_what_is_missing_is_named(folder: Path) -> None:
    """As click tells it."""
    del folder
    with pytest.raises(click.UsageError, match="needs --period, --format and --out"):
        run("--period", PERIOD)


@pytest.mark.parametrize(
    ("period", "out", "message"),
    [
        ("2025-08", "out", "the ledger begins on 2025-09-30"),
        (PERIOD, "monitor.db/out", "cannot write to monitor.db/out"),
    ],
)
def test_what_cannot_be_made_is_a_sentence_and_leaves_nothing(
    folder: Path, period: str, out: str, message: str
) -> None:
    """A period without data; a folder that cannot be written."""
    with pytest.raises(MonitorError, match=message):
        run("--period", period, "--format", "json", "--out", out)
    assert not (folder / "out").exists()


def test_a_report_whose_files_cannot_be_written_has_no_record(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was not made: nobody has it."""

    def failing(*_: object) -> list[Path]:
        raise MonitorError("no space left")

    monkeypatch.setattr("monitor.reports.writers.csv.write", failing)
    with pytest.raises(MonitorError, match="no space"):
        run(*ARGUMENTS)
    assert files(folder) == [] if (folder / "out").exists() else True
    assert run("list").output == "No report was made yet.\n"


def test_a_database_that_is_not_there_is_a_sentence(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And is not made by asking."""
    monkeypatch.setenv("MONITOR_DATABASE_URL", f"sqlite:///{folder}/absent.db")
    with pytest.raises(MonitorError, match="monitor migrate"):
        run(*ARGUMENTS)
    assert not (folder / "absent.db").exists()


def test_a_run_is_signed_once(folder: Path) -> None:
    """A second signature, and one on what is not there, are wrong use."""
    del folder
    run(*ARGUMENTS)
    run("sign", "1", "--issuer", "Office")
    with pytest.raises(UsageProblem, match="signed already, by Office"):
        run("sign", "1", "--issuer", "Another")
    with pytest.raises(UsageProblem, match="there is no report run 9"):
        run("sign", "9", "--issuer", "Office")


def test_old_drafts_go_and_signed_reports_stay(folder: Path) -> None:
    """Five drafts of a kind are kept."""
    del folder
    run(*ARGUMENTS)
    run("sign", "1", "--issuer", "Office")
    for _ in range(7):
        run(*ARGUMENTS)
    runs = [line.split("\t")[0] for line in run("list").output.splitlines()[1:]]
    assert runs == ["8", "7", "6", "5", "4", "1"]
