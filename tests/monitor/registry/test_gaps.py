"""`monitor registry gaps`: names that the registry lacks, with their volume, and drafts to complete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from sqlalchemy import Engine, insert

from monitor.cli.moments import point_in_time
from monitor.errors import UsageProblem
from monitor.registry.drafts import (
    FILL_IN,
    draft_agencies,
    draft_services,
    draft_xroad_members,
    draft_xroad_services,
)
from monitor.registry.xroad import XroadNames
from monitor.settings import load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.gaps import Gap, read_gaps
from monitor.storage.schema import migrate
from tests.monitor.registry.test_command import run
from tests.monitor.registry.writing import (
    AGENCIES,
    SERVICES,
    agency,
    made,
    problems_of,
    service,
    write_folder,
)

NOW = datetime(2026, 10, 5, 8, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def gap(kind: str, name: str, count: int, partition: int = 0, at: datetime = NOW) -> dict[str, Any]:
    """A row as a worker writes it."""
    given = {"topic": "exchanges", "partition": partition, "last_time": at}
    return given | {"kind": kind, "name": name, "count": count}


def database(url: str, *rows: dict[str, Any]) -> Engine:
    """A database that holds these gaps."""
    engine = open_engine(load_settings(database_url=url).sqlalchemy_url)
    migrate(engine)
    with engine.begin() as connection:
        if rows:
            connection.execute(insert(tables.gaps), list(rows))
    return engine


def test_partitions_are_summed_the_largest_first(tmp_path: Path) -> None:
    """A name's exchanges in all partitions, and when the last was counted; `since` asks for that."""
    engine = database(
        f"sqlite:///{tmp_path}/monitor.db",
        gap("agency", "NEW", 2, partition=0, at=NOW - DAY),
        gap("agency", "NEW", 3, partition=1),
        gap("service", "old.one", 9, at=NOW - 2 * DAY),
    )
    new, old = Gap("agency", "NEW", 5, NOW), Gap("service", "old.one", 9, NOW - 2 * DAY)
    assert read_gaps(engine) == [old, new]
    assert read_gaps(engine, NOW - DAY / 2) == [new]
    assert read_gaps(engine, NOW + DAY) == []
    engine.dispose()


