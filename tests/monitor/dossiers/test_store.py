"""Dossiers in the database: exact after any crash and in any order, one owner, no names."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, select
from sqlalchemy.engine import make_url

from monitor.dossiers.rules import QualityRules
from monitor.dossiers.store import prune_dossiers
from monitor.dossiers.tables import dossiers
from monitor.events.rejection import Reason, Rejection
from monitor.settings import load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.progress import Fenced
from tests.builders import MOMENT, SERVICES, agency, made
from tests.monitor.dossiers.parts import (
    ARRIVED,
    NOW,
    OURS,
    STRANGER,
    TERMS,
    Came,
    Owner,
    dossier,
    held,
    play,
    sums_of,
)
from tests.monitor.dossiers.recount import recount

STEPS = (
    "received", "received", "supplement_requested", "supplement_requested", "supplemented", "completed",
    "completed", "withdrawn", "paid", "rated", "digitised", "reused", "population_database_used",
    "complaint_received", "complaint_answered",
)  # fmt: skip
FLAGS = ("online", "paid_online", "digitised", "reused", "population_database")
FOR_EVER = timedelta(days=3650)
_topics = itertools.count()


def opened(path: Path) -> Engine:
    """A SQLite database with the tables that these tests need."""
    engine = open_engine(make_url(f"sqlite:///{path}"))
    tables.metadata.create_all(engine, tables=OURS)
    return engine


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database; each example is a topic of its own."""
    engine = opened(tmp_path_factory.mktemp("dossiers") / "monitor.db")
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        engine = opened(tmp_path / "monitor.db")
    else:
        url = str(request.getfixturevalue("postgres_url"))
        engine = open_engine(load_settings(database_url=url).sqlalchemy_url)
        tables.metadata.create_all(engine, tables=OURS)
    yield engine
    engine.dispose()


@st.composite
def streams(draw: st.DrawFn) -> list[Came]:
    """Steps of few dossiers over two months: in order or not, again, from strangers, malformed, too old."""
    came = []
    for number in range(draw(st.integers(0, 25))):
        time = MOMENT + timedelta(minutes=draw(st.integers(0, 45 * 24 * 4)) * 15)
        arrived = time + timedelta(days=draw(st.sampled_from([0, 0, 0, 3, 40, 91])))
        if draw(st.integers(0, 14)) == 0:
            came.append(Came(Rejection(Reason.NOT_JSON, "why"), arrived))
            continue
        step = draw(st.sampled_from(STEPS))
        given: dict[str, object] = dict.fromkeys(draw(st.sets(st.sampled_from(FLAGS), max_size=2)), True)
        if step == "received":
            promised = draw(st.none() | st.integers(-3, 30))
            given |= {
                "promised": None if promised is None else str(time.date() + timedelta(days=promised)),
                "procedure": draw(st.sampled_from(["1.001193", "2.000635"])),
            }
        if step == "rated":
            given["rating"] = draw(st.integers(1, 5))
        one = dossier(
            step,
            time,
            id=draw(st.sampled_from([f"new-{number}"] * 4 + ["again-1"])),
            agency=draw(st.sampled_from(["MOH", "MOH", "MPS", "GOV-M5", STRANGER])),
            dossier=draw(st.sampled_from(["H26-1", "H26-1", "H26-2"])),
            **given,
        )
        came.append(Came(one, arrived))
    return came


plans = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["commit", "crash", "reread", "go on"])), max_size=12
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams(), plans)
def test_what_is_counted_is_what_a_plain_recount_counts_wherever_it_crashes(
    shared: Engine, came: list[Came], plan: list[tuple[int, str]]
) -> None:
    """However steps are ordered and cut into batches, committed, read again, or lost with the process."""
    topic = f"t{next(_topics)}"
    assert play(shared, topic, came, plan, dedupe_window=FOR_EVER) == recount(came)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams(), st.randoms(use_true_random=False))
