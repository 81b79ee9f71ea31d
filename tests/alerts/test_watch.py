"""The watch of exchanges: what it spares itself must not be missing from what rules find."""

from __future__ import annotations

import copy
import random
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import make_url

from alerts.engine.engine import Engine
from alerts.engine.gather import Portion
from alerts.engine.kind import Observed
from alerts.engine.merging import totals
from alerts.engine.metrics import EngineMetrics
from alerts.engine.plan import BaselineFactory
from alerts.engine.register import AgreementsInForce
from alerts.fields import EXCHANGES, ExchangeSeen
from alerts.incidents.metrics import IncidentMetrics
from alerts.metrics import AlertMetrics
from alerts.model import EVIDENCE, Detection, Group
from alerts.rule import Baseline, RuleSet
from alerts.sigma.load import load_rules
from alerts.watch import Desk, ExchangeWatch, Told
from monitor.events.exchange import OUTCOMES, Exchange
from monitor.events.fields import FIELD_LISTS
from monitor.events.pseudonym import WITHHELD, Pseudonyms
from monitor.judging.book import Book
from monitor.judging.breach import Breach
from monitor.judging.terms import Breaches, Pair
from monitor.ledger.moment import EPOCH, in_utc
from monitor.ledger.partition import Witnessed
from monitor.settings import SHIPPED_RULES
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from tests.builders import book_of, exchange

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
BEGINS = datetime(2026, 10, 5, 0, 50, tzinfo=UTC)  # ten minutes before an hour ends
KEY = "a key of the tests that is long enough"
_MILLISECOND = timedelta(milliseconds=1)

PAIRS = [
    Pair("MPS", "MOH", "population.verify-identity"),
    Pair("MPS", "VSS", "population.verify-identity"),
    Pair("VSS", "MOH", "insurance.verify-card"),
    Pair("unregistered", "MOH", "unregistered"),
]
BREACHES: list[Breaches] = [
    (),
    (),
    (),
    (Breach.DUPLICATE_ID,),
    (Breach.NO_AGREEMENT,),
    (Breach.PURPOSE_NOT_PERMITTED, Breach.UNSIGNED),
    (Breach.RECORDS_EXCEEDED,),
]
# As they come: digits of a hash, a name, a number, nobody.
PEOPLE = ['"7a2a1f1a30c3d66b"', f'"{"0" * 32}"', '"Trần Thị B"', '"0123456789012345"', "88", "null", '""', ""]


@cache
def shipped() -> RuleSet:
    """The rules that a worker has."""
    return load_rules(SHIPPED_RULES)


class Summed:
    """What a baseline was given, summed by group and hour however it was portioned out."""

    def __init__(self, rule: Baseline, into: dict[str, dict[tuple[Group, int], Portion]]) -> None:
        self.rule = rule.info.id
        self.groups_evicted = 0
        self.sums = into.setdefault(rule.info.id, {})

    def add(self, portion: Portion) -> Collection[Detection]:
        """Add it to what there is."""
        place = portion.group, portion.hour
        held = self.sums.get(place)
        if held is None:
            held = self.sums[place] = copy.copy(portion)  # others are given the same
        else:
            held.count += portion.count
            held.usable += portion.usable
            held.total += portion.total
            held.squares += portion.squares
            held.first_ms = min(held.first_ms, portion.first_ms)
            held.last_ms = max(held.last_ms, portion.last_ms)
            held.values = held.values | portion.values
            held.evidence = [*held.evidence, *portion.evidence]
        held.evidence = sorted(held.evidence)[:EVIDENCE]
        return ()

    def apply(self, observation: Observed) -> Collection[Detection]:
        """None comes alone."""
        raise AssertionError(observation)

    def advance(self, watermark_ms: int) -> Collection[Detection]:  # noqa: ARG002  # Kind's signature
        """Nothing waits."""
        return ()

    def touched(self) -> Collection[Group]:
        """Nothing is written."""
        return ()

    def encode(self, group: Group) -> bytes | None:
        """Nothing is written."""
        raise AssertionError(group)

    def restore(self, states: Mapping[Group, bytes]) -> None:
        """Nothing was written."""
        raise AssertionError(states)


Sums = dict[str, dict[tuple[Group, int], Portion]]


def summing(into: Sums) -> BaselineFactory:
    """Makes baselines that only sum."""
    return lambda rule: Summed(rule, into)


def witnessed(seed: int, count: int) -> list[Witnessed]:
    """Exchanges of all sorts over an hour's end; some are out of order, and some too late for windows."""
    seeded = random.Random(seed)
    found: list[Witnessed] = []
    for number in range(count):
        time = BEGINS + timedelta(seconds=number * 1200 / count)
        if seeded.random() < 0.2:
            time -= timedelta(seconds=seeded.randrange(600))
        pair = seeded.choice(PAIRS)
        outcome = seeded.choices(OUTCOMES, weights=(9, 1, 1, 1))[0]
        exchange = Exchange(
            id=f"e-{seeded.randrange(count)}",
            time=time,
            provider=pair.provider,
            consumer=pair.consumer,
            service=pair.service,
            outcome=outcome,
            duration_ms=seeded.choice((1.0, 900.5)),
            purpose=seeded.choice((None, "health-insurance", "tax")),
            records=seeded.choice((0, 1, 1, 7, 100, 100, 6000)) if outcome == "ok" else 0,
            response_bytes=seeded.choice((0, 2048, 50_000_000)),
            fields=msgspec.Raw(seeded.choice((b"", b'["full_name"]', b"[]"))),
            actor=msgspec.Raw(seeded.choice(PEOPLE).encode()),
            subject=msgspec.Raw(seeded.choice([*PEOPLE, f'"{seeded.getrandbits(64):016x}"']).encode()),
        )
        found.append((exchange, time, pair, seeded.choice(BREACHES)))
    return found


