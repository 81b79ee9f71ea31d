"""A client for one Alertmanager: sends batches, and finds the alert for which a batch was refused."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Annotated

import msgspec

from alerts.delivery.http import Answer, Destination, NoAnswer, Poster
from alerts.delivery.message import Postable

PATH = "/api/v2/alerts"
STATUS_PATH = "/api/v2/status"
BATCH_ALERTS = 100
BATCH_BYTES = 512 * 1024
# Looking for what was refused takes many requests; one that is slow as well is left for the next round.
SEARCH_S = 60.0
_REFUSES_CONTENT = (400, 413, 422)


class _Status(msgspec.Struct):
    uptime: Annotated[datetime, msgspec.Meta(tz=True)]  # a point in time, for all its name


@dataclass(slots=True)
class Sent:
    """What came of a batch. `failed` is why the rest got no answer worth having; empty when all did."""

    accepted: list[Postable] = field(default_factory=list)
    refused: list[tuple[Postable, str]] = field(default_factory=list)
    failed: str = ""
    retry_after: float | None = None


class Alertmanager:
    """One Alertmanager's API, version 2."""

    def __init__(
        self, poster: Poster, destination: Destination, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = destination.name
        self._poster = poster
        self._destination = destination
        before, _path, after = destination.url.rpartition(PATH)
        self._status = replace(destination, url=before + STATUS_PATH + after)
        self._clock = clock

    async def started(self) -> datetime | None:
        """Since when it runs, by its own clock (it keeps no alert over a restart); None: it does not say."""
        said = await self._poster.get(self._status)
        try:
            return None if said is None else msgspec.json.decode(said, type=_Status).uptime
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return None

    async def send(self, batch: Sequence[Postable]) -> Sent:
        """Send a batch of at most BATCH_ALERTS and BATCH_BYTES.

        Alertmanager keeps the valid alerts of a batch that it answers with 400. So halves of it are sent
        again until the refused ones stand alone; the others arrive twice, which changes nothing for it.
        """
        sent = Sent()
        ends = self._clock() + SEARCH_S
        waiting = [list(batch)] if batch else []
        takes_anything = False
        while waiting:
            part = waiting.pop()
            answer = await self._post(part)
            if isinstance(answer, Answer) and answer.accepted:
                sent.accepted += part
                continue
            if isinstance(answer, NoAnswer) or answer.status not in _REFUSES_CONTENT:
                return _failed(sent, answer)
            if not takes_anything:
                # What refuses even an empty list is no Alertmanager, or does not know us: no alert's fault.
                empty = await self._post([])
                if isinstance(empty, NoAnswer) or not empty.accepted:
                    return _failed(sent, empty)
                takes_anything = True
            if len(part) == 1:
                sent.refused.append((part[0], f"HTTP {answer.status}: {answer.reason}"))
            elif self._clock() > ends:
                sent.failed = f"refused alerts were not found within {SEARCH_S:g} s"
                return sent
            else:
                middle = len(part) // 2
                waiting += [part[middle:], part[:middle]]
        return sent

    async def _post(self, part: Sequence[Postable]) -> Answer | NoAnswer:
        body = b"[" + b",".join(each.body for each in part) + b"]"
        return await self._poster.post(self._destination, body)


def _failed(sent: Sent, answer: Answer | NoAnswer) -> Sent:
    if isinstance(answer, NoAnswer):
        sent.failed = answer.reason
    else:
        sent.failed = f"HTTP {answer.status}: {answer.reason}"
        sent.retry_after = answer.retry_after
    return sent


def batches(postables: Sequence[Postable]) -> Iterator[list[Postable]]:
    """Cut a sequence into batches within both bounds; one alert alone is always within them."""
    batch: list[Postable] = []
    size = 2
    for each in postables:
        if batch and (len(batch) == BATCH_ALERTS or size + len(each.body) + 1 > BATCH_BYTES):
            yield batch
            batch, size = [], 2
        batch.append(each)
        size += len(each.body) + 1
    if batch:
        yield batch
