"""Figures of the windows, from cells in a database to what Prometheus reads."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, delete
from sqlalchemy.exc import DBAPIError

from monitor.objectives.figures import Outcomes
from monitor.objectives.metrics import ObjectiveMetrics
from monitor.objectives.sums import REREAD
from monitor.objectives.windows import WINDOWS
from monitor.registry.registry import Registry
from monitor.storage.engine import open_engine
from monitor.storage.tables import cells
from tests.builders import AGENCIES, SERVICES, ZONE, agency, agreement, made, service
from tests.monitor.objectives.making import DAY, HOUR, Made, database, hour_of, recount, write

SLO = {"availability": 0.99, "latency": {"limit_ms": 500, "ratio": 0.95}}
NOW = datetime(2026, 10, 20, 15, 30, tzinfo=ZONE)
HERE = hour_of("2026-10-20T15:00")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """An empty ledger."""
    return database(tmp_path)


def one_agreement(**objectives: Any) -> Registry:
    """A registry of one agreement for all of 2026."""
    return made(agreement(objectives=objectives or SLO))


def counts(metrics: ObjectiveMetrics, now: datetime = NOW) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Events and bad events by agreement, slo and window."""
    return {
        (*key, window): (figure.events, figure.bad)
        for window, figures in metrics.refresh(now).figures.items()
        for key, figure in figures.items()
    }


def sample(metrics: ObjectiveMetrics, name: str, **labels: str) -> float | None:
    """What a scrape shows."""
    exposed = CollectorRegistry()
    exposed.register(metrics)
    return exposed.get_sample_value(f"datashare_{name}", labels)


def test_figures_are_exported_by_agreement_slo_and_window(engine: Engine) -> None:
    """Counts are there to be checked, ratios to be read."""
    metrics = ObjectiveMetrics(one_agreement(), engine, ZONE)
    write(engine, [Made(HERE, ok=980, fault=15, timeout=5, denied=7, slow=98)])
    metrics.refresh(NOW)
    for window in WINDOWS:
        labels = {"agreement": "AGR-1", "slo": "availability", "window": window}
        assert sample(metrics, "slo_window_events", **labels) == 1000
        assert sample(metrics, "slo_window_bad_events", **labels) == 20
        assert sample(metrics, "slo_attainment_ratio", **labels) == 0.98
        assert sample(metrics, "slo_error_budget_remaining_ratio", **labels) == pytest.approx(-1)
        labels["slo"] = "latency"
        assert sample(metrics, "slo_attainment_ratio", **labels) == 0.9
        assert sample(metrics, "slo_error_budget_remaining_ratio", **labels) == pytest.approx(-1)
        labels["slo"] = "error_rate"
        assert sample(metrics, "slo_window_events", **labels) is None
        by_outcome = {"provider": "MPS", "service": "population.verify-identity", "window": window}
        assert sample(metrics, "service_window_exchanges", outcome="denied", **by_outcome) == 7
    assert sample(metrics, "objectives_computed_timestamp_seconds") == NOW.timestamp()


def test_an_error_rate_is_kept_as_the_share_that_may_fail(engine: Engine) -> None:
    """1 % may fail, half of that did: half of the budget is left."""
    metrics = ObjectiveMetrics(one_agreement(errorRate=0.01), engine, ZONE)
    write(engine, [Made(HERE, ok=995, fault=5)])
    labels = {"agreement": "AGR-1", "slo": "error_rate", "window": "30d"}
    metrics.refresh(NOW)
    assert sample(metrics, "slo_error_budget_remaining_ratio", **labels) == pytest.approx(0.5)


def test_before_the_first_refresh_and_without_exchanges_nothing_is_shown(engine: Engine) -> None:
    """Neither zero nor one. Only denials are no exchange to measure on either."""
    metrics = ObjectiveMetrics(one_agreement(), engine, ZONE)
    assert list(metrics.collect()) == []
    write(engine, [Made(HERE, denied=7)])
    assert counts(metrics) == {}
    latest = metrics.latest
    assert latest is not None
    assert latest.outcomes["month"] == {("MPS", "population.verify-identity"): Outcomes(0, 0, 7, 0)}
    assert (
        sample(metrics, "slo_attainment_ratio", agreement="AGR-1", slo="availability", window="30d") is None
    )


