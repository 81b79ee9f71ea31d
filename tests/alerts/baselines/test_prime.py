"""Histories from the ledger: a worker's first day with baselines is not blind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, create_engine

from alerts.baselines.kind import BaselineKind
from alerts.baselines.prime import PastHour, can_be_primed, past_hours, prime
from monitor.storage.tables import cells, from_microseconds, metadata
from monitor.storage.upsert import upsert
from tests.alerts.baselines.making import ZONE, at, office, pair, rule

HOUR_S = 3600


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """A database with the table of cells."""
    made = create_engine(f"sqlite:///{tmp_path / 'ledger.db'}")
    metadata.create_all(made, tables=[cells])
    yield made
    made.dispose()


def _cell(hour: int, consumer: str, service: str, ok: int, **changes: Any) -> dict[str, Any]:
    zeros = {column.name: 0 for column in cells.columns}
    return {
        **zeros,
        "hour": hour * HOUR_S,
        "provider": "MPS",
        "consumer": consumer,
        "service": service,
        "topic": "exchanges",
        "partition": 1,
        "ok": ok,
        "last_time": from_microseconds(0),
        "latency": b"",
        **changes,
    }


def test_hours_are_read_by_time_for_one_partition_and_summed_over_providers(engine: Engine) -> None:
    """All outcomes count; other partitions, older weeks and the hour that is still being read do not."""
    now = at(9, 0, 9)
    rows = [
        _cell(now - 1, "MOH", "a.b", 5, fault=1, denied=2, timeout=3, records=50, response_bytes=700),
        _cell(now - 1, "MOH", "a.b", 4, provider="MOJ", records=8),
        _cell(now - 2, "MOH", "a.b", 6),
        _cell(now, "MOH", "a.b", 99),
        _cell(now - 1, "MOH", "a.b", 99, partition=2),
        _cell(now - 1, "MOH", "a.b", 99, topic="history"),
        _cell(now - 8 * 168 - 1, "MOH", "a.b", 99),
    ]
    with engine.begin() as connection:
        upsert(connection, cells, rows)
        found = list(past_hours(connection, "exchanges", 1, now))
    sums = {"records": 58, "request_bytes": 0, "response_bytes": 700}
    empty = dict.fromkeys(sums, 0)
    assert found == [PastHour("MOH", "a.b", now - 2, 6, empty), PastHour("MOH", "a.b", now - 1, 15, sums)]


def _past(weeks: int) -> Iterator[PastHour]:
    for hour in range(at(0, 0, 0), at(weeks, 0, 9)):
        for consumer, part in (("MOH", 1), ("MOJ", 2)):
            number = office(60)(hour) * part
            yield PastHour(consumer, "population.verify", hour, number, {"records": 3 * number})


def test_a_primed_kind_finds_a_bulk_at_once() -> None:
    """In the first hour that it sees; what is usual is not told."""
    kind = BaselineKind(rule(parent=("service",)), ZONE)
    assert prime(kind, rule(), _past(4)) == 2 * (4 * 168 + 9)
    hour = at(4, 0, 9)
    assert not kind.observe_total(pair("MOH"), hour, office(60)(hour))
    (found,) = kind.observe_total(pair("MOJ"), hour, 12 * office(60)(hour))
    assert found.agency == "MOJ"
    assert found.facts["expected"] == pytest.approx(2 * office(60)(hour), rel=0.2)


def test_sums_and_larger_groups_are_primed_too() -> None:
    """Records by service: those of all its consumers."""
    one = rule(measure="sum", value_field="records", group_by=("service",))
    kind = BaselineKind(one, ZONE)
    assert prime(kind, one, _past(4)) == 4 * 168 + 9
    hour = at(4, 0, 9)
    group = (("service", "population.verify"),)
    (found,) = kind.observe_total(group, hour, 90 * office(60)(hour), events=900)
    assert found.facts["expected"] == pytest.approx(9 * office(60)(hour), rel=0.2)


@pytest.mark.parametrize(
    "changes",
    [
        {"group_by": ("consumer", "actor")},
        {"group_by": ()},
        {"measure": "distinct", "value_field": "subject"},
        {"measure": "sum", "value_field": "duration_ms"},
    ],
)
def test_what_the_ledger_does_not_know_cannot_be_primed(changes: dict[str, Any]) -> None:
    """It is said by name, instead of learning something else."""
    one = rule(**changes)
    assert not can_be_primed(one)
    with pytest.raises(ValueError, match="Unusual volume"):
        prime(BaselineKind(one, ZONE), one, [])
