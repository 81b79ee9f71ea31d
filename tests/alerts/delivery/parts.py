"""What the tests of delivery are made of: alerts in a database, and a receiver that behaves as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine, delete, select

from alerts.delivery.tables import deliveries
from alerts.lifecycle.alert import Alert, Change, ChangeKind
from alerts.lifecycle.rows import outbox_row, row_of
from alerts.lifecycle.tables import alerts, outbox
from alerts.model import Evidence, Level
from monitor.storage.upsert import upsert

NOW = datetime(2026, 10, 5, 8, 15, 30, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
DEADLINE = 20.0  # seconds after which something that should have happened has not


def alert(name: str = "a1", **changes: Any) -> Alert:
    """An alert that opened at NOW."""
    given: dict[str, Any] = {
        "episode": 1,
        "rule": "7f0c",
        "title": "Many denied requests from one consumer",
        "title_vi": "Nhiều yêu cầu bị từ chối từ một đơn vị",
        "level": Level.MEDIUM,
        "agency": "MOH",
        "owner": "soc",
        "group": (("service", "population.verify-identity"),),
        "tags": ("attack.discovery", "attack.t1087"),
        "risk_score": 45,
        "leak": False,
        "runbook": "discovery/denied.yml",
        "quiet": 1800,
        "first_time": NOW - SECOND,
        "last_time": NOW,
        "count": 30,
        "evidence": (Evidence(1, "e-1"), Evidence(2, "e-2")),
        "latest": (),
        "facts": {"expected": 3.0, "seen": 30},
        "opened_at": NOW,
        "changed_at": NOW,
    }
    return Alert(id=name, **{**given, **changes})


def put(engine: Engine, *given: Alert) -> None:
    """Write alerts as they are."""
    with engine.begin() as connection:
        upsert(connection, alerts, [row_of(one) for one in given])


def over(one: Alert, at: datetime) -> Alert:
    """The alert resolved."""
    return replace(one, state="resolved", resolved_at=at, changed_at=at)


def drop(engine: Engine, one: Alert) -> None:
    """Delete an episode, as when it is merged into another."""
    with engine.begin() as connection:
        connection.execute(delete(alerts).where(alerts.c.id == one.id, alerts.c.episode == one.episode))


def note(engine: Engine, one: Alert, kind: ChangeKind, at: datetime, *, kept: bool = True) -> int:
    """Note a change in the outbox; `kept` says whether its message is still there. Returns its number."""
    row = outbox_row(Change(kind, one, at)) | ({} if kept else {"body": None, "published_at": at})
    with engine.begin() as connection:
        key = connection.execute(outbox.insert().values(row)).inserted_primary_key
    assert key is not None
    return int(key[0])


def marks(engine: Engine) -> dict[str, Any]:
    """What a destination has taken, by alert."""
    with engine.connect() as connection:
        return {row.alert_id: row for row in connection.execute(select(deliveries))}


async def until(condition: Callable[[], bool], seconds: float = DEADLINE) -> None:
    """Wait for a condition; fail when it does not come true in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


# A receiver

HANG, CLOSE = b"hang", b"close"


def reply(status: int, text: str = "", *headers: str) -> bytes:
    """An HTTP answer."""
    body = text.encode()
    lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Request:
    """What came: head and body."""

    head: dict[str, str]
    body: bytes

    @property
    def alerts(self) -> list[dict[str, Any]]:
        """The alerts of a batch, but for the watchdog."""
        return [one for one in json.loads(self.body) if one["labels"].get("alert_id") != "watchdog"]


def ok(_request: Request) -> bytes:
    """Takes everything."""
    return reply(200)


@dataclass
class Receiver:
    """A server on the loopback address that answers as `behave` says, or hangs, or closes."""

    behave: Callable[[Request], bytes] = ok
    status: str = ""  # what it answers to GET
    requests: list[Request] = field(default_factory=list)
    port: int = 0
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server
        self._server.close()  # not waited for: a connection that hangs would hang here too

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[:-2]
                if first.startswith("GET "):
                    writer.write(reply(200, self.status) if self.status else reply(404))
                    continue
                head = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                request = Request(head, await reader.readexactly(int(head["content-length"])))
                self.requests.append(request)
                said = self.behave(request)
                if said == HANG:
                    await asyncio.sleep(3600)
                if said == CLOSE:
                    break
                writer.write(said)
                await writer.drain()
        writer.close()
