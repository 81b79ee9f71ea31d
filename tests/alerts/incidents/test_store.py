"""Incidents in the database: once for each source, numbered, with a trail, and their clock's alerts."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, func, select

from alerts.incidents import changes, store
from alerts.incidents.model import Report
from alerts.incidents.sources import from_alert, from_security_event
from alerts.incidents.store import (
    change_incident,
    changes_of,
    find_incident,
    list_incidents,
    read_standing,
    take_clock_detections,
)
from alerts.incidents.tables import incidents
from alerts.incidents.words import Tier
from alerts.lifecycle.tables import alerts
from monitor.errors import UsageProblem
from monitor.storage.tables import metadata
from tests.alerts.incidents.conftest import TABLES
from tests.alerts.incidents.parts import HOUR, event, open_alerts, opening, report, rule, tick
from tests.builders import MOMENT, ZONE, ms

NOW = MOMENT + HOUR


def test_what_is_stored_comes_back_as_it_was(engine: Engine) -> None:
    """Every field, in both databases."""
    full = report(
        categories=("họ tên", "b"),
        records=2**53,
        persons=0,
        services=("a.b",),
        agreements=("AGR-1",),
        alerts=("x/1",),
        events=("E-1",),
        slots={"cause": "dòng một\ndòng hai"},
    )
    (opened,) = opening(engine, [full], NOW).incidents
    assert opened.id == "INC-2026-0001"
    with engine.begin() as connection:
        assert find_incident(connection, opened.id) == opened
        (line,) = changes_of(connection, opened.id)
    assert (line.desk, line.what, line.at, line.values["agency"]) == ("monitor", "opened", NOW, "MOH")


def test_numbers_are_counted_by_the_year_of_detection_in_the_zone(engine: Engine) -> None:
    """At 20:00 UTC on New Year's Eve the agency's calendar already shows January."""
    eve = datetime(2026, 12, 31, 20, 0, tzinfo=UTC)
    found = opening(
        engine,
        [report("a"), report("b", detected_at=eve), report("c", detected_at=MOMENT + HOUR)],
    )
    assert [one.id for one in found.incidents] == ["INC-2026-0001", "INC-2026-0002", "INC-2027-0001"]
    assert [one.id for one in opening(engine, [report("d")]).incidents] == ["INC-2026-0003"]


def test_a_report_that_comes_again_opens_nothing(engine: Engine) -> None:
    """In the same batch or a later one, however the incident stands by then."""
    first = opening(engine, [report(), report()])
    assert (len(first.incidents), first.known) == (1, 1)
    with engine.begin() as connection:
        change_incident(
            connection,
            first.incidents[0].id,
            lambda one: changes.close(one, "test data", NOW, not_notifiable=True),
            what="not notifiable",
            desk="soc",
            now=NOW,
        )
    again = opening(engine, [report()])
    assert (again.incidents, again.known) == ([], 1)


EVENTS = [event(f"E-{n}", agency=agency) for n in range(4) for agency in ("MOH", "VSS")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.lists(st.sampled_from(EVENTS), max_size=6), max_size=5))
def test_any_repetition_and_order_of_events_gives_one_incident_for_each(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[object]]
) -> None:
    """However they are cut into transactions."""
    from monitor.settings import load_settings
    from monitor.storage.engine import open_engine

    folder: Path = tmp_path_factory.mktemp("incidents")
    engine = open_engine(load_settings(database_url=f"sqlite:///{folder}/monitor.db").sqlalchemy_url)
    metadata.create_all(engine, tables=TABLES)
    expected = {(one.agency, one.id) for batch in batches for one in batch}  # type: ignore[attr-defined]
    for batch in batches:
        reports = [from_security_event(one) for one in batch]  # type: ignore[arg-type]
        opening(engine, [one for one in reports if one is not None])
    with engine.begin() as connection:
        held = list_incidents(connection)
    engine.dispose()
    assert sorted((one.agency, one.events[0]) for one in held) == sorted(expected)
    assert sorted(one.id for one in held) == [f"INC-2026-{n:04d}" for n in range(1, len(held) + 1)]


def test_an_incident_goes_with_the_transaction_that_opened_it(engine: Engine) -> None:
    """Rolled back, it never was, and its number is given to the next."""
    with engine.connect() as connection:
        assert store.open_incidents(connection, [report("a")], zone=ZONE, now=NOW).incidents
        connection.rollback()
    assert [one.id for one in opening(engine, [report("b")]).incidents] == ["INC-2026-0001"]


def test_workers_at_once_open_one_incident_for_a_source_and_give_no_number_twice(engine: Engine) -> None:
    """Each of four reports all sources, in another order, at the same time."""
    sources = [f"s-{n}" for n in range(12)]
    barrier = threading.Barrier(4)
    failures: list[BaseException] = []

    def work(turn: int) -> None:
        try:
            barrier.wait(20)
            for start in range(0, 12, 3):
                order = sources[start + turn :] + sources[: start + turn]
                opening(engine, [report(name) for name in order[:5]])
        except BaseException as why:  # noqa: BLE001  # told by the test
            failures.append(why)

    threads = [threading.Thread(target=work, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    with engine.begin() as connection:
        held = list_incidents(connection)
    assert sorted(one.source for one in held) == sorted(sources)
    assert sorted(one.id for one in held) == [f"INC-2026-{n:04d}" for n in range(1, 13)]


def test_a_flood_of_one_agency_is_bounded_and_counted(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others still get theirs, up to a limit for all; settling makes room."""
    monkeypatch.setattr(store, "MAX_UNSETTLED_PER_AGENCY", 3)
    monkeypatch.setattr(store, "MAX_UNSETTLED", 4)
    flood = opening(engine, [report(f"f-{n}", personal_data="no") for n in range(5)])
    assert (len(flood.incidents), flood.refused) == (3, 2)
    other = opening(engine, [report("o-1", agency="VSS"), report("o-2", agency="VSS")])
    assert (len(other.incidents), other.refused) == (1, 1)
    with engine.begin() as connection:
        change_incident(
            connection,
            flood.incidents[0].id,
            lambda one: changes.close(one, "done", NOW),
            what="closed",
            desk="soc",
            now=NOW,
        )
    assert len(opening(engine, [report("f-9")]).incidents) == 1


