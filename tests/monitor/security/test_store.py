"""Security events in the database: exact after any crash, one owner, no names, and pruned."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, func, insert, select
from sqlalchemy.engine import make_url

from monitor.events.pseudonym import Pseudonyms
from monitor.events.rejection import Reason, Rejection
from monitor.events.security import SecurityEvent, decode_one_security
from monitor.security.store import CACHED_HOURS, prune
from monitor.settings import load_settings
from monitor.storage import tables
from monitor.storage.engine import open_engine
from monitor.storage.progress import Fenced
from tests.builders import MOMENT
from tests.monitor.events.security_bodies import audit_line, event, ocsf
from tests.monitor.security.parts import KEY, NOW, STRANGER, TOPIC, Came, Owner, held, play, recount

OURS = [
    tables.offsets,
    tables.seen_ids,
    tables.rejected,
    tables.gaps,
    tables.security_events,
    tables.security_counts,
]
_topics = itertools.count()
LAGS = [0.0, 0.0, 0.0, 10.0, 290.0, 400.0, 4000.0, 90_000.0, -290.0, -301.0, 90 * 86400.5]


def opened(path: Path) -> Engine:
    """A SQLite database with the tables that these tests need."""
    engine = open_engine(make_url(f"sqlite:///{path}"))
    tables.metadata.create_all(engine, tables=OURS)
    return engine


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """One database; each example is a topic of its own."""
    engine = opened(tmp_path_factory.mktemp("security") / "monitor.db")
    yield engine
    engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of either kind."""
    if request.param == "sqlite":
        engine = opened(tmp_path / "monitor.db")
    else:
        url = str(request.getfixturevalue("postgres_url"))
        engine = open_engine(load_settings(database_url=url).sqlalchemy_url)
        tables.metadata.create_all(engine, tables=OURS)
    yield engine
    engine.dispose()


@st.composite
def streams(draw: st.DrawFn) -> list[Came]:
    """Events as they come: in order or not, again, from strangers, malformed, of all ages."""
    came = []
    arrived = MOMENT
    for number in range(draw(st.integers(0, 25))):
        arrived += timedelta(seconds=draw(st.integers(0, 600)))
        if draw(st.integers(0, 9)) == 0:
            came.append(
                Came(Rejection(draw(st.sampled_from([Reason.NOT_JSON, Reason.EMPTY])), "why"), arrived)
            )
            continue
        one = event(
            id=draw(st.sampled_from([f"new-{number}", f"new-{number}", "again-1", "again-2"])),
            time=(arrived - timedelta(seconds=draw(st.sampled_from(LAGS)))).isoformat(),
            agency=draw(st.sampled_from(["MOH", "MPS", "GOV-M5", STRANGER])),
            kind=draw(st.sampled_from(["sign_in_ok", "token_rejected", "coffee_spilt", "tea_spilt"])),
            severity=draw(st.integers(1, 5)),
            actor="officer-17",
        )
        came.append(Came(one, arrived))
    return came


plans = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(["commit", "crash", "reread", "go on"])), max_size=12
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams(), plans)
def test_counts_are_those_of_a_plain_recount_wherever_it_crashes(
    shared: Engine, came: list[Came], plan: list[tuple[int, str]]
) -> None:
    """However events are cut into batches, committed, read again, or lost with the process."""
    topic = f"t{next(_topics)}"
    assert play(shared, topic, came, plan, dedupe_window=timedelta(days=365)) == recount(came)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(streams(), plans)
def test_ids_are_remembered_the_same_wherever_it_crashes(
    shared: Engine, came: list[Came], plan: list[tuple[int, str]]
) -> None:
    """With a memory so short that generations end within the stream."""
    first, second = f"t{next(_topics)}", f"t{next(_topics)}"
    short = {"dedupe_window": timedelta(minutes=7)}
    assert play(shared, first, came, plan, **short) == play(shared, second, came, (), **short)


def test_a_crash_after_every_single_event_changes_nothing(shared: Engine) -> None:
    """One by one, each committed and lost again."""
    came = [
        Came(event(id=f"e{number % 7}", time=(MOMENT - timedelta(minutes=number)).isoformat()), MOMENT)
        for number in range(20)
    ]
    plan = [step for _ in came for step in ((1, "go on"), (0, "crash"), (1, "commit"), (0, "crash"))]
    topic = f"t{next(_topics)}"
    assert play(shared, topic, came, plan, dedupe_window=timedelta(days=365)) == recount(came)


def test_an_event_is_stored_whole(engine: Engine) -> None:
    """On both databases, in many rows (which PostgreSQL copies) and in few."""
    for partition, count in enumerate((1, 250)):
        owner = Owner(engine, partition=partition)
        owner.fold(
            *(
                event(
                    id=f"e\0{number}", actor="officer-17", source_ip="203.0.113.7", service="x\0y",
                    subject="a91f" * 4, count=2**53, bytes=7, detail={"item": 'a"\\', "n": 1.5, "ok": True},
                )
                for number in range(count)
            )
        )  # fmt: skip
        owner.commit()
        stored = tables.security_events
        query = select(stored).where(stored.c.partition == partition).order_by(stored.c.source_offset)
        with engine.connect() as connection:
            rows = [dict(row) for row in connection.execute(query).mappings()]
        assert [row["source_offset"] for row in rows] == list(range(count))
        assert json.loads(rows[-1].pop("detail")) == {"item": 'a"\\', "n": 1.5, "ok": True}
        assert rows[-1] == {
            "topic": TOPIC, "partition": partition, "source_offset": count - 1, "id": f"e\ufffd{count - 1}",
            "time": MOMENT, "agency": "MOH", "kind": "sign_in_failed", "severity": 2,
            "actor": Pseudonyms(KEY).of_value("officer-17"), "source_ip": "203.0.113.7",
            "service": "x\ufffdy", "subject": "a91f" * 4, "count": 2**53, "bytes": 7,
        }  # fmt: skip


