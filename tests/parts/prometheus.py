"""A real Prometheus with data of its own, and promtool, which checks and tests rules without one."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from deploy.stack.parts.part import Missing
from deploy.stack.parts.prometheus import REMEDY, Prometheus, prometheus_program
from tests.parts import missing_part

__all__ = ["Prometheus", "promtool", "require_prometheus", "require_promtool"]


def require_prometheus() -> str:
    """Path of Prometheus; skip (fail in CI) where there is none."""
    try:
        return prometheus_program()
    except Missing:
        missing_part("Prometheus", REMEDY)


def require_promtool() -> str:
    """Path of promtool; skip (fail in CI) where there is none."""
    found = shutil.which("promtool")
    if found is None:
        missing_part("promtool", REMEDY)
    return found


def promtool(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """What promtool says; whatever it returns."""
    return subprocess.run(
        [require_promtool(), *map(str, arguments)], capture_output=True, text=True, check=False, cwd=cwd
    )
