"""Grafana with the shipped dashboards, where it is installed: no package of it comes with Debian."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from deploy.stack.parts.part import WebProgram
from deploy.stack.parts.ports import HOST

PROGRAM: Final = "grafana-server"
FOLDER: Final = Path(__file__).resolve().parents[2] / "grafana"
PACKAGED_HOME: Final = Path("/usr/share/grafana")
# Who can open the page on this machine may see everything and change nothing; nothing is told to anybody.
_GRAFANA: Final = {
    "GF_AUTH_ANONYMOUS_ENABLED": "true",
    "GF_AUTH_ANONYMOUS_ORG_ROLE": "Viewer",
    "GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION": "true",
    "GF_ANALYTICS_REPORTING_ENABLED": "false",
    "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
    "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
    "GF_NEWS_NEWS_FEED_ENABLED": "false",
    "GF_LOG_MODE": "console",
}


def grafana_program() -> str | None:
    """Path of Grafana's server; None where it is not installed."""
    return shutil.which(PROGRAM)


def sources(prometheus: str, postgres_port: int, database: str) -> dict[str, str]:
    """What the shipped provisioning is given: where the dashboards are, and where they read from."""
    return {
        "GF_PATHS_PROVISIONING": str(FOLDER / "provisioning"),
        "GRAFANA_DASHBOARDS": str(FOLDER / "dashboards"),
        "GRAFANA_PROMETHEUS_URL": prometheus,
        "GRAFANA_POSTGRES_ADDRESS": f"{HOST}:{postgres_port}",
        "GRAFANA_POSTGRES_DATABASE": database,
        "GRAFANA_POSTGRES_USER": "grafana",
        "GRAFANA_POSTGRES_PASSWORD": "",
        "GRAFANA_POSTGRES_SSLMODE": "disable",
    }


def by_hand(variables: Mapping[str, str]) -> str:
    """How to start a Grafana that is somewhere else, as lines for a shell."""
    given = " \\\n".join(f"  {name}='{value}'" for name, value in variables.items())
    return f"env \\\n{given} \\\n  {PROGRAM}"


class Grafana(WebProgram):
    """One Grafana with its own database in `data`, which may be opened without signing in."""

    name = "Grafana"
    ready_path = "/api/health"
    start_seconds = 120.0  # its first start makes a database

    def __init__(self, variables: Mapping[str, str], data: Path, port: int = 0) -> None:
        super().__init__(data, port)
        self._variables = variables

    def command(self, port: int) -> Sequence[str]:
        """Grafana's server in its home folder, with everything of its own below `data`."""
        program = grafana_program()
        assert program, "Grafana is not installed"  # noqa: S101  # callers look first
        beside = Path(program).resolve().parents[1]  # of an unpacked archive
        home = beside if (beside / "public").is_dir() else PACKAGED_HOME
        own = {
            "GF_PATHS_DATA": str(self.data),
            "GF_PATHS_LOGS": str(self.data),
            "GF_PATHS_PLUGINS": str(self.data / "plugins"),
            "GF_SERVER_HTTP_ADDR": HOST,
            "GF_SERVER_HTTP_PORT": str(port),
        }
        given = [f"{name}={value}" for name, value in (_GRAFANA | own | dict(self._variables)).items()]
        return ["env", *given, program, "--homepath", str(home)]
