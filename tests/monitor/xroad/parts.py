"""X-Road records for tests, a worker's part for one partition, and figures worked out another way."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine, Table, select

from monitor.events.pseudonym import Pseudonyms
from monitor.ledger.histogram import bucket_of
from monitor.ledger.ids import IdMemory
from monitor.registry.registry import Registry
from monitor.registry.xroad import XroadNames
from monitor.storage import tables
from monitor.storage.progress import Also
from monitor.xroad.book import RecordBook
from monitor.xroad.decode import decode_records
from monitor.xroad.ledger import PairingLimits, XroadLedger
from monitor.xroad.store import XroadStore, XroadWritten
from tests.builders import ZONE, Arrived, agency, agreement, limits, made, service

TOPIC = "xroad-records"
SAMPLES = Path(__file__).resolve().parents[4] / "shared" / "samples" / "xroad"
BEGIN = datetime(2026, 10, 5, 1, 0, tzinfo=UTC)
WAIT = timedelta(minutes=30)
KEY = "a key of tests, 16 bytes or more"
Record = dict[str, Any]
OURS = [
    tables.offsets, tables.seen_ids, tables.rejected, tables.gaps, tables.cells, tables.findings,
    tables.security_counts, tables.xroad_measures, tables.xroad_counts, tables.xroad_skews,
    tables.xroad_waiting, tables.xroad_late, tables.xroad_turn,
]  # fmt: skip
AGENCIES = (
    agency("MPS", xroad=["VN/GOV/G01"]),
    agency("MOH", xroad=["VN/GOV/G02/his-*", "DEV/ORG/1234567-8"]),
    agency("VSS", xroad=["VN/GOV/G03"]),
)
SERVICES = (
    service(xroad=["population/verifyIdentity"]),
    service("population.lookup-citizen", xroad=["population/lookup*/v2"]),
    service("health.test", provider="MOH", xroad=["TEST/RestTest", "*/getSecurityServerOperationalData"]),
)
REGISTRY = made(agreement(purposes=["health-insurance"]), agencies=AGENCIES, services=SERVICES)
BOOK = RecordBook(REGISTRY, ZONE)


def sample(name: str) -> Path:
    """A file of real records, used where it lies; skips where it is not there."""
    path = SAMPLES / name
    if not path.is_file():
        pytest.skip(f"no real records here: {path.name} would be in {SAMPLES.parent.name}/{SAMPLES.name}")
    return path


def halves(
    number: int, *, at: datetime | None = None, clock: int = 0, **changes: Any
) -> tuple[Record, Record]:
    """The two halves of a call as servers write them; the producer's clock is ahead by `clock` ms."""
    lot = Random(number)
    begun = int((at or BEGIN + timedelta(seconds=number * 17)).timestamp() * 1000)
    steps = [lot.randrange(1, 40) for _ in range(7)]
    times = [begun]
    for step in steps:
        times.append(times[-1] + step)
    rest = number % 3 == 0
    size = "requestSize" if rest else "requestSoapSize"
    common: Record = {
        "monitoringDataTs": begun // 1000 + 3,
        "clientXRoadInstance": "VN",
        "clientMemberClass": "GOV",
        "clientMemberCode": "G02",
        "clientSubsystemCode": "his-1",
        "serviceXRoadInstance": "VN",
        "serviceMemberClass": "GOV",
        "serviceMemberCode": "G01",
        "serviceSubsystemCode": "population",
        "serviceCode": "verifyIdentity" if number % 4 else "lookupCitizen",
        "serviceVersion": "v2",
        "messageId": f"message-{number % 50}",
        "messageProtocolVersion": "4.0",
        "clientSecurityServerAddress": "ss1.moh.example",
        "serviceSecurityServerAddress": "ss1.mps.example",
        size: lot.randrange(200, 3000),
        size.replace("request", "response"): lot.randrange(200, 9000),
        "requestAttachmentCount": 0,
        "responseAttachmentCount": int(number % 5 == 0),
        "succeeded": True,
        "xRequestId": f"{number:08d}-0000-4000-8000-000000000000",
        "serviceType": "REST" if rest else "WSDL",
    }
    if number % 5 == 0:
        common["responseMimeSize"] = lot.randrange(9000, 90_000)
    common |= changes
    client = common | {
        "securityServerType": "Client",
        "securityServerInternalIp": "fd42:2642:2cb3:31ac:216:3eff:fedf:85c%eth0",
        "requestInTs": times[0],
        "requestOutTs": times[1],
        "responseInTs": times[6],
        "responseOutTs": times[7],
    }
    producer = common | {
        "securityServerType": "PRODUCER" if number % 2 else "Producer",
        "securityServerInternalIp": "10.0.0.7",
        **{
            name: times[place] + clock
            for name, place in (
                ("requestInTs", 2),
                ("requestOutTs", 3),
                ("responseInTs", 4),
                ("responseOutTs", 5),
            )
        },
    }
    return client, producer