def test_incidents_are_listed_by_what_is_due_first(engine: Engine) -> None:
    """With `unsettled`, without those that are done; with a limit, the first."""
    late = report("late", detected_at=MOMENT + HOUR)
    found = opening(engine, [late, report("early"), report("done", personal_data="no")])
    done = next(one for one in found.incidents if one.source == "done")
    with engine.begin() as connection:
        change_incident(
            connection, done.id, lambda one: changes.close(one, "x", NOW), what="closed", desk="soc", now=NOW
        )
        assert len(list_incidents(connection)) == 3
        unsettled = list_incidents(connection, unsettled=True)
        assert list_incidents(connection, unsettled=True, limit=1) == unsettled[:1]
    assert [one.source for one in unsettled] == ["early", "late"]


def test_every_step_is_in_the_trail_and_an_empty_one_is_not(engine: Engine) -> None:
    """What, when, which desk, and the new values; a step that is refused leaves nothing."""
    (one,) = opening(engine, [report()]).incidents
    with engine.begin() as connection:
        for _ in range(2):
            change_incident(
                connection,
                one.id,
                lambda held: changes.amend(held, {"records": 9}, {"cause": "x"}, NOW),
                what="amended",
                desk="MOH/data-office",
                now=NOW,
            )
        with pytest.raises(changes.NotPossible):
            change_incident(
                connection, one.id, lambda held: changes.close(held, "x", NOW), what="c", desk="soc", now=NOW
            )
        trail = changes_of(connection, one.id)
        assert find_incident(connection, one.id).records == 9
    assert [(line.number, line.what, line.desk) for line in trail] == [
        (1, "opened", "monitor"),
        (2, "amended", "MOH/data-office"),
    ]
    assert trail[1].values == {"records": 9, "slots": {"cause": "x"}}


def test_an_id_that_is_none_is_wrong_use(engine: Engine) -> None:
    """The message names the command that lists them."""
    with engine.begin() as connection, pytest.raises(UsageProblem, match="incidents list"):
        find_incident(connection, "INC-2026-9999")


def test_each_threshold_is_given_out_once_and_goes_with_its_transaction(engine: Engine) -> None:
    """Rolled back, it comes again; given out, it does not. What was passed meanwhile is past."""
    opening(engine, [report()])
    later = MOMENT + 50 * HOUR
    with engine.connect() as connection:
        assert len(take_clock_detections(connection, later)) == 1
        connection.rollback()
    with engine.begin() as connection:
        assert len(take_clock_detections(connection, later)) == 1
    with engine.begin() as connection:
        assert take_clock_detections(connection, later) == []
        assert len(take_clock_detections(connection, later + 20 * HOUR)) == 1


def test_a_clock_has_one_alert_at_a_time_and_what_it_says_is_true(engine: Engine) -> None:
    """The next one resolves the one before; of an incident that is reported late only the last is told."""
    opening(engine, [report()])
    told: dict[int, list[str]] = {24: [], 48: ["due within 48 hours"], 66: ["due within 24 hours"]}
    told |= {70: ["due within 6 hours"], 72: 2 * ["due within 6 hours"], 80: 2 * ["overdue"]}
    for hour in range(80):
        now = MOMENT + hour * HOUR
        if hour == 70:
            opening(engine, [report("late")], now)
        tick(engine, now)
        with engine.connect() as connection:
            said = connection.execute(select(alerts.c.title).where(alerts.c.state == "open")).scalars().all()
        expected = next(titles for before, titles in told.items() if hour < before)
        assert said == [f"A breach notice is {what}" for what in expected], hour
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(alerts)).scalar_one() == 6