def test_postgresql_gives_the_same(postgres_url: str) -> None:
    """Sums are whole numbers there too."""
    engine = database(postgres_url, gap("agency", "NEW", 2), gap("agency", "NEW", 3, partition=1))
    (found,) = read_gaps(engine)
    engine.dispose()
    assert found == Gap("agency", "NEW", 5, NOW)
    assert type(found.exchanges) is int


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a registry and a database in which names are missing."""
    write_folder(tmp_path / "agreed", agencies=[*AGENCIES, agency("NOW-THERE", previous_codes=["BEFORE"])])
    rows = [
        gap("agency", "FIN", 700),
        gap("agency", "NO", 40, at=NOW - 30 * DAY),
        gap("agency", "Mr X\n\x1b[31m: y", 30),
        gap("agency", "NOW-THERE", 900),
        gap("agency", "BEFORE", 901),
        gap("agency", "(others)", 20),
        gap("service", "tax.verify", 10),
        gap("service", "insurance.verify-insured", 800),
    ]
    database(f"sqlite:///{tmp_path}/monitor.db", *rows).dispose()
    return tmp_path


def test_gaps_are_listed_and_are_exit_1(place: Path) -> None:
    """What was registered since is left out, a registered service told apart; no name steers a terminal."""
    done = run(place, "gaps", MONITOR_REGISTRY="agreed")
    assert done.returncode == 1, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert [line[:2] for line in lines[:3]] == [["kind", "name"], ["agency", "FIN"], ["agency", "NO"]]
    assert lines[1][2:] == ["700", "2026-10-05", "15:00"]  # in MONITOR_TIMEZONE
    assert len(lines) == 6
    assert "NOW-THERE" not in done.stdout
    assert "BEFORE" not in done.stdout
    assert "\x1b" not in done.stdout
    assert "insurance.verify-insured of VSS" in done.stderr


def test_limit_and_since(place: Path) -> None:
    """The largest so many, and how many there are; names not seen since are left out."""
    few = run(place, "gaps", "--limit", "1", MONITOR_REGISTRY="agreed")
    assert few.stdout.splitlines()[1].split()[1] == "FIN"
    assert len(few.stdout.splitlines()) == 2
    assert "The first 1 of 5" in few.stderr
    since = run(place, "gaps", "--since", "2026-10-01", MONITOR_REGISTRY="agreed")
    assert " NO " not in since.stdout
    assert "tax.verify" in since.stdout
    later = run(place, "gaps", "--since", "2999-01-01", MONITOR_REGISTRY="agreed")
    assert (later.returncode, later.stdout) == (0, "The registry holds every name.\n")
    assert run(place, "gaps", "--since", "lately", MONITOR_REGISTRY="agreed").returncode == 2


def test_drafts_are_refused_until_they_are_completed(place: Path) -> None:
    """With --yaml: records for the names that can be codes, marked where people must write."""
    done = run(place, "gaps", "--yaml", MONITOR_REGISTRY="agreed")
    assert done.returncode == 1, done.stderr
    agencies, services = done.stdout.split("# Into a file in services/")
    assert [each["code"] for each in yaml.safe_load(agencies)] == ["FIN", "NO"]
    assert "exchanges: 700" in agencies
    assert "\\n" in agencies
    assert "(others)" not in done.stdout
    (draft,) = yaml.safe_load("#" + services)
    assert draft["id"] == "tax.verify"
    write_folder(place / "drafted", agencies=[*AGENCIES, *yaml.safe_load(agencies)])
    fields = {problem.field for problem in problems_of(place / "drafted")}
    assert {"kind", "connection.state"} <= fields, fields
    write_folder(place / "more", services=[service(), draft])
    assert {"method", "personal_data"} <= {problem.field for problem in problems_of(place / "more")}
    completed = service("tax.verify", provider=draft["provider"])
    write_folder(place / "nearly", services=[*SERVICES, completed])
    (problem,) = problems_of(place / "nearly")
    assert (problem.field, FILL_IN in problem.reason) == ("provider", True)


def test_every_field_of_a_draft_is_known() -> None:
    """A draft has the required fields of its record and no others; nothing to draft is nothing."""
    (drafted,) = yaml.safe_load(draft_agencies([("FIN", "exchanges: 1")]))
    assert drafted == {
        "code": "FIN",
        "name": {"en": FILL_IN, "vi": FILL_IN},
        "kind": FILL_IN,
        "connection": {"state": FILL_IN},
    }
    (drafted,) = yaml.safe_load(draft_services([("tax.verify", "exchanges: 1")]))
    assert set(drafted) == {"id", "provider", "name", "method", "personal_data"}
    assert draft_services([]) == ""


def test_drafts_of_xroad_names_hold_their_patterns() -> None:
    """Completed, they map the names that they were made of; a name that cannot be a pattern is told."""
    text = draft_xroad_members([("VN/GOV/G99/his", "exchanges: 7"), ("VN/GOV", "exchanges: 1")])
    (drafted,) = yaml.safe_load(text)
    assert drafted["xroad"] == ["VN/GOV/G99/his"]
    assert "exchanges: 7" in text
    assert "# Cannot stand in agencies/" in text
    completed = agency("NEW", xroad=drafted["xroad"])
    names = [("VN/GOV/G99/his/getRecord/v1", "exchanges: 3"), ("VN/GOV/G99//getState", "exchanges: 2")]
    first, second = yaml.safe_load(draft_xroad_services(names))
    assert (first["xroad"], second["xroad"]) == (["his/getRecord/v1"], ["*/getState"])
    known = service("his.get-record", provider="NEW", xroad=first["xroad"])
    registry = made(agencies=(completed,), services=(known,))
    found = XroadNames(registry.agencies, registry.services)
    assert found.holds("xroad-member", "VN/GOV/G99/his")
    assert found.holds("xroad-service", "VN/GOV/G99/his/getRecord/v1")
    assert not found.holds("xroad-service", "VN/GOV/G99/his/getRecord/v2")
    assert not found.holds("xroad-member", "VN/GOV/G99")
    assert not found.holds("agency", "VN/GOV/G99/his")


def test_names_of_xroad_are_listed_until_a_pattern_matches_them(tmp_path: Path) -> None:
    """Members and services under kinds of their own, with their volume."""
    rows = [gap("xroad-member", "VN/GOV/G99/his", 7), gap("xroad-service", "VN/GOV/G01/pop/x/v1", 3)]
    database(f"sqlite:///{tmp_path}/monitor.db", *rows).dispose()
    write_folder(tmp_path / "agreed", agencies=[*AGENCIES, agency("NEW", xroad=["VN/GOV/G0?"])])
    done = run(tmp_path, "gaps", MONITOR_REGISTRY="agreed")
    assert done.returncode == 1, done.stderr
    lines = done.stdout.splitlines()
    assert [line.split()[:3] for line in lines[1:]] == [
        ["xroad-member", "VN/GOV/G99/his", "7"],
        ["xroad-service", "VN/GOV/G01/pop/x/v1", "3"],
    ]
    mapped = agency("NEW", xroad=["VN/GOV/G*"])
    write_folder(
        tmp_path / "agreed",
        agencies=[*AGENCIES, mapped],
        services=[*SERVICES, service("pop.x", provider="NEW", xroad=["pop/*"])],
    )
    assert run(tmp_path, "gaps", MONITOR_REGISTRY="agreed").returncode == 0


def test_a_registry_with_problems_hides_nothing(place: Path) -> None:
    """Every name that was missing is listed, and why is said."""
    write_folder(place / "wrong", services="[")
    done = run(place, "gaps", "--registry", "wrong")
    assert done.returncode == 1, done.stderr
    assert "NOW-THERE" in done.stdout
    assert "has problems" in done.stderr


def test_no_gaps_is_exit_0_and_no_database_is_told(tmp_path: Path) -> None:
    """A file that is not there is not made."""
    write_folder(tmp_path / "agreed")
    none = run(tmp_path, "gaps", MONITOR_REGISTRY="agreed")
    assert none.returncode == 1
    assert "monitor migrate" in none.stderr
    assert not (tmp_path / "monitor.db").exists()
    database(f"sqlite:///{tmp_path}/monitor.db").dispose()
    empty = run(tmp_path, "gaps", MONITOR_REGISTRY="agreed")
    assert (empty.returncode, empty.stdout) == (0, "The registry holds every name.\n")
    assert run(tmp_path, "gaps", "--yaml", MONITOR_REGISTRY="agreed").stdout == ""


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("3h", NOW - timedelta(hours=3)),
        ("2d", NOW - 2 * DAY),
        ("2026-10-05T07:00", datetime(2026, 10, 5, 0, 0, tzinfo=UTC)),
        ("2026-10-05T07:00:00+00:00", datetime(2026, 10, 5, 7, 0, tzinfo=UTC)),
    ],
)
def test_times_as_people_type_them(typed: str, expected: datetime) -> None:
    """Ago, or a date or time, local where it names no zone."""
    assert point_in_time(typed, NOW, load_settings(timezone="Asia/Ho_Chi_Minh").zone) == expected


def test_a_time_that_is_none_is_refused() -> None:
    """With the forms that are read."""
    with pytest.raises(UsageProblem, match="3h or 2d"):
        point_in_time("yesterday", NOW, UTC)
