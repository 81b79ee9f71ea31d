"""The sender as the settings have it: destinations, client, lease and threads, while it is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine

from alerts.delivery.alertmanager import PATH, Alertmanager
from alerts.delivery.changes import ChangeStore
from alerts.delivery.http import Destination, Poster, destination
from alerts.delivery.message import Agreements, Context, Rules, no_agreement, no_rule
from alerts.delivery.metrics import DeliveryMetrics
from alerts.delivery.outlet import Edges, Outlet
from alerts.delivery.repeating import AlertmanagerOutlet
from alerts.delivery.sender import LEASE, Sender, lease_length
from alerts.delivery.store import DeliveryStore
from alerts.delivery.webhook import WebhookOutlet
from monitor.settings import Settings
from monitor.storage.lease import Lease

# How long an alert is shown as open at the least. Longer than the group_wait of deploy/alertmanager, within
# which an Alertmanager tells nobody of what has ended.
SHOWN = timedelta(seconds=60)
THREADS = 2  # one for a destination's questions, one for the lease, which must not wait for them


def _now() -> datetime:
    return datetime.now(UTC)


@asynccontextmanager
async def delivery(
    settings: Settings,
    engine: Engine,
    metrics: DeliveryMetrics,
    *,
    holder: str,
    rules: Rules = no_rule,
    agreements: Agreements = no_agreement,
    clock: Callable[[], datetime] = _now,
    shown: timedelta = SHOWN,
) -> AsyncIterator[Sender]:
    """A sender to every destination in the settings; run it inside this context.

    `holder` names this worker among all on the database. Raises UsageProblem where a setting is wrong.
    """
    alertmanagers, webhooks = alertmanagers_of(settings), webhooks_of(settings)
    interval = timedelta(seconds=settings.alert_interval)
    context = Context(interval, (settings.page_url or "").rstrip("/"), rules, agreements)
    lease = Lease(engine, LEASE, holder, lease_length(interval))
    with ThreadPoolExecutor(THREADS, thread_name_prefix="delivery") as threads:
        edges = Edges(clock, threads)
        async with Poster(settings.alert_ca_file) as poster:
            outlets: list[Outlet] = [
                AlertmanagerOutlet(
                    Alertmanager(poster, each),
                    DeliveryStore(engine, each.name, shown),
                    context,
                    metrics,
                    edges,
                )
                for each in alertmanagers
            ]
            secret = settings.webhook_secret
            signed_with = secret.get_secret_value().encode() if secret else b""
            outlets += [
                WebhookOutlet(poster, each, signed_with, ChangeStore(engine, each.name), metrics, edges)
                for each in webhooks
            ]
            yield Sender(outlets, lease, interval, metrics, edges)


def alertmanagers_of(settings: Settings) -> list[Destination]:
    """The Alertmanagers in the settings, each once. Raises UsageProblem for a wrong address."""
    password, token = settings.alertmanager_password, settings.alertmanager_token
    return _once(
        destination(
            address,
            user=settings.alertmanager_username,
            password=password.get_secret_value() if password else None,
            token=token.get_secret_value() if token else None,
            path=PATH,
        )
        for address in settings.alertmanager_urls
    )


def webhooks_of(settings: Settings) -> list[Destination]:
    """The webhooks in the settings, each once. Raises UsageProblem for a wrong address."""
    return _once(destination(address) for address in settings.webhook_urls)


def _once(found: Iterable[Destination]) -> list[Destination]:
    return list({each.name: each for each in found}.values())
