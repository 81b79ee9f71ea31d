"""What is missing is said all at once, before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.stack import stage
from deploy.stack.command import stack
from deploy.stack.parts import postgres
from monitor.errors import MonitorError


def test_every_missing_program_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence each; nothing is started and nothing is left."""
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(postgres, "_candidates", lambda: iter(()))
    with pytest.raises(MonitorError) as missing:
        stage.require_programs()
    lines = str(missing.value).splitlines()
    assert [line.split(" is missing: ")[0].strip() for line in lines[1:]] == [
        "Java 17", "PostgreSQL", "Prometheus", "Alertmanager",
    ]  # fmt: skip
    assert all("install" in line for line in lines[1:])
    ended = CliRunner().invoke(stack, ["--plain"])
    assert ended.exit_code == 1
    assert "Prometheus is missing" in ended.output


def test_a_folder_of_something_else_is_wrong_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in it is touched."""
    monkeypatch.setattr("deploy.stack.command.require_programs", lambda: None)
    (tmp_path / "mine").write_text("something", encoding="utf-8")
    ended = CliRunner().invoke(stack, ["--plain", "--keep", str(tmp_path)])
    assert ended.exit_code == 2
    assert "holds something else" in ended.output
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
