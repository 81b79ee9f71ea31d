"""What comes in again of an incident, and the clock that starts again for it; on both databases."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy import Engine

from alerts.incidents import changes
from alerts.incidents.clock import CLOCK_RULES
from alerts.incidents.clock_alerts import tell_of_clocks
from alerts.incidents.model import Report
from alerts.incidents.sources import from_alert, from_security_event
from alerts.incidents.store import (
    change_incident,
    changes_of,
    find_incident,
    list_incidents,
    take_clock_detections,
)
from alerts.lifecycle.book import AlertBook
from alerts.rule import RuleSet
from tests.alerts.incidents.parts import HOUR, event, open_alerts, opening, report, rule, tick
from tests.builders import MOMENT, made, ms

NOW = MOMENT + HOUR


def test_names_from_outside_cannot_spoil_the_transaction(engine: Engine) -> None:
    """Neither NUL nor half a pair of surrogates nor blanks, in an event's id or an incident's; one each."""
    for number, name in enumerate(("a\0b", "a\ud800", "x ")):
        agency = f"A{number}"
        for detail in (None, {"finding": name}):
            told = from_security_event(event(name, agency=agency, kind="incident", detail=detail))
            assert told is not None
            opening(engine, [told])
        alert = from_alert(rule(), agency, f"a{number}/1", ms(MOMENT), events=[name])
        assert alert is not None
        opening(engine, [alert])
    with engine.begin() as connection:
        assert sorted(one.agency for one in list_incidents(connection)) == ["A0", "A1", "A2"]


def amended(engine: Engine, incident: str, now: datetime, **values: object) -> None:
    """What a desk puts right."""
    with engine.begin() as connection:
        change_incident(
            connection,
            incident,
            lambda held: changes.amend(held, values, {}, now),
            what="amended",
            desk="soc",
            now=now,
        )


def test_the_clocks_alerts_are_back_when_personal_data_were_concerned_after_all(engine: Engine) -> None:
    """What was told before a desk said no by mistake."""
    (one,) = opening(engine, [report()]).incidents
    late = MOMENT + 73 * HOUR
    tick(engine, late)
    assert open_alerts(engine) == 1
    amended(engine, one.id, late + HOUR, personal_data="no")
    assert open_alerts(engine) == 0
    amended(engine, one.id, late + 2 * HOUR, personal_data="yes")
    tick(engine, late + 2 * HOUR)
    assert open_alerts(engine) == 1


def update(name: str, personal_data: str, hours: int = 0) -> Report:
    """What an event tells of the incident INC-77 of its agency."""
    detail = {"incident_uid": "INC-77", "personal_data": personal_data}
    told = from_security_event(event(name, kind="incident", time=MOMENT + hours * HOUR, detail=detail))
    assert told is not None
    return told


@pytest.mark.parametrize("together", [True, False])
def test_a_later_report_of_personal_data_starts_the_clock(engine: Engine, together: bool) -> None:
    """In the same batch or another; the monitor itself stands in the trail."""
    first, second = update("E-1", "no"), update("E-2", "yes", 5)
    for batch in [[second, first]] if together else [[first], [second]]:
        opening(engine, batch, MOMENT + 5 * HOUR)
    with engine.begin() as connection:
        (held,) = list_incidents(connection)
        trail = changes_of(connection, held.id)
    assert (held.personal_data, held.events, held.detected_at) == ("yes", ("E-1", "E-2"), MOMENT)
    assert [(line.what, line.desk) for line in trail] == [
        ("opened", "monitor"),
        ("reported again", "monitor"),
    ]
    assert trail[1].values["personal_data"] == "yes"
    tick(engine, MOMENT + 50 * HOUR)
    assert open_alerts(engine) == 1


def test_what_was_settled_is_open_again_when_personal_data_are_reported(engine: Engine) -> None:
    """Once for each event: what came before a desk judged does not undo that when it comes again."""
    (one,) = opening(engine, [update("E-1", "no")]).incidents
    with engine.begin() as connection:
        change_incident(
            connection, one.id, lambda held: changes.close(held, "x", NOW), what="closed", desk="soc", now=NOW
        )
    opening(engine, [update("E-2", "yes", 5)], MOMENT + 80 * HOUR)
    with engine.begin() as connection:
        held = find_incident(connection, one.id)
    assert (held.status, held.personal_data, held.due_at) == ("open", "yes", MOMENT + 72 * HOUR)
    tick(engine, MOMENT + 80 * HOUR)
    assert open_alerts(engine) == 1
    amended(engine, one.id, MOMENT + 81 * HOUR, personal_data="no")
    again = [update("E-2", "yes", 5), update("E-1", "no"), update("E-3", "unknown", 6)]
    for batch in ([again[0]], again):
        opening(engine, batch, MOMENT + 82 * HOUR)
    with engine.begin() as connection:
        assert find_incident(connection, one.id).personal_data == "no"


def test_an_update_in_the_batch_that_opens_is_known_by_its_own_event_too(engine: Engine) -> None:
    """So that an alert on it belongs to the incident."""
    opening(engine, [update("E-1", "yes"), update("E-2", "yes", 1)])
    alert = from_alert(rule(), "MOH", "a1/1", ms(MOMENT), events=["E-2"])
    assert alert is not None
    assert opening(engine, [alert]).known == 1


def test_every_clocks_alerts_end_with_it_however_many_there_are(engine: Engine) -> None:
    """None is put together with others, where nobody would end it."""
    few = AlertBook(RuleSet((), ()), made(), built_in=CLOCK_RULES.values(), open_per_rule=3)
    found = opening(engine, [report(f"s-{number}") for number in range(10)]).incidents
    late = MOMENT + 80 * HOUR
    with engine.begin() as connection:
        tell_of_clocks(connection, few, take_clock_detections(connection, late), late)
    assert open_alerts(engine) == 10
    for one in found:
        amended(engine, one.id, late, personal_data="no")
    assert open_alerts(engine) == 0
