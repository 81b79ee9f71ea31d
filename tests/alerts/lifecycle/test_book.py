"""Detections become alerts: what opens, joins, ends and begins again, on both databases."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import select

from alerts.lifecycle import store, upkeep
from alerts.lifecycle.alert import alert_id
from alerts.lifecycle.book import OTHER_GROUPS, AlertBook
from alerts.lifecycle.tables import outbox, series
from alerts.model import EVIDENCE, Level
from tests.alerts.lifecycle.parts import (
    FAR,
    LONG_AFTER,
    MINUTE,
    NOW,
    RULE,
    Desk,
    detection,
    info,
    kinds,
    rule_set,
)
from tests.builders import MOMENT


def test_a_detection_opens_an_alert(desk: Desk) -> None:
    """It carries what the rule says and what was found, and the change is noted."""
    changes = desk.find(detection(until=2, count=3, events=["b", "a"], seen=40, expected=12.5))
    assert kinds(changes) == [("opened", 1)]
    (one,) = desk.alerts()
    assert one == changes[0].alert
    assert (one.title, one.title_vi) == ("Many denied requests", "Nhiều yêu cầu bị từ chối")
    assert (one.level, one.risk_score, one.agency, one.owner) == (Level.MEDIUM, 45, "MOH", "soc")
    assert (one.first_time, one.last_time, one.count) == (MOMENT, MOMENT + 2 * MINUTE, 3)
    assert [each.event_id for each in one.evidence] == ["a", "b"]
    assert one.facts == {"seen": 40, "expected": 12.5}
    assert one.group == (("service", "population.verify-identity"),)
    assert one.id == alert_id(one.rule, one.agency, one.group)
    assert (one.opened_at, one.state, one.episode) == (NOW, "open", 1)
    assert desk.history(one) == [(1, "opened")]


def test_more_of_the_same_is_added_and_nobody_is_told_again(desk: Desk) -> None:
    """Counts add, the span grows both ways, evidence is the first and the last events."""
    desk.find(detection(10, count=2, events=["m"]))
    assert desk.find(detection(5, events=["early"]), detection(30, count=4, events=["late"])) == []
    (one,) = desk.alerts()
    assert (one.count, one.first_time, one.last_time) == (7, MOMENT + 5 * MINUTE, MOMENT + 30 * MINUTE)
    desk.find(detection(31, events=[f"e{number:02}" for number in range(15)]))
    (one,) = desk.alerts()
    assert [each.event_id for each in one.evidence][:3] == ["early", "m", "late"]
    assert [each.event_id for each in one.latest] == [f"e{number:02}" for number in range(5, 15)]
    assert len(one.evidence) == len(one.latest) == EVIDENCE
    assert desk.history(one) == [(1, "opened")]


def test_rules_agencies_and_groups_have_alerts_of_their_own(desk: Desk) -> None:
    """The id is that of all three."""
    desk.rules = rule_set(info(), info("other"))
    desk.find(
        detection(), detection(service="tax.lookup-code"), detection(rule="other"), detection(agency="VSS")
    )
    assert len({one.id for one in desk.alerts()}) == 4


def test_an_alert_ends_when_event_time_has_passed_its_quiet_time(desk: Desk) -> None:
    """Not a moment before, and never by the clock alone."""
    desk.find(detection(10))
    assert desk.quiet(40, now=NOW + LONG_AFTER) == []
    (change,) = desk.quiet(40.01, now=NOW + MINUTE * 5)
    assert (change.kind, change.alert.state, change.alert.resolved_at) == (
        "resolved",
        "resolved",
        NOW + MINUTE * 5,
    )
    assert desk.alerts() == [change.alert]
    assert desk.quiet(99) == []


def test_an_alert_found_late_is_seen_before_it_ends(desk: Desk) -> None:
    """However old its events are, it stays open for a while by the clock."""
    desk.find(detection(0), now=NOW)
    assert desk.quiet(5000, now=NOW + upkeep.SEEN_AFTER - MINUTE) == []
    assert kinds(desk.quiet(5000, now=NOW + upkeep.SEEN_AFTER)) == [("resolved", 1)]


def test_what_comes_after_the_quiet_time_is_a_new_episode(desk: Desk) -> None:
    """Under the same id, with the next number, whether the last one was already resolved or not."""
    desk.find(detection(0))
    desk.quiet(31)
    assert kinds(desk.find(detection(30.01))) == [("opened", 2)]
    assert kinds(desk.find(detection(70))) == [("resolved", 2), ("opened", 3)]
    first, second, third = desk.alerts()
    assert first.id == second.id == third.id
    assert [one.state for one in (first, second, third)] == ["resolved", "resolved", "open"]


def test_a_late_detection_joins_the_episode_that_it_lies_in(desk: Desk) -> None:
    """Also a resolved one, which stays resolved, as it says nothing of its end."""
    desk.find(detection(0, until=20))
    desk.quiet(60)
    desk.find(detection(100))
    assert desk.find(detection(10, count=5)) == []
    first, second = desk.alerts()
    assert (first.count, first.state, second.count) == (6, "resolved", 1)


def test_a_late_detection_after_the_end_opens_the_episode_again(desk: Desk) -> None:
    """It had gone on: it is told as new, and ends when quiet has come indeed."""
    desk.find(detection(0))
    desk.quiet(31)
    (change,) = desk.find(detection(25))
    assert (change.kind, change.alert.episode, change.alert.count) == ("reopened", 1, 2)
    assert desk.quiet(40) == []
    assert kinds(desk.quiet(56)) == [("resolved", 1)]


def test_a_detection_between_two_episodes_makes_them_one(desk: Desk) -> None:
    """The open one stays, with all that both had; the other is gone, and its history says where to."""
    desk.find(detection(0, count=2, events=["a"]))
    desk.find(detection(50, count=3, events=["z"]))
    changes = desk.find(detection(25, count=4))
    assert kinds(changes) == [("merged", 1)]
    assert changes[0].note == "into episode 2"
    (one,) = desk.alerts()
    assert (one.episode, one.state, one.count, one.first_time) == (2, "open", 9, MOMENT)
    assert [each.event_id for each in one.evidence] == ["a", "z"]
    assert desk.history(one) == [(1, "opened"), (1, "resolved"), (2, "opened"), (1, "merged")]


def test_a_number_is_given_once(desk: Desk) -> None:
    """Not again after its episode went into another."""
    for minute in (0, 100, 50, 75, 25):
        desk.find(detection(minute))
    assert [one.episode for one in desk.alerts()] == [2]
    assert kinds(desk.find(detection(1000))) == [("resolved", 2), ("opened", 4)]


def test_an_episode_from_before_an_open_one_is_over_when_it_is_found(desk: Desk) -> None:
    """Of one rule and group only the newest in event time is open."""
    desk.find(detection(500))
    assert kinds(desk.find(detection(0))) == [("opened", 2), ("resolved", 2)]
    assert [(one.episode, one.state) for one in desk.alerts()] == [(2, "resolved"), (1, "open")]


def test_a_rule_that_is_no_longer_loaded_still_has_alerts(desk: Desk) -> None:
    """Its detections were made while it was; the alert says so in both languages."""
    desk.find(detection(rule="gone"))
    (one,) = desk.alerts()
    assert (one.title, one.title_vi) == ("Rule no longer loaded: gone", "Quy tắc không còn được nạp: gone")
    assert one.level is Level.MEDIUM
    assert kinds(desk.quiet(31)) == [("resolved", 1)]


def test_an_open_alert_keeps_what_it_was_told_with(desk: Desk) -> None:
    """A rule that changes in between changes the next episode, not the labels of one that is under way."""
    desk.find(detection(0))
    desk.rules = rule_set(info(title="Another title", level=Level.HIGH))
    desk.find(detection(1))
    desk.find(detection(100))
    first, second = desk.alerts()
    assert (first.title, first.count, second.title) == ("Many denied requests", 2, "Another title")


def test_repeats_come_at_growing_intervals_while_it_lasts(desk: Desk) -> None:
    """After 5 minutes, then 15, an hour, four hours, and then daily."""
    desk.find(detection())
    at, told = NOW, []
    for minutes in (5, 15, 60, 240, 1440, 1440):
        assert desk.repeat(at + minutes * MINUTE - timedelta(seconds=1)).changes == []
        at += minutes * MINUTE
        told += kinds(desk.repeat(at).changes)
    assert told == [("repeated", 1)] * 6
    assert desk.alerts()[0].repeats == 6
    desk.quiet(31, now=at + LONG_AFTER)
    assert desk.repeat(FAR).changes == []


def test_an_outage_is_followed_by_one_repeat(desk: Desk) -> None:
    """Not by all that were missed."""
    desk.find(detection())
    assert kinds(desk.repeat(NOW + LONG_AFTER).changes) == [("repeated", 1)]
    assert desk.repeat(NOW + LONG_AFTER).changes == []


def test_an_acknowledged_alert_holds_its_repeats_back_and_counts_them(desk: Desk) -> None:
    """Except a critical one, of which its desk hears once a day."""
    desk.rules = rule_set(info(), info("worst", level=Level.CRITICAL))
    desk.find(detection(), detection(rule="worst"))
    for one in desk.alerts():
        assert desk.take(one, "MOH/data-office", "asked for the log")
    assert desk.repeat(NOW + timedelta(hours=23)) == ([], 0)
    repeats = desk.repeat(NOW + timedelta(hours=24))
    assert [change.alert.rule for change in repeats.changes] == ["worst"]
    assert repeats.suppressed == 1
    assert {one.rule: (one.repeats, one.suppressed) for one in desk.alerts()} == {
        "worst": (1, 0),
        "denied-requests": (0, 1),
    }


def test_an_acknowledgement_is_kept_and_noted(desk: Desk) -> None:
    """Who, why and when; only of an open alert."""
    desk.find(detection())
    (one,) = desk.alerts()
    change = desk.take(one, "soc/night", "  asked the\nprovider ", now=NOW + MINUTE)
    assert change is not None
    (one,) = desk.alerts()
    assert (one.acknowledged_by, one.acknowledged_why) == ("soc/night", "asked the provider")
    assert one.acknowledged_at == NOW + MINUTE
    assert desk.history(one) == [(1, "opened"), (1, "acknowledged")]
    desk.quiet(31)
    assert desk.take(one) is None


def test_a_flood_of_groups_is_put_together(desk: Desk) -> None:
    """Alerts beyond the bound share one an agency, and no count is lost; groups that are open go on."""
    desk.open_per_rule = 5
    flood = [detection(0, service=f"s{number:03}", agency="MOH") for number in range(40)]
    desk.find(*flood)
    desk.find(*flood, detection(0, service="x", agency="nobody"))
    found = desk.alerts()
    others = [one for one in found if one.group == OTHER_GROUPS]
    assert len(found) == 5 + 2
    assert sorted((one.agency, one.count) for one in others) == [("MOH", 70), ("unregistered", 1)]
    assert sum(one.count for one in found) == 81
    assert {one.title for one in others} == {"Many denied requests (further groups)"}


def test_groups_of_built_in_rules_are_not_put_together(desk: Desk) -> None:
    """Their alerts are ended by group; one that is loaded from a folder is bounded like any."""
    flood = [detection(0, rule=rule, service=f"s{n}") for rule in ("clock", RULE) for n in range(9)]
    built_in = [info("clock"), info()]
    few = AlertBook(rule_set(info()), desk.registry, built_in=built_in, open_per_rule=2)
    with desk.engine.begin() as connection:
        few.write(connection, flood, NOW)
        few.write(connection, flood[:9], NOW)
    found = Counter((one.rule, one.group == OTHER_GROUPS) for one in desk.alerts())
    assert found == {("clock", False): 9, (RULE, False): 2, (RULE, True): 1}


def test_names_from_outside_cannot_spoil_the_transaction(desk: Desk) -> None:
    """Neither NUL nor half a surrogate pair nor great length, in group, agency or evidence."""
    bad = "a\0b\ud800" + "x" * 300
    desk.find(detection(service=bad, agency=bad, events=[bad], seen=bad))
    (one,) = desk.alerts()
    assert (len(one.agency), dict(one.group)["service"]) == (200, bad)
    desk.find(detection(1, service=bad, agency=bad))
    assert desk.alerts()[0].count == 2


def test_readers_get_what_they_ask_for(desk: Desk) -> None:
    """Open ones, those that ended, those that changed; by state, agency, level, rule and time."""
    desk.rules = rule_set(info(), info("high", level=Level.HIGH))
    desk.find(detection(0), detection(0, rule="high", agency="VSS"))
    desk.quiet(31, now=NOW + 5 * MINUTE)
    desk.find(detection(100), now=NOW + 9 * MINUTE)
    with desk.engine.connect() as connection:
        (is_open,) = store.open_alerts(connection)
        assert (is_open.rule, is_open.episode) == ("denied-requests", 2)
        # What is open again is not over, whatever an earlier episode says.
        assert [one.rule for one in store.resolved_since(connection, NOW)] == ["high"]
        assert store.resolved_since(connection, NOW + 6 * MINUTE) == []
        assert [one.episode for one in store.changed_since(connection, NOW + 6 * MINUTE)] == [2]
        for wanted, count in (
            (store.Wanted(), 3),
            (store.Wanted(state="resolved"), 2),
            (store.Wanted(agency="VSS"), 1),
            (store.Wanted(least=Level.HIGH), 1),
            (store.Wanted(rule="denied-requests"), 2),
            (store.Wanted(since=MOMENT + MINUTE), 1),
            (store.Wanted(until=MOMENT), 0),
        ):
            assert (
                len(store.select_alerts(connection, wanted))
                == store.count_alerts(connection, wanted)
                == count
            )
        assert store.open_by_level(connection)[Level.MEDIUM] == 1
        assert store.find(connection, is_open.id) == is_open
        first = store.find(connection, is_open.id, 1)
        assert first is not None
        assert first.state == "resolved"
        assert store.find(connection, "0" * 16) is None
        assert store.ids_like(connection, is_open.id[:5]) == [is_open.id]


def test_old_alerts_are_deleted_with_their_history(desk: Desk) -> None:
    """Only those that were resolved before the time, a bounded number at once, and never an open one."""
    for minute in (0, 100, 200):
        desk.find(detection(minute), now=NOW + minute * MINUTE)
    desk.find(detection(0, service="tax.lookup-code"))
    desk.quiet(31)
    with desk.engine.begin() as connection:
        assert upkeep.prune(connection, NOW + 150 * MINUTE, limit=1) == 1
        assert upkeep.prune(connection, NOW + 150 * MINUTE) == 0
    assert [one.episode for one in desk.alerts() if "population" in str(one.group)] == [2, 3]
    with desk.engine.begin() as connection:
        assert upkeep.prune(connection, FAR) == 2
    (one,) = desk.alerts()
    assert (one.episode, one.state) == (3, "open")
    with desk.engine.connect() as connection:
        assert list(connection.execute(select(series.c.id)).scalars()) == [one.id]
        assert set(connection.execute(select(outbox.c.id)).scalars()) == {one.id}
    assert kinds(desk.find(detection(0, service="tax.lookup-code"))) == [("opened", 1)]


@pytest.mark.parametrize("rows", [1, 450])
def test_a_transaction_that_is_rolled_back_leaves_nothing(desk: Desk, rows: int) -> None:
    """And the same detections, written again, count once: in few rows and in many."""
    desk.open_per_rule = 1000
    found = [detection(service=f"s{number}") for number in range(rows)]
    with desk.engine.connect() as connection, connection.begin() as transaction:
        assert len(desk.book.write(connection, found, NOW)) == rows
        transaction.rollback()
    assert desk.alerts() == []
    desk.find(*found)
    assert [one.count for one in desk.alerts()] == [1] * rows
