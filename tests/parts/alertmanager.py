"""A real Alertmanager that can be killed and started again, and amtool, which checks what it is told."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

from deploy.stack.parts import alertmanager
from deploy.stack.parts.inbox import Inbox
from deploy.stack.parts.part import Missing
from tests.parts import missing_part

__all__ = ["Alertmanager", "Inbox", "check_configuration", "require_alertmanager", "require_amtool", "routed"]

WATCHDOG = "watchdog"  # the label alert_id of the alert that the monitor keeps open


def require_alertmanager() -> None:
    """Skip (fail in CI) where Alertmanager cannot be run."""
    try:
        alertmanager.alertmanager_program()
    except Missing:
        missing_part("Alertmanager", alertmanager.REMEDY)


def require_amtool() -> str:
    """Path of amtool; skip (fail in CI) where there is none."""
    found = shutil.which("amtool")
    if found is None:
        missing_part("amtool", alertmanager.REMEDY)
    return found


class Alertmanager(alertmanager.Alertmanager):
    """One Alertmanager without a cluster; `configuration` is its file."""

    def alerts(self) -> dict[str, dict[str, Any]]:
        """The alerts that it holds as not resolved, by their label alert_id, but for the watchdog."""
        held = {each["labels"]["alert_id"]: each for each in self.get("/api/v2/alerts")}
        return {name: each for name, each in held.items() if name != WATCHDOG}


def check_configuration(path: Path) -> subprocess.CompletedProcess[str]:
    """What `amtool check-config` says of a file."""
    return subprocess.run(
        [require_amtool(), "check-config", str(path)], capture_output=True, text=True, check=False
    )


def routed(path: Path, **labels: str) -> list[str]:
    """The receivers to which a configuration sends an alert with these labels, as amtool reads it."""
    given = [f"{name}={value}" for name, value in labels.items()]
    asked = [require_amtool(), "config", "routes", "test", f"--config.file={path}", *given]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert said.returncode == 0, said.stderr
    return said.stdout.strip().split(",")
