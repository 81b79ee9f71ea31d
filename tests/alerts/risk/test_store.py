"""Risk in the database: partitions add up, restarts change nothing, old days are forgotten."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from alerts.model import Detection
from alerts.risk.metrics import RiskMetrics
from alerts.risk.score import Risk
from alerts.risk.store import add_detections, forget_risk, read_risk
from alerts.risk.tables import risk
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.tables import metadata
from tests.builders import MOMENT, ms

DAY = timedelta(days=1)
WEIGHTS = {"low": 20, "high": 70, "critical": 90}
REGISTERED = {"MOH", "VSS"}


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the table of risk."""
    url = (
        f"sqlite:///{tmp_path}/monitor.db"
        if request.param == "sqlite"
        else str(request.getfixturevalue("postgres_url"))
    )
    made = database(url)
    yield made
    made.dispose()


def database(url: str) -> Engine:
    """An engine on a database with the table."""
    made = open_engine(load_settings(database_url=url).sqlalchemy_url)
    metadata.create_all(made, tables=[risk])
    return made


def detection(rule: str = "high", count: int = 1, at: datetime = MOMENT, agency: str = "MOH") -> Detection:
    """What a rule found, all at one time."""
    return Detection(rule, agency, (), ms(at), ms(at), count)


def add(engine: Engine, found: Iterable[Detection], partition: int = 0, **changes: Any) -> None:
    """Add detections of a partition, in a transaction of their own."""
    given: dict[str, Any] = {"weight": lambda rule: WEIGHTS.get(rule, 0), "registered": REGISTERED, **changes}
    with engine.begin() as connection:
        add_detections(connection, "exchanges", partition, found, **given)


def read(engine: Engine, now: datetime = MOMENT) -> Risk:
    """What a worker that starts now would show."""
    with engine.begin() as connection:
        return read_risk(connection, now, DAY)


def test_what_was_detected_is_there_after_a_restart(engine: Engine) -> None:
    """By agency and rule, from whatever partition and transaction it came."""
    add(engine, [detection(), detection(count=3), detection("low", agency="VSS")])
    add(engine, [detection(count=6, at=MOMENT - timedelta(hours=2))])
    add(engine, [detection("critical")], partition=1)
    found = read(engine)
    assert [(part.rule, round(part.points, 6)) for part in found.explain("MOH", MOMENT)] == [
        ("high", 140.0),  # ten events: twice the weight, as of the last of them
        ("critical", 90.0),
    ]
    assert [part.rule for part in found.explain("VSS", MOMENT)] == ["low"]
    again = read(engine)
    assert again == found


def test_it_goes_with_the_transaction_that_detected_it(engine: Engine) -> None:
    """Rolled back, it never was: the offset goes back with it."""
    with engine.connect() as connection:
        add_detections(connection, "exchanges", 0, [detection()], weight=lambda _: 1, registered=REGISTERED)
        connection.rollback()
    assert read(engine).by_agency == {}


def test_agencies_that_no_registry_holds_are_one(engine: Engine) -> None:
    """Rows and labels are bounded by the registry, whatever names arrive."""
    add(engine, [detection(agency=f"X-{n}") for n in range(50)])
    with engine.begin() as connection:
        assert connection.execute(select(func.count()).select_from(risk)).scalar() == 1
    assert list(read(engine).by_agency) == ["unregistered"]


def test_rules_without_risk_are_left_out(engine: Engine) -> None:
    """Nothing is written for them."""
    add(engine, [detection("unknown"), detection(count=0)])
    assert read(engine).by_agency == {}


def test_of_a_score_that_was_changed_the_larger_holds_for_the_day(engine: Engine) -> None:
    """Whichever came first."""
    for first, second, agency in ((10, 60, "MOH"), (60, 10, "VSS")):
        add(engine, [detection(agency=agency)], weight=lambda _, first=first: first)
        add(engine, [detection(agency=agency)], weight=lambda _, second=second: second)
    found = read(engine)
    assert {one.weight for rows in found.by_agency.values() for one in rows} == {60}


def test_a_flood_does_not_overflow(engine: Engine) -> None:
    """A sum beyond 2**53 stays there."""
    for _ in range(3):
        add(engine, [detection(count=2**53), detection(count=2**60)])
    (row,) = read(engine).by_agency["MOH"]
    assert row.events == 2**53


def test_old_days_are_neither_read_nor_kept(engine: Engine) -> None:
    """Ten half-lives back, a thousandth is left."""
    add(engine, [detection(), detection("low", at=MOMENT - 12 * DAY)])
    assert [one.rule for one in read(engine).by_agency["MOH"]] == ["high"]
    with engine.begin() as connection:
        assert forget_risk(connection, MOMENT, DAY) == 1
        assert forget_risk(connection, MOMENT, DAY) == 0
    assert [one.rule for one in read(engine).by_agency["MOH"]] == ["high"]


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    found=st.lists(
        st.builds(
            detection,
            rule=st.sampled_from(sorted(WEIGHTS)),
            count=st.integers(1, 200),
            at=st.integers(0, 5 * 86_400).map(lambda s: MOMENT - timedelta(seconds=s)),
            agency=st.sampled_from(["MOH", "VSS", "other"]),
        ),
        max_size=20,
    ),
    seed=st.integers(0, 2**32),
)
def test_neither_order_nor_portions_nor_partitions_change_a_score(
    tmp_path_factory: pytest.TempPathFactory, found: list[Detection], seed: int
) -> None:
    """One transaction of one partition, or many of several: the same to the last bit."""
    lot = random.Random(seed)
    folder = tmp_path_factory.mktemp("risk")
    whole, cut = (database(f"sqlite:///{folder}/{name}.db") for name in ("whole", "cut"))
    add(whole, found)
    rest = list(found)
    lot.shuffle(rest)
    while rest:
        size = lot.randint(1, 4)
        add(cut, rest[:size], partition=lot.randint(0, 2))
        rest = rest[size:]
    assert read(whole) == read(cut)
    assert read(whole).scores(MOMENT) == read(cut).scores(MOMENT)
    whole.dispose()
    cut.dispose()


def test_the_metric_decays_between_scrapes(engine: Engine) -> None:
    """Although nothing is written or read meanwhile."""
    from prometheus_client import CollectorRegistry

    add(engine, [detection()])
    now = [MOMENT]
    metrics, registry = RiskMetrics(lambda: now[0]), CollectorRegistry()
    registry.register(metrics)
    label = {"agency": "MOH"}
    assert registry.get_sample_value("datashare_agency_risk_score", label) is None
    metrics.show(read(engine))
    fresh = registry.get_sample_value("datashare_agency_risk_score", label)
    now[0] += DAY
    later = registry.get_sample_value("datashare_agency_risk_score", label)
    assert fresh == pytest.approx(50.3, abs=0.05)
    assert later == pytest.approx(29.5, abs=0.05)
