"""Halves that come late, elsewhere, again, or never: each call is counted once, whatever happens between."""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, delete

from monitor.ledger import histogram
from monitor.ledger.histogram import bucket_of
from monitor.storage import tables
from monitor.storage.progress import Fenced
from tests.monitor.xroad.parts import (
    BEGIN,
    OURS,
    Owner,
    Record,
    body,
    counted,
    expected_measures,
    halves,
    memory,
    rows,
    totals,
)

AT = BEGIN + timedelta(hours=2)
_later = itertools.count(1)
HOUR_S = 3600


@pytest.fixture
def engine(either: Engine) -> Engine:
    """An empty database of either kind."""
    return either


def much_later() -> datetime:
    """A time days after all that came before, so that whatever waits has waited for long enough."""
    return AT + timedelta(days=2 * next(_later))


def lapse(owner: Owner) -> None:
    """Let everything that waits in a partition have waited for long enough, and commit."""
    owner.ledger.tick(much_later())
    owner.commit()


def service_of(record: Record) -> str:
    """As the registry of these tests names it."""
    return (
        "population.verify-identity"
        if record["serviceCode"] == "verifyIdentity"
        else "population.lookup-citizen"
    )


@pytest.mark.parametrize("first", [0, 1])
def test_a_partner_that_comes_later_corrects_the_cell(engine: Engine, first: int) -> None:
    """What the orphan had put in is taken out, to the last histogram bucket: as if both had come together."""
    pairs = [halves(number) for number in range(40)]
    owner = Owner(engine)
    owner.fold(*[body(pair[first]) for pair in pairs], at=AT)
    lapse(owner)
    assert counted(engine)[("orphan_client", "orphan_producer")[first]] == 40
    orphaned = totals(engine)
    owner.fold(*[body(pair[1 - first]) for pair in pairs], at=AT + timedelta(hours=9))
    written = owner.commit()
    assert written.noted["joined_late"] == 40
    assert written.additions == []
    assert len(owner.ledger.pairing) == 0
    cells, measures = totals(engine)
    assert (cells, measures) != orphaned
    expected_all = expected_measures(pairs, service_of)
    assert measures == expected_all
    for (_, _, service), cell in cells.items():
        told = [cell[name] for name in ("ok", "duration_us", "shortest_us", "longest_us")]
        count, _, total, shortest, longest = expected_all[service, "total"]
        assert told == [count, total, shortest, longest]
    found = counted(engine)
    assert found["joined_late"] == 40
    assert "orphan_client" not in found
    assert "orphan_producer" not in found
    buckets: dict[int, int] = defaultdict(int)
    for row in rows(engine, tables.cells):
        for bucket, count in histogram.decode(row["latency"]).items():
            buckets[bucket] += count
    expected: dict[int, int] = defaultdict(int)
    for client, _ in pairs:
        expected[bucket_of((client["responseOutTs"] - client["requestInTs"]) * 1000)] += 1
    assert buckets == expected


def test_many_that_end_and_some_that_are_completed_in_one_transaction_are_each_counted(
    engine: Engine,
) -> None:
    """Cells are written several times then: added to, corrected, and worked out anew."""
    hours = [timedelta(hours=-number) for number in range(300)]
    known = [halves(number, at=BEGIN + before) for number, before in enumerate(hours)]
    ends = [halves(1000 + number, at=BEGIN + before) for number, before in enumerate(hours)]
    owner = Owner(engine)
    owner.fold(*(body(producer) for _, producer in known), at=AT)
    lapse(owner)
    owner.fold(*(body(client) for client, _ in ends), at=AT + timedelta(minutes=1))
    owner.ledger.tick(much_later())
    owner.fold(*(body(client) for client, _ in known), at=much_later())
    owner.commit()
    cells, _ = totals(engine)
    exact = sum((client["responseOutTs"] - client["requestInTs"]) * 1000 for client, _ in [*known, *ends])
    assert sum(cell["ok"] for cell in cells.values()) == 600
    assert sum(cell["duration_us"] for cell in cells.values()) == exact


