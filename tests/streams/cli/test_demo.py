"""`monitor demo`: one command from nothing to figures, and back to nothing."""

from __future__ import annotations

import io
import os
import re
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from monitor.dossiers.rules import read_quality_rules
from monitor.judging.breach import Breach
from monitor.judging.terms import Pair
from streams.cli.demo_view import Plain, curve_of, drawn, line
from tests.monitor.web.figures import VERIFY, World, agency, registry
from tests.parts.embedded import require_embedded
from tests.streams.cli.running import Run, run

__all__ = ["run"]

REGISTRY = Path(__file__).resolve().parents[3] / "deploy" / "registry"
# The shell of someone who also works with a real cluster: nothing of it may reach the demo.
ELSEWHERE = {
    "MONITOR_KAFKA_BOOTSTRAP": "nowhere.invalid:9",
    "MONITOR_DATABASE_URL": "postgresql://nowhere.invalid/none",
    "MONITOR_TOPIC_PREFIX": "other-",
    "MONITOR_WEB_PORT": "1",
}


def _demo(folder: Path, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    temporary = folder / "temporary"
    temporary.mkdir()
    (folder / ".env").write_text("MONITOR_CONSUMER_GROUP=elsewhere\n", encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MONITOR_")}
    given = {"MONITOR_REGISTRY": str(REGISTRY), "TMPDIR": str(temporary), **ELSEWHERE, **variables}
    return subprocess.run(
        [sys.executable, "-m", "monitor", "demo", "--plain", "--port", "0", *arguments],
        cwd=folder, env=environment | given, capture_output=True, text=True, timeout=180, check=False,
    )  # fmt: skip


def _answers(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


def test_it_counts_says_where_to_look_and_leaves_what_it_was_told_to_keep(tmp_path: Path) -> None:
    """Figures that are not zero, both addresses, a database that holds them, and nothing that still runs."""
    require_embedded()
    kept = tmp_path / "kept"
    ran = _demo(tmp_path, "--seconds", "12", "--keep", str(kept))
    assert ran.returncode == 0, ran.stdout + ran.stderr
    page = re.search(r"^overview page: http://(127\.0\.0\.1:\d+)/$", ran.stdout, re.MULTILINE)
    assert page, ran.stdout
    assert f"metrics: http://{page[1]}/metrics" in ran.stdout
    lines = [
        dict(pair.split("=") for pair in text.split("  "))
        for text in ran.stdout.splitlines()
        if text.startswith("exchanges=")
    ]
    shown = int(lines[-1]["exchanges"])
    assert shown > 0
    with sqlite3.connect(kept / "monitor.db") as database:
        (counted,) = database.execute('SELECT sum(ok + fault + denied + timeout) FROM "cells"').fetchone()
        groups = {group for (group,) in database.execute('SELECT DISTINCT procedures FROM "dossier_cells"')}
    assert counted >= shown
    named = read_quality_rules(kept / "service-quality.yaml").group_names
    assert groups
    assert groups <= set(named)
    broker = re.search(r"kafka=(127\.0\.0\.1:\d+)", (kept / "worker.log").read_text(encoding="utf-8"))
    assert broker
    assert not _answers(broker[1])
    assert not _answers(page[1])


def test_a_part_that_ends_takes_the_demo_with_it_and_says_why(tmp_path: Path) -> None:
    """The worker refuses an empty registry: its own words are shown, and nothing is left behind."""
    require_embedded()
    empty = tmp_path / "registry"
    empty.mkdir()
    ran = _demo(tmp_path, "--seconds", "60", MONITOR_REGISTRY=str(empty))
    assert ran.returncode == 1
    assert "the worker ended (exit status" in ran.stderr
    assert "agencies/*.yaml" in ran.stderr
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_folder_with_something_in_it_is_not_used(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older database would have read what this broker never had."""
    monkeypatch.setenv("MONITOR_REGISTRY", str(REGISTRY))
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "monitor.db").touch()
    ran = run("demo", "--keep", str(tmp_path / "old"), kafka="unused:9")
    assert ran.status == 2
    assert "not empty" in ran.err


def test_a_port_that_is_taken_is_said_to_be_taken(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A port that was asked for is never exchanged for another in silence."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ran = run("demo", "--port", str(taken.getsockname()[1]), kafka="unused:9")
    assert ran.status == 2
    assert "taken by another program" in ran.err


def test_without_a_registry_it_says_which_folder_is_missing(run: Run) -> None:
    """Run outside the project's folder it names the setting."""
    ran = run("demo", "--port", "0", kafka="unused:9")
    assert ran.status == 2
    assert "MONITOR_REGISTRY" in ran.err


def _world() -> World:
    entries = registry(["MPS"])
    world = World(
        type(entries).of(
            [*entries.agencies.values(), agency("MOH", "[bold]x[/bold]")], entries.services.values()
        )
    )
    world.tick()
    for _ in range(4):
        world.commit(Pair("MPS", "MOH", VERIFY), ok=1200, breaches={Breach.UNSIGNED: 3})
        world.tick()
    return world


def test_a_line_holds_every_figure_by_name() -> None:
    """For logs: names and values that a script can split."""
    figures = dict(pair.split("=") for pair in line(_world().document()).split("  "))
    assert figures == {
        "exchanges": "4800", "exchanges/s": "1200.0", "agencies": "2", "breaches": "12", "alerts": "0",
        "dead-letters": "0", "lag": "0", "event-age-p99": "0.50 s",
    }  # fmt: skip


def test_the_table_shows_names_as_they_are() -> None:
    """Markup of the terminal library in a name is text."""
    console = Console(file=io.StringIO(), width=100, force_terminal=False)
    console.print(drawn(_world().document(), "http://127.0.0.1:6066"))
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "MOH [bold]x[/bold]" in shown
    assert "4,800" in shown
    assert "2 of 2" in shown
    assert "http://127.0.0.1:6066/metrics" in shown
    assert len(shown.splitlines()) <= 22  # fits a terminal of 24 lines with the first line above it


def test_plain_lines_keep_their_interval() -> None:
    """Addresses once, then a line when the interval is over; silence of the worker is said too."""
    said: list[str] = []
    document = _world().document()
    with Plain(said.append, 5.0) as view:
        for now in range(11):
            view.show(document if now < 10 else None, "http://h:1", float(now))
    assert said[:2] == ["overview page: http://h:1/", "metrics: http://h:1/metrics"]
    assert said[2:] == [line(document), line(document), "the worker does not answer"]


def test_a_curve_reaches_from_zero_to_the_highest_value() -> None:
    """Nothing to draw is a flat line, not a fault."""
    assert curve_of([0, 5, 10]) == "▁▅█"
    assert curve_of([0, 0]) == "▁▁"
    assert curve_of([]) == ""
