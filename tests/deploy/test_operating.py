"""docs/operating.md keeps up with the code: every table's retention, and how many series there are."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine
from sqlalchemy.engine import make_url

import alerts
import monitor
from monitor.events.pseudonym import Pseudonyms
from monitor.metrics.ledger import LedgerMetrics
from monitor.metrics.security import SecurityMetrics
from monitor.storage.engine import open_engine
from monitor.storage.tables import metadata
from streams.exchanges import Exchanges
from streams.processor import Processor
from streams.security_events import SecurityEvents
from tests.bench.series import Shown, cases, count, registry_of
from tests.builders import MOMENT, Arrived, agreement, book_of, exchange_json, limits, made

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


def table(heading: str, number: int = 0) -> list[list[str]]:
    """The cells of a table below a heading, without its head."""
    section = re.split(rf"^#+ {heading}$", PAGE, flags=re.MULTILINE)[1].split("\n## ", 1)[0]
    found = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)[number]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in found.splitlines()[2:]]


def test_the_retention_of_every_table_is_told() -> None:
    """A table that the page does not know grows unseen."""
    for package in (monitor, alerts):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name.endswith(".tables") or found.name.endswith(".lease"):
                importlib.import_module(found.name)
    told = [name for cells in table("Retention", 1) for name in re.findall(r"`(\w+)`", cells[0])]
    assert sorted(told) == sorted(metadata.tables)


@pytest.mark.parametrize("row", table("Series"), ids=lambda row: row[0])
def test_the_number_of_series_is_what_is_told(row: list[str], tmp_path: Path) -> None:
    """From the start, on a bad day, and with everything going wrong everywhere."""
    size = [int(number) for number in row[0].split(",")]
    shown = Shown(registry_of(*size), tmp_path)
    assert [f"{shown.series().total():,}" for _ in cases(shown)] == row[1:]


@pytest.fixture
def database(tmp_path: Path) -> Engine:
    """A database of this test's own."""
    engine = open_engine(make_url(f"sqlite:///{tmp_path / 'monitor.db'}"))
    metadata.create_all(engine)
    return engine


def counting(processor: Processor, topic: str) -> Callable[[Sequence[bytes]], None]:
    """Counts bodies as a worker does: decoded, folded, written in a transaction, then shown."""
    opened = processor.open(topic, 0, MOMENT)

    def feed(bodies: Sequence[bytes]) -> None:
        first = max(opened.ledger.next_offset, 0)
        decoded: Any = processor.decode(bodies, lambda _: ())
        opened.ledger.fold(decoded, Arrived(len(bodies), first=first), MOMENT)
        opened.show(opened.store.write(opened.ledger.take(), MOMENT, ()))

    return feed


def test_a_flood_of_unregistered_names_adds_no_series(database: Engine) -> None:
    """All of them are one name: after the first of each kind, ten thousand others change nothing."""
    counted, exposed = LedgerMetrics(), CollectorRegistry()
    exposed.register(counted)
    feed = counting(Exchanges(database, book_of(agreement()), limits(), counted), "exchanges")

    def unknown(start: int, number: int) -> list[bytes]:
        names = [
            {"provider": f"P{n}"} | ({} if n % 2 else {"consumer": f"C{n}"}) | ({"service": f"s.{n}"})
            for n in range(start, start + number)
        ]
        known_pair = [{"service": f"population.try-{n}"} for n in range(start, start + number)]
        both = [*names, *known_pair]
        return [
            exchange_json(id=f"{start}-{n}", time=MOMENT, outcome="fault", **each)
            for n, each in enumerate(both)
        ]

    feed([exchange_json(id="known", time=MOMENT)])
    known = count(exposed)
    feed(unknown(0, 2))
    first = count(exposed)
    assert (
        first["datashare_exchanges"] == known["datashare_exchanges"] + 3
    )  # without a consumer, with, a service
    for start in range(10, 5_010, 500):
        feed(unknown(start, 500))
    assert count(exposed) == first
    assert counted.totals().exchanges == 1 + 4 + 10_000


def test_a_flood_of_unregistered_agencies_and_kinds_adds_no_series(database: Engine) -> None:
    """Of security events: names that nobody knows, kinds that no list has, texts instead of severities."""
    counted, exposed = SecurityMetrics(), CollectorRegistry()
    exposed.register(counted)
    processor = SecurityEvents(database, made(), limits(), Pseudonyms(None), counted)
    feed = counting(processor, "security-events")

    def unknown(start: int, number: int) -> list[bytes]:
        moment = MOMENT.isoformat()
        return [
            json.dumps(
                {"id": f"e{n}", "time": moment, "agency": f"X{n}", "kind": f"odd_{n}", "severity": 1 + n % 5}
            ).encode()
            for n in range(start, start + number)
        ]

    feed(unknown(0, 5))
    first = count(exposed)
    assert first["datashare_security_events"] == 5  # severities
    feed(unknown(5, 5_000))
    assert count(exposed) == first
    assert counted.totals().events == 5_005
