"""Every SQL statement run on a real PostgreSQL with the monitor's schema, and what the figures come to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy import Engine as Database

from alerts.incidents.tables import incidents
from alerts.lifecycle.tables import alerts
from monitor.settings import Settings
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from monitor.storage.tables import cells, findings, lifecycle_events
from tests.deploy.grafana.shown import Query, as_grafana, statements

NOW = datetime(2026, 10, 5, 8, 30, tzinfo=UTC)
HOUR = int(NOW.replace(minute=0).timestamp())
CHOSEN = {
    "agency": "MOH|MPS",  # as Grafana writes two chosen ones for a regular expression
    "service": "population.verify-identity",
    "agreement": "AGR-2026-0012",
    "provider": "MPS",
    "consumer": "MOH",
}
PAIR = {"provider": "MPS", "consumer": "MOH", "service": "population.verify-identity"}


@pytest.fixture
def database(postgres_url: str) -> Iterator[Database]:
    """A PostgreSQL with the schema and one thing of each kind in it."""
    engine = open_engine(Settings(database_url=postgres_url).sqlalchemy_url)
    migrate(engine)
    with engine.begin() as connection:
        fill(connection)
    yield engine
    engine.dispose()


def fill(connection: Connection) -> None:
    """Two partitions' cells and findings, an alert, an incident, and a change of the agreement."""
    numbers = dict.fromkeys(
        ("records", "request_bytes", "response_bytes", "duration_us", "longest_us", "late", "duplicates"), 0
    )
    for partition in (0, 1):
        source = {"topic": "exchanges", "partition": partition, "hour": HOUR, **PAIR}
        connection.execute(
            insert(cells).values(
                **source,
                **numbers,
                ok=90,
                fault=6,
                denied=3,
                timeout=1,
                slow=5,
                breached=10,
                last_time=NOW,
                latency=b"",
            )
        )
        connection.execute(
            insert(findings).values(
                **source,
                breach="unsigned",
                count=7,
                denied=1,
                first_time=NOW,
                last_time=NOW + timedelta(minutes=1),
                samples=b"",
                agreement="AGR-2026-0012",
                version=2,
            )
        )
    connection.execute(insert(alerts).values(**alert("a1", "MOH")))
    connection.execute(insert(alerts).values(**alert("a2", "MOHX")))
    connection.execute(insert(alerts).values(**alert("a3", "MPS") | {"state": "resolved"}))
    connection.execute(insert(incidents).values(**incident("INC-2026-0001", "MPS", "open", "unknown")))
    connection.execute(insert(incidents).values(**incident("INC-2026-0002", "MPS", "open", "no")))
    connection.execute(insert(incidents).values(**incident("INC-2026-0003", "MPS", "closed", "yes")))
    connection.execute(
        insert(lifecycle_events).values(
            topic="lifecycle-events",
            partition=0,
            source_offset=1,
            id="e1",
            time=NOW,
            agency="MPS",
            kind="reviewed",
            agreement="AGR-2026-0012",
        )
    )


def alert(number: str, agency: str) -> dict[str, Any]:
    """A row of an open alert."""
    return {
        "id": number,
        "episode": 1,
        "rule": "bulk",
        "title": "Bulk extraction",
        "title_vi": "Khai thác hàng loạt",
        "level": 4,
        "agency": agency,
        "owner": "soc",
        "grouped_by": '[["consumer","MOH"]]',
        "tags": "[]",
        "risk_score": 70,
        "leak": False,
        "runbook": "Ask the desk.",
        "quiet": 3600,
        "first_time": NOW,
        "last_time": NOW,
        "quiet_until": NOW,
        "count": 3,
        "evidence": '[[1759650600000,"x-1"],[1759650601000,"x-2"]]',
        "latest": '[[1759650601000,"x-2"]]',
        "facts": "{}",
        "opened_at": NOW,
        "changed_at": NOW,
        "state": "open",
        "repeats": 0,
        "suppressed": 0,
    }


def incident(number: str, agency: str, status: str, personal: str) -> dict[str, Any]:
    """A row of an incident that was detected just now."""
    return {
        "id": number,
        "source": number,
        "agency": agency,
        "tier": 4,
        "kind": "leak_confirmed",
        "what": "a file was published",
        "detected_at": NOW,
        "due_at": NOW + timedelta(hours=72),
        "personal_data": personal,
        "categories": "[]",
        "services": "[]",
        "agreements": '["AGR-2026-0012"]',
        "alerts": '["a1"]',
        "events": '["x-1","x-2"]',
        "slots": "{}",
        "status": status,
        "running_since": NOW,
        "opened_at": NOW,
        "updated_at": NOW,
    }


