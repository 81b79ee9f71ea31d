"""What is read from the ledger: sums over partitions, under present codes, within their windows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.duties.facts import LedgerFacts, Traffic, read_facts
from monitor.judging.terms import UNREGISTERED, Pair
from tests.builders import MOMENT, PAIR
from tests.monitor.duties.ledgers import database, write_cell, write_finding
from tests.monitor.lifecycle.parts import REGISTRY

WINDOW, LOOK_BACK = timedelta(days=30), timedelta(days=60)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of either kind."""
    with database(str(request.param), request, tmp_path) as engine:
        yield engine


def facts(engine: Engine) -> LedgerFacts:
    """What is read at MOMENT."""
    with engine.connect() as connection:
        return read_facts(connection, REGISTRY, MOMENT, window=WINDOW, look_back=LOOK_BACK)


def test_an_empty_ledger_says_nothing(engine: Engine) -> None:
    """Not even since when it says nothing."""
    assert facts(engine) == LedgerFacts()


def test_cells_are_added_over_partitions_hours_and_former_codes(engine: Engine) -> None:
    """Counts within the window, times as far back as is looked."""
    now, early, long_ago = MOMENT, MOMENT - timedelta(days=40), MOMENT - timedelta(days=70)
    write_cell(engine, now, ok=5, fault=1)
    write_cell(engine, now - timedelta(minutes=5), ok=2, denied=1, partition=1)
    write_cell(engine, early, "GOV-M5", ok=100)
    write_cell(engine, early, "VSS", ok=7)
    write_cell(engine, long_ago, "OTHER", ok=7)
    found = facts(engine)
    assert found.observed_since == long_ago.replace(minute=0, second=0, microsecond=0)
    assert found.last_exchange == {"MPS": now, "MOH": now, "VSS": early}
    assert found.last_answer == {PAIR: now, PAIR._replace(consumer="VSS"): early}
    assert found.answered[PAIR.service] == 7
    assert found.traffic["MOH"] == Traffic(9, 9, 9)
    assert found.traffic["VSS"] == Traffic()


def test_an_hour_without_an_answer_is_no_answer(engine: Engine) -> None:
    """But an exchange it is."""
    before = MOMENT - timedelta(days=2)
    write_cell(engine, before, ok=1)
    write_cell(engine, MOMENT, fault=3, timeout=1)
    found = facts(engine)
    assert found.last_answer == {PAIR: before}
    assert found.last_exchange["MOH"] == MOMENT


def test_traffic_is_told_by_whether_an_agreement_permitted_it(engine: Engine) -> None:
    """What was wrong otherwise does not count, nor what is older; unregistered things cannot be judged."""
    write_cell(engine, MOMENT, ok=20)
    write_cell(engine, MOMENT, service=UNREGISTERED, ok=3)
    write_cell(engine, MOMENT, provider=UNREGISTERED, service=UNREGISTERED, ok=2)
    write_finding(engine, MOMENT, "no_agreement", 4)
    write_finding(engine, MOMENT, "agreement_expired", 2, consumer="GOV-M5")
    write_finding(engine, MOMENT, "purpose_missing", 9)
    write_finding(engine, MOMENT, "unknown_service", 3, service=UNREGISTERED)
    write_finding(engine, MOMENT - timedelta(days=31), "no_agreement", 5)
    found = facts(engine)
    assert found.traffic["MOH"] == Traffic(25, 20, 14)
    assert Pair("MPS", "MOH", UNREGISTERED) in found.last_answer
    assert UNREGISTERED not in found.answered