def test_a_bumpy_ride_ends_alike_on_both_databases(engine: Engine) -> None:
    """A fixed one, as hypothesis only rides on SQLite."""
    came = [
        Came(
            event(
                id=f"e{number % 40}",
                time=(MOMENT + timedelta(minutes=number)).isoformat(),
                agency=("MOH", "MPS", STRANGER)[number % 3],
            ),
            MOMENT + timedelta(minutes=number),
        )
        for number in range(60)
    ]
    plan = [(7, "commit"), (5, "crash"), (9, "commit"), (1, "reread"), (30, "crash"), (3, "commit")]
    assert play(engine, TOPIC, came, plan, dedupe_window=timedelta(days=365)) == recount(came)


def test_of_two_owners_the_second_is_fenced(engine: Engine) -> None:
    """Nothing of what it counted is written."""
    first, second = Owner(engine), Owner(engine)
    first.fold(event(id="1"))
    second.fold(event(id="1"), event(id="2"))
    first.commit()
    with pytest.raises(Fenced):
        second.commit()
    assert held(engine)["events"] == {0: "1"}


def test_others_write_in_the_same_transaction_or_not_at_all(engine: Engine) -> None:
    """After the offset has moved; when one of them fails, nothing was written and it can be tried again."""
    owner = Owner(engine)
    owner.fold(event(id="1"))
    changes = owner.ledger.take()
    gap = {"topic": "other", "partition": 0, "kind": "agency", "name": "X", "count": 1, "last_time": NOW}
    seen: list[int] = []

    def writes(connection: Connection) -> None:
        offsets = tables.offsets.c
        seen.append(connection.execute(select(offsets.next_offset)).scalar_one())
        connection.execute(insert(tables.gaps), gap)

    def fails(_: Connection) -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        owner.store.write(changes, NOW, (writes, fails))
    assert held(engine)["events"] == held(engine, "other")["gaps"] == {}
    written = owner.store.write(changes, NOW, (writes,))
    assert seen == [1, 1]
    assert [count.count for _, count in written.counts] == [1]
    assert held(engine, "other")["gaps"] == {"X": 1}


def test_old_events_are_pruned_a_bounded_number_at_a_time(engine: Engine) -> None:
    """The oldest first; their counts stay."""
    owner = Owner(engine)
    times = [MOMENT - timedelta(days=number) for number in range(10)]
    owner.fold(*(event(id=str(number), time=time.isoformat()) for number, time in enumerate(times)))
    owner.commit()
    before = MOMENT - timedelta(days=4)
    deleted = []
    for _ in range(3):
        with engine.begin() as connection:
            deleted.append(prune(connection, before, 3))
    assert deleted == [3, 2, 0]
    assert sorted(held(engine)["events"]) == [0, 1, 2, 3, 4]
    assert sum(count for count, _, _ in held(engine)["counts"].values()) == 10


def test_counts_of_old_hours_are_read_again_when_touched(shared: Engine) -> None:
    """Memory holds the newest hours only."""
    topic = f"t{next(_topics)}"
    owner = Owner(shared, topic=topic)
    for turn in range(2):
        for hours in range(6):
            time = MOMENT - timedelta(hours=5 - hours)
            owner.fold(event(id=f"{turn}-{hours}", time=time.isoformat()))
            owner.commit()
    assert len({key.hour for key in owner.store._counts}) <= CACHED_HOURS
    assert [count for count, _, _ in held(shared, topic)["counts"].values()] == [2] * 6


@pytest.mark.parametrize("key", [KEY, None], ids=["with a key", "without"])
def test_no_name_of_a_person_is_anywhere_in_the_file(tmp_path: Path, key: str | None) -> None:
    """Whatever form it came in and wherever in the event it stood; the file is read byte by byte."""
    people = ["tran.van.binh", "001090012345", "binh@moh.example", "Trần-Văn-Bình", "0912345678"]
    forms = []
    for number, person in enumerate(people):
        detail = {"user": person, "why": f"{person} did it", "message": person, "ho_ten": person}
        forms += [
            event(id=f"a{number}", actor=person, subject=person, detail=detail),
            decode_one_security(ocsf(
                metadata={"uid": f"o{number}", "tenant_uid": "MOH"}, message=person, status_detail=person,
                user={"uid": person, "name": person, "email_addr": person, "full_name": person},
                actor={"user": {"name": person}}, unmapped={"x": person},
            ), ()),
            decode_one_security(audit_line(user=person, reason=f"{person} may not", url=f"/{person}"), ()),
        ]  # fmt: skip
    engine = opened(tmp_path / "monitor.db")
    owner = Owner(engine, key=key)
    for form in forms:
        assert isinstance(form, SecurityEvent), form
        owner.fold(form)
    owner.commit()
    with engine.connect() as connection:
        assert connection.execute(select(func.count()).select_from(tables.security_events)).scalar() == len(
            forms
        )
    engine.dispose()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"sign_in_failed" in stored
    for person in people:
        assert person.encode() not in stored
    assert b"Binh" not in stored
    assert b"nh did it" not in stored
