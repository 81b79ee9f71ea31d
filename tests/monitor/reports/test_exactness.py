"""Every number of a report is what the events add up to, counted a second way."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from monitor.calendar.working import WorkingDays
from monitor.dossiers.judge import QualityTerms
from monitor.dossiers.rules import QualityRules
from monitor.events.dossier import DossierEvent
from monitor.reports.changes import leaves
from monitor.reports.model import Report
from monitor.storage.tables import metadata
from tests.builders import ZONE
from tests.monitor.dossiers.parts import Owner, dossier
from tests.monitor.reports.ledgers import Event, count, database, report_on
from tests.monitor.reports.recount import PURPOSE, REGISTRY, local, recount
from tests.monitor.reports.recount_services import GROUPS, NOT_RECOUNTED, recount_services

OCTOBER = date(2026, 10, 1), date(2026, 10, 31)
FIRST = local("2026-09-29T20:00")
ERROR = 0.0111  # of a percentile, as documented, and the rounding to a microsecond

# Times around both ends of the month and around hours, in a zone seven hours ahead.
EDGES = ("2026-09-30T23:59:59", "2026-10-01T00:00", "2026-10-31T23:59:59", "2026-11-01T00:00")
POPULATION = "population.verify-identity"
times = st.one_of(
    st.integers(0, 35 * 86_400 * 1000).map(lambda ms: FIRST + timedelta(milliseconds=ms)),
    st.sampled_from(EDGES).map(local),
)
bodies = st.builds(
    Event,
    id=st.just(""),
    time=times,
    provider=st.sampled_from(["MPS", "GOV-P", "VSS", "XX"]),
    consumer=st.sampled_from(["MOH", "MOH", "MOH", "VSS", "YY"]),
    service=st.sampled_from([POPULATION, POPULATION, "insurance.verify-insured", "no.such"]),
    outcome=st.sampled_from(["ok", "ok", "ok", "fault", "denied", "timeout"]),
    duration_ms=st.floats(0, 60_000) | st.sampled_from([0, 0.0004, 100, 100.1, 86_400_000]),
    records=st.integers(0, 5000),
    request_bytes=st.integers(0, 10**6),
    response_bytes=st.integers(0, 2**40),
    purpose=st.sampled_from([PURPOSE, PURPOSE, "curiosity", None]),
)


@st.composite
def streams(draw: st.DrawFn) -> list[Event]:
    """Events in order of their times, some of which come again at once."""
    drawn = sorted(draw(st.lists(bodies, min_size=1, max_size=60)), key=lambda event: event.time)
    events = [msgspec.structs.replace(event, id=f"E{n}") for n, event in enumerate(drawn)]
    # One before, so that the ledger certainly begins before the month, and one after it.
    first, last = Event("first", FIRST - timedelta(hours=1)), Event("last", local("2026-11-01T08:00"))
    stream = [first]
    for event in events:
        stream += [event] * (2 if draw(st.integers(0, 9)) == 0 else 1)
    return [*sorted(stream, key=lambda e: e.time), *([last] if last.time > stream[-1].time else [])]


STEPS = (
    "received", "received", "received", "completed", "completed", "supplement_requested", "supplemented",
    "withdrawn", "paid", "rated", "digitised", "complaint_received", "complaint_answered",
)  # fmt: skip
FLAGS = ("online", "paid_online", "digitised", "reused", "population_database")
TERMS = QualityTerms(QualityRules(groups=GROUPS), WorkingDays(), ZONE)
FOR_EVER = timedelta(days=3650)


@st.composite
def steps_of_dossiers(draw: st.DrawFn) -> list[DossierEvent]:
    """Steps of few dossiers in any order, some under an id that was there, some of no known agency."""
    found = []
    for number in range(draw(st.integers(0, 40))):
        step, time = draw(st.sampled_from(STEPS)), draw(times)
        told: dict[str, Any] = dict.fromkeys(draw(st.sets(st.sampled_from(FLAGS), max_size=2)), True)
        if step == "received":
            promised = draw(st.none() | st.integers(-1, 25))
            told["promised"] = None if promised is None else str(time.date() + timedelta(days=promised))
            told["procedure"] = draw(st.sampled_from(["1.001193", "2.000635", "3.1"]))
        if step == "rated":
            told["rating"] = draw(st.integers(1, 5))
        whose = draw(st.sampled_from(["MOH", "MOH", "MPS", "GOV-P", "XX"]))
        number_of = draw(st.sampled_from(["H-1", "H-2", "H-3", "H-4"]))
        again = draw(st.sampled_from([f"S{number}"] * 5 + ["again"]))
        found.append(dossier(step, time, id=again, agency=whose, dossier=number_of, **told))
    return found


def check_services(report: Report, steps: Sequence[DossierEvent]) -> None:
    """Compare every number on public services but the weights; groups stand with the worst first."""
    part = msgspec.to_builtins(report)["service_quality"]
    found = {} if part is None else dict(leaves(part, "service_quality"))
    expected = recount_services(steps, OCTOBER, report.agency)
    assert {path: found.get(path) for path in expected} == expected
    numbers = {
        path
        for path, value in found.items()
        if isinstance(value, int | float) and path.rpartition(".")[2] not in NOT_RECOUNTED
    }
    told = {path for path in expected if path.rpartition(".")[2] not in NOT_RECOUNTED}
    assert numbers == told
    groups = [] if part is None else list(part["groups"])
    shares = [each["on_time"]["numerator"] / each["on_time"]["denominator"] for each in _scored(groups)]
    assert shares == sorted(shares)
    assert _scored(groups) == groups[: len(shares)]


def _scored(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [each for each in groups if each["on_time"]["scored"]]


def check(report: Report, events: Sequence[Event]) -> None:
    """Compare every number of the parts that are recounted; none may be there that was not recounted."""
    plain = msgspec.to_builtins(report)
    found: dict[str, Any] = {}
    for part in ("volume", "quality", "compliance", "pairs"):
        found |= dict(leaves(plain[part], part))
    expected = recount(events, OCTOBER)
    for path, value in expected.items():
        if path.rpartition(".")[2] in ("p50_us", "p95_us", "p99_us") and value:
            assert abs(found[path] - value) <= ERROR * value + 1, path
        else:
            assert found.get(path) == value, path
    numbers = {
        path
        for path, value in found.items()
        if isinstance(value, int | float) and not isinstance(value, bool) and not _told_elsewhere(path)
        # A kind of breach that occurred in the period before alone is listed with zeros.
        if value or not path.startswith("compliance.breaches[")
    }
    assert numbers <= expected.keys(), sorted(numbers - expected.keys())[:5]


def _told_elsewhere(path: str) -> bool:
    """Numbers of other periods, of the registry, and of duties: they have tests of their own."""
    parts = path.split(".")
    name = parts[-1]
    registry = ("objective", "limit_ms", "target", "version", "agencies_registered", "services_registered")
    return (
        "before" in parts
        or name in (*registry, "connection_points", "p95_before_us", "findings_more", "duties_more")
        or path.startswith(
            (
                "volume.before",
                "quality.durations_before",
                "compliance.dut",
                "compliance.agreements",
                "compliance.unmonitored",
            )
        )
    )


COUNTED = ("cells", "findings", "offsets", "rejected", "gaps", "seen_ids", "dossiers", "dossier_cells")


def play(engine: Engine, events: list[Event], steps: Sequence[DossierEvent], batch: int) -> Report:
    """Count events and steps anew and report on October."""
    with engine.begin() as connection:
        for table in reversed(metadata.sorted_tables):
            if table.name in COUNTED:
                connection.execute(table.delete())
    count(engine, REGISTRY, events, batch=batch)
    owner = Owner(engine, registry=REGISTRY, terms=TERMS, dedupe_window=FOR_EVER)
    for start in range(0, len(steps), batch):
        owner.fold(*steps[start : start + batch])
        owner.commit()
    return report_on(engine, REGISTRY, "2026-10")


@pytest.fixture(scope="module")
def sqlite(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Any:
    """One database for all examples."""
    with database("sqlite", request, tmp_path_factory.mktemp("exactness")) as engine:
        yield engine


# Without shrinking: each try fills a database, and what fails is small as it is.
@settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(events=streams(), steps=steps_of_dossiers(), batch=st.integers(1, 40))
def test_every_number_is_what_the_events_add_up_to(
    sqlite: Engine, events: list[Event], steps: list[DossierEvent], batch: int
) -> None:
    """However they were cut into transactions; JSON holds the same whole numbers."""
    report = play(sqlite, events, steps, batch)
    told = msgspec.json.decode(msgspec.json.encode(report), type=Report)
    check(told, events)
    check_services(told, steps)
    check_services(report_on(sqlite, REGISTRY, "2026-10", "MPS"), steps)


def test_the_same_on_postgresql(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """The main path, on the other database: sums come back as whole numbers, histograms whole."""
    events = [
        Event(
            f"E{n}",
            FIRST + timedelta(minutes=37 * n),
            provider=("MPS", "GOV-P", "VSS")[n % 3 if n % 7 else 2],
            consumer=("MOH", "VSS", "YY")[n % 11 // 5],
            outcome=("ok", "ok", "ok", "fault", "denied", "timeout")[n % 6],
            duration_ms=0.3 * n % 900,
            response_bytes=2**40 + n,
        )
        for n in range(1400)
    ]
    procedures, steps = ("1.001193", "2.000635", "3.1"), []
    for n in range(240):
        time = FIRST + timedelta(hours=3 * n)
        whose: dict[str, Any] = {"agency": ("MOH", "MPS", "GOV-P")[n % 3], "dossier": f"H-{n}"}
        promised = str((time + timedelta(days=7)).date())
        steps.append(
            dossier(
                time=time,
                id=f"r{n}",
                procedure=procedures[n % 7 % 3],
                promised=promised,
                online=n % 4 == 0,
                **whose,
            )
        )
        if n % 5:
            done = time + timedelta(days=n % 13)
            steps.append(dossier("completed", done, id=f"c{n}", **whose))
            steps.append(dossier("paid", done, id=f"p{n}", paid_online=n % 2 == 0, **whose))
            steps.append(dossier("rated", done, id=f"g{n}", rating=n % 5 + 1, **whose))
    with database("postgresql", request, tmp_path) as engine:
        report = play(engine, events, steps, 200)
        check(report, events)
        check_services(report, steps)
        assert report.service_quality is not None
        assert [each.group for each in report.service_quality.groups].count("land") == 1
        check_services(report_on(engine, REGISTRY, "2026-10", "MPS"), steps)
