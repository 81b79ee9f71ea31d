"""The Faust app: settings turned into Faust's, the topics' agents, and the lanes behind them."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Collection, Iterable, Mapping, Sequence
from typing import Any, cast

import faust
import structlog
from aiokafka.errors import KafkaError
from faust.exceptions import ProducerSendError
from faust.types import TP
from mode import ServiceT
from pydantic import SecretStr

from monitor.errors import MonitorError
from monitor.metrics.own import OwnMetrics
from monitor.settings import Settings
from streams.dead_letters import DeadLetter, to_record
from streams.lanes import Lanes, Stopping
from streams.processor import Processors
from streams.transport.driver import Consumer, tls_context
from streams.web import Site, WebParts, mount

log = structlog.get_logger(__name__)

# Batches waiting per agent, each up to a fetch of a partition: more only hold memory while it catches up.
BUFFERED_BATCHES = 2
# Per partition and fetch; with less, a busy worker waits for the next fetch to be asked for and to come.
MAX_PARTITION_FETCH_BYTES = 2 * 1024 * 1024
MAX_LETTER_BYTES = 9 * 1024 * 1024  # the dead-letters topic takes 8 MiB, and headers come on top
UNKNOWN_END = 2**62
# Collections: the automatic ones are set far apart, because they walk all that a fetch brought, and nothing
# is counted meanwhile: a tenth of a second for a hundred thousand objects. Each second takes what that second
# brought. What outlives a collection (ids, what rules remember: a million objects) is left out of the next
# ones; now and then it is walked too.
COLLECT_EVERY_S = 1.0
COLLECT_THOROUGHLY_EVERY_S = 600.0
# The embedded broker makes a joiner wait for half the session timeout, whatever the state of the group.
EMBEDDED_SESSION_S, EMBEDDED_HEARTBEAT_S = 2.0, 0.5


class BatchSchema(faust.Schema[Any, Any]):
    """Hands a record batch on as it is: decoding is the ledger's business, many events at a time."""

    def compile(self, app: Any, **_options: Any) -> Any:
        """Faust's decode function for one message."""

        async def decode(message: Any, *, propagate: bool = False) -> Any:  # noqa: ARG001
            return app.create_event(None, message.value, message.headers, message)

        return decode


class App(faust.App):
    """A Faust app whose truth about progress is the database."""

    logger = logging.getLogger("faust.app")
    monitor_settings: Settings
    lanes: Lanes
    beside: Sequence[ServiceT] = ()  # what works beside the lanes: alerts, and figures read from the database
    web_parts: WebParts
    batched_topics: frozenset[str]
    read_committed: bool

    async def starting_offsets(self, partitions: Iterable[TP]) -> Mapping[TP, int]:
        """Where to read on, by partition: asked by the transport after each rebalance.

        Where a MonitorError keeps it from reading, the worker ends, and this waits for its end: Faust would
        print where an error came from, and with an answer it would read on somewhere. So it does where the
        worker ends already.
        """
        try:
            return await self.lanes.open(sorted(partitions))
        except Stopping:
            log.info("the worker ends: its partitions are not opened any more")
        except MonitorError as why:
            await self.crash(why)
        never: asyncio.Future[Mapping[TP, int]] = asyncio.get_running_loop().create_future()
        return await never

    async def crash(self, reason: BaseException) -> None:
        """End the worker. Of a MonitorError its sentence is logged, of anything else where it came from."""
        if not isinstance(reason, MonitorError):
            await super().crash(reason)
        elif not self.crashed:
            log.error("the worker ends", reason=str(reason))
            root = self.beacon.root
            (self if root is None else cast(ServiceT, root.data))._crash(reason)

    def committed_offsets(self) -> Mapping[TP, int]:
        """What the database has: told to Kafka by the transport, for tools that show lag."""
        return self.lanes.committed_offsets()

    def _new_web(self) -> Site:
        return Site(self)

    def on_webserver_init(self, web: Any) -> None:
        """Add the monitor's pages to Faust's web server."""
        mount(web.web_app, self.web_parts)

    def _create_directories(self) -> None:
        """None: Faust's folders are for tables, and there are no tables."""

    def on_init_dependencies(self) -> Iterable[ServiceT]:
        """Faust's services, the lanes, and what works beside them."""
        return [*super().on_init_dependencies(), self.lanes, *self.beside]

    async def send_change(
        self, key: bytes, value: bytes, headers: list[tuple[str, bytes]]
    ) -> Awaitable[object]:
        """Send a change of an alert; await the result for the broker's word. Raises KafkaError."""
        topic = self.monitor_settings.topic("alerts")
        try:
            sent: Awaitable[object] = await self.producer.send(topic, key, value, None, None, headers)
        except ProducerSendError as why:  # no KafkaError, though one is its cause
            raise KafkaError(str(why)) from why
        return sent

    async def publish_letters(self, letters: list[DeadLetter]) -> None:
        """Send dead letters and wait until the broker has them all. Raises KafkaError."""
        topic = self.monitor_settings.topic("dead-letters")
        waiting = []
        for letter in letters:
            key, value, headers = to_record(letter)
            try:
                waiting.append(await self.producer.send(topic, key, value, None, None, headers))
            except ProducerSendError as why:  # no KafkaError, though one is its cause
                raise KafkaError(str(why)) from why
        for acknowledged in waiting:
            await acknowledged


