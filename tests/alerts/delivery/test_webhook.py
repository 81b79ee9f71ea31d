"""Webhooks: every change, in order, signed, at least once, until it is accepted or too old."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine, delete, insert, select

from alerts.delivery.changes import PAGE, ChangeStore
from alerts.delivery.http import Poster, destination
from alerts.delivery.metrics import DeliveryMetrics
from alerts.delivery.outlet import Edges, Round
from alerts.delivery.webhook import LONGEST_PAUSE, WebhookOutlet, pause_after
from alerts.lifecycle.alert import ChangeKind
from alerts.lifecycle.tables import outbox
from tests.alerts.delivery.parts import (
    CLOSE,
    HANG,
    MINUTE,
    NOW,
    SECOND,
    Receiver,
    Request,
    alert,
    drop,
    note,
    over,
    put,
    reply,
)

SECRET = b"k3y"
HOUR = timedelta(hours=1)


@dataclass
class Hook:
    """A webhook outlet on a clock of the test's own, against a receiver."""

    engine: Engine
    now: datetime = NOW
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def rounds(
        self, behave: Callable[[Request], bytes], *steps: timedelta
    ) -> tuple[list[Round], list[Request]]:
        """Full rounds, after one for getting known, each so long after the one before."""

        async def go() -> tuple[list[Round], list[Request]]:
            with ThreadPoolExecutor(1) as threads:
                async with Receiver(behave) as receiver, Poster(timeout=0.5) as poster:
                    to = destination(receiver.url)
                    edges = Edges(lambda: self.now, threads)
                    outlet = WebhookOutlet(
                        poster, to, SECRET, ChangeStore(self.engine, "hook"), self.metrics, edges
                    )
                    results = []
                    for step in steps:
                        self.now += step
                        results.append(await outlet.round(full=True, allowed=lambda: True))
                    self.undelivered = outlet.undelivered
                    return results, receiver.requests

        return asyncio.run(go())

    def __post_init__(self) -> None:
        self.metrics = DeliveryMetrics.create(self.registry)
        self.undelivered = 0
        ChangeStore(self.engine, "hook").register(self.now - MINUTE)

    def counted(self, outcome: str) -> float:
        """Deliveries with that outcome."""
        labels = {"destination_kind": "webhook", "outcome": outcome}
        return self.registry.get_sample_value("datashare_alert_deliveries_total", labels) or 0.0


def accept(_request: Request) -> bytes:
    """Takes everything, with the status for what is done later."""
    return reply(202)


def changes(requests: list[Request]) -> list[str]:
    """What the receiver was told, in order."""
    return [json.loads(request.body)["change"] for request in requests]


