"""`monitor incidents`: what it prints, writes and returns."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from monitor.cli import main
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from monitor.storage.tables import metadata
from tests.alerts.incidents.conftest import TABLES
from tests.monitor.registry.writing import write_folder


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """`bare("list")` runs `monitor incidents list` in a folder with a registry and no database."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_REGISTRY", str(write_folder(tmp_path / "agreed")))

    def command(*arguments: str) -> Ran:
        monkeypatch.setattr(sys, "argv", ["monitor", "incidents", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        written = capsys.readouterr()
        return Ran(int(left.value.code or 0), written.out, written.err)

    return command


@pytest.fixture
def run(bare: Run) -> Run:
    """The same with a database."""
    engine = open_engine(load_settings().sqlalchemy_url)
    migrate(engine)
    metadata.create_all(engine, tables=TABLES)
    engine.dispose()
    return bare


def opened(run: Run, *more: str, detected: str = "3h") -> str:
    """Record an incident; return its number."""
    done = run("open", "--agency", "MOH", "--tier", "4", "--detected-at", detected, "--what", "Copied", *more)
    assert done.status == 0, done.err
    return done.out.split(":")[0]


def shown(run: Run, incident: str) -> dict[str, Any]:
    """An incident as JSON."""
    done = run("show", incident, "--format", "json")
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert isinstance(found, dict)
    return found


def listed(run: Run, *more: str) -> list[dict[str, Any]]:
    """The list as JSON."""
    return [json.loads(line) for line in run("list", "--format", "json", *more).out.splitlines()]


def test_an_incident_is_recorded_listed_and_shown(run: Run) -> None:
    """With what the registry knows of its service, and the desk in the trail."""
    assert run("list").out == "No incidents.\n"
    name = "population.verify-identity"
    number = opened(
        run, "--service", name, "--records", "1200", "--set", "cause=Lost key", "--by", "MOH/data"
    )
    assert number == f"INC-{datetime.now(load_settings().zone).year}-0001"
    one = shown(run, number)
    assert (one["agency"], one["tier"], one["records"], one["status"]) == ("MOH", 4, 1200, "open")
    assert one["categories"] == ["full_name", "date_of_birth", "sex"]
    assert one["slots"] == {"cause": "Lost key"}
    assert 68.9 < one["hours_left"] <= 69
    due, detected = (datetime.fromisoformat(one[key]) for key in ("due_at", "detected_at"))
    assert due - detected == timedelta(hours=72)
    assert [(line["what"], line["desk"]) for line in one["changes"]] == [("opened", "MOH/data")]
    table = run("list", "--open")
    assert table.status == 0
    header, row = (line.split("\t") for line in table.out.splitlines())
    assert header[0] == "INCIDENT"
    assert (row[0], row[2], row[7], row[8]) == (number, "MOH", "69.0 h", "Copied")
    text = run("show", number).out
    assert "4 of 5, serious" in text
    assert "Lost key" in text


def test_a_time_without_a_zone_is_local(run: Run) -> None:
    """07:00 in Hà Nội is midnight UTC."""
    number = opened(run, detected="2026-01-05T07:00")
    assert shown(run, number)["detected_at"] == "2026-01-05T00:00:00Z"


def test_the_list_fails_when_a_notice_is_overdue(run: Run) -> None:
    """Status 1, until it is given; then it is still listed, as notified."""
    number = opened(run, detected="4d")
    table = run("list", "--open")
    assert table.status == 1
    assert "overdue 24.0 h" in table.out
    told = run("notified", number, "--at", "1h", "--by", "soc", "--reference", "12/CV")
    assert (told.status, told.out) == (0, f"{number}: notified, left -\n")
    assert run("list").status == 0
    assert [one["status"] for one in listed(run, "--open")] == ["notified"]
    assert run("close", number, "--by", "soc", "--reason", "settled").status == 0
    assert listed(run, "--open") == []
    assert [one["status"] for one in listed(run)] == ["closed"]


def test_a_leak_is_not_closed_without_a_decision(run: Run) -> None:
    """Status 1 and a sentence that says what is possible; the decision is kept with its reason."""
    number = opened(run)
    refused = run("close", number, "--by", "soc", "--reason", "enough")
    assert refused.status == 1
    assert "--not-notifiable" in refused.err
    done = run("close", number, "--by", "soc", "--reason", "test data", "--not-notifiable")
    assert done.status == 0
    again = run("reopen", number, "--by", "soc", "--reason", "it was not")
    assert again.status == 0
    one = shown(run, number)
    assert (one["status"], [line["what"] for line in one["changes"]]) == (
        "open",
        ["opened", "not notifiable", "reopened"],
    )


def test_what_has_become_known_is_added(run: Run) -> None:
    """Facts, lists and slots; nothing to add is wrong use."""
    number = opened(run)
    done = run(
        "amend", number, "--by", "soc", "--persons", "7", "--category", "sex", "--tier", "5",
        "--detected-at", "5h", "--what", "Copied twice", "--set", "contact=soc", "--personal-data", "yes",
    )  # fmt: skip
    assert done.status == 0, done.err
    one = shown(run, number)
    assert (one["persons"], one["categories"], one["tier"], one["what"]) == (7, ["sex"], 5, "Copied twice")
    assert 66.9 < one["hours_left"] <= 67
    assert run("amend", number, "--by", "soc").status == 2


@pytest.mark.parametrize(("language", "title"), [("vi", "THÔNG BÁO SỰ CỐ"), ("en", "NOTICE OF AN INCIDENT")])
def test_the_notice_is_drafted_to_the_screen_or_a_file(
    run: Run, tmp_path: Path, language: str, title: str
) -> None:
    """Status 0 although much is missing, which is named on standard error."""
    number = opened(run)
    text = run("notice", number, "--lang", language, "--format", "text")
    assert text.status == 0
    assert title in text.out
    assert ("Còn thiếu" if language == "vi" else "Still missing") in text.err
    out = tmp_path / "notice.html"
    page = run("notice", number, "--lang", language, "--out", str(out))
    assert (page.status, page.out) == (0, "")
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    nowhere = run("notice", number, "--out", str(tmp_path / "no" / "such.html"))
    assert nowhere.status == 1
    assert "cannot write" in nowhere.err


FUTURE = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
WHAT = ["--what", "x"]
WRONG = [
    (["open", "--agency", "NOBODY", "--tier", "4", "--detected-at", "1h", *WHAT], 2, "NOBODY"),
    (["open", "--agency", "MOH", "--tier", "6", "--detected-at", "1h", *WHAT], 2, "tier"),
    (["open", "--agency", "MOH", "--tier", "4", "--detected-at", "noon", *WHAT], 2, "noon"),
    (["open", "--agency", "MOH", "--tier", "4", *WHAT], 2, "detected-at"),
    (["open", "--agency", "MOH", "--tier", "4", "--detected-at", FUTURE, *WHAT], 1, "still to come"),
    (["open", "--agency", "MOH", "--tier", "4", "--detected-at", "1h", "--what", " "], 2, "--what"),
    (["open", "--agency", "MOH", "--tier", "4", "--detected-at", "1h", "--what", "x" * 501], 2, "501"),
    (["open", "--agency", "MOH", "--tier", "4", "--detected-at", "1h", "--what", "a@b.vn"], 2, "e-mail"),
    (["open", "--agency", "MOH", "--tier", "4", "--detected-at", "1h", *WHAT, "--set", "x=y"], 2, "--set x"),
    (["open", "--agency", "MOH", "--tier", "4", "--detected-at", "1h", *WHAT, "--by", "J. Doe"], 2, "desk"),
    (["show", "INC-2026-0099"], 2, "INC-2026-0099"),
    (["notice", "INC-2026-0099"], 2, "INC-2026-0099"),
    (["notified", "INC-2026-0099", "--at", "1h", "--by", "soc", "--reference", "1"], 2, "INC-2026-0099"),
    (["close", "INC-2026-0099", "--reason", "x"], 2, "--by"),
    (["list", "--format", "xml"], 2, "xml"),
]


@pytest.mark.parametrize(("arguments", "status", "word"), WRONG)
def test_what_is_wrong_is_said_and_nothing_is_written(
    run: Run, arguments: list[str], status: int, word: str
) -> None:
    """Status 2 for wrong use, 1 for what does not fit; the sentence names it."""
    done = run(*arguments)
    assert done.status == status
    assert word in done.err
    assert "Traceback" not in done.err
    assert listed(run) == []


def test_without_a_database_it_says_what_makes_one(bare: Run) -> None:
    """And leaves no empty file behind."""
    for arguments in (["list"], ["show", "INC-2026-0001"]):
        done = bare(*arguments)
        assert done.status == 1
        assert "monitor migrate" in done.err
    assert not Path("monitor.db").exists()


def test_a_registry_with_problems_does_not_keep_an_incident_from_being_recorded(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Its code stands alone, and a sentence says why."""
    monkeypatch.setenv("MONITOR_REGISTRY", str(tmp_path / "none"))
    done = run("open", "--agency", "XYZ", "--tier", "1", "--detected-at", "1h", "--what", "x")
    assert done.status == 0
    assert "monitor registry check" in done.err


def test_hostile_text_does_not_reach_the_terminal_as_it_is(run: Run) -> None:
    """An agency's code from an event may hold anything."""
    from alerts.incidents.store import open_incidents
    from tests.alerts.incidents.parts import report

    settings = load_settings()
    engine = open_engine(settings.sqlalchemy_url)
    with engine.begin() as connection:
        bad = report(agency="A\x1b[2J", what="\x1b]0;x\x07", services=("\u202e",))
        open_incidents(connection, [bad], zone=settings.zone, now=datetime.now(UTC))
    engine.dispose()
    for arguments in (["list"], ["show", "INC-2026-0001"], ["notice", "INC-2026-0001"]):
        out = run(*arguments).out
        assert out
        assert not set(out) & {"\x1b", "\x07", "\u202e"}, arguments