def test_the_month_begins_anew_and_the_thirty_days_go_on(engine: Engine) -> None:
    """The last hour of September is not October's; 720 closed hours are the window's, not the one before."""
    metrics = ObjectiveMetrics(one_agreement(availability=0.99), engine, ZONE)
    first = hour_of("2026-10-01T00:00")
    write(engine, [Made(first - HOUR, ok=1), Made(first, ok=10)])
    month, rolling = ("AGR-1", "availability", "month"), ("AGR-1", "availability", "30d")
    at = datetime.fromtimestamp(first, UTC)
    assert counts(metrics, at + timedelta(minutes=1)) == {month: (10, 0), rolling: (11, 0)}
    assert counts(metrics, at + timedelta(days=29, hours=23, minutes=59)) == {
        month: (10, 0),
        rolling: (11, 0),
    }
    assert counts(metrics, at + timedelta(days=30)) == {month: (10, 0), rolling: (10, 0)}
    assert counts(metrics, at + timedelta(days=31)) == {}


def test_an_hour_that_is_still_to_come_waits(engine: Engine) -> None:
    """Clocks may be five minutes ahead."""
    metrics = ObjectiveMetrics(one_agreement(availability=0.99), engine, ZONE)
    write(engine, [Made(HERE + HOUR, ok=1)])
    assert counts(metrics) == {}
    assert counts(metrics, NOW + timedelta(minutes=30)) != {}


def test_each_day_is_judged_by_the_version_in_force_then(engine: Engine) -> None:
    """A stricter version, then another agreement, then none: a pair's month is cut where terms change."""
    registry = made(
        agreement(objectives={"availability": 0.99}, ended="2026-10-05"),
        agreement(version=2, start="2026-10-06", ended="2026-10-10", objectives={"availability": 0.999}),
        agreement("AGR-2", start="2026-10-11", end="2026-10-15", objectives={"availability": 0.95}),
    )
    metrics = ObjectiveMetrics(registry, engine, ZONE)
    noons = [hour_of(f"2026-10-{day:02}T12:00") for day in range(1, 21)]
    # The last hour of a day and the first of the next are told apart.
    borders = [hour_of("2026-10-05T23:00"), hour_of("2026-10-06T00:00")]
    write(engine, [Made(at, ok=99, fault=1) for at in (*noons, *borders)])
    figures = metrics.refresh(NOW).figures["month"]
    assert figures["AGR-1", "availability"][:2] == (12 * 100, 12)
    assert figures["AGR-1", "availability"].allowed == pytest.approx(6 * 1 + 6 * 0.1)
    assert figures["AGR-2", "availability"][:2] == (5 * 100, 5)
    assert set(figures) == {("AGR-1", "availability"), ("AGR-2", "availability")}


def test_a_suspended_agreement_has_no_objective_to_keep(engine: Engine) -> None:
    """Nor has what nobody agreed; the service's outcomes hold what registered agencies asked."""
    registry = made(agreement(status="suspended", objectives=SLO))
    metrics = ObjectiveMetrics(registry, engine, ZONE)
    write(
        engine,
        [
            Made(HERE, fault=10),
            Made(HERE, consumer="VSS", fault=5),
            Made(HERE, consumer="unregistered", fault=99),
        ],
    )
    latest = metrics.refresh(NOW)
    assert latest.figures == {"month": {}, "30d": {}}
    assert latest.outcomes["30d"]["MPS", "population.verify-identity"].fault == 15


def test_cells_under_a_former_code_count_for_the_agency_of_today(engine: Engine) -> None:
    """A merger does not begin the month anew."""
    registry = made(
        agreement(consumer="MOF", objectives=SLO), agencies=[*AGENCIES, agency("MOF", previous_codes=["MPI"])]
    )
    metrics = ObjectiveMetrics(registry, engine, ZONE)
    write(engine, [Made(HERE - DAY, consumer="MPI", ok=3), Made(HERE, consumer="MOF", ok=4)])
    assert counts(metrics)["AGR-1", "availability", "month"] == (7, 0)