def test_each_change_is_posted_once_in_order_and_signed(engine: Engine) -> None:
    """The signature covers the time and the body; the key names alert, episode and change."""
    hook = Hook(engine)
    put(engine, alert())
    first = note(engine, alert(), ChangeKind.OPENED, NOW)
    note(engine, over(alert(), NOW), ChangeKind.RESOLVED, NOW)
    _results, requests = hook.rounds(accept, SECOND, SECOND)
    assert changes(requests) == ["opened", "resolved"]
    head, body = requests[0].head, requests[0].body
    seconds = int(hook.now.timestamp()) - 1
    expected = hmac.new(SECRET, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    assert head["x-monitor-signature"] == f"t={seconds},v1={expected}"
    assert head["x-monitor-delivery"] == f"a1/1/{first}"
    assert json.loads(body)["alert"]["title"]["vi"] == "Nhiều yêu cầu bị từ chối từ một đơn vị"
    assert hook.counted("accepted") == 2
    assert hook.undelivered == 0


def test_a_change_whose_message_was_published_already_is_made_anew(engine: Engine) -> None:
    """With the alert as it is now; of one that is gone, its id and episode are left to tell."""
    hook = Hook(engine)
    put(engine, alert(count=77), alert("gone"))
    note(engine, alert(), ChangeKind.OPENED, NOW, kept=False)
    note(engine, alert("gone"), ChangeKind.MERGED, NOW, kept=False)
    drop(engine, alert("gone"))
    _results, requests = hook.rounds(accept, SECOND)
    one, other = (json.loads(request.body) for request in requests)
    assert (one["change"], one["alert"]["id"], one["alert"]["count"]) == ("opened", "a1", 77)
    assert one.keys() == other.keys()
    assert (other["change"], other["alert"]) == ("merged", {"id": "gone", "episode": 1})


@pytest.mark.parametrize("said", [reply(500), reply(302, "", "Location: /x"), reply(429), HANG, CLOSE])
def test_a_change_is_tried_until_it_is_accepted_under_the_same_key(engine: Engine, said: bytes) -> None:
    """A redirect is no acceptance, and nobody follows it."""
    hook = Hook(engine)
    put(engine, alert())
    note(engine, alert(), ChangeKind.OPENED, NOW)
    results, requests = hook.rounds(lambda _request: said, SECOND, MINUTE, MINUTE)
    assert all(result.failed for result in results)
    assert len({request.head["x-monitor-delivery"] for request in requests}) == 1
    assert (hook.undelivered, hook.counted("accepted")) == (1, 0)
    results, again = hook.rounds(accept, 3 * MINUTE)
    assert again[0].head["x-monitor-delivery"] == requests[0].head["x-monitor-delivery"]
    assert again[0].head["x-monitor-signature"] != requests[0].head["x-monitor-signature"]
    assert (hook.undelivered, hook.counted("accepted")) == (0, 1)


def test_after_an_outage_an_alert_is_told_in_the_order_in_which_it_changed(engine: Engine) -> None:
    """What came late and was never tried waits for what was tried in vain; other alerts do not."""
    hook = Hook(engine)
    put(engine, alert(), alert("other"))
    note(engine, alert(), ChangeKind.OPENED, NOW)
    back = NOW + 5 * MINUTE

    def away(_request: Request) -> bytes:
        return reply(202 if hook.now >= back else 503)

    hook.rounds(away, *[3 * SECOND] * 60)
    put(engine, over(alert(), hook.now))
    note(engine, over(alert(), hook.now), ChangeKind.RESOLVED, hook.now)
    hook.rounds(away, *[3 * SECOND] * 39)
    note(engine, alert("other"), ChangeKind.OPENED, hook.now)
    _results, requests = hook.rounds(away, *[3 * SECOND] * 60)
    told = [
        (json.loads(request.body)["alert"]["id"], json.loads(request.body)["change"]) for request in requests
    ]
    assert told == [("other", "opened"), ("a1", "opened"), ("a1", "resolved")]


def test_what_is_behind_a_change_that_is_refused_waits_until_it_was_tried_again(engine: Engine) -> None:
    """Also where both are due at once."""
    hook = Hook(engine)
    put(engine, over(alert(), NOW))
    note(engine, alert(), ChangeKind.OPENED, NOW)
    note(engine, over(alert(), NOW), ChangeKind.RESOLVED, NOW)
    answers = iter([404, 202, 202])
    _results, requests = hook.rounds(lambda _request: reply(next(answers)), SECOND, MINUTE, MINUTE)
    assert changes(requests) == ["opened", "opened", "resolved"]


def test_one_change_that_is_never_taken_does_not_hold_up_the_others(engine: Engine) -> None:
    """It waits longer each time, and is tried again."""
    hook = Hook(engine)
    names = ["a1", "bad", "a2"]
    for name in names:
        put(engine, alert(name))
        note(engine, alert(name), ChangeKind.OPENED, NOW)

    def behave(request: Request) -> bytes:
        return reply(422) if b'"bad"' in request.body else reply(200)

    results, requests = hook.rounds(behave, SECOND, SECOND, MINUTE)
    tried = [json.loads(request.body)["alert"]["id"] for request in requests]
    assert tried == ["a1", "bad", "a2", "bad"]
    assert not any(result.failed for result in results)
    assert hook.counted("refused") == 2
    assert hook.undelivered == 1


def test_a_receiver_that_refuses_one_after_the_other_is_left_alone(engine: Engine) -> None:
    """Three in a row are not the changes' fault."""
    hook = Hook(engine)
    for number in range(10):
        put(engine, alert(f"a{number}"))
        note(engine, alert(f"a{number}"), ChangeKind.REPEATED, NOW)
    results, requests = hook.rounds(lambda _request: reply(401, "who?"), SECOND)
    assert results[0].failed == "HTTP 401: who?"
    assert len(requests) == 3


def test_what_is_a_day_old_is_given_up_and_counted_once(engine: Engine) -> None:
    """And not sent any more when the receiver is back."""
    hook = Hook(engine)
    put(engine, alert())
    note(engine, alert(), ChangeKind.OPENED, NOW)
    note(engine, alert(), ChangeKind.REPEATED, NOW + 23 * HOUR)
    hook.rounds(lambda _request: reply(500), SECOND, HOUR)
    _results, requests = hook.rounds(accept, 23 * HOUR, MINUTE)
    assert changes(requests) == ["repeated"]
    assert hook.counted("expired") == 1
    assert hook.undelivered == 0


def test_what_was_before_the_webhook_was_known_is_not_sent(engine: Engine) -> None:
    """A new receiver hears of what happens from now on."""
    put(engine, alert())
    note(engine, alert(), ChangeKind.OPENED, NOW - HOUR)
    note(engine, alert(), ChangeKind.REPEATED, NOW)
    _results, requests = Hook(engine).rounds(accept, SECOND)
    assert changes(requests) == ["repeated"]


def test_many_changes_come_in_portions(engine: Engine) -> None:
    """And a round that was full says that there is more."""
    hook = Hook(engine)
    put(engine, alert())
    for _ in range(PAGE + 10):
        note(engine, alert(), ChangeKind.REPEATED, NOW)
    results, requests = hook.rounds(accept, SECOND, SECOND, SECOND)
    assert [result.more for result in results] == [True, True, False]
    assert len(requests) == PAGE + 10


def test_a_change_that_is_committed_late_is_not_passed_over(engine: Engine) -> None:
    """A transaction may commit after one that began later and got a higher number."""
    store = ChangeStore(engine, "hook")
    since = store.register(NOW)
    put(engine, alert())
    late, sent = (note(engine, alert(), ChangeKind.REPEATED, NOW) for _ in range(2))
    with engine.begin() as connection:
        row = connection.execute(select(outbox).where(outbox.c.number == late)).mappings().one()
        connection.execute(delete(outbox).where(outbox.c.number == late))
    (change,) = store.waiting(NOW, since)
    assert change.number == sent
    store.delivered(change, NOW)
    assert store.undelivered(NOW + MINUTE, since) == 0
    with engine.begin() as connection:
        connection.execute(insert(outbox).values(dict(row)))
    assert [each.number for each in store.waiting(NOW + MINUTE, since)] == [late]


def test_a_change_that_waits_is_not_passed_over_for_those_behind_it(engine: Engine) -> None:
    """However long it waits, and however many have been taken since."""
    store = ChangeStore(engine, "hook")
    since = store.register(NOW)
    put(engine, alert())
    bad, good = (note(engine, alert(), ChangeKind.REPEATED, NOW) for _ in range(2))
    waiting = store.waiting(NOW, since)
    assert [each.number for each in waiting] == [bad, good]
    store.postpone(waiting[0], NOW + HOUR)
    store.delivered(waiting[1], NOW)
    assert store.undelivered(NOW + HOUR, since) == 1
    assert [(each.number, each.attempts) for each in store.waiting(NOW + HOUR, since)] == [(bad, 1)]


def test_marks_are_forgotten_after_three_days(engine: Engine) -> None:
    """When the changes themselves are no longer looked at."""
    hook = Hook(engine)
    put(engine, alert())
    note(engine, alert(), ChangeKind.OPENED, NOW)
    _results, requests = hook.rounds(accept, SECOND, 80 * HOUR, HOUR)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM webhook_deliveries").scalar() == 0
    assert len(requests) == 1


def test_pauses_grow_to_a_bound() -> None:
    """However often it was tried."""
    assert [pause_after(number).total_seconds() for number in (1, 2, 3, 4)] == [10, 20, 40, 80]
    assert pause_after(10_000) == LONGEST_PAUSE
