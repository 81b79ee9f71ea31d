"""`monitor duties list`: what people see and what scripts get back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from monitor.cli.duties import duties
from monitor.errors import MonitorError, UsageProblem
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from tests.builders import agency, agreement, service
from tests.monitor.duties.ledgers import write_events
from tests.monitor.duties.parts import recorded
from tests.monitor.registry.writing import write_folder

AT = ("--at", "2026-12-20T12:00")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a registry, a database, and some events."""
    monkeypatch.chdir(tmp_path)
    write_folder(
        tmp_path / "registry",
        agencies=[agency("MPS"), agency("MOH", previous_codes=["GOV-M5"])],
        services=[service()],
        agreements=agreement(dates={"review": "2026-10-01"}),
    )
    monkeypatch.setenv("MONITOR_REGISTRY", "registry")
    engine = open_engine(load_settings().sqlalchemy_url)
    migrate(engine)
    write_events(
        engine,
        [
            recorded("requested", "2026-12-10", "GOV-M5", request="YC-1", limit="simple"),
            recorded("requested", "2026-12-18", request="[red]YC-2", limit="simple"),
            recorded("requested", "2026-12-18", request="YC-3", limit="simple"),
            recorded("answered", "2026-12-19", request="YC-3"),
        ],
    )
    engine.dispose()
    return tmp_path


def run(*arguments: str) -> Result:
    """Run `monitor duties list`; what goes wrong is raised, as `monitor` itself words it."""
    return CliRunner().invoke(duties, ["list", *arguments], catch_exceptions=False)


def raised(*arguments: str) -> BaseException:
    """The error that the command ends with."""
    with pytest.raises(MonitorError) as why:
        run(*arguments)
    return why.value


@pytest.mark.usefixtures("folder")
def test_duties_that_are_open_are_listed_those_due_first_first() -> None:
    """Status 1, as some are overdue; what is done is not listed."""
    done = run(*AT)
    assert done.exit_code == 1
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert rows == [
        ["AGENCY", "DUTY", "SUBJECT", "LAST DAY", "DAYS LEFT", "STANDING"],
        ["MPS", "review", "AGR-1", "2026-10-01", "-80", "overdue"],
        ["MOH", "answer", "YC-1", "2026-12-17", "-1 wd", "overdue"],
        ["MOH", "answer", "[red]YC-2", "2026-12-25", "5 wd", "open"],
        ["MOH", "expiry", "AGR-1", "2026-12-31", "11", "within 30 days"],
        ["MPS", "default_list_review", "MPS", "2027-01-01", "12", "open"],
    ]


@pytest.mark.usefixtures("folder")
def test_one_agency_can_be_asked_for_by_a_former_code() -> None:
    """And only what is overdue; status 0 where nothing is."""
    found = run(*AT, "--agency", "GOV-M5", "--overdue", "--format", "json")
    assert [json.loads(line) for line in found.stdout.splitlines()] == [
        {
            "agency": "MOH", "duty": "answer", "subject": "YC-1", "due": "2026-12-18T00:00:00+07:00",
            "overdue": True, "days_left": -1, "working_days": True, "level": None,
        }
    ]  # fmt: skip
    nothing = run("--at", "2026-01-02", "--overdue")
    assert (nothing.exit_code, nothing.stdout) == (0, "No duty is overdue.\n")


@pytest.mark.usefixtures("folder")
def test_what_is_left_out_is_said() -> None:
    """On standard error, so that a script's lines stay lines."""
    done = run(*AT, "--limit", "2", "--format", "json")
    assert len(done.stdout.splitlines()) == 2
    assert "The first 2 of 5" in done.stderr
    assert len(run(*AT, "--limit", "0", "--format", "json").stdout.splitlines()) == 5


def test_the_file_of_duties_decides(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that cannot be used ends the command."""
    (folder / "duties.yaml").write_text("answer: {simple: 20}\n", encoding="utf-8")
    monkeypatch.setenv("MONITOR_DUTIES", "duties.yaml")
    assert run(*AT, "--overdue", "--agency", "MOH").exit_code == 0
    (folder / "duties.yaml").write_text("answer: {simple: none}\n", encoding="utf-8")
    assert "answer.simple" in str(raised(*AT))


@pytest.mark.usefixtures("folder")
def test_an_unknown_agency_is_wrong_use() -> None:
    """The message names what was asked for."""
    why = raised("--agency", "NOBODY")
    assert isinstance(why, UsageProblem)
    assert "NOBODY" in str(why)


def test_without_a_database_it_says_what_to_do(folder: Path) -> None:
    """It makes none."""
    (folder / "monitor.db").unlink()
    assert "monitor migrate" in str(raised())
    assert not (folder / "monitor.db").exists()
