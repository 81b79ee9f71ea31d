"""The figures of pairs of halves: of real records where they are at hand, and of some made in their shape."""

from __future__ import annotations

import json
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from random import Random
from zlib import crc32

import pytest
from sqlalchemy import Engine

from monitor.ledger import histogram
from monitor.storage import tables
from tests.monitor.xroad.parts import (
    BEGIN,
    Owner,
    Record,
    body,
    counted,
    expected_measures,
    halves,
    rows,
    sample,
    totals,
)

Pairs = list[tuple[Record, Record]]
PARTITIONS = 3


def service_of(record: Record) -> str:
    """The registry's name for a record's service, as these tests' registry has it; cells know no others."""
    if record["serviceCode"] in ("RestTest", "getSecurityServerOperationalData"):
        return "health.test"
    known = {"verifyIdentity": "population.verify-identity", "lookupCitizen": "population.lookup-citizen"}
    return known[record["serviceCode"]]


@pytest.fixture(params=["real", "made"])
def pairs(request: pytest.FixtureRequest) -> Pairs:
    """200 calls, each with the client's half in front."""
    if request.param == "made":
        return [halves(number) for number in range(200)]
    by_id: dict[str, dict[str, Record]] = defaultdict(dict)
    for line in sample("opmon_400.ndjson").read_bytes().splitlines():
        record = json.loads(line)
        by_id[record["xRequestId"]][record["securityServerType"]] = record
    return [(each["Client"], each["Producer"]) for each in by_id.values()]


def dirty(owner: Owner) -> bool:
    """Whether time alone gave it something to write."""
    return owner.ledger.dirty


def arrived(pairs: Pairs) -> datetime:
    """A time after all of the records."""
    newest = max(record["requestInTs"] for pair in pairs for record in pair)
    return datetime.fromtimestamp(newest / 1000, UTC) + timedelta(minutes=1)


def ledger_of(pairs: Pairs) -> dict[tuple[str, str, str], dict[str, int]]:
    """The cells' sums by plain arithmetic: the client's times and sizes."""
    measures = expected_measures(pairs, service_of)
    found = {}
    for name in {service for service, _ in measures}:
        first = next(client for client, _ in pairs if service_of(client) == name)
        provider = "MOH" if first["clientXRoadInstance"] == "DEV" else "MPS"
        total = measures[name, "total"]
        found[provider, "MOH", name] = {
            "ok": total[0], "fault": 0, "denied": 0, "timeout": 0,
            "request_bytes": measures[name, "request_bytes"][2],
            "response_bytes": measures[name, "response_bytes"][2],
            "duration_us": total[2], "shortest_us": total[3], "longest_us": total[4],
        }  # fmt: skip
    return found


def test_records_that_settled_before_they_came_do_not_age_the_pipeline(engine: Engine) -> None:
    """The metric of event age is about how fast the monitor is; a collector asks for what has settled."""
    owner = Owner(engine)
    owner.fold(*(body(record) for record in halves(1)))
    assert owner.ledger.changes.events == 2
    assert owner.ledger.changes.ages == []


def test_every_measure_is_that_of_plain_arithmetic(engine: Engine, pairs: Pairs) -> None:
    """Count, sum, minimum and maximum of each derived duration and size, by service; no half is alone."""
    owner = Owner(engine)
    owner.fold(*[body(record) for pair in pairs for record in pair], at=arrived(pairs))
    written = owner.commit()
    cells, measures = totals(engine)
    assert measures == expected_measures(pairs, service_of)
    assert {key: dict(cell) for key, cell in cells.items()} == ledger_of(pairs)
    assert (written.noted["joined"], written.orphans, len(owner.ledger.pairing)) == (200, [], 0)
    assert rows(engine, tables.xroad_waiting) == rows(engine, tables.xroad_late) == []
    for row in rows(engine, tables.xroad_measures):
        assert sum(histogram.decode(row["histogram"]).values()) == row["count"], row["measure"]


def test_shuffled_split_by_key_doubled_and_delivered_twice_the_figures_are_the_same(
    engine: Engine, pairs: Pairs
) -> None:
    """Keys put both halves of a call into one partition; the order and the copies change nothing."""
    lot = Random(7)
    records = [record for pair in pairs for record in pair] * 2
    lot.shuffle(records)
    records += records[:400]
    owners = [Owner(engine, partition) for partition in range(PARTITIONS)]
    for start in range(0, len(records), 90):
        for record in records[start : start + 90]:
            owners[crc32(record["xRequestId"].encode()) % PARTITIONS].fold(body(record), at=arrived(pairs))
        for owner in owners:
            owner.commit()
    cells, measures = totals(engine)
    assert measures == expected_measures(pairs, service_of)
    assert {key: dict(cell) for key, cell in cells.items()} == ledger_of(pairs)
    found = counted(engine)
    assert (found["joined"], found["duplicate_client"] + found["duplicate_producer"]) == (200, 800)