def test_halves_in_different_partitions_meet_in_the_database(engine: Engine) -> None:
    """Records that were keyed badly: each half waits in vain, and the second to lapse joins the first."""
    pairs = [halves(number) for number in range(30)]
    one, other = Owner(engine, 0), Owner(engine, 1)
    one.fold(*[body(client) for client, _ in pairs], at=AT)
    other.fold(*[body(producer) for _, producer in pairs], at=AT)
    one.commit()
    other.commit()
    assert counted(engine) == {}
    lapse(one)
    assert counted(engine)["orphan_client"] == 30
    other.ledger.tick(much_later())
    assert other.commit().noted["joined_late_elsewhere"] == 30
    assert totals(engine)[1] == expected_measures(pairs, service_of)
    assert counted(engine)["joined_late"] == 30


def test_a_half_that_comes_after_its_partner_lapsed_elsewhere_need_not_wait(engine: Engine) -> None:
    """It is joined in the transaction that would have stored it."""
    client, producer = halves(1)
    one, other = Owner(engine, 0), Owner(engine, 1)
    one.fold(body(client), at=AT)
    lapse(one)
    other.fold(body(producer), at=AT + timedelta(hours=5))
    assert other.commit().noted["joined_late_elsewhere"] == 1
    assert len(other.ledger.pairing) == 0
    assert rows(engine, tables.xroad_waiting) == []
    assert counted(engine) == {"joined_late": 1}


def test_copies_of_what_was_settled_long_ago_are_known(engine: Engine) -> None:
    """Also by a worker that has forgotten their keys: the row of the call has both sides."""
    client, producer = halves(1)
    owner = Owner(engine)
    owner.fold(body(client), at=AT)
    lapse(owner)
    owner.fold(body(producer), at=AT + timedelta(hours=5))
    owner.commit()
    with engine.begin() as connection:
        connection.execute(delete(tables.seen_ids))
    for side, half in (("client", client), ("producer", producer)):
        again = Owner(engine)
        again.fold(body(half), at=AT + timedelta(hours=6))
        assert again.commit().noted[f"duplicate_{side}"] == 1
        assert len(again.ledger.pairing) == 0
    cells, _ = totals(engine)
    assert sum(cell["ok"] for cell in cells.values()) == 1
    assert counted(engine) == {"joined_late": 1, "duplicate_client": 1, "duplicate_producer": 1}


def test_without_ids_halves_of_two_partitions_meet_only_where_unambiguous(engine: Engine) -> None:
    """In the database as in memory: of two that fit the same half, none is joined with it."""
    alone, twice = halves(1, xRequestId=None), halves(2, xRequestId=None)
    again = halves(2, xRequestId=None, at=BEGIN + timedelta(seconds=50))
    one, other = Owner(engine, 0), Owner(engine, 1)
    one.fold(body(alone[0]), body(twice[0]), at=AT)
    lapse(one)
    one.fold(body(again[0]), at=AT)
    lapse(one)
    other.fold(body(alone[1]), body(twice[1]), at=AT)
    lapse(other)
    assert counted(engine) == {"joined_late": 1, "orphan_client": 2, "orphan_producer": 1}
    cells, _ = totals(engine)
    assert sum(cell["ok"] for cell in cells.values()) == 4