def test_the_clocks_alerts_stay_open_until_a_desk_notifies(engine: Engine) -> None:
    """However quiet it is meanwhile; opened again, the alerts are back; without personal data they end."""
    from alerts.lifecycle.upkeep import resolve_quiet

    (one,) = opening(engine, [report()]).incidents
    later = MOMENT + 71 * HOUR
    tick(engine, later)
    assert open_alerts(engine) == 1
    month = later + timedelta(days=30)
    with engine.begin() as connection:
        resolve_quiet(connection, month, month)
    assert open_alerts(engine) == 1
    with engine.begin() as connection:
        change_incident(
            connection,
            one.id,
            lambda held: changes.notify(held, later, "1", later),
            what="notified",
            desk="soc",
            now=later,
        )
    assert open_alerts(engine) == 0
    tick(engine, later + HOUR)
    assert open_alerts(engine) == 0
    again = later + 2 * HOUR
    with engine.begin() as connection:
        change_incident(
            connection,
            one.id,
            lambda held: changes.reopen(held, "more", again),
            what="reopened",
            desk="soc",
            now=again,
        )
    tick(engine, again)
    assert open_alerts(engine) == 1
    with engine.begin() as connection:
        change_incident(
            connection,
            one.id,
            lambda held: changes.amend(held, {"personal_data": "no"}, {}, again),
            what="amended",
            desk="soc",
            now=again,
        )
    assert open_alerts(engine) == 0


def test_the_standing_shows_due_notices_and_counts_tiers(engine: Engine) -> None:
    """Only clocks that run are due; what is not settled counts."""
    rows: list[Report] = [
        report("a"),
        report("b", personal_data="no", tier=Tier.MINOR),
        report("c", personal_data="unknown"),
    ]
    found = {one.source: one for one in opening(engine, rows).incidents}
    with engine.begin() as connection:
        change_incident(
            connection,
            found["c"].id,
            lambda one: changes.notify(one, NOW, "1", NOW),
            what="notified",
            desk="soc",
            now=NOW,
        )
        standing = read_standing(connection)
    assert standing.due == {found["a"].id: MOMENT + 72 * HOUR}
    assert {int(tier): count for tier, count in standing.by_tier.items()} == {1: 0, 2: 1, 3: 0, 4: 2, 5: 0}


def test_nothing_to_open_touches_nothing(engine: Engine) -> None:
    """Most transactions of a worker open none."""
    with engine.begin() as connection:
        assert store.open_incidents(connection, [], zone=ZONE, now=NOW) == store.Opened()
        assert connection.execute(select(func.count()).select_from(incidents)).scalar() == 0


def test_an_event_and_the_alert_on_it_are_one_incident(engine: Engine) -> None:
    """Reported together in any order, or the event first; the alert is noted, once."""
    told = from_security_event(event(count=900))
    alert = from_alert(rule(), "MOH", "a1/1", ms(MOMENT), events=["E-1", "E-2"])
    assert told is not None
    assert alert is not None
    for reports in ([alert, told], [told, alert], [alert]):
        opening(engine, reports)
    with engine.begin() as connection:
        (held,) = list_incidents(connection)
        trail = changes_of(connection, held.id)
    assert (held.kind, held.records, held.alerts) == ("leak_confirmed", 900, ("a1/1",))
    assert [line.what for line in trail] == ["opened", "linked"]


def test_alerts_on_the_same_events_are_one_incident_and_others_are_not(engine: Engine) -> None:
    """Two rules that see one leak; another agency's event of the same id is another leak."""
    first = from_alert(rule(), "MOH", "a1/1", ms(MOMENT), events=["E-1", "E-2"])
    second = from_alert(rule(id="other"), "MOH", "b2/1", ms(MOMENT), events=["E-2", "E-3"])
    elsewhere = from_alert(rule(), "VSS", "c3/1", ms(MOMENT), events=["E-1"])
    next_episode = from_alert(rule(), "MOH", "a1/2", ms(MOMENT + 9 * HOUR), events=["E-9"])
    for one in (first, second, elsewhere, next_episode, second):
        assert one is not None
        opening(engine, [one])
    with engine.begin() as connection:
        held = list_incidents(connection)
    assert sorted(one.alerts for one in held) == [("a1/1", "b2/1"), ("a1/2",), ("c3/1",)]


def test_an_update_of_an_incident_is_known_by_its_own_event_too(engine: Engine) -> None:
    """So that an alert on the update belongs to the incident."""
    for name in ("E-1", "E-2"):
        told = from_security_event(event(name, detail={"finding": "F-9"}))
        assert told is not None
        opening(engine, [told])
    alert = from_alert(rule(), "MOH", "a1/1", ms(MOMENT), events=["E-2"])
    assert alert is not None
    assert opening(engine, [alert]).known == 1
    with engine.begin() as connection:
        assert [one.alerts for one in list_incidents(connection)] == [("a1/1",)]
