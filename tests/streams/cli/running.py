"""Runs the `monitor` command inside the test, exactly as its entry point does."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from monitor.cli import main


@dataclass(frozen=True)
class Ran:
    """What a command left: its exit status and what it wrote."""

    status: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, topic_prefix: str
) -> Run:
    """`run("topics", "check", kafka=address)`: with topics of this test's own and no settings file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MONITOR_TOPIC_PREFIX", topic_prefix)

    def command(*arguments: str, kafka: str) -> Ran:
        monkeypatch.setenv("MONITOR_KAFKA_BOOTSTRAP", kafka)
        monkeypatch.setattr(sys, "argv", ["monitor", *arguments])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        written = capsys.readouterr()
        return Ran(int(left.value.code or 0), written.out, written.err)

    return command
