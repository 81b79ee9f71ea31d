"""An Alertmanager without a cluster, with data of its own."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deploy.stack.parts.part import Missing, WebProgram
from deploy.stack.parts.ports import HOST

# Debian names the program after its package; others as its makers do.
PROGRAMS = ("prometheus-alertmanager", "alertmanager")
REMEDY = "apt-get install prometheus-alertmanager"
# How often the notification log is written: what a kill may cost. The default is 15 minutes.
SNAPSHOT = "1s"


def alertmanager_program() -> str:
    """Path of Alertmanager. Raises Missing."""
    found = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if found is None:
        raise Missing(f"Alertmanager is missing: {REMEDY}")
    return found


class Alertmanager(WebProgram):
    """One Alertmanager; `configuration` is its file."""

    name = "Alertmanager"

    def __init__(self, configuration: Path, data: Path, port: int = 0) -> None:
        super().__init__(data, port)
        self.configuration = configuration

    def command(self, port: int) -> Sequence[str]:
        """Alertmanager, alone."""
        return [
            alertmanager_program(),
            f"--config.file={self.configuration}",
            f"--storage.path={self.data}",
            f"--web.listen-address={HOST}:{port}",
            "--cluster.listen-address=",
            f"--data.maintenance-interval={SNAPSHOT}",
        ]

    def forget(self) -> None:
        """Delete the data of one that does not run."""
        assert self._child is None, "Alertmanager runs"  # noqa: S101  # a mistake of the caller
        shutil.rmtree(self.data)

    def get(self, path: str) -> Any:
        """What its API answers to GET, such as `/api/v2/alerts/groups`."""
        with urllib.request.urlopen(f"{self.url}{path}", timeout=10) as answered:  # noqa: S310  # loopback
            return json.load(answered)