def body(*records: Record) -> bytes:
    """A body of one record or of several."""
    return json.dumps(records[0] if len(records) == 1 else {"records": records}).encode()


def memory(path: Path) -> Any:
    """A SQLite database with the tables that these tests need."""
    from sqlalchemy.engine import make_url

    from monitor.storage.engine import open_engine

    engine = open_engine(make_url(f"sqlite:///{path}"))
    tables.metadata.create_all(engine, tables=OURS)
    return engine


class Owner:
    """A worker's part for one partition: what it loads, folds and writes."""

    def __init__(
        self,
        engine: Engine,
        partition: int = 0,
        *,
        topic: str = TOPIC,
        wait: timedelta = WAIT,
        registry: Registry = REGISTRY,
        **changes: Any,
    ) -> None:
        pairing = PairingLimits(wait)
        held = limits(**{"max_event_age": timedelta(days=36_500), **changes})
        book, names = RecordBook(registry, ZONE), XroadNames(registry.agencies, registry.services)
        self.store = XroadStore(engine, topic, partition, book, names, pairing, held.max_event_age)
        resumed = self.store.load(max(held.dedupe_window, wait), held.dedupe_max_ids, BEGIN)
        ids: IdMemory = resumed.ids
        self.ledger = XroadLedger(
            book, names, held, pairing, Pseudonyms(KEY), ids=ids, next_offset=resumed.next_offset,
            newest=resumed.newest, waiting=resumed.waiting, load_calls=self.store.calls,
        )  # fmt: skip

    def fold(self, *bodies: bytes, at: datetime = BEGIN + timedelta(hours=2)) -> None:
        """Take in bodies at the next offsets, all arriving at a time."""
        decoded = decode_records(bodies, lambda _index: ())
        first = max(self.ledger.next_offset, 0)
        self.ledger.fold(decoded, Arrived(len(bodies), first=first, at=at), at)

    def commit(self, also: Sequence[Also] = ()) -> XroadWritten:
        """Write what was counted."""
        written = self.store.write(self.ledger.take(), BEGIN, also)
        self.ledger.settled()
        self.ledger.forget(written.settled)
        return written


def rows(engine: Engine, table: Table, *without: str, topic: str = TOPIC) -> list[dict[str, Any]]:
    """The rows of a table, without some columns, in a certain order; of the topic or of late calls."""
    with engine.connect() as connection:
        found = [dict(row) for row in connection.execute(select(table)).mappings()]
    kept = [
        {name: value for name, value in row.items() if name not in without}
        for row in found
        if row.get("topic", topic) in (topic, f"{TOPIC}:late")
    ]
    return sorted(kept, key=repr)


Totals = dict[tuple[str, str, str], dict[str, Any]]


