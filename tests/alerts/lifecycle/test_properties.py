"""However detections are cut into transactions and in whatever order they come, the same alerts result."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alerts.lifecycle.alert import Alert, opened
from alerts.lifecycle.episodes import fold
from alerts.lifecycle.tables import alerts, outbox, series
from alerts.lifecycle.total import Total, clusters
from alerts.model import EVIDENCE, Detection, Evidence
from monitor.settings import load_settings
from monitor.storage.engine import open_engine
from monitor.storage.tables import metadata
from tests.alerts.lifecycle.parts import FAR, NOW, QUIET, START_MS, Desk, info

QUIET_MS = QUIET * 1000


@st.composite
def detections(draw: st.DrawFn) -> Detection:
    """Any detection of one group within ten quiet times, many of them just within reach."""
    unit = QUIET_MS // 2
    first = START_MS + unit * draw(st.integers(0, 20)) + draw(st.sampled_from((0, 0, 1)))
    last = first + draw(st.sampled_from((0, 0, 1, unit, 3 * unit)))
    named = draw(st.lists(st.tuples(st.integers(first, last), st.text("abc", max_size=3)), max_size=EVIDENCE))
    evidence = tuple(sorted({Evidence(*one) for one in named}))
    facts = draw(st.dictionaries(st.sampled_from("xy"), st.integers(0, 3), max_size=2))
    return Detection(
        "rule", "MOH", (("service", "s"),), first, last, draw(st.integers(1, 5)), evidence, facts
    )


many = st.lists(detections(), max_size=12)


@st.composite
def cut(draw: st.DrawFn) -> tuple[list[Detection], list[list[Detection]]]:
    """Detections, and the same in another order and in portions."""
    found = draw(many)
    shuffled = draw(st.permutations(found))
    bounds = sorted(draw(st.lists(st.integers(0, len(found)), max_size=6)))
    edges = [0, *bounds, len(found)]
    return found, [list(shuffled[a:b]) for a, b in pairwise(edges)]


def content(one: Total) -> Any:
    """All that adds up."""
    return (
        *(one.first_ms, one.last_ms, one.count),
        *(one.earliest, one.latest, tuple(sorted(one.facts.items()))),
    )


def played(portions: Iterable[Sequence[Detection]]) -> list[Alert]:
    """The episodes that come of detections, portion by portion."""
    held: dict[int, Alert] = {}
    last = 0

    def opener(total: Total, episode: int) -> Alert:
        group = (("service", "s"),)
        return opened(total, info(), agency="MOH", group=group, owner="soc", episode=episode, now=NOW)

    for portion in portions:
        folded = fold(list(held.values()), map(Total.of, portion), last, QUIET, opener, NOW)
        last = folded.last_episode
        for gone in folded.gone:
            del held[gone.episode]
        held |= {one.episode: one for one in folded.alerts}
        assert sum(one.is_open for one in held.values()) <= 1
    return list(held.values())


@given(detections(), detections(), detections())
def test_sums_are_commutative_and_associative(one: Detection, two: Detection, three: Detection) -> None:
    """Two or three in any order are the same sum."""
    a, b, c = Total.of(one), Total.of(two), Total.of(three)
    assert content(a.plus(b)) == content(b.plus(a))
    assert content(a.plus(b).plus(c)) == content(a.plus(b.plus(c)))


@given(cut())
@settings(deadline=None)
def test_any_order_in_any_portions_gives_the_same_episodes(given_: tuple[list[Detection], Any]) -> None:
    """Those that a recount of all at once gives: what lies within the quiet time of each other, added up."""
    found, portions = given_
    expected = clusters(map(Total.of, found), QUIET)
    assert sorted(content(one.total) for one in played(portions)) == [content(one) for one in expected]
    for earlier, later in pairwise(expected):
        assert later.first_ms - earlier.last_ms > QUIET_MS


def test_the_database_gives_the_same_episodes(tmp_path: Path) -> None:
    """Also when alerts are resolved between the transactions, and each is written twice and undone once."""
    engine = open_engine(load_settings(database_url=f"sqlite:///{tmp_path}/monitor.db").sqlalchemy_url)
    metadata.create_all(engine, tables=[series, alerts, outbox])
    desk = Desk(engine)

    @given(cut(), st.lists(st.integers(0, 400), min_size=8, max_size=8))
    @settings(deadline=None, max_examples=60)
    def same(given_: tuple[list[Detection], list[list[Detection]]], watermarks: list[int]) -> None:
        with engine.begin() as connection:
            for table in (series, alerts, outbox):
                connection.execute(table.delete())
        found, portions = given_
        for portion, watermark in zip(portions, watermarks, strict=False):
            with engine.connect() as connection, connection.begin() as transaction:
                desk.book.write(connection, portion, NOW)
                transaction.rollback()
            desk.find(*portion)
            desk.quiet(watermark)
        desk.quiet(100_000, now=FAR)
        held = desk.alerts()
        assert all(one.state == "resolved" for one in held)
        expected = [content(one) for one in clusters(map(Total.of, found), QUIET)]
        assert sorted(content(one.total) for one in held) == expected

    same()
    engine.dispose()
