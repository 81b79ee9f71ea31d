"""The user that Grafana reads PostgreSQL as: made once, and given the password of today."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from tests.parts import missing_part
from tests.parts.postgres import Postgres, fresh_database, require_postgres

DEPLOY = Path(__file__).resolve().parents[3] / "deploy"


def run(folder: Path, url: str, password: str) -> str:
    """Run the script as its container does, with other places for its files."""
    found = shutil.which("psql")
    if found is None:
        missing_part("psql", "install PostgreSQL's client")
    (folder / "postgres-owner").write_text(make_url(url).password or "", encoding="utf-8")
    (folder / "postgres-grafana").write_text(password, encoding="utf-8")
    script = (DEPLOY / "compose" / "grafana-reader").read_text(encoding="utf-8")
    script = script.replace("/run/secrets", str(folder)).replace(
        "/etc/grafana-reader", str(DEPLOY / "grafana")
    )
    address = make_url(url)
    environment = {
        "PATH": os.environ["PATH"],
        "PGHOST": address.host or "",
        "PGPORT": str(address.port),
        "PGUSER": address.username or "",
        "PGDATABASE": address.database or "",
    }
    ran = subprocess.run(["sh", "-c", script], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def stored(server: str) -> str:
    """What the server keeps of the reader's password."""
    with psycopg.connect(server) as owner:
        row = owner.execute("SELECT rolpassword FROM pg_authid WHERE rolname = 'grafana'").fetchone()
    assert row is not None
    return str(row[0])


def test_the_reader_is_made_once_and_its_password_follows_the_file(tmp_path: Path) -> None:
    """It may read what dashboards show, and write nothing; a second run changes the password only."""
    require_postgres()
    # A server of its own: users are the whole server's, and other tests may make one of this name.
    with Postgres() as server, fresh_database(server.url) as url:
        engine = open_engine(load_settings(database_url=url).sqlalchemy_url)
        migrate(engine)
        engine.dispose()
        kept = []
        for password in ("first's \\ pass word", "second"):
            assert "can read" in run(tmp_path, url, password)
            kept.append(stored(url))
            address = make_url(url)
            with psycopg.connect(
                host=address.host,
                port=address.port,
                dbname=address.database,
                user="grafana",
                password=password,
            ) as connection:
                assert connection.execute("SELECT count(*) FROM cells").fetchone() == (0,)
                with pytest.raises(psycopg.Error):
                    connection.execute("DELETE FROM cells")
        assert all(each.startswith("SCRAM-SHA-256$") for each in kept)
        assert kept[0] != kept[1]
