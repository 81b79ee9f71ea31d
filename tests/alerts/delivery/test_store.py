"""What an Alertmanager is to be told at a time, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine

from alerts.delivery.store import PAGE, DeliveryStore
from tests.alerts.delivery.parts import MINUTE, NOW, SECOND, alert, drop, marks, over, put

SHOWN = MINUTE
DAY = timedelta(days=1)


class Told:
    """A destination that takes everything."""

    def __init__(self, engine: Engine, since: datetime = NOW - DAY) -> None:
        self.store = DeliveryStore(engine, "am", SHOWN)
        self.since = self.store.register(since)
        self.started = NOW - DAY

    def due(self, at: datetime, *, full: bool = False) -> list[tuple[str, int, str]]:
        """Which alerts are due, of which episode, and as what."""
        pages = self.store.due(at, self.since, self.started, full=full)
        return [
            (due.alert.id, due.alert.episode, "resolved" if due.resolved else "open")
            for page in pages
            for due in page
        ]

    def take(self, at: datetime, *, full: bool = False) -> list[tuple[str, int, str]]:
        """The same, and take it."""
        found = self.due(at, full=full)
        for page in self.store.due(at, self.since, self.started, full=full):
            self.store.accepted(page, at)
        return found


def test_a_new_alert_is_due_at_once_and_then_only_in_full_rounds(engine: Engine) -> None:
    """However often its count moves on."""
    told = Told(engine)
    put(engine, alert())
    assert told.take(NOW) == [("a1", 1, "open")]
    put(engine, alert(count=90, changed_at=NOW + SECOND))
    assert told.due(NOW + SECOND) == []
    assert told.due(NOW + DAY, full=True) == [("a1", 1, "open")]


def test_a_resolution_is_repeated_for_a_quarter_of_an_hour_after_it_was_taken(engine: Engine) -> None:
    """And is due at once when it happens."""
    told = Told(engine)
    put(engine, alert())
    told.take(NOW)
    put(engine, over(alert(), NOW + 5 * MINUTE))
    assert told.take(NOW + 5 * MINUTE) == [("a1", 1, "resolved")]
    assert told.due(NOW + 6 * MINUTE) == []
    assert told.take(NOW + 19 * MINUTE, full=True) == [("a1", 1, "resolved")]
    assert told.due(NOW + 21 * MINUTE, full=True) == []


def test_a_resolution_is_due_until_it_is_taken(engine: Engine) -> None:
    """Also days later, if the destination knows the alert as open."""
    told = Told(engine)
    put(engine, alert())
    told.take(NOW)
    put(engine, over(alert(), NOW + 5 * MINUTE))
    assert told.due(NOW + 2 * DAY, full=True) == [("a1", 1, "resolved")]


def test_an_alert_that_came_and_went_unseen_is_shown_open_first(engine: Engine) -> None:
    """An Alertmanager that was away for an hour tells of it nevertheless."""
    told = Told(engine)
    put(engine, over(alert(), NOW + MINUTE))
    back = NOW + 60 * MINUTE
    assert told.take(back, full=True) == [("a1", 1, "open")]
    assert told.due(back + SHOWN - SECOND) == []
    assert told.due(back + SHOWN - SECOND, full=True) == [("a1", 1, "open")]
    assert told.take(back + SHOWN) == [("a1", 1, "resolved")]
    assert told.due(back + SHOWN) == []


def test_a_short_alert_is_shown_for_a_while(engine: Engine) -> None:
    """Its resolution waits, or the Alertmanager's group_wait would swallow it."""
    told = Told(engine)
    put(engine, alert())
    told.take(NOW)
    put(engine, over(alert(), NOW + SECOND))
    assert told.due(NOW + 2 * SECOND) == []
    assert told.store.undelivered(NOW + 2 * SECOND, told.since) == 0
    assert told.due(NOW + SHOWN) == [("a1", 1, "resolved")]
    assert told.store.undelivered(NOW + SHOWN, told.since) == 1


def test_what_a_restarted_destination_has_forgotten_is_shown_again(engine: Engine) -> None:
    """What is over meanwhile is shown as open first: its people wait for the end of what they were told."""
    told = Told(engine)
    put(engine, alert("over"), alert("open"))
    told.take(NOW)
    put(engine, over(alert("over"), NOW + 5 * MINUTE))
    told.started = NOW + 6 * MINUTE
    back = NOW + 7 * MINUTE
    assert told.store.undelivered(back, told.since, told.started) == 2
    assert told.take(back, full=True) == [("open", 1, "open"), ("over", 1, "open")]
    assert told.due(back + SECOND) == []
    assert told.take(back + SHOWN) == [("over", 1, "resolved")]
    assert told.store.undelivered(back + SHOWN, told.since, told.started) == 0


def test_what_was_over_before_a_destination_was_known_is_no_news_for_it(engine: Engine) -> None:
    """Nor what went unseen longer than a day ago; what is open is."""
    put(engine, over(alert("old"), NOW), alert("open", opened_at=NOW - DAY))
    told = Told(engine, since=NOW + SECOND)
    assert told.due(NOW + MINUTE, full=True) == [("open", 1, "open")]
    put(engine, over(alert("later"), NOW + MINUTE))
    assert told.store.register(NOW + DAY) == NOW + SECOND
    assert ("later", 1, "open") in told.due(NOW + 2 * MINUTE, full=True)
    assert ("later", 1, "open") not in told.due(NOW + 2 * DAY, full=True)