def totals(engine: Engine, topic: str = TOPIC) -> tuple[Totals, dict[tuple[str, str], list[int]]]:
    """Figures summed over hours, partitions and sources: of cells by outcome, and of measures."""
    by_pair: Totals = {}
    for row in rows(engine, tables.cells, topic=topic):
        cell = by_pair.setdefault((row["provider"], row["consumer"], row["service"]), _empty())
        for name in ("ok", "fault", "denied", "timeout", "request_bytes", "response_bytes", "duration_us"):
            cell[name] += row[name]
        cell["shortest_us"] = min(cell["shortest_us"], row["shortest_us"])
        cell["longest_us"] = max(cell["longest_us"], row["longest_us"])
    measures: dict[tuple[str, str], list[int]] = {}
    for row in rows(engine, tables.xroad_measures, topic=topic):
        found = measures.setdefault((row["service"], row["measure"]), [0, 0, 0, 2**60, -1])
        found[0] += row["count"]
        found[1] += row["flagged"]
        found[2] += row["total"]
        if row["count"]:
            found[3] = min(found[3], row["smallest"])
            found[4] = max(found[4], row["largest"])
    return by_pair, measures


def _empty() -> dict[str, Any]:
    return defaultdict(int, shortest_us=2**60, longest_us=-1)


def counted(engine: Engine, topic: str = TOPIC) -> dict[str, int]:
    """What is in `xroad_counts`, by name."""
    found: dict[str, int] = defaultdict(int)
    for row in rows(engine, tables.xroad_counts, topic=topic):
        found[row["what"]] += row["count"]
    return {what: count for what, count in found.items() if count}


def expected_measures(
    pairs: Iterable[tuple[Record, Record]], service_of: Any
) -> dict[tuple[str, str], list[int]]:
    """Every measure of pairs, by plain arithmetic on the records, in microseconds and bytes."""
    values: dict[tuple[str, str], list[int]] = defaultdict(list)
    flagged: dict[tuple[str, str], int] = defaultdict(int)
    for client, producer in pairs:
        name = service_of(client)

        def told(measure: str, value: int, name: str = name) -> None:
            values[name, measure].append(value)

        told("total", (client["responseOutTs"] - client["requestInTs"]) * 1000)
        told("client_request", (client["requestOutTs"] - client["requestInTs"]) * 1000)
        if client["responseOutTs"] >= client["responseInTs"]:
            told("client_response", (client["responseOutTs"] - client["responseInTs"]) * 1000)
        else:  # one of the real records is so
            flagged[name, "client_response"] += 1
        told("producer_total", (producer["responseOutTs"] - producer["requestInTs"]) * 1000)
        told("producer_request", (producer["requestOutTs"] - producer["requestInTs"]) * 1000)
        told("producer_response", (producer["responseOutTs"] - producer["responseInTs"]) * 1000)
        told("service", (producer["responseInTs"] - producer["requestOutTs"]) * 1000)
        out = producer["requestInTs"] - client["requestOutTs"]
        back = client["responseInTs"] - producer["responseOutTs"]
        if out < 0 or back < 0:
            flagged[name, "network_out"] += 1
            flagged[name, "network_back"] += 1
        else:
            told("network_out", out * 1000)
            told("network_back", back * 1000)
        told("network", (out + back) * 1000)
        for way in ("request", "response"):
            mime = client.get(f"{way}MimeSize") if client[f"{way}AttachmentCount"] else None
            sizes = (client.get(f"{way}{kind}") for kind in ("Size", "SoapSize", "RestSize"))
            told(f"{way}_bytes", mime or next(size for size in sizes if size is not None))
    found = {key: [len(all_), 0, sum(all_), min(all_), max(all_)] for key, all_ in values.items()}
    for key, count in flagged.items():
        found.setdefault(key, [0, 0, 0, 2**60, -1])[1] = count
    return found


def histogram_of(values: Iterable[int]) -> dict[int, int]:
    """Values by their bucket."""
    found: dict[int, int] = defaultdict(int)
    for value in values:
        found[bucket_of(value)] += 1
    return dict(found)
