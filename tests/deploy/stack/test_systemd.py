"""The systemd unit: it is understood, confines the worker, and fits how a worker ends."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from monitor.settings import Settings, load_settings
from streams.stopping import STOP_WITHIN_S
from tests.parts import missing_part

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "deploy" / "systemd" / "data-sharing-monitor.service"
TEXT = UNIT.read_text(encoding="utf-8")
# systemd's own scale from 0 to 10 (most exposed), in tenths; below 20 it calls a service OK.
HIGHEST_EXPOSURE = 20


def values(name: str) -> list[str]:
    """What a directive is set to, in order."""
    return re.findall(rf"^{name}=(.*)$", TEXT, re.MULTILINE)


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze."""
    program = shutil.which("systemd-analyze")
    if program is None:
        missing_part("systemd-analyze", "install systemd")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def complete(folder: Path, text: str = TEXT) -> Path:
    """The unit with a program that is there, as it is not where the tests run."""
    program = folder / "monitor"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    unit = folder / UNIT.name
    unit.write_text(re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={program}", text), encoding="utf-8")
    return unit


def test_systemd_understands_all_of_it(tmp_path: Path) -> None:
    """Without a word of complaint."""
    ran = analyze("verify", "--man=no", str(complete(tmp_path)))
    complaints = [line for line in ran.stderr.splitlines() if UNIT.name in line]
    assert (ran.returncode, complaints) == (0, [])


@pytest.mark.parametrize("line", ["ProtectSystm=strict", "RestartSec=soon", "SystemCallFilter=@no-such-set"])
def test_a_mistake_would_be_noticed(tmp_path: Path, line: str) -> None:
    """A directive or a value that systemd does not know is told, and by that fails the test above."""
    ran = analyze("verify", "--man=no", str(complete(tmp_path, TEXT.replace("UMask=0077", line))))
    assert [each for each in ran.stderr.splitlines() if UNIT.name in each], ran.stderr


@cache
def listed() -> dict[str, list[str]]:
    """systemd's own sets of system calls, each with what stands in it: calls, and other sets."""
    ran = analyze("syscall-filter")
    assert ran.returncode == 0, ran.stderr
    sets: dict[str, list[str]] = {}
    for line in ran.stdout.splitlines():
        if line.startswith("@"):
            members = sets.setdefault(line.strip(), [])
        elif line.startswith(" ") and not line.strip().startswith("#"):
            members.append(line.strip())
    return sets


def calls(name: str) -> set[str]:
    """The system calls of a set, with those of the sets in it; or the one of that name."""
    if not name.startswith("@"):
        return {name}
    return {call for each in listed()[name] for call in calls(each)}


def allowed(text: str) -> set[str]:
    """What the unit's filter lets through: its lines in their order, those with a tilde taken away."""
    found: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", text, re.MULTILINE):
        named = {call for each in line.lstrip("~").split() for call in calls(each)}
        found = found - named if line.startswith("~") else found | named
    return found


def test_a_report_can_be_made_with_the_lowest_priority() -> None:
    """`nice` needs one call of a set that is otherwise refused, so it has to be named."""
    extra = "SystemCallFilter=setpriority\n"
    assert allowed(TEXT) - allowed(TEXT.replace(extra, "")) == {"setpriority"}
    assert "read" in allowed(TEXT)
    assert allowed(TEXT).isdisjoint({"sched_setscheduler", "mount", "reboot"})


def test_a_report_for_which_memory_runs_out_does_not_end_the_worker() -> None:
    """systemd would by itself end all processes of a service of which the kernel ended one."""
    assert values("OOMPolicy") == ["continue"]


def test_reports_lie_where_the_worker_can_write(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Below its state directory, everything else being read-only; one line of settings switches them on."""
    variables = dict(each.split("=", 1) for each in values("Environment"))
    (state,) = values("StateDirectory")
    assert values("ProtectSystem") == ["strict"]
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MONITOR_REPORT_SCHEDULE", raising=False)
    # %S of a service of the system
    monkeypatch.setenv("MONITOR_REPORT_FOLDER", variables["MONITOR_REPORT_FOLDER"].replace("%S", "/var/lib"))
    assert load_settings().report_schedule == ()
    monkeypatch.setenv("MONITOR_REPORT_SCHEDULE", "month")
    folder = load_settings().report_folder
    assert folder is not None
    assert folder.parent == Path("/var/lib") / state
    assert str(folder) in TEXT.split("[Unit]")[0]  # as the unit's own words for people say


def test_the_worker_is_hardly_exposed() -> None:
    """By systemd's own reckoning."""
    ran = analyze("security", "--offline=true", f"--threshold={HIGHEST_EXPOSURE}", str(UNIT))
    assert ran.returncode == 0, ran.stdout[-400:]


def test_the_stop_and_the_restart_fit_the_worker() -> None:
    """It is given longer than it takes, started again when it ended itself, and not for wrong settings."""
    assert float(values("TimeoutStopSec")[0]) > STOP_WITHIN_S
    assert values("Restart") == ["on-failure"]
    assert values("RestartPreventExitStatus") == ["2"]
    assert values("StartLimitIntervalSec") == ["0"]
    assert values("WatchdogSec") == []  # nothing in the worker would answer it


def test_secrets_are_credentials_and_variables_are_settings() -> None:
    """Every credential is used by a variable, and no secret is in the unit."""
    fields = {f"MONITOR_{field}".upper() for field in Settings.model_fields}
    credentials = {each.split(":")[0] for each in values("LoadCredential")}
    used = set()
    for variable, value in (each.split("=", 1) for each in values("Environment")):
        assert variable.removesuffix("_FILE") in fields, variable
        if variable.endswith("_FILE"):
            assert value.startswith("%d/")
            used.add(value.removeprefix("%d/"))
    assert used == credentials
