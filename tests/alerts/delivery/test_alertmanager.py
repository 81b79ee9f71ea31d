"""The client of an Alertmanager against one that is slow, broken, lying or hostile."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

import pytest

from alerts.delivery.alertmanager import BATCH_BYTES, PATH, Alertmanager, Sent, batches
from alerts.delivery.http import MAX_ANSWER, Answer, NoAnswer, Poster, destination
from alerts.delivery.message import Context, Postable, postable
from monitor.errors import UsageProblem
from tests.alerts.delivery.parts import CLOSE, HANG, NOW, SECOND, Receiver, Request, alert, ok, reply

CONTEXT = Context(30 * SECOND)


def ready(*names: str) -> list[Postable]:
    """Messages for alerts of these names."""
    made = [postable(alert(name), CONTEXT, NOW, resolved=False) for name in names]
    return [each for each in made if isinstance(each, Postable)]


def send(
    behave: Callable[[Request], bytes],
    names: Sequence[str],
    *,
    timeout: float = 10.0,
    user: str | None = None,
) -> tuple[Sent, list[Request]]:
    """What comes of one batch, and what the receiver got."""

    async def go() -> tuple[Sent, list[Request]]:
        async with Receiver(behave) as receiver, Poster(timeout=timeout) as poster:
            to = destination(receiver.url, path=PATH, user=user, password="p" if user else None)
            sent = await Alertmanager(poster, to).send(ready(*names))
            return sent, receiver.requests

    return asyncio.run(go())


def names(postables: Sequence[Postable]) -> list[str]:
    """Of which alerts they are."""
    return sorted(each.alert_id for each in postables)


def refusing(*bad: str, status: int = 400) -> Callable[[Request], bytes]:
    """Refuses batches with one of these alerts."""

    def behave(request: Request) -> bytes:
        held = {one["labels"]["alert_id"] for one in request.alerts}
        return reply(status, '"invalid label set"') if held & set(bad) else reply(200)

    return behave


def test_a_batch_is_one_request() -> None:
    """A JSON list, with the address's password in a header and not in the name."""
    sent, requests = send(ok, ["a", "b"], user="monitor")
    assert names(sent.accepted) == ["a", "b"]
    assert [len(request.alerts) for request in requests] == [2]
    assert requests[0].head["authorization"].startswith("Basic ")
    assert requests[0].head["content-type"] == "application/json"


@pytest.mark.parametrize("status", [400, 413, 422])
def test_the_refused_alert_of_a_batch_is_found_and_the_others_are_sent(status: int) -> None:
    """With the receiver's reason, and with few requests more."""
    many = [f"a{number:02}" for number in range(100)]
    sent, requests = send(refusing("a37", "a98", status=status), many)
    assert [(each.alert_id, reason) for each, reason in sent.refused] == [
        ("a37", f'HTTP {status}: "invalid label set"'),
        ("a98", f'HTTP {status}: "invalid label set"'),
    ]
    assert names(sent.accepted) == [name for name in many if name not in ("a37", "a98")]
    assert not sent.failed
    assert len(requests) < 35


def test_a_receiver_that_refuses_even_an_empty_list_is_at_fault_itself() -> None:
    """No alert is marked as refused by a proxy that answers 400 to everything."""
    sent, requests = send(lambda _request: reply(400, "bad gateway config"), ["a", "b"])
    assert (sent.accepted, sent.refused) == ([], [])
    assert sent.failed == "HTTP 400: bad gateway config"
    assert len(requests) == 2


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (reply(500, "oh\x1b[31m no"), "HTTP 500: oh [31m no"),
        (reply(404, "page"), "HTTP 404: page"),
        (reply(401), "HTTP 401: "),
        (reply(307, "", "Location: http://127.0.0.1:1/steal"), "HTTP 307: "),
        (b"garbage\r\n\r\n", "Bad status line"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000, "more than"),
        (CLOSE, "Server disconnected"),
    ],
)
def test_an_answer_that_is_none_fails_the_batch_and_marks_nothing(said: bytes, reason: str) -> None:
    """The reason is one line that a terminal can show; redirects are not followed."""
    sent, _requests = send(lambda _request: said, ["a"])
    assert (sent.accepted, sent.refused) == ([], [])
    assert reason in sent.failed
    assert sent.failed.isprintable()
    assert len(sent.failed) < 250


def test_a_receiver_that_hangs_is_left_in_time() -> None:
    """It costs the time-out, no more."""
    began = time.monotonic()
    sent, _requests = send(lambda _request: HANG, ["a"], timeout=0.3)
    assert sent.failed == "no answer within 0.3 s"
    assert time.monotonic() - began < 5