def test_names_that_no_registry_holds_add_no_series(engine: Engine) -> None:
    """Labels are bounded whatever a database holds."""
    metrics = ObjectiveMetrics(one_agreement(), engine, ZONE)
    strange = [Made(HERE, consumer=f"X{n}", service=f"made.up-{n}", provider="Y", ok=1) for n in range(50)]
    write(engine, strange)
    latest = metrics.refresh(NOW)
    assert latest.figures == {"month": {}, "30d": {}}
    assert latest.outcomes == {"month": {}, "30d": {}}


def test_recent_hours_are_read_again_at_each_refresh(engine: Engine) -> None:
    """A cell grows, from another partition too, and is in the next figures."""
    metrics = ObjectiveMetrics(one_agreement(availability=0.99), engine, ZONE)
    key = ("AGR-1", "availability", "month")
    write(engine, [Made(HERE - 2 * HOUR, ok=1)])
    assert counts(metrics)[key] == (1, 0)
    write(engine, [Made(HERE - 2 * HOUR, ok=5), Made(HERE - 2 * HOUR, partition=1, ok=1, fault=1)])
    assert counts(metrics, NOW + timedelta(seconds=30))[key] == (7, 1)


def test_what_is_closed_is_not_read_at_each_refresh_but_within_an_hour_and_a_round(engine: Engine) -> None:
    """A very late event is found in its turn: one span a refresh, each after an hour at the latest."""
    metrics = ObjectiveMetrics(one_agreement(availability=0.99), engine, ZONE)
    key = ("AGR-1", "availability", "30d")
    write(engine, [Made(HERE - 10 * DAY, ok=1)])
    assert counts(metrics)[key] == (1, 0)
    write(engine, [Made(HERE - 10 * DAY, ok=2)])
    assert counts(metrics, NOW + timedelta(seconds=30))[key] == (1, 0), "closed spans are remembered"
    later, rounds = NOW + REREAD, 0
    while counts(metrics, later + rounds * timedelta(seconds=30))[key] == (1, 0):
        rounds += 1
        assert rounds <= 60
    assert counts(metrics, later + rounds * timedelta(seconds=30))[key] == (2, 0)


def test_the_clock_may_go_back(engine: Engine) -> None:
    """Figures are those of the moment that is asked for."""
    metrics = ObjectiveMetrics(one_agreement(availability=0.99), engine, ZONE)
    write(engine, [Made(HERE, ok=5), Made(HERE - DAY, ok=1)])
    key = ("AGR-1", "availability", "month")
    assert counts(metrics)[key] == (6, 0)
    assert counts(metrics, NOW - timedelta(days=1))[key] == (1, 0)
    assert counts(metrics)[key] == (6, 0)


def test_a_database_that_fails_leaves_the_last_figures(engine: Engine) -> None:
    """With the time of their computing, by which one can see that they are old."""
    metrics = ObjectiveMetrics(one_agreement(availability=0.99), engine, ZONE)
    write(engine, [Made(HERE, ok=5)])
    metrics.refresh(NOW)
    cells.drop(engine)
    with pytest.raises(DBAPIError):
        metrics.refresh(NOW + timedelta(minutes=1))
    assert sample(metrics, "objectives_computed_timestamp_seconds") == NOW.timestamp()
    labels = {"agreement": "AGR-1", "slo": "availability", "window": "month"}
    assert sample(metrics, "slo_window_events", **labels) == 5