def test_an_alert_that_opens_again_is_due_at_once(engine: Engine) -> None:
    """Whether in the same episode or in the next."""
    told = Told(engine)
    for one in (alert("same"), alert("next")):
        put(engine, one)
        told.take(NOW)
        put(engine, over(one, NOW + 5 * MINUTE))
    told.take(NOW + 5 * MINUTE)
    again = {"changed_at": NOW + 6 * MINUTE}
    put(engine, alert("same", **again), alert("next", episode=2, opened_at=NOW + 6 * MINUTE, **again))
    expected = [("next", 2, "open"), ("same", 1, "open")]
    assert told.due(NOW + 6 * MINUTE, full=True) == expected
    assert told.take(NOW + 6 * MINUTE) == expected
    assert told.due(NOW + 6 * MINUTE) == []


def test_an_old_episodes_resolution_never_ends_the_next(engine: Engine) -> None:
    """All episodes have the same labels; only the open one is told, or the one resolved last."""
    told = Told(engine)
    first, second = alert(), alert(episode=2, opened_at=NOW + 2 * MINUTE)
    put(engine, first)
    told.take(NOW)
    put(engine, over(first, NOW + MINUTE), second)
    assert told.take(NOW + 2 * MINUTE, full=True) == [("a1", 2, "open")]
    put(engine, over(second, NOW + 4 * MINUTE))
    assert told.take(NOW + 4 * MINUTE, full=True) == [("a1", 2, "resolved")]
    assert told.due(NOW + 5 * MINUTE, full=True) == [("a1", 2, "resolved")]
    assert told.store.undelivered(NOW + 5 * MINUTE, told.since) == 0


def test_an_episode_that_was_merged_away_leaves_the_other_open(engine: Engine) -> None:
    """The kept one is told as it is."""
    told = Told(engine)
    first, second = alert(), alert(episode=2)
    put(engine, over(first, NOW), second)
    told.take(NOW, full=True)
    drop(engine, first)
    assert told.take(NOW + MINUTE, full=True) == [("a1", 2, "open")]


def test_a_refused_alert_is_tried_again_an_hour_later(engine: Engine) -> None:
    """With the reason kept until it is taken."""
    told = Told(engine)
    put(engine, alert())
    (page,) = told.store.due(NOW, told.since, full=False)
    told.store.refused(page[0], "HTTP 400: no", NOW)
    assert marks(engine)["a1"].refused == "HTTP 400: no"
    assert told.due(NOW + 59 * MINUTE, full=True) == []
    assert told.store.undelivered(NOW, told.since) == 1
    assert told.take(NOW + 60 * MINUTE, full=True) == [("a1", 1, "open")]
    assert (marks(engine)["a1"].refused, marks(engine)["a1"].refused_at) == (None, None)


def test_destinations_do_not_know_of_each_other(engine: Engine) -> None:
    """Each takes for itself."""
    told = Told(engine)
    put(engine, alert())
    told.take(NOW)
    other = DeliveryStore(engine, "other", SHOWN)
    assert [len(page) for page in other.due(NOW, other.register(NOW), full=False)] == [1]


def test_many_alerts_come_in_pages_each_once(engine: Engine) -> None:
    """Also when they are taken meanwhile."""
    told = Told(engine)
    put(engine, *(alert(f"a{number:04}", episode=number % 3) for number in range(2 * PAGE + 50)))
    sizes, seen = [], []
    for page in told.store.due(NOW, told.since, full=True):
        told.store.accepted(page, NOW)
        sizes.append(len(page))
        seen += [due.alert.id for due in page]
    assert sizes == [PAGE, PAGE, 50]
    assert len(set(seen)) == len(seen) == 2 * PAGE + 50


def test_marks_are_forgotten_when_they_hold_nothing_back(engine: Engine) -> None:
    """A resolution taken two days ago; and forgetting it sends nothing again."""
    told = Told(engine)
    put(engine, alert())
    told.take(NOW)
    put(engine, over(alert(), NOW + 5 * MINUTE))
    told.take(NOW + 5 * MINUTE)
    told.store.forget(NOW + DAY)
    assert "a1" in marks(engine)
    told.store.forget(NOW + 3 * DAY)
    assert marks(engine) == {}
    assert told.due(NOW + 3 * DAY, full=True) == []


@pytest.mark.parametrize("state", ["open", "resolved"])
def test_an_acknowledgement_is_no_reason_to_send_at_once(engine: Engine, state: str) -> None:
    """The next repeat says it."""
    told = Told(engine)
    one = alert() if state == "open" else over(alert(), NOW)
    put(engine, one)
    told.take(NOW, full=True)
    put(engine, replace(one, acknowledged_by="soc", acknowledged_why="x", changed_at=NOW + SECOND))
    assert told.due(NOW + SECOND) == []