class ConsumerReader:
    """The lanes' view of Faust's consumer, which exists only once the app has started."""

    def __init__(self, app: App) -> None:
        self._app = app

    @property
    def _consumer(self) -> Consumer:
        consumer = self._app.consumer
        assert isinstance(consumer, Consumer)  # noqa: S101  # the transport is registered by that name
        return consumer

    async def start_reading(self, offsets: Mapping[TP, int]) -> None:
        """Set positions."""
        await self._consumer._thread.start_reading(offsets)

    async def bounds(self, partitions: Collection[TP]) -> dict[TP, tuple[int, int]]:
        """For each the first offset that the broker has, and the one after the last."""
        first = await self._consumer.earliest_offsets(*partitions)
        if not self._app.read_committed:
            # The embedded broker answers with the first offset of the last batch, plus one.
            return {tp: (first[tp], UNKNOWN_END) for tp in partitions}
        end = await self._consumer.highwaters(*partitions)
        return {tp: (first[tp], end[tp]) for tp in partitions}

    def known_ends(self, partitions: Collection[TP]) -> dict[TP, int]:
        """The offset after the last record of each, where it is known without asking."""
        if not partitions:  # nothing is assigned before the consumer's thread has started
            return {}
        consumer, assigned = self._consumer, self.assignment()  # which makes a set of all of them
        ends = {tp: consumer.highwater(tp) for tp in partitions if tp in assigned}
        return {tp: end for tp, end in ends.items() if end is not None}

    def failure(self) -> BaseException | None:
        """What ended the consumer's background tasks, if anything did."""
        return self._consumer._thread.failure()

    def assignment(self) -> set[TP]:
        """The partitions that the group has given to this worker."""
        return self._consumer.assignment()

    def joined(self) -> bool:
        """Whether the group has this worker as a member, and has given it its partitions, if only none."""
        return self._consumer._thread.joined()


def create_app(settings: Settings, processors: Processors, own: OwnMetrics) -> App:
    """Build the worker's app: an agent a topic, one ordered stream a partition."""
    app = App(settings.consumer_group, **_options(settings))
    app.monitor_settings = settings
    app.read_committed = settings.kafka_profile == "kafka"
    app.batched_topics = frozenset(processors)
    app.lanes = Lanes(
        settings,
        processors,
        publish=app.publish_letters,
        reader=ConsumerReader(app),
        own=own,
        fail=app.crash,
    )

    async def process(stream: Any) -> None:
        async for event in stream.events():
            await app.lanes.process(event.message.tp, event.value)

    for topic in processors:
        app.agent(app.topic(topic, schema=BatchSchema()), name=topic)(process)

    async def give_back(_app: Any, revoked: set[TP], **_kwargs: Any) -> None:
        await app.lanes.close(revoked)

    app.on_partitions_revoked.connect(cast(Any, give_back))  # Faust's type for it leaves out the argument

    async def collect_garbage() -> None:
        gc.collect()
        gc.freeze()

    async def collect_thoroughly() -> None:
        gc.unfreeze()
        gc.collect()
        gc.freeze()

    app.timer(interval=COLLECT_EVERY_S)(collect_garbage)
    app.timer(interval=COLLECT_THOROUGHLY_EVERY_S)(collect_thoroughly)
    return app


def _options(settings: Settings) -> dict[str, Any]:
    brokers = [f"batches://{host.strip()}" for host in settings.kafka_bootstrap.split(",") if host.strip()]
    return {
        "broker": brokers,
        "broker_credentials": _credentials(settings),
        "broker_commit_interval": 2.0,
        "broker_request_timeout": 40.0,
        "consumer_auto_offset_reset": "earliest",
        "consumer_max_fetch_size": MAX_PARTITION_FETCH_BYTES,
        "producer_max_request_size": MAX_LETTER_BYTES,
        "stream_buffer_maxsize": BUFFERED_BATCHES,
        "stream_wait_empty": False,
        "stream_recovery_delay": 0.0,
        "topic_disable_leader": True,
        # No tables, so no standbys: Faust's own assignor is not needed, and it fails static members.
        "table_standby_replicas": 0,
        "topic_allow_declare": False,
        "autodiscover": False,
        "worker_redirect_stdouts": False,
        "web_host": settings.web_host,
        "web_bind": settings.web_host,
        "web_port": settings.web_port,
        # What is not used does not listen.
        "web_router_enabled": False,
        "web_tables_enabled": False,
        "web_graph_enabled": False,
        "web_stats_enabled": False,
        "web_metrics_enabled": False,
        **_timeouts(settings),
    }


def _timeouts(settings: Settings) -> dict[str, Any]:
    if settings.kafka_profile == "embedded":
        session, heartbeat = EMBEDDED_SESSION_S, EMBEDDED_HEARTBEAT_S
    else:
        session, heartbeat = settings.session_timeout, settings.session_timeout / 5
    return {
        "broker_session_timeout": session,
        "broker_heartbeat_interval": heartbeat,
        "broker_rebalance_timeout": max(2 * session, 10.0),
        "consumer_group_instance_id": settings.instance_id,
    }


def _credentials(settings: Settings) -> Any:
    protocol = settings.kafka_security_protocol
    context = None
    if protocol.endswith("SSL"):
        context = tls_context(
            settings.kafka_ssl_ca_file,
            settings.kafka_ssl_cert_file,
            settings.kafka_ssl_key_file,
            _revealed(settings.kafka_ssl_key_password),
        )
    if protocol.startswith("SASL"):
        return faust.SASLCredentials(
            username=settings.kafka_sasl_username,
            password=_revealed(settings.kafka_sasl_password),
            mechanism=settings.kafka_sasl_mechanism,
            ssl_context=context,
        )
    return None if context is None else faust.SSLCredentials(context=context)


def _revealed(secret: SecretStr | None) -> str | None:
    return None if secret is None else secret.get_secret_value()
