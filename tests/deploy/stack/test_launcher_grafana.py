"""Grafana is started with the shipped provisioning where it is installed, and how is said where it is not."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from deploy.stack.parts.grafana import FOLDER, Grafana, by_hand, grafana_program, sources
from deploy.stack.parts.part import answer

# Answers as Grafana does when it is well, and everything else with its environment.
FAKE = """\
#!{python}
import http.server, json, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(dict(os.environ)).encode())
    def log_message(self, *_):
        pass
address = os.environ["GF_SERVER_HTTP_ADDR"], int(os.environ["GF_SERVER_HTTP_PORT"])
http.server.HTTPServer(address, Handler).serve_forever()
"""
SOURCES = sources("http://127.0.0.1:9090", 5432, "monitor")


def test_it_is_started_with_the_shipped_dashboards_and_open_to_this_machine_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each variable that the provisioning names is set; its data are in the stack's folder."""
    programs = tmp_path / "bin"
    programs.mkdir()
    fake = programs / "grafana-server"
    fake.write_text(FAKE.format(python=sys.executable), encoding="utf-8")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=os.pathsep)
    with Grafana(SOURCES, tmp_path / "data") as running:
        said = answer(running.address.split("/")[2], "/")
        assert said is not None
        given = json.loads(said)
    assert answer(running.address.split("/")[2], "/") is None, "it has ended with its block"
    named = {"GRAFANA_DASHBOARDS", "GRAFANA_PROMETHEUS_URL", "GRAFANA_POSTGRES_ADDRESS",
             "GRAFANA_POSTGRES_DATABASE", "GRAFANA_POSTGRES_USER", "GRAFANA_POSTGRES_SSLMODE"}  # fmt: skip
    assert all(given[name] for name in named)
    assert (given["GF_SERVER_HTTP_ADDR"], given["GF_AUTH_ANONYMOUS_ORG_ROLE"]) == ("127.0.0.1", "Viewer")
    assert Path(given["GF_PATHS_DATA"]).is_relative_to(tmp_path)


def test_every_variable_that_the_provisioning_names_is_given() -> None:
    """Grafana takes nothing for one that is not set."""
    for path in (FOLDER / "provisioning").rglob("*.yaml"):
        text = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if "#" not in line)
        for word in text.split():
            if word.startswith("$"):
                assert word[1:] in SOURCES, f"{path.name}: {word}"


def test_how_to_start_it_by_hand_names_every_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it is not found."""
    monkeypatch.setenv("PATH", "/nonexistent")
    assert grafana_program() is None
    said = by_hand(SOURCES)
    assert said.endswith("grafana-server")
    assert all(f"{name}='{value}'" in said for name, value in SOURCES.items())
