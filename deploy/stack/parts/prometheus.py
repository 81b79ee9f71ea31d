"""A Prometheus with data of its own."""

from __future__ import annotations

import json
import shutil
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from deploy.stack.parts.part import Missing, WebProgram
from deploy.stack.parts.ports import HOST

PROGRAM = "prometheus"
REMEDY = "apt-get install prometheus"
# What is first sent before an Alertmanager is found is dropped; by default it is sent again after a minute.
RESEND = "1s"


def prometheus_program() -> str:
    """Path of Prometheus. Raises Missing."""
    found = shutil.which(PROGRAM)
    if found is None:
        raise Missing(f"Prometheus is missing: {REMEDY}")
    return found


class Prometheus(WebProgram):
    """One Prometheus; `configuration` is its file, and `data` the folder that it keeps its series in."""

    name = "Prometheus"

    def __init__(self, configuration: Path, data: Path, port: int = 0) -> None:
        super().__init__(data, port)
        self.configuration = configuration

    def command(self, port: int) -> Sequence[str]:
        """Prometheus, which can be told to read its files again."""
        return [
            prometheus_program(),
            f"--config.file={self.configuration}",
            f"--storage.tsdb.path={self.data / 'series'}",
            f"--web.listen-address={HOST}:{port}",
            "--web.enable-lifecycle",
            f"--rules.alert.resend-delay={RESEND}",
            "--log.level=warn",
        ]

    def get(self, path: str, **parameters: str) -> Any:
        """The data of what its API answers to GET, such as `rules` or `query` with query=…"""
        address = f"{self.url}/api/v1/{path}?{urlencode(parameters)}"
        with urllib.request.urlopen(address, timeout=10) as answered:  # noqa: S310  # loopback
            return json.load(answered)["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The series that an expression gives now: labels and value."""
        found = self.get("query", query=expression)["result"]
        return [(each["metric"], float(each["value"][1])) for each in found]

    def reload(self) -> None:
        """Have it read its configuration and rules again; raises HTTPError where it refuses them."""
        asked = urllib.request.Request(f"{self.url}/-/reload", method="POST")  # noqa: S310  # loopback
        urllib.request.urlopen(asked, timeout=30).close()  # noqa: S310  # loopback