def test_steps_in_any_order_and_again_count_alike(shared: Engine, came: list[Came], lot: object) -> None:
    """What is known of a dossier depends on its steps alone, even where ids of long ago are forgotten."""
    fresh = [Came(one.decoded, ARRIVED) for one in came if not isinstance(one.decoded, Rejection)]
    ids = {one.decoded.id: one for one in fresh if not isinstance(one.decoded, Rejection)}
    once = list(ids.values())
    mixed = [*once, *once]
    lot.shuffle(mixed)  # type: ignore[attr-defined]
    first, second = f"t{next(_topics)}", f"t{next(_topics)}"
    inorder = play(shared, first, once, [(3, "commit")] * 9)
    again = play(shared, second, mixed, [(2, "commit")] * 30, dedupe_max_ids=2)
    assert inorder["cells"] == again["cells"]


def test_a_bumpy_ride_ends_alike_on_both_databases(engine: Engine) -> None:
    """A fixed one, as hypothesis only rides on SQLite; many rows, which PostgreSQL copies, and few."""
    came = [
        Came(
            dossier(
                STEPS[number % len(STEPS)] if number >= 300 else "received",
                MOMENT + timedelta(hours=number % 400),
                id=f"e{number % 880}",
                agency=("MOH", "GOV-M5", "MPS", STRANGER)[number % 4],
                dossier=f"H26-{number % 300}",
                **({"rating": 5} if STEPS[number % len(STEPS)] == "rated" and number >= 300 else {}),
                **(
                    {"procedure": "1.001193", "promised": "2026-10-14"}
                    if number < 300 or STEPS[number % len(STEPS)] == "received"
                    else {}
                ),
            ),
            MOMENT + timedelta(days=17),
        )
        for number in range(900)
    ]
    plan = [(7, "commit"), (5, "crash"), (400, "commit"), (1, "reread"), (30, "crash"), (300, "commit")]
    assert play(engine, "t", came, plan, dedupe_window=FOR_EVER) == recount(came)


def test_a_late_step_lands_in_its_own_period(engine: Engine) -> None:
    """What lapsed in October is taken out of it when a completion in time comes to be known in December."""
    owner = Owner(engine)
    owner.fold(dossier(promised="2026-10-12"))
    owner.commit()
    october = date(2026, 10, 1), date(2026, 10, 31)
    assert sums_of(engine, *october, date(2026, 10, 12))["MOH"] == {"received": 1}
    lapsed = {"received": 1, "lapsed": 1}
    assert sums_of(engine, *october, date(2026, 10, 13))["MOH"] == lapsed
    assert sums_of(engine, *october, date(2026, 12, 1))["MOH"] == lapsed
    owner.fold(dossier("completed", MOMENT + timedelta(days=3), id="D-2"))
    owner.commit()
    assert sums_of(engine, *october, date(2026, 12, 1))["MOH"] == {
        "received": 1, "completed": 1, "on_time": 1, "handled": 1, "handling_days": 3,
    }  # fmt: skip
    assert "MOH" not in sums_of(engine, date(2026, 11, 1), date(2026, 12, 31), date(2027, 1, 1))


def test_a_dossier_goes_on_under_the_code_that_its_agency_had(engine: Engine) -> None:
    """An agency that got another code in between has one dossier, and it counts under the present code."""
    before = made(agencies=(agency("GOV-M5"), agency("MPS"), agency("VSS")), services=SERVICES)
    owner = Owner(engine, registry=before)
    owner.fold(dossier(agency="GOV-M5"))
    owner.commit()
    owner = Owner(engine)
    owner.fold(dossier("completed", MOMENT + timedelta(days=1), id="D-2", agency="MOH"))
    owner.commit()
    assert held(engine)["dossiers"] == {("GOV-M5", "H26.12-1")}
    assert sums_of(engine, date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 1))["MOH"]["on_time"] == 1