def test_of_an_endless_answer_only_the_beginning_is_read() -> None:
    """Its status decides; the rest stays unread."""
    huge = b"HTTP/1.1 500 Oh\r\nContent-Length: 1000000000000\r\n\r\n" + b"x" * (4 * MAX_ANSWER)
    began = time.monotonic()
    sent, _requests = send(lambda _request: huge, ["a"])
    assert sent.failed.startswith("HTTP 500: xxxx")
    assert len(sent.failed) < 250
    assert time.monotonic() - began < 5


def test_a_receiver_that_wishes_to_be_left_alone_says_for_how_long() -> None:
    """In seconds; anything else is no wish."""
    assert send(lambda _request: reply(429, "", "Retry-After: 7"), ["a"])[0].retry_after == 7
    assert send(lambda _request: reply(503, "", "Retry-After: 99999999"), ["a"])[0].retry_after is None
    assert send(lambda _request: reply(503, "", "Retry-After: -1"), ["a"])[0].retry_after is None


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ('{"cluster": {}, "uptime": "2026-10-05T08:15:30.000Z"}', NOW),
        ('{"uptime": "2026-10-05T15:15:30+07:00"}', NOW),
        ("", None),
        ("garbage", None),
        ("[]", None),
        ('{"uptime": "yesterday"}', None),
        ('{"uptime": "2026-10-05T08:15:30"}', None),
        ('{"uptime": null, "x": "' + "x" * 2_000_000 + '"}', None),
    ],
)
def test_since_when_it_runs_is_asked_and_may_stay_unknown(status: str, expected: datetime | None) -> None:
    """Whatever it answers."""

    async def go() -> datetime | None:
        async with Receiver(status=status) as receiver, Poster() as poster:
            return await Alertmanager(poster, destination(receiver.url, path=PATH)).started()

    assert asyncio.run(go()) == expected


def test_nothing_listens() -> None:
    """It fails at once, with a reason."""

    async def go() -> Answer | NoAnswer:
        async with Receiver() as gone:
            address = gone.url
        async with Poster() as poster:
            return await poster.post(destination(address), b"[]")

    answer = asyncio.run(go())
    assert isinstance(answer, NoAnswer)
    assert "127.0.0.1" in answer.reason


def test_batches_stay_within_both_bounds_and_keep_everything() -> None:
    """At most a hundred alerts and half a megabyte."""
    small = ready("a") * 250
    assert [len(batch) for batch in batches(small)] == [100, 100, 50]
    large = [Postable("a", 1, False, b"x" * 60_000)] * 20
    cut = list(batches(large))
    assert sum(len(batch) for batch in cut) == 20
    assert all(sum(len(each.body) + 1 for each in batch) + 2 <= BATCH_BYTES for batch in cut)
    assert list(batches([])) == []


def test_secrets_of_an_address_are_not_in_its_name() -> None:
    """Neither user and password, nor a path that is a secret by itself; and the name stays the same."""
    chat = destination("https://bot:s3cr3t@chat.example:8443/hooks/T0/B1/hunter2?key=hunter3")
    assert "s3cr3t" not in f"{chat} {chat.name} {chat.url}"
    assert "hunter" not in f"{chat} {chat.name}"
    assert chat.name.startswith("https://chat.example:8443#")
    assert chat.name == destination("https://chat.example:8443/hooks/T0/B1/hunter2?key=hunter3").name
    assert chat.name != destination("https://chat.example:8443/hooks/T0/B1/other").name


@pytest.mark.parametrize("address", ["", "localhost:9093", "ftp://a", "http://", "http://a:port", "//x/y"])
def test_a_wrong_address_is_refused_by_name(address: str) -> None:
    """Before anything is sent."""
    with pytest.raises(UsageProblem, match=r"expected http|not an address"):
        destination(address)


def test_a_wrong_address_is_shown_without_its_password() -> None:
    """Messages end up in logs."""
    with pytest.raises(UsageProblem) as caught:
        destination("htp://user:hunter2@host/x")
    assert "hunter2" not in str(caught.value)


def test_json_that_came_is_what_was_sent() -> None:
    """The batch is the messages, in order."""
    _sent, requests = send(ok, ["a", "b", "c"])
    assert [one["labels"]["alert_id"] for one in json.loads(requests[0].body)] == ["a", "b", "c"]
    assert replace(requests[0]).body.startswith(b"[{")
