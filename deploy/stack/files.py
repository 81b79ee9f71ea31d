"""The shipped configuration of Prometheus and Alertmanager, with the ports of this stack in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[1]
SHIPPED_RECEIVER = "127.0.0.1:9099"


def prometheus_files(folder: Path, targets: Mapping[str, Sequence[str]], scrape: float | None = None) -> Path:
    """Copy deploy/prometheus to `folder`, with `targets` by job; returns the configuration's path.

    `scrape` is how often to scrape and to evaluate, in seconds; None leaves it as it is shipped.
    """
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(DEPLOY / "prometheus", folder)
    for job, addresses in targets.items():
        listed = "".join(f"    - {address}\n" for address in addresses)
        (folder / "targets" / f"{job}.yml").write_text(f"- targets:\n{listed}", encoding="utf-8")
    configuration = folder / "prometheus.yml"
    if scrape is not None:
        for path in (configuration, *(folder / "rules").iterdir()):
            text = path.read_text(encoding="utf-8")
            seconds = f"{round(scrape * 1000)}ms"
            path.write_text(re.sub(r"(interval|timeout): \w+", rf"\1: {seconds}", text), encoding="utf-8")
    return configuration


def alertmanager_file(folder: Path, receiver: str) -> Path:
    """Copy deploy/alertmanager/alertmanager.yml to `folder`, its webhooks at `receiver` (host:port)."""
    folder.mkdir(parents=True, exist_ok=True)
    shipped = (DEPLOY / "alertmanager" / "alertmanager.yml").read_text(encoding="utf-8")
    configuration = folder / "alertmanager.yml"
    configuration.write_text(shipped.replace(SHIPPED_RECEIVER, receiver), encoding="utf-8")
    return configuration