@pytest.mark.parametrize("zone", ["Asia/Ho_Chi_Minh", "Europe/Tallinn"])
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_ledger_gives_what_a_plain_recount_gives(engine: Engine, zone: str, data: st.DataObject) -> None:
    """Agreements that change, cells over partitions, refreshes in between: in the end the same counts."""
    held = ZoneInfo(zone)
    changes = sorted(data.draw(st.sets(st.integers(1, 27), min_size=1, max_size=3)))
    starts = ["2026-01-01", *(f"2026-10-{day + 1:02}" for day in changes)]
    ends = [*(f"2026-10-{day:02}" for day in changes), "2026-12-31"]
    statuses = data.draw(st.lists(st.sampled_from(["active", "suspended", "draft"]), min_size=4, max_size=4))
    kept = [SLO, {"availability": 0.999}, {"errorRate": 0.02}, {}]
    versions = [
        agreement(f"AGR-{n // 2}", version=n % 2 + 1, start=start, end=end, status=status, objectives=of)
        for n, (start, end, status, of) in enumerate(zip(starts, ends, statuses, kept, strict=False))
    ]
    registry = made(*versions, agreement("AGR-9", consumer="VSS", objectives=SLO))
    numbers = st.integers(0, 50)
    hours = st.integers(hour_of("2026-09-15T00:00") // HOUR, HERE // HOUR).map(lambda n: n * HOUR)
    cell = st.builds(
        Made,
        hours,
        st.sampled_from(["MOH", "VSS", "unregistered"]),
        ok=numbers,
        fault=numbers,
        denied=numbers,
        timeout=numbers,
        slow=numbers,
        partition=st.integers(0, 2),
    )
    keyed = st.lists(cell, max_size=40, unique_by=lambda one: (one.hour, one.consumer, one.partition))
    before, after = data.draw(keyed), data.draw(keyed)
    with engine.begin() as connection:
        connection.execute(delete(cells))
    write(engine, before)
    metrics = ObjectiveMetrics(registry, engine, held)
    assert counts(metrics) == recount(registry, held, before, NOW)
    write(engine, after)
    ledger = {(one.hour, one.consumer, one.partition): one for one in (*before, *after)}
    now = NOW
    for _ in range(61):  # every span has its turn
        now += timedelta(minutes=61)
        metrics.refresh(now)
    assert counts(metrics, now) == recount(registry, held, ledger.values(), now)


def test_postgresql_gives_the_same(postgres_url: str) -> None:
    """Sums come back as whole numbers there too."""
    from sqlalchemy.engine import make_url

    engine = open_engine(make_url(postgres_url).set(drivername="postgresql+psycopg"))
    cells.create(engine)
    registry = made(agreement(objectives=SLO), agreement("AGR-2", consumer="VSS", objectives=SLO))
    held = [
        Made(HERE - n * 7 * HOUR, consumer, ok=n, fault=n % 3, slow=n // 2, partition=n % 2)
        for n in range(100)
        for consumer in ("MOH", "VSS")
    ]
    write(engine, held)
    metrics = ObjectiveMetrics(registry, engine, ZONE)
    assert counts(metrics) == recount(registry, ZONE, held, NOW)
    latest = metrics.latest
    assert latest is not None
    assert all(type(figure.events) is int for figure in latest.figures["30d"].values())
    engine.dispose()


def test_names_of_metrics_are_taken_once(engine: Engine) -> None:
    """Registering two collectors fails at once, before either has computed anything."""
    exposed = CollectorRegistry()
    exposed.register(ObjectiveMetrics(one_agreement(), engine, ZONE))
    with pytest.raises(ValueError, match="slo_attainment_ratio"):
        exposed.register(ObjectiveMetrics(one_agreement(), engine, ZONE))


def test_a_version_that_says_no_latency_is_not_measured_by_it(engine: Engine) -> None:
    """A service's objective is taken over where the agreement is silent."""
    services = (service(objectives={"availability": 0.995}), SERVICES[1])
    registry = made(agreement(), services=services)
    metrics = ObjectiveMetrics(registry, engine, ZONE)
    write(engine, [Made(HERE, ok=200, slow=0)])
    figures = metrics.refresh(NOW).figures["month"]
    assert set(figures) == {("AGR-1", "availability")}
    assert figures["AGR-1", "availability"].allowed == pytest.approx(1)
