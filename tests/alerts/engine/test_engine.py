"""The engine around the kinds: which rules are tried, what is handed over, and what it says of itself."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.engine.changes import Pace
from alerts.engine.engine import Engine
from alerts.engine.gather import Portion
from alerts.engine.groups import Limits
from alerts.engine.index import RuleIndex
from alerts.engine.kind import Observed
from alerts.engine.plan import Plan
from alerts.engine.run import run
from alerts.fields import EXCHANGES, SECURITY_EVENTS
from alerts.model import Detection, Group
from alerts.rule import Baseline, EventRule, Literals
from monitor.errors import UsageProblem
from tests.alerts.engine.building import (
    START,
    S,
    absent,
    at,
    engine,
    exchange_engine,
    found,
    ids,
    info,
    of_kind,
    rules,
    seen,
    window,
)
from tests.alerts.engine.stopping import Database

P = of_kind("p", "p")


def requiring(rule: str, **values: str) -> EventRule:
    """A rule on exchanges that requires literals, and nothing else."""
    wanted = {name: frozenset(value.split("|")) for name, value in values.items()}

    def matches(event: Any) -> bool:
        for name, texts in wanted.items():
            held = EXCHANGES.fields[name].read(event)
            items = held if isinstance(held, tuple) else (held,)
            if not any(item is not None and item.casefold() in texts for item in items):
                return False
        return True

    literals = tuple(Literals(name, texts) for name, texts in wanted.items())
    return EventRule(info(rule), EXCHANGES, matches, literals)


def test_rules_on_single_events_tell_alerts_apart_by_their_fields() -> None:
    """Fields that an event lacks are left out."""
    one = engine(rules(of_kind("single", "p", alerts=True, group_by=("service", "actor"))))
    events = [at(0, "p", actor="o-1"), at(1, "p"), at(2, "p", actor="o-1")]
    assert {each.group: each.count for each in found(one, events)} == {
        (("actor", "o-1"), ("service", "a.b")): 2,
        (("service", "a.b"),): 1,
    }


def test_a_rule_that_only_feeds_others_alerts_nobody() -> None:
    """Its matches are counted all the same."""
    one = engine(rules(P, window("burst", "p", when={"gte": 99})))
    assert found(one, [at(0, "p"), at(1, "q")]) == []
    assert one.matched == {"p": 1, "burst": 0}


def test_detections_a_long_time_apart_stay_apart() -> None:
    """An alert that had resolved between them is another one."""
    single = of_kind("single", "p", alerts=True)
    one = engine(rules(replace(single, info=info("single", quiet=60))))
    one.observe_many([at(0, "p"), at(50, "p"), at(500, "p"), at(510, "p"), at(45, "p", "late")])
    detections = sorted(one.take().detections, key=lambda each: each.first_ms)
    assert [each.count for each in detections] == [3, 2]
    assert ids(detections[:1]) == {"p@0", "p@50", "late"}


def test_rules_of_the_other_source_are_left_out() -> None:
    """Also those with a memory that take in nothing else."""
    one = exchange_engine(rules(P, window("burst", "p", when={"gte": 1})))
    assert (one.matched, one.groups) == ({}, {})


def test_the_watermark_follows_the_newest_event() -> None:
    """And never goes back, whatever it is told."""
    one = engine(rules(P))
    before = one.watermark_ms
    assert before is None
    one.observe(*at(100, "p"))
    assert one.watermark_ms == START + 40 * S
    one.observe(*at(90, "p"))
    one.advance(START)
    assert one.watermark_ms == START + 40 * S
    one.advance(START + 70 * S)
    one.observe(*at(110, "p"))
    assert one.watermark_ms == START + 70 * S


def test_events_that_no_rule_can_match_move_the_watermark_too() -> None:
    """They need not be built for it."""
    one = engine(rules(P, window("few", "p", when={"lt": 2})))
    one.observe(*at(0, "p"))
    one.note_time(START + 61 * S)
    assert [each.rule for each in one.take().detections] == ["few"]


def test_rules_that_take_in_each_other_are_refused() -> None:
    """They would never come to an end."""
    circle = [window("one", "two", when={"gte": 1}), window("two", "one", when={"gte": 1})]
    with pytest.raises(UsageProblem, match="one -> two -> one"):
        engine(rules(P, *circle))


FIELDS = ("outcome", "purpose", "service", "breach")
VALUES = {
    "outcome": ("ok", "denied"),
    "purpose": ("health", "tax"),
    "service": ("population.verify", "land.look-up"),
    "breach": ("unsigned", "case_missing"),
}
requirements = st.lists(
    st.fixed_dictionaries(
        {}, optional={name: st.sampled_from([*VALUES[name], "|".join(VALUES[name])]) for name in FIELDS}
    ),
    max_size=6,
)
exchanges = st.fixed_dictionaries(
    {
        "outcome": st.sampled_from(VALUES["outcome"]),
        "purpose": st.sampled_from(("Health", "health", "TAX", None)),
        "service": st.sampled_from(VALUES["service"]),
    }
)


@given(required=requirements, fields=exchanges, breach=st.sets(st.sampled_from(VALUES["breach"])))
def test_the_index_leaves_out_no_rule_that_matches(
    required: list[dict[str, str]], fields: dict[str, Any], breach: set[str]
) -> None:
    """Nor does the filter before it; neither names a rule twice."""
    given_rules = [requiring(f"rule-{number}", **each) for number, each in enumerate(required)]
    event = seen(0, *sorted(breach), **fields).event
    plan = Plan(
        rules(*(replace(each, alerts=True) for each in given_rules)),
        EXCHANGES.name,
        register=None,
        baselines=None,
        limits=Limits(),
    )
    tried = [node.info.id for node in RuleIndex(EXCHANGES, plan.events).candidates(event)]
    matching = {rule.info.id for rule in given_rules if rule.matches(event)}
    assert matching <= set(tried)
    assert len(tried) == len(set(tried))
    one = exchange_engine(rules(*given_rules))
    pair = (event.provider, event.consumer, event.service)
    test = one.prefilter().test_for(event.exchange.outcome, event.breach, pair, event.exchange.purpose)
    assert test(event.exchange) or not matching


def test_an_index_spares_rules_that_cannot_match() -> None:
    """Values are compared as Sigma does, whatever their case."""
    plan = Plan(
        rules(*(of_kind(f"rule-{number}", f"kind-{number}", alerts=True) for number in range(50))),
        SECURITY_EVENTS.name,
        register=None,
        baselines=None,
        limits=Limits(),
    )
    index = RuleIndex(SECURITY_EVENTS, plan.events)
    for _ in range(2):
        assert [node.info.id for node in index.candidates(at(0, "KIND-7").event)] == ["rule-7"]
        assert not index.candidates(at(0, "other").event)


class Largest:
    """A baseline of a kind: it finds every portion, and remembers the largest for each group."""

    def __init__(self, rule: Baseline) -> None:
        self.rule = rule.info.id
        self.groups_evicted = 0
        self.largest: dict[Group, int] = {}
        self.changed: set[Group] = set()

    def apply(self, observation: Observed) -> Collection[Detection]:
        """A single one."""
        group, time_ms, _, agency, _, _ = observation
        return self.add(Portion(group, 0, agency, 1, last_ms=time_ms))

    def add(self, portion: Portion) -> Collection[Detection]:
        """Find it."""
        before = self.largest.get(portion.group, 0)
        self.largest[portion.group] = max(before, portion.count)
        self.changed.add(portion.group)
        time_ms, count = portion.last_ms, portion.count
        facts = {"before": before}
        return [Detection(self.rule, "MOH", portion.group, time_ms, time_ms, count, facts=facts)]

    def advance(self, watermark_ms: int) -> Collection[Detection]:  # noqa: ARG002  # Kind's signature
        """Nothing waits."""
        return ()

    def touched(self) -> Collection[Group]:
        """Those with an event since."""
        return tuple(self.changed)

    def encode(self, group: Group) -> bytes | None:
        """The largest."""
        self.changed.discard(group)
        return str(self.largest[group]).encode()

    def restore(self, states: Mapping[Group, bytes]) -> None:
        """The largest."""
        self.largest.update({group: int(state) for group, state in states.items()})


BASELINE = Baseline(info("usual"), ("p",), ("service",), ({},), 3600)


def test_baselines_are_made_by_the_factory_that_is_given() -> None:
    """Others can be chained to what they find."""
    one = engine(rules(P, BASELINE, window("twice", "usual", when={"gte": 2})), baselines=Largest)
    one.observe_many([at(0, "p"), at(1, "p")])
    first = one.take().detections
    assert {each.rule: each.count for each in first} == {"usual": 2}
    one.observe(*at(2, "p"))
    assert {each.rule: each.count for each in one.take().detections} == {"usual": 1, "twice": 2}


def test_groups_that_a_baseline_forgets_are_counted_like_those_of_other_rules() -> None:
    """It bounds itself; whoever reads the metrics need not know that."""
    made: list[Largest] = []

    def largest(rule: Baseline) -> Largest:
        made.append(Largest(rule))
        return made[-1]

    one = engine(rules(P, BASELINE), baselines=largest)
    assert one.groups_evicted["usual"] == 0
    made[0].groups_evicted = 3
    assert one.groups_evicted["usual"] == 3
    one.take()
    assert one.take().progress.counters["groups_evicted"] == 3


@pytest.mark.parametrize("pace", [Pace(after=0), Pace(after=2, states=1), Pace(after=9)])
def test_the_states_of_a_baseline_are_written_together(pace: Pace) -> None:
    """They may depend on each other: a restored one is as a whole where a commit left it."""
    given_rules = rules(P, BASELINE)
    database = Database()
    one = engine(given_rules, baselines=Largest, pace=pace)
    for number in range(12):
        one.observe_many([at(number + each / 10, "p", service=f"s.{each % 4}") for each in range(number)])
        changes = one.take()
        assert len(changes.states) in (0, 4) or number < 5
        database.write(changes)
        if number == 7:
            one = engine(given_rules, baselines=Largest, pace=pace)
            one.restore(database.load())
    one.observe_many([at(20, "p", service=f"s.{each}") for each in range(4)])
    before = {each.group[0][1]: each.facts["before"] for each in one.take().detections}
    assert before == {"s.0": 3, "s.1": 3, "s.2": 3, "s.3": 2}


def test_states_wait_and_are_written_a_few_at_a_time() -> None:
    """The journal holds what is not written; where nothing is left to write, it is not needed."""
    one = engine(rules(P, window("burst", "p", when={"gte": 99})), pace=Pace(after=2, states=3))
    one.observe_many([at(number / 10, "p", service=f"s.{number}") for number in range(5)])
    first, second, third, fourth = (one.take() for _ in range(4))
    assert (first.journal is not None, first.states, first.oldest) == (True, [], 1)
    assert (second.journal, second.states, second.oldest) == (None, [], 1)
    assert ([dict(row.group)["service"] for row in third.states], third.oldest) == (["s.0", "s.1", "s.2"], 1)
    assert ([dict(row.group)["service"] for row in fourth.states], fourth.oldest) == (["s.3", "s.4"], 5)
    assert {row.sequence for row in fourth.states} == {4}


def test_a_long_journal_is_not_waited_for() -> None:
    """How much a restart has to do again is bounded."""
    one = engine(rules(P, window("burst", "p", when={"gte": 99})), pace=Pace(after=1000, steps=15))
    one.observe_many([at(number / 10, "p") for number in range(9)])
    assert one.take().states == []
    one.observe_many([at(number / 10 + 1, "p") for number in range(9)])
    assert len(one.take().states) == 1


def test_all_rules_together_remember_so_much_and_no_more() -> None:
    """Whichever holds most gives way, its least recently active groups first; a restart changes nothing."""
    many = window("many", "p", by=("actor",), when={"gte": 99}, span=600)
    few = window("few", "p", by=("service",), when={"gte": 30}, span=600)
    given_rules = rules(P, many, few)

    def make() -> Engine:
        return engine(given_rules, limits=Limits(altogether=200), pace=Pace(after=3))

    events = [at(number, "p", actor=f"o-{number}") for number in range(200)]
    one, database = make(), Database()
    for start in range(0, 200, 10):
        one.observe_many(events[start : start + 10])
        database.write(one.take())
        restored = make()
        restored.restore(database.load())
        assert restored.groups == one.groups
    assert one.groups["few"] == 1
    assert one.groups["many"] < 60
    assert one.groups_evicted["many"] > 140
    assert [each.rule for each in found(one, [at(200, "p", actor="o-1")])] == ["few"]


@pytest.mark.parametrize("pace", [Pace(after=0), Pace(after=1, states=1), Pace(after=99)])
def test_groups_that_were_evicted_stay_forgotten_after_a_restart(pace: Pace) -> None:
    """And those that were not evicted do not: the journal says which were."""
    given_rules = rules(P, window("burst", "p", by=("actor",), when={"gte": 2}, span=60))

    def make() -> Engine:
        return engine(given_rules, limits=Limits(groups=2), pace=pace)

    one, database = make(), Database()
    for number, actor in enumerate("abcdc"):  # c evicts a, d evicts b, and c completes
        one.observe(*at(number, "p", actor=actor))
        database.write(one.take())
        one = make()
        one.restore(database.load())
    assert found(one, [at(6, "p", actor="a")]) == []  # evicts d
    assert [dict(each.group)["actor"] for each in found(one, [at(7, "p", actor="c")])] == ["c"]
    assert found(one, [at(8, "p", actor="d")]) == []


def test_doing_steps_again_evicts_nobody_by_itself() -> None:
    """States may be newer than steps: there are more groups then than there ever were at once."""
    given_rules = rules(P, window("burst", "p", by=("actor",), when={"gte": 2}, span=60))
    written, waiting = Database(), Database()
    for database, pace in ((written, Pace(after=0)), (waiting, Pace(after=99))):
        one = engine(given_rules, limits=Limits(groups=2), pace=pace)
        for number, actor in enumerate("abc"):  # c evicts a
            one.observe(*at(number, "p", actor=actor))
            database.write(one.take())
    one = engine(given_rules, limits=Limits(groups=2))
    one.restore(replace(waiting.load(), states=written.load().states))
    assert [dict(each.group)["actor"] for each in found(one, [at(6, "p", actor="b")])] == ["b"]


def test_what_is_known_already_is_not_noted() -> None:
    """An event that came twice changes no state and makes no row."""
    one = engine(rules(P, window("burst", "p", when={"gte": 99})), pace=Pace(after=0))
    one.observe(*at(0, "p"))
    assert one.take().states != []
    one.observe(*at(0, "p"))
    changes = one.take()
    assert (changes.journal, changes.states) == (None, [])


def test_run_takes_events_of_both_sources() -> None:
    """Time goes on up to and with the moment that is given."""
    on_exchanges = replace(requiring("denied", outcome="denied"), alerts=True)
    given_rules = rules(P, on_exchanges, absent("none", "p", "p2", span=10), of_kind("p2", "q"))
    events = [at(0, "p"), seen(1, outcome="denied")]
    assert [each.rule for each in run(given_rules, events, START + 10 * S)] == ["denied", "none"]
    assert [each.rule for each in run(given_rules, events, START + 9 * S)] == ["denied"]