def test_with_half_of_the_halves_gone_the_others_are_orphans(engine: Engine, pairs: Pairs) -> None:
    """Each counts as an exchange seen from its side once its partner has not come in time, and not before."""
    lot = Random(3)
    kept = [lot.choice(pair) for pair in pairs[:100]]
    whole = pairs[100:]
    owner = Owner(engine)
    at = arrived(pairs)
    owner.fold(*map(body, kept), *[body(record) for pair in whole for record in pair], at=at)
    assert owner.commit().orphans == []
    owner.ledger.tick(at + timedelta(minutes=29))
    assert not dirty(owner)
    owner.ledger.tick(at + timedelta(minutes=30))
    assert dirty(owner)
    assert len(owner.commit().orphans) == 100
    found = counted(engine)
    clients = sum(record["securityServerType"] == "Client" for record in kept)
    assert (found["orphan_client"], found["orphan_producer"]) == (clients, 100 - clients)
    assert found["joined"] == 100
    cells, measures = totals(engine)
    assert sum(cell["ok"] for cell in cells.values()) == 200
    # From the client's side the call is what it was, from the producer's what its server took.
    durations = [client["responseOutTs"] - client["requestInTs"] for client, _ in whole]
    durations += [record["responseOutTs"] - record["requestInTs"] for record in kept]
    assert sum(cell["duration_us"] for cell in cells.values()) == sum(durations) * 1000
    assert min(cell["shortest_us"] for cell in cells.values()) == min(durations) * 1000
    assert sum(found[0] for (_, name), found in measures.items() if name == "total") == 100 + clients
    assert sum(found[0] for (_, name), found in measures.items() if name == "network") == 100


@pytest.mark.parametrize("hours", [1, -1])
def test_a_clock_that_is_wrong_by_an_hour_loses_no_pair(engine: Engine, hours: int) -> None:
    """The ways over the network are flagged, both together and all durations on one clock are as ever."""
    clock = hours * 3_600_000
    pairs = [halves(number, clock=clock) for number in range(200)]
    owner = Owner(engine)
    owner.fold(*[body(record) for pair in pairs for record in pair])
    assert owner.commit().noted["joined"] == 200
    _, measures = totals(engine)
    right = expected_measures([halves(number) for number in range(200)], service_of)
    for (name, measure), found in right.items():
        if measure in ("network_out", "network_back"):
            assert measures[name, measure][:2] == [0, found[0]]
        else:
            assert measures[name, measure] == found
    assert counted(engine)["network_flagged"] == 200
    for row in rows(engine, tables.xroad_skews):
        assert row["median_us"] == pytest.approx(clock * 1000, rel=0.011)


def test_skew_is_told_for_each_pair_of_servers_and_hour(engine: Engine) -> None:
    """A few wild values do not move the median."""
    lot = Random(5)
    pairs = [halves(n, at=BEGIN + timedelta(seconds=n), clock=700) for n in range(40)]
    pairs += [
        halves(n, at=BEGIN + timedelta(seconds=n), clock=lot.randrange(9_000_000)) for n in range(40, 50)
    ]
    pairs += [
        halves(n, at=BEGIN + timedelta(seconds=n), serviceSecurityServerAddress="ss2.mps.example")
        for n in range(60, 70)
    ]
    owner = Owner(engine)
    owner.fold(*[body(record) for pair in pairs for record in pair])
    owner.commit()
    found = {row["service_server"]: row for row in rows(engine, tables.xroad_skews)}
    assert found["ss1.mps.example"]["samples"] == 50
    assert 650_000 <= found["ss1.mps.example"]["median_us"] <= 750_000
    assert abs(found["ss2.mps.example"]["median_us"]) < 50_000


def test_without_ids_the_second_way_gives_the_same_figures(engine: Engine) -> None:
    """Once all have waited; of calls that are alike within a minute both halves count alone."""
    pairs = [halves(number, xRequestId=None, messageId=f"m{number}") for number in range(100)]
    owner = Owner(engine)
    alike = [halves(200, xRequestId=None), halves(200, xRequestId=None, at=BEGIN + timedelta(seconds=3430))]
    owner.fold(*[body(record) for pair in [*pairs, *alike] for record in pair])
    assert owner.commit().noted["joined"] == 0
    owner.ledger.tick(BEGIN + timedelta(days=1))
    written = owner.commit()
    assert (written.noted["joined"], written.noted["second_way"]) == (100, 100)
    assert len(written.orphans) == 4
    found = counted(engine)
    assert (found["joined"], found["ambiguous"]) == (100, 4)
    assert (found["orphan_client"], found["orphan_producer"]) == (2, 2)
    service = {key: value for key, value in totals(engine)[1].items() if key[1] == "network"}
    expected = expected_measures(pairs, service_of)
    assert service == {key: expected[key] for key in service}