def as_seen(one: Witnessed, pseudonyms: Pseudonyms) -> tuple[ExchangeSeen, int, str]:
    """An exchange as rules see it, made the plain way, with its time and identity."""
    exchange, time, pair, breaches = one
    time_ms = (time - EPOCH) // _MILLISECOND

    def person(raw: msgspec.Raw) -> str | None:
        value = msgspec.json.decode(bytes(raw)) if bytes(raw) else None
        hidden = pseudonyms.of_value(None if value is None else str(value))
        return None if hidden == WITHHELD else hidden

    seen = ExchangeSeen(
        exchange,
        time_ms,
        pair,
        breaches,
        tuple(FIELD_LISTS[bytes(exchange.fields)] or ()),
        person(exchange.actor),
        person(exchange.subject),
    )
    return seen, time_ms, f"{exchange.id}#again" if breaches == (Breach.DUPLICATE_ID,) else exchange.id


def plainly(
    events: Sequence[Witnessed], rules: RuleSet, book: Book, pseudonyms: Pseudonyms
) -> tuple[list[Detection], Sums, Mapping[str, int], int]:
    """What an engine makes of every event, shown one by one to every rule that might match."""
    sums: Sums = {}
    engine = Engine(rules, EXCHANGES.name, register=AgreementsInForce.of(book), baselines=summing(sums))
    for one in events:
        engine.observe(*as_seen(one, pseudonyms))
    found = list(engine.take().detections)
    return totals(found), sums, engine.matched, engine.too_late


def told() -> Told:
    """Somebody to tell."""
    return Told(AlertMetrics.create(CollectorRegistry()), IncidentMetrics(), EngineMetrics(), lambda: None)


def in_courses(
    events: Sequence[Witnessed], cuts: random.Random, desk: Desk
) -> tuple[list[Detection], Mapping[str, int], int]:
    """What a watch makes of the same, in batches and with commits of any size."""
    watch = ExchangeWatch(desk, "exchanges", 0)
    found: list[Detection] = []
    at = 0
    while at < len(events):
        many = cuts.randrange(1, 200)
        watch.observe(events[at : at + many])
        at += many
        if cuts.random() < 0.5:
            found += watch.take().engine.detections
    found += watch.take().engine.detections
    return totals(found), watch.engine.matched, watch.engine.too_late


@pytest.mark.parametrize("key", [KEY, None])
@pytest.mark.parametrize("seed", range(4))
def test_a_watch_finds_what_rules_find_that_see_every_exchange(
    seed: int, key: str | None, tmp_path: Path
) -> None:
    """It builds no event in vain, narrows rules to what exchanges have in common, and adds up in piles."""
    events = witnessed(seed, 3000)
    book, pseudonyms, rules = book_of(), Pseudonyms(key), shipped()
    database = open_engine(make_url(f"sqlite:///{tmp_path}/watch.db"))
    migrate(database)
    sums: Sums = {}
    desk = Desk(database, rules, book, pseudonyms, told(), baselines=summing(sums))
    expected, expected_sums, matched, too_late = plainly(events, rules, book, pseudonyms)
    found, ran, late = in_courses(events, random.Random(seed), desk)
    assert found == expected
    assert sums == expected_sums
    assert late == too_late
    assert {rule: count for rule, count in ran.items() if count} == {
        rule: count for rule, count in matched.items() if count
    }
    assert found
    assert late
    assert all(any(portions.values()) for portions in sums.values())


def test_ways_that_are_forgotten_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Purposes can be any text: when too many combinations are remembered, they are worked out again."""
    monkeypatch.setattr("alerts.watch.WAYS", 3)
    test_a_watch_finds_what_rules_find_that_see_every_exchange(1, KEY, tmp_path)


def test_officers_that_are_forgotten_lose_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor do people, of whom there may be any number."""
    monkeypatch.setattr("alerts.watch.HIDDEN", 2)
    test_a_watch_finds_what_rules_find_that_see_every_exchange(2, KEY, tmp_path)


def test_the_largest_values_can_be_stored_and_restored(tmp_path: Path) -> None:
    """An exchange may tell of 2**53 records: what is made of them, and of their squares, has its bounds."""
    database = open_engine(make_url(f"sqlite:///{tmp_path}/watch.db"))
    migrate(database)
    desk = Desk(database, shipped(), book_of(), Pseudonyms(KEY), told())
    largest = [
        exchange(
            BEGINS + timedelta(seconds=number),
            id=str(number), records=2**53, request_bytes=2**53, response_bytes=2**53,
        )
        for number in range(1100)
    ]  # fmt: skip
    for portion in (largest[:1], largest[1:], largest[:3]):
        watch = ExchangeWatch(desk, "exchanges", 0)
        watch.observe([(one, in_utc(one.time), PAIRS[0], ()) for one in portion])
        taken = watch.take()
        with database.begin() as connection:
            watch.write(connection, taken, BEGINS + timedelta(hours=1))
        watch.committed(taken)
