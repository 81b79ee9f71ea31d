"""Calls a day: those of which one half came count as well, once it is known that no other will."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine

from monitor.registry.registry import Registry
from monitor.storage import tables
from monitor.xroad.decode import decode_records
from tests.builders import Arrived, agreement, made
from tests.monitor.xroad.parts import (
    AGENCIES,
    BEGIN,
    SERVICES,
    WAIT,
    Owner,
    body,
    counted,
    halves,
    memory,
    rows,
)

AT = BEGIN + timedelta(hours=2)
LIMIT = 3


def allowing(calls: int) -> Registry:
    """The registry of these tests with a ceiling on the calls of a day."""
    agreed = agreement(purposes=["health-insurance"], ceilings={"calls_per_day": calls})
    return made(agreed, agencies=AGENCIES, services=SERVICES)


def owning(engine: Engine, calls: int = LIMIT) -> Owner:
    """A partition of records, of which so many calls a day are agreed."""
    return Owner(engine, registry=allowing(calls))


def one_side(number: int, side: int = 0, *, at: datetime | None = None, request_id: bool = True) -> bytes:
    """One half of a call of the service that the agreement is for."""
    record = halves(number, at=at, serviceCode="verifyIdentity")[side]
    if not request_id:
        del record["xRequestId"]
    return body(record)


def both_sides(number: int) -> list[bytes]:
    """Both halves of such a call."""
    return [one_side(number, 0), one_side(number, 1)]


def lapse(owner: Owner) -> None:
    """Let everything that waits have waited for long enough, and commit."""
    owner.ledger.tick(owner.ledger.now + timedelta(days=1))
    owner.commit()


def too_many(engine: Engine) -> int:
    """How many calls were one too many of their day."""
    return sum(row["count"] for row in rows(engine, tables.findings) if row["breach"] == "quota_exceeded")


@pytest.mark.parametrize("side", [0, 1])
def test_calls_of_one_half_count(engine: Engine, side: int) -> None:
    """Whichever half it is: what is over the ceiling is a finding, and what is not is none."""
    owner = owning(engine)
    owner.fold(*[one_side(number, side) for number in range(LIMIT + 2)], at=AT)
    owner.commit()
    assert too_many(engine) == 0, "none of them is counted while its other half may come"
    lapse(owner)
    assert too_many(engine) == 2
    assert sum(row["breached"] for row in rows(engine, tables.cells)) == 2
    assert {row["breach"] for row in rows(engine, tables.findings)} == {"quota_exceeded"}


def test_calls_of_one_half_and_of_both_are_counted_together(engine: Engine) -> None:
    """In the order in which it was known what they are."""
    owner = owning(engine)
    owner.fold(*both_sides(1), one_side(2), one_side(3), at=AT)
    lapse(owner)
    assert too_many(engine) == 0
    owner.fold(*both_sides(4), at=AT)
    owner.commit()
    assert too_many(engine) == 1
    (over,) = [row for row in rows(engine, tables.findings) if row["count"]]
    assert over["topic"] == "xroad-records", "the call that met here is the one too many"
    lapsed = [row["call"] for row in rows(engine, tables.xroad_late) if row["breaches"]]
    assert lapsed == []


def test_a_call_that_is_completed_later_is_still_one_too_many(engine: Engine) -> None:
    """It was; and its second half counts as no other call."""
    owner = owning(engine)
    owner.fold(*[one_side(number) for number in range(LIMIT + 1)], at=AT)
    lapse(owner)
    assert too_many(engine) == 1
    owner.fold(*[one_side(number, 1) for number in range(LIMIT + 1)], at=AT + timedelta(hours=1))
    owner.commit()
    assert counted(engine)["joined_late"] == LIMIT + 1
    assert too_many(engine) == 1
    owner.fold(*both_sides(8), at=AT + timedelta(hours=1))
    owner.commit()
    assert too_many(engine) == 2


def test_a_second_half_that_lapses_too_counts_as_no_other_call(engine: Engine) -> None:
    """It came when the first had lapsed, but before that was written."""
    owner = owning(engine, calls=2)
    first, second = one_side(1), one_side(1, 1)
    owner.fold(first, at=AT)
    owner.ledger.tick(AT + timedelta(days=1))
    owner.fold(second, at=AT)
    owner.ledger.tick(AT + timedelta(days=2))
    owner.commit()
    owner.fold(*both_sides(2), at=AT + timedelta(days=2))
    owner.commit()
    assert too_many(engine) == 0
    owner.fold(*both_sides(3), at=AT + timedelta(days=2))
    owner.commit()
    assert too_many(engine) == 1


def test_whoever_takes_over_counts_on(either: Engine) -> None:
    """From the calls that met in this partition, and those of which one half lapsed in it; no other's."""
    owner, other = owning(either), Owner(either, 1, registry=allowing(LIMIT))
    owner.fold(*both_sides(1), one_side(2), one_side(3, request_id=False), at=AT)
    other.fold(*both_sides(11), one_side(12), one_side(13), at=AT)
    lapse(owner)
    lapse(other)
    again = owning(either)
    again.fold(*both_sides(4), at=AT)
    again.commit()
    assert too_many(either) == 0
    again.fold(one_side(5), at=AT)
    lapse(again)
    assert too_many(either) == 1


