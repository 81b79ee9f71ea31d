"""One Alertmanager as a destination: what is due goes out in batches, and what it took is noted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

import structlog

from alerts.delivery.alertmanager import Alertmanager, batches
from alerts.delivery.message import (
    VALID_INTERVALS,
    WATCHDOG,
    Context,
    Invalid,
    Postable,
    postable,
    watchdog,
)
from alerts.delivery.metrics import ALERTMANAGER, DeliveryMetrics
from alerts.delivery.outlet import Edges, Round
from alerts.delivery.store import LONG_AGO, DeliveryStore, Due

log = structlog.get_logger(__name__)

# A round that seems to take longer was cut through by a change of the clock.
SLOWEST = timedelta(minutes=10)
Key = tuple[str, int]


class AlertmanagerOutlet:
    """Sends to one Alertmanager. `undelivered` is how much it has not taken, as of the last full round."""

    kind = ALERTMANAGER

    def __init__(
        self,
        client: Alertmanager,
        store: DeliveryStore,
        context: Context,
        metrics: DeliveryMetrics,
        edges: Edges,
    ) -> None:
        self.name = client.name
        self.undelivered = 0
        self._client = client
        self._store = store
        self._context = context
        self._metrics = metrics
        self._edges = edges
        self._since: datetime | None = None
        self._started = LONG_AGO
        # How long a full round took: what is open must be valid for longer, or a slow destination would take
        # for resolved what it is about to be told again.
        self._slowest = timedelta(0)

    async def round(self, *, full: bool, allowed: Callable[[], bool]) -> Round:
        """Send what is due; with `full` also what is repeated, and the watchdog."""
        edges, began = self._edges, self._edges.clock()
        if self._since is None:
            self._since = await edges.wait_for(partial(self._store.register, began))
        if full:
            # It keeps no alert when it starts again, maybe unnoticed, between two rounds.
            self._started = await self._client.started() or LONG_AGO
        pages = self._store.due(began, self._since, self._started, full=full)
        result = await self._send([], {}) if full and allowed() else Round()
        while not result.failed and allowed():
            page = await edges.wait_for(partial(next, pages, None))
            if page is None:
                break
            result = await self._page(page)
        if full:
            self._slowest = min(max(edges.clock() - began, self._slowest / 2), SLOWEST)
            self.undelivered = await edges.wait_for(
                partial(self._store.undelivered, edges.clock(), self._since, self._started)
            )
            await edges.wait_for(partial(self._store.forget, began))
        return result

    async def _page(self, page: Sequence[Due]) -> Round:
        now, valid = self._edges.clock(), self._valid()
        by_key: dict[Key, Due] = {}
        ready: list[Postable] = []
        for due in page:
            by_key[due.alert.id, due.alert.episode] = due
            made = postable(due.alert, self._context, now, resolved=due.resolved, valid=valid)
            if isinstance(made, Invalid):
                await self._refuse(due, made.reason)
            else:
                ready.append(made)
        for batch in batches(ready):
            result = await self._send(batch, by_key)
            if result.failed:
                return result
        return Round()

    async def _send(self, batch: Sequence[Postable], by_key: dict[Key, Due]) -> Round:
        """One batch; an empty one is the watchdog alone."""
        first = [] if batch else [watchdog(self._context, self._edges.clock(), self._valid())]
        sent = await self._client.send([*first, *batch])
        now = self._edges.clock()
        taken = [by_key[each.alert_id, each.episode] for each in sent.accepted if each.alert_id != WATCHDOG]
        if taken:
            self._metrics.add(self.kind, "accepted", len(taken))
            for due in taken:
                self._observe(due, now)
            await self._edges.wait_for(partial(self._store.accepted, taken, now))
        for each, reason in sent.refused:
            if each.alert_id != WATCHDOG:
                await self._refuse(by_key[each.alert_id, each.episode], reason)
        if sent.failed:
            self._metrics.add(self.kind, "failed")
        return Round(sent.failed, sent.retry_after)

    async def _refuse(self, due: Due, reason: str) -> None:
        self._metrics.add(self.kind, "refused")
        if due.mark.refused_at is None:  # once for an episode, however often it is tried
            log.error("an alert was refused", to=self.name, alert=due.alert.reference, reason=reason)
        await self._edges.wait_for(partial(self._store.refused, due, reason, self._edges.clock()))

    def _observe(self, due: Due, now: datetime) -> None:
        alert, mark = due.alert, due.mark
        if due.resolved and mark.resolved_sent_at is None and mark.opened_sent_at and alert.resolved_at:
            changed = max(alert.resolved_at, mark.opened_sent_at + self._store.shown)
        elif not due.resolved and mark.opened_sent_at is None:
            changed = alert.opened_at
        else:
            return
        self._metrics.seconds.observe(max(0.0, (now - changed).total_seconds()))

    def _valid(self) -> timedelta:
        return VALID_INTERVALS * max(self._context.interval, self._slowest)