def test_changed_rules_count_a_dossier_once(engine: Engine) -> None:
    """What was counted by former rules is taken out as it was counted."""
    Owner(engine)
    owner = Owner(engine)
    owner.fold(dossier(), dossier("rated", MOMENT, id="D-2", rating=4))
    owner.commit()
    changed = QualityRules(satisfied_from=5)
    owner = Owner(engine, terms=type(TERMS)(changed, TERMS.calendar, TERMS.zone))
    owner.fold(dossier("digitised", id="D-3"))
    owner.commit()
    day = date(2026, 10, 5)
    assert {key: count for key, count in held(engine)["cells"].items() if key[3] != "lapsed"} == {
        (day, "MOH", "other", "received"): 1,
        (day, "MOH", "other", "rated"): 1,
    }


def test_nothing_of_dossiers_stays_in_memory_after_a_commit(engine: Engine) -> None:
    """Open dossiers are read when they are touched: memory holds what came since the last commit."""
    owner = Owner(engine)
    changes = owner.fold(*(dossier(id=f"e{n}", dossier=f"H26-{n}") for n in range(50)))
    assert len(changes.heard) == 50
    assert changes.held_bytes > 0
    owner.commit()
    assert not owner.ledger.changes.heard
    assert not owner.ledger.changes.held_bytes


def test_steps_that_are_told_days_later_do_not_age_the_pipeline(engine: Engine) -> None:
    """The metric of event age is about how fast the monitor is; agencies send dossiers when they can."""
    assert not Owner(engine).fold(dossier()).ages


def test_the_metrics_are_told_what_was_written(engine: Engine) -> None:
    """Steps by agency, what came again, what came late, and dossiers with more steps than are kept."""
    owner = Owner(engine)
    many = [dossier("supplement_requested", MOMENT + timedelta(minutes=n), id=f"s{n}") for n in range(20)]
    owner.fold(dossier(), dossier(), dossier(id="D-9", agency=STRANGER), *many)
    written = owner.commit()
    assert written.steps == {
        ("MOH", "received"): 1,
        ("unregistered", "received"): 1,
        ("MOH", "supplement_requested"): 20,
    }
    assert (written.duplicates, written.full) == (1, 1)
    owner.fold(dossier("completed", id="D-10"))
    assert owner.commit().full == 0  # told once


def test_a_second_owner_is_fenced_and_writes_nothing(engine: Engine) -> None:
    """The offset in the database decides."""
    first, second = Owner(engine), Owner(engine)
    first.fold(dossier())
    first.commit()
    second.fold(dossier(id="D-2", dossier="H26-2"))
    with pytest.raises(Fenced):
        second.commit()
    assert held(engine)["dossiers"] == {("MOH", "H26.12-1")}


def test_what_fails_beside_it_undoes_everything(engine: Engine) -> None:
    """And the same can be written again."""
    owner = Owner(engine)
    owner.fold(dossier())
    taken = owner.ledger.take()

    def fails(_: Connection) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        owner.store.write(taken, NOW, [fails])
    assert not held(engine)["cells"]
    owner.store.write(taken, NOW)
    assert held(engine)["dossiers"] == {("MOH", "H26.12-1")}


def test_dossiers_not_heard_of_for_long_are_forgotten_and_still_counted(engine: Engine) -> None:
    """The oldest first, so many at a time; what they count for stays."""
    owner = Owner(engine)
    for number in range(4):
        at = MOMENT + timedelta(hours=number)
        owner.fold(dossier(time=at, id=f"r{number}", dossier=f"H26-{number}"))
        if number % 2:
            owner.fold(dossier("completed", at, id=f"c{number}", dossier=f"H26-{number}"))
    owner.commit()
    before = held(engine)["cells"]
    with engine.begin() as connection:
        assert prune_dossiers(connection, MOMENT, 10) == 0
        assert prune_dossiers(connection, MOMENT + timedelta(hours=3), 2) == 2
        assert connection.execute(select(dossiers.c.dossier)).scalars().all() == ["H26-2", "H26-3"]
        assert prune_dossiers(connection, MOMENT + timedelta(hours=3), 2) == 1
    assert held(engine)["cells"] == before
