"""A webhook as a destination: each change of an alert is posted, signed, until it is accepted or too old."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from alerts.delivery.changes import ChangeStore, Waiting
from alerts.delivery.http import Answer, Destination, NoAnswer, Poster
from alerts.delivery.metrics import WEBHOOK, DeliveryMetrics
from alerts.delivery.outlet import Edges, Round

log = structlog.get_logger(__name__)

SIGNATURE = "X-Monitor-Signature"
DELIVERY = "X-Monitor-Delivery"
# Between two tries of one change: from the first up to the longest. A receiver that is away is noticed for
# all of its changes at once; these pauses keep one change that it cannot take from holding up the others.
FIRST_PAUSE = timedelta(seconds=10)
LONGEST_PAUSE = timedelta(minutes=2)
REFUSALS_IN_A_ROW = 3  # that many mean that it takes nothing, and not that these changes are at fault
_BUSY = 429
_REFUSES = range(400, 500)


def signature(secret: bytes, body: bytes, at: datetime) -> str:
    """The header's value: `t=` seconds since 1970, `v1=` HMAC-SHA256 in hexadecimal over `t`, a dot and the
    body. With the time inside, a receiver can tell an old message that somebody sends again."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret, f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def pause_after(attempts: int) -> timedelta:
    """How long a change waits after so many tries (one or more)."""
    return min(FIRST_PAUSE * (1 << min(attempts - 1, 10)), LONGEST_PAUSE)


class WebhookOutlet:
    """Sends changes to one webhook, in order, each at least once and under the same key."""

    kind = WEBHOOK

    def __init__(
        self,
        poster: Poster,
        destination: Destination,
        secret: bytes,
        store: ChangeStore,
        metrics: DeliveryMetrics,
        edges: Edges,
    ) -> None:
        self.name = destination.name
        self.undelivered = 0
        self._poster = poster
        self._destination = destination
        self._secret = secret
        self._store = store
        self._metrics = metrics
        self._edges = edges
        self._since: datetime | None = None

    async def round(self, *, full: bool, allowed: Callable[[], bool]) -> Round:
        """Send what is due; with `full` also give up what is too old."""
        edges, store, now = self._edges, self._store, self._edges.clock()
        if self._since is None:
            self._since = await edges.wait_for(partial(store.register, now))
        if full:
            if expired := await edges.wait_for(partial(store.expire, now, self._since)):
                self._metrics.add(self.kind, "expired", expired)
                log.error("changes of alerts were given up", to=self.name, changes=expired)
            await edges.wait_for(partial(store.forget, now))
        waiting = await edges.wait_for(partial(store.waiting, now, self._since))
        result = await self._all(waiting, allowed)
        if full:
            self.undelivered = await edges.wait_for(partial(store.undelivered, edges.clock(), self._since))
        return result

    async def _all(self, waiting: list[Waiting], allowed: Callable[[], bool]) -> Round:
        refusals, accepted = 0, 0
        held: set[str] = set()  # alerts of which a change was refused for the first time
        for change in waiting:
            if not allowed():
                break
            if change.alert in held:
                continue
            answer = await self._post(change)
            now = self._edges.clock()
            if isinstance(answer, Answer) and answer.accepted:
                refusals, accepted = 0, accepted + 1
                self._metrics.add(self.kind, "accepted")
                self._metrics.seconds.observe(max(0.0, (now - change.at).total_seconds()))
                await self._edges.wait_for(partial(self._store.delivered, change, now))
                continue
            until = now + pause_after(change.attempts + 1)
            await self._edges.wait_for(partial(self._store.postpone, change, until))
            if isinstance(answer, NoAnswer):
                self._metrics.add(self.kind, "failed")
                return Round(answer.reason)
            reason = f"HTTP {answer.status}: {answer.reason}"
            at_fault = answer.status in _REFUSES and answer.status != _BUSY
            self._metrics.add(self.kind, "refused" if at_fault else "failed")
            if change.attempts == 0:
                held.add(change.alert)
                log.warning("a change was not accepted", to=self.name, change=change.key, reason=reason)
            refusals += 1
            if not at_fault or refusals == REFUSALS_IN_A_ROW:
                return Round(reason, answer.retry_after)
        return Round(more=accepted > 0 and accepted == len(waiting))

    async def _post(self, change: Waiting) -> Answer | NoAnswer:
        headers = {
            DELIVERY: change.key,
            SIGNATURE: signature(self._secret, change.body, self._edges.clock().astimezone(UTC)),
        }
        return await self._poster.post(self._destination, change.body, headers)