def test_two_workers_settle_at_once_and_no_sum_misses_a_call(engine: Engine) -> None:
    """Both change the same cells again and again; one takes its turn after the other."""
    pairs = [halves(number, serviceCode="verifyIdentity", at=BEGIN) for number in range(60)]
    owners = [Owner(engine, 0), Owner(engine, 1)]
    failures: list[BaseException] = []

    def work(place: int) -> None:
        try:
            for start in range(0, 60, 5):
                owners[place].fold(*[body(pair[place]) for pair in pairs[start : start + 5]], at=AT)
                lapse(owners[place])
        except BaseException as why:  # noqa: BLE001  # told by the test's own thread
            failures.append(why)

    threads = [threading.Thread(target=work, args=(place,)) for place in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert totals(engine)[1] == expected_measures(pairs, service_of)
    assert counted(engine)["joined_late"] == 60


def test_a_failed_call_from_one_side_feeds_outcome_cause_and_security(engine: Engine) -> None:
    """And so it does no more when the other side's half says that nothing was wrong with it."""
    client, _ = halves(1, succeeded=False, faultCode="Server.ServerProxy.AccessDenied")
    owner = Owner(engine)
    owner.fold(body(client), at=AT)
    lapse(owner)
    (secured,) = rows(engine, tables.security_counts)
    assert (secured["agency"], secured["kind"], secured["count"]) == ("MOH", "access_denied", 1)
    assert counted(engine) == {"orphan_client": 1, "cause_denied": 1}
    ((_, cell),) = totals(engine)[0].items()
    assert (cell["denied"], cell["ok"]) == (1, 0)


def test_an_owner_that_lost_its_partition_writes_nothing(engine: Engine) -> None:
    """Neither cells nor what waits nor what is late."""
    client, producer = halves(1)
    old, new = Owner(engine), Owner(engine)
    new.fold(body(client), at=AT)
    new.commit()
    old.fold(body(producer), at=AT)
    old.ledger.tick(much_later())
    with pytest.raises(Fenced):
        old.commit()
    assert len(rows(engine, tables.xroad_waiting)) == 1
    assert rows(engine, tables.xroad_late) == []


# Exactness, whatever happens


class Came(NamedTuple):
    """A half that came, into which partition."""

    record: Record
    partition: int

    def __repr__(self) -> str:
        """What tells it from others, for examples that fail."""
        said = [
            self.record[name] for name in ("xRequestId", "securityServerType", "requestInTs", "succeeded")
        ]
        return f"{said[0][:8]} {' '.join(map(str, said[1:]))} in {self.partition}"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database; each example is cleared away."""
    engine = memory(tmp_path_factory.mktemp("xroad") / "monitor.db")
    yield engine
    engine.dispose()


@st.composite
def streams(draw: st.DrawFn) -> list[Came]:
    """Halves in any order, some missing, some twice, in either partition; a copy where the first was."""
    came: list[Came] = []
    for number in range(draw(st.integers(1, 12))):
        clock = draw(st.sampled_from([0, 0, 5, -3_600_000, 7_200_000]))
        changes = draw(st.sampled_from([{}, {}, {"succeeded": False, "faultCode": "Server.ClientProxy.X"}]))
        spread = timedelta(minutes=draw(st.integers(0, 100)))
        pair = halves(number, at=BEGIN + spread, clock=clock, **changes)
        client, producer = Came(pair[0], draw(st.integers(0, 1))), Came(pair[1], number % 2)
        both = [client, producer]
        came += draw(st.sampled_from([both, both, [client], [producer], [*both, producer], both * 2]))
    return draw(st.permutations(came))


plans = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from(["commit", "crash", "lapse", "reread"])), max_size=14
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams(), plans)
def test_every_call_is_counted_once_wherever_it_crashes(
    shared: Engine, came: list[Came], plan: list[tuple[int, str]]
) -> None:
    """Read in pieces, committed or lost, lapsed early or late: in the end it is as a plain recount says."""

    def opened(partition: int) -> Owner:
        # Time goes by for days here, and copies are to be known all the same.
        return Owner(shared, partition, dedupe_window=timedelta(days=3650))

    with shared.begin() as connection:
        for table in OURS:
            connection.execute(delete(table))
    logs: list[list[Record]] = [[], []]
    for record, partition in came:
        logs[partition].append(record)
    owners = [opened(0), opened(1)]
    for turn, (size, what) in enumerate(plan):
        place = turn % 2
        owner, log = owners[place], logs[place]
        first = max(owner.ledger.next_offset, 0)
        owner.fold(*map(body, log[first : first + size]), at=AT)
        if what == "lapse":
            owner.ledger.tick(much_later())
        if what in ("commit", "lapse", "reread"):
            owner.commit()
        if what in ("crash", "reread"):
            owners[place] = opened(place)
    for place in (0, 1):
        owners[place] = opened(place)
        owners[place].fold(*map(body, logs[place][max(owners[place].ledger.next_offset, 0) :]), at=AT)
        owners[place].commit()
    for owner in owners:
        lapse(owner)
    assert figures(shared) == recount(came)
    assert rows(shared, tables.xroad_waiting) == []


def figures(engine: Engine) -> dict[Any, Any]:
    """What is in the database, by hour and service, over all sources."""
    found: dict[Any, Any] = {}
    for row in rows(engine, tables.cells):
        cell = found.setdefault((row["hour"], row["service"]), [0, 0, 0, 0, 0, 2**60, -1, defaultdict(int)])
        for place, name in enumerate(("ok", "fault", "request_bytes", "response_bytes", "duration_us")):
            cell[place] += row[name]
        cell[5], cell[6] = min(cell[5], row["shortest_us"]), max(cell[6], row["longest_us"])
        for bucket, count in histogram.decode(row["latency"]).items():
            cell[7][bucket] += count
    found["measures"] = {
        key: value
        for key, value in totals(engine)[1].items()
        if key[1] in ("service", "network", "client_request")
    }
    whats = counted(engine)
    found["joined"] = whats.get("joined", 0) + whats.get("joined_late", 0)
    found["orphans"] = whats.get("orphan_client", 0), whats.get("orphan_producer", 0)
    return found


def recount(came: list[Came]) -> dict[Any, Any]:
    """The same, of the records alone."""
    sides: dict[str, dict[str, Record]] = defaultdict(dict)
    for record, _ in came:
        sides[record["xRequestId"]][record["securityServerType"].lower()] = record
    found: dict[Any, Any] = {}
    measures: dict[tuple[str, str], list[int]] = {}

    def measure(service: str, name: str, ms: int) -> None:
        told = measures.setdefault((service, name), [0, 0, 0, 2**60, -1])
        us = ms * 1000
        told[:] = [told[0] + 1, 0, told[2] + us, min(told[3], us), max(told[4], us)]

    for each in sides.values():
        first = each.get("client") or each["producer"]
        service = service_of(first)
        hour = first["requestInTs"] // 1000 // HOUR_S * HOUR_S
        cell = found.setdefault((hour, service), [0, 0, 0, 0, 0, 2**60, -1, defaultdict(int)])
        us = (first["responseOutTs"] - first["requestInTs"]) * 1000
        cell[0 if first["succeeded"] else 1] += 1
        cell[2] += first.get("requestSize", first.get("requestSoapSize"))
        mime = first.get("responseMimeSize")
        cell[3] += mime or first.get("responseSize", first.get("responseSoapSize"))
        cell[4] += us
        cell[5], cell[6] = min(cell[5], us), max(cell[6], us)
        cell[7][bucket_of(us)] += 1
        client, producer = each.get("client"), each.get("producer")
        if client:
            measure(service, "client_request", client["requestOutTs"] - client["requestInTs"])
        if producer:
            measure(service, "service", producer["responseInTs"] - producer["requestOutTs"])
        if client and producer:
            there = client["responseInTs"] - client["requestOutTs"]
            measure(service, "network", there - producer["responseOutTs"] + producer["requestInTs"])
    found["measures"] = measures
    found["joined"] = sum(len(each) == 2 for each in sides.values())
    found["orphans"] = tuple(
        sum(set(each) == {side} for each in sides.values()) for side in ("client", "producer")
    )
    return found