def result(database: Database, query: Query, **chosen: str) -> list[dict[str, Any]]:
    """What a statement gives for the hours around NOW."""
    day = timedelta(days=1)
    asked = as_grafana(query.text, CHOSEN | chosen, NOW - day, NOW + day)
    with database.connect() as connection:
        return [dict(row) for row in connection.execute(text(asked.replace(":", r"\:"))).mappings()]


def named(part: str) -> Query:
    """The English statement of the panel or note whose title is that."""
    (found,) = (each for each in statements() if ".en." in each.file and each.panel == part)
    return found


def test_every_statement_runs_and_finds_what_is_there(database: Database) -> None:
    """None fails, none stays empty, and every column that a table names is among what it gives."""
    for query in statements():
        found = result(database, query)
        assert found, query


def test_the_ledger_is_summed_over_partitions(database: Database) -> None:
    """A day is the sum of all partitions' cells, and the share is of exchanges, not of shares."""
    (day,) = result(database, named("Ledger by day"))
    assert day["day"] == NOW.replace(hour=0, minute=0)
    assert (day["exchanges"], day["failed"], day["denied"]) == (200, 14, 6)
    assert (day["slow"], day["breached"], day["share"]) == (10, 20, 0.1)


def test_findings_are_summed_by_kind(database: Database) -> None:
    """Of one kind there is one row, from the first to the last time of all partitions."""
    (finding,) = result(database, named("Findings"))
    assert (finding["breach"], finding["breaches"], finding["denied"]) == ("unsigned", 14, 2)
    assert (finding["first_seen"], finding["last_seen"]) == (NOW, NOW + timedelta(minutes=1))


def test_another_pair_has_no_part_in_it(database: Database) -> None:
    """Only the chosen pair's cells and findings are summed, whatever quotes its name has."""
    for panel in ("Ledger by day", "Findings"):
        assert result(database, named(panel), consumer="O'NEIL") == []


def test_alerts_are_those_that_are_open_at_the_chosen_agencies(database: Database) -> None:
    """A code that only begins like a chosen one is another agency; evidence is each event once."""
    (found,) = result(database, named("Open alerts"))
    assert (found["alert"], found["agency"]) == ("a1/1", "MOH")
    assert found["evidence"] == "x-1, x-2"
    every = result(database, named("Open alerts"), agency=".*")  # as Grafana writes all of them
    assert [each["alert"] for each in every] == ["a1/1", "a2/1"]


def test_titles_of_alerts_are_in_the_dashboard_s_language(database: Database) -> None:
    """The Vietnamese dashboard shows the Vietnamese title."""
    query = next(
        each for each in statements() if each.file == "security.vi.json" and "FROM alerts" in each.text
    )
    assert result(database, query)[0]["title"] == "Khai thác hàng loạt"


def test_a_clock_runs_while_personal_data_may_be_concerned(database: Database) -> None:
    """Of two unsettled incidents the one without personal data has no time left to show."""
    found = {each["id"]: each for each in result(database, named("Unsettled incidents"))}
    assert sorted(found) == ["INC-2026-0001", "INC-2026-0002"]
    due = (NOW + timedelta(hours=72)).timestamp()
    left = due - datetime.now(UTC).timestamp()
    assert found["INC-2026-0001"]["remaining"] == pytest.approx(left, abs=60)
    assert found["INC-2026-0002"]["remaining"] is None
    assert found["INC-2026-0001"]["evidence"] == "x-1, x-2"


def test_notes_on_curves_are_of_the_agreement_and_of_its_time(database: Database) -> None:
    """A change of the agreement and an incident at either side are marked; others and other times are not."""
    (change,) = result(database, named("Changes of the agreement"))
    assert (change["time"], change["text"], change["tags"]) == (NOW, "reviewed: MPS", "reviewed")
    other = {"agreement": "AGR-2026-9999", "provider": "X", "consumer": "Y"}
    assert result(database, named("Changes of the agreement"), **other) == []
    assert len(result(database, named("Incidents"))) == 3
    assert (
        len(result(database, named("Incidents"), provider="X", consumer="Y")) == 3
    )  # they name the agreement
    assert result(database, named("Incidents"), **other) == []


def test_statements_only_read() -> None:
    """Each is one SELECT: the user of the source may do nothing else."""
    for query in statements():
        bare = re.sub(r"^--.*\n", "", query.text)
        assert bare.startswith("SELECT"), query
        assert ";" not in bare, query
