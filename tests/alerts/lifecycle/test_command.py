"""`monitor alerts`: what it prints, what it changes, and how it exits."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from alerts.cli.alerts import alerts as command
from alerts.model import Level
from monitor.errors import MonitorError, UsageProblem
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from tests.alerts.lifecycle.parts import RULE, Desk, detection, info, rule_set

RUNBOOK = ["Look at the times.", "Ask the consumer's desk.", "Close when it is clear."]


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A database with two open alerts and one that is over, and a folder with one rule."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_DATABASE_URL", f"sqlite:///{tmp_path}/monitor.db")
    monkeypatch.setenv("MONITOR_RULES", str(tmp_path / "rules"))
    monkeypatch.setenv("MONITOR_TIMEZONE", "Asia/Ho_Chi_Minh")
    (tmp_path / "rules").mkdir()
    rule = {
        "title": "Many denied requests",
        "id": "7f0c1f1e-5a39-4a0e-9f5c-2f1f5d0c8a11",
        "status": "stable",
        "description": "Somebody tries doors.",
        "logsource": {"product": "data-exchange", "service": "exchanges"},
        "detection": {"selection": {"outcome": "denied"}, "condition": "selection"},
        "level": "medium",
        "monitor": {"title_vi": "Nhiều yêu cầu", "risk_score": 45, "runbook": RUNBOOK},
    }
    (tmp_path / "rules" / "denied.yml").write_text(yaml.safe_dump(rule, allow_unicode=True), encoding="utf-8")
    engine = open_engine(load_settings().sqlalchemy_url)
    migrate(engine)
    made = Desk(
        engine, rule_set(info(str(rule["id"])), info(), info("worst", level=Level.CRITICAL, leak=True))
    )
    made.find(detection(-500, agency="VSS"))
    made.quiet(-100)
    made.find(
        detection(0, rule=str(rule["id"]), count=40, events=["e1", "e2"], seen=40, expected=3),
        detection(5, rule="worst", service="bad\x1b[31m\nname"),
    )
    yield made
    engine.dispose()


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(command, list(arguments))


def lines(result: Result) -> list[list[str]]:
    """The table of a list, without its head."""
    assert result.exit_code == 0, result.output
    return [line.split("\t") for line in result.stdout.splitlines()[1:]]


def test_list_shows_open_alerts_the_newest_first(desk: Desk) -> None:
    """One line each, in the zone's time; nothing in a name steers the terminal."""
    del desk
    first, second = lines(run("list"))
    assert first[1:4] == ["critical", "open", "MOH"]
    assert "bad\\x1b[31m\\nname" in first[-1]
    assert second[1:7] == ["medium", "open", "MOH", "40", "2026-10-05 15:15:30", "2026-10-05 15:15:30"]


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (("--state", "resolved"), 1),
        (("--state", "all"), 3),
        (("--agency", "VSS"), 0),
        (("--agency", "VSS", "--state", "all"), 1),
        (("--level", "high"), 1),
        (("--rule", RULE, "--state", "all"), 1),
        (("--since", "2026-10-05T15:16", "--state", "all"), 1),
        (("--limit", "1"), 1),
    ],
)
def test_list_and_export_show_what_is_asked_for(desk: Desk, options: tuple[str, ...], count: int) -> None:
    """By state, agency, level, rule and time; a table, and JSON objects."""
    del desk
    listed = run("list", *options)
    if count:
        assert len(lines(listed)) == count
    else:
        assert (listed.exit_code, listed.stdout) == (0, "No alerts.\n")
    objects = [json.loads(line) for line in run("list", "--format", "json", *options).stdout.splitlines()]
    assert len(objects) == count
    if "--limit" in options:
        assert "The newest 1 of 2" in listed.stderr
        return
    exported = [json.loads(line) for line in run("export", "--format", "ocsf", *options).stdout.splitlines()]
    assert {one["finding_info"]["uid"] for one in exported} == {
        f"{one['id']}/{one['episode']}" for one in objects
    }


def test_show_tells_everything(desk: Desk) -> None:
    """Both titles, what was seen and expected, the events, the runbook and the history."""
    one = next(alert for alert in desk.alerts() if alert.count == 40)
    assert run("ack", one.id, "--by", "soc/night", "--reason", "asked the desk").exit_code == 0
    for name in (one.reference, one.id, one.id[:6]):
        shown = run("show", name)
        assert shown.exit_code == 0, shown.output
        for expected in (
            "Nhiều yêu cầu bị từ chối",
            "seen",
            "expected",
            "e1",
            "e2",
            "Somebody tries doors.",
            "2. Ask the consumer's desk.",
            "episode 1 opened",
            "episode 1 acknowledged by soc/night: asked the desk",
        ):
            assert expected in shown.stdout
    told = json.loads(run("show", one.id, "--format", "json").stdout)
    assert told["steps"] == RUNBOOK
    assert [past["change"] for past in told["history"]] == ["opened", "acknowledged"]


def test_show_does_without_the_rules(desk: Desk, tmp_path: Path) -> None:
    """It says so, and shows the rest."""
    (tmp_path / "rules" / "denied.yml").write_text("no rule", encoding="utf-8")
    shown = run("show", desk.alerts()[0].id)
    assert shown.exit_code == 0
    assert "no runbook is shown" in shown.stderr


def test_ack_is_kept(desk: Desk) -> None:
    """Done is 0; an alert that is not open is 1; a wrong name is wrong use, and changes nothing."""
    over, first, _ = desk.alerts()
    done = run("ack", first.id, "--by", "MOH/data-office", "--reason", "is looked at")
    assert (done.exit_code, done.stdout) == (0, f"{first.reference} acknowledged by MOH/data-office\n")
    late = run("ack", over.id, "--by", "soc", "--reason", "is looked at")
    assert late.exit_code == 1
    assert "is not open" in late.stderr
    for who, why in (("An Nguyen", "x"), ("soc", " "), ("soc", "told an@example.vn")):
        assert isinstance(run("ack", first.id, "--by", who, "--reason", why).exception, UsageProblem)
    assert [one.acknowledged_by for one in desk.alerts()] == [None, "MOH/data-office", None]


@pytest.mark.parametrize("name", ["0000", "xyz", "ABC/", "12", "0" * 17, "' OR 1"])
def test_what_names_no_alert_is_wrong_use(desk: Desk, name: str) -> None:
    """The message shows what was given."""
    del desk
    for arguments in (("show", name), ("ack", name, "--by", "soc", "--reason", "x")):
        problem = run(*arguments).exception
        assert isinstance(problem, UsageProblem)
        assert name.strip("'") in str(problem)


def test_an_episode_that_is_not_there_is_wrong_use(desk: Desk) -> None:
    """The alert is, the episode is not."""
    problem = run("show", f"{desk.alerts()[0].id}/7").exception
    assert isinstance(problem, UsageProblem)
    assert "no episode 7" in str(problem)


def test_without_a_database_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A problem found, not wrong use; and no file is made."""
    monkeypatch.setenv("MONITOR_DATABASE_URL", f"sqlite:///{tmp_path}/none.db")
    problem = run("list").exception
    assert isinstance(problem, MonitorError)
    assert not isinstance(problem, UsageProblem)
    assert "monitor migrate" in str(problem)
    assert not (tmp_path / "none.db").exists()