def test_a_half_without_a_call_is_none(engine: Engine) -> None:
    """Without `xRequestId` nobody knows whether two halves are one call or two; and nobody is accused."""
    owner = owning(engine, calls=1)
    owner.fold(*[one_side(number, number % 2, request_id=False) for number in range(6)], at=AT)
    lapse(owner)
    assert sum(counted(engine)[what] for what in ("orphan_client", "orphan_producer")) == 6
    assert too_many(engine) == 0
    again = owning(engine, calls=1)
    again.fold(*both_sides(9), at=AT)
    again.commit()
    assert too_many(engine) == 0, "nor after a restart"


def test_each_local_day_has_its_own(engine: Engine) -> None:
    """Of calls by their own time, not by that at which they lapsed."""
    owner = owning(engine)
    days = (BEGIN, BEGIN + timedelta(days=1), BEGIN + timedelta(days=2))
    for number, at in enumerate(day for day in days for _ in range(LIMIT)):
        owner.fold(one_side(number, at=at), at=days[-1] + timedelta(hours=1))
    lapse(owner)
    assert too_many(engine) == 0
    owner.fold(one_side(100, at=days[1]), at=days[-1] + timedelta(hours=1))
    lapse(owner)
    assert too_many(engine) == 1


@pytest.mark.parametrize("seed", range(6))
def test_it_does_not_matter_how_records_were_cut_and_who_counted_on(tmp_path: Path, seed: int) -> None:
    """In one go, in batches, and by an owner after the other, some of whom did not write all."""
    lot = Random(seed)
    sent: list[tuple[datetime, bytes]] = []
    for number in range(120):
        came = AT + timedelta(seconds=60 * number + lot.randrange(60))
        sides = lot.choice([(0,), (1,), (0, 1), (1, 0)])
        for place, side in enumerate(sides):
            sent.append((came + place * timedelta(seconds=lot.randrange(3000)), one_side(number, side)))
    sent.sort()
    told = []
    for times in (1, 12, 40):
        engine = memory(tmp_path / f"{times}.db")
        cuts = sorted(lot.sample(range(1, len(sent)), times - 1))
        owner = owning(engine, calls=25)
        begin = 0
        for end in (*cuts, len(sent)):
            take_in(owner, sent[begin:end], begin)
            if lot.random() < 0.2:  # it dies before it has written, and another takes over
                owner = owning(engine, calls=25)
                take_in(owner, sent[begin:end], begin)
            owner.commit()
            if lot.random() < 0.3:
                owner = owning(engine, calls=25)
            begin = end
        lapse(owner)
        findings = {
            (row["topic"], row["hour"], row["service"], row["breach"]): row["count"]
            for row in rows(engine, tables.findings)
        }
        late = {row["call"]: row["breaches"] for row in rows(engine, tables.xroad_late)}
        told.append((findings, late))
        assert too_many(engine) == 120 - 25
        engine.dispose()
    assert told[1] == told[0]
    assert told[2] == told[0]


def take_in(owner: Owner, sent: list[tuple[datetime, bytes]], first: int) -> None:
    """Fold bodies, each at the time at which it came."""
    times = [came for came, _ in sent]
    decoded = decode_records([one for _, one in sent], lambda _index: ())
    owner.ledger.fold(decoded, Arrived(len(sent), first=first, times=times), times[-1] + WAIT)
