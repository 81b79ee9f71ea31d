"""Fixtures: the real programs, and names that no two tests share."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.parts.alertmanager import Alertmanager, Inbox, require_alertmanager
from tests.parts.chromium import browsing, require_chromium
from tests.parts.embedded import require_embedded
from tests.parts.kafka import require_kafka
from tests.parts.keeper import shared_part
from tests.parts.postgres import fresh_database, require_postgres
from tests.parts.prometheus import Prometheus, require_prometheus

if TYPE_CHECKING:
    from selenium.webdriver import Chrome


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


@pytest.fixture(scope="session")
def kafka_broker(run_folder: Path) -> Iterator[str]:
    """Bootstrap address of one Apache Kafka for the whole run: use `topic_prefix` and `consumer_group`."""
    require_kafka()
    with shared_part("kafka", run_folder) as bootstrap:
        yield bootstrap


@pytest.fixture
def embedded_broker(tmp_path: Path) -> Iterator[str]:
    """Bootstrap address of an embedded broker of this test's own."""
    require_embedded()
    from streams.embedded import EmbeddedBroker

    with EmbeddedBroker(log=tmp_path / "embedded-broker.log") as broker:
        yield broker.bootstrap


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> Iterator[str]:
    """URL of one PostgreSQL server for the whole run."""
    require_postgres()
    with shared_part("postgres", run_folder) as url:
        yield url


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """URL of an empty database of this test's own, as MONITOR_DATABASE_URL takes it."""
    with fresh_database(postgres_server) as url:
        yield url


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Chrome]:
    """A running browser of this test's own, driven by Selenium."""
    with browsing(require_chromium(), tmp_path / "browser-profile") as browser:
        yield browser


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """A webhook that keeps what an Alertmanager sends it."""
    with Inbox() as running:
        yield running


@pytest.fixture
def alertmanager(tmp_path: Path, inbox: Inbox) -> Iterator[Alertmanager]:
    """A running Alertmanager of this test's own that notifies `inbox`, and waits a second at the most."""
    require_alertmanager()
    configuration = tmp_path / "alertmanager.yml"
    configuration.write_text(
        "route: {receiver: inbox, group_by: [alertname, agency, agreement], group_wait: 500ms,"
        " group_interval: 1s, repeat_interval: 1h}\n"
        f"receivers: [{{name: inbox, webhook_configs: [{{url: '{inbox.url}'}}]}}]\n",
        encoding="utf-8",
    )
    with Alertmanager(configuration, tmp_path / "alertmanager-data") as running:
        yield running


@pytest.fixture
def prometheus(tmp_path: Path) -> Iterator[Prometheus]:
    """A running Prometheus of this test's own that scrapes nothing: write `configuration` and `reload`."""
    require_prometheus()
    configuration = tmp_path / "prometheus.yml"
    configuration.write_text("global: {scrape_interval: 1s, evaluation_interval: 1s}\n", encoding="utf-8")
    with Prometheus(configuration, tmp_path / "prometheus-data") as running:
        yield running


@pytest.fixture
def topic_prefix() -> str:
    """Prefix for MONITOR_TOPIC_PREFIX: no two tests share a topic."""
    return f"t{uuid.uuid4().hex[:10]}-"


@pytest.fixture
def consumer_group(topic_prefix: str) -> str:
    """Name for MONITOR_CONSUMER_GROUP: no two tests share a group."""
    return f"{topic_prefix}group"
