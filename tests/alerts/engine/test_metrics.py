"""The metrics of the rules' memory: counters of a process, whatever partitions come and go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from sqlalchemy import Engine as Database
from sqlalchemy import make_url

from alerts.engine.engine import Engine
from alerts.engine.groups import Limits
from alerts.engine.metrics import EngineMetrics
from alerts.incidents.metrics import IncidentMetrics
from alerts.metrics import AlertMetrics
from alerts.rule import RuleSet
from alerts.watch import Desk, SecurityWatch, Taken, Told
from monitor.events.pseudonym import Pseudonyms
from monitor.metrics.names import PREFIX
from monitor.storage.engine import open_engine
from monitor.storage.schema import migrate
from tests.alerts.engine.building import START, Given, S, at, engine, of_kind, rules, window
from tests.builders import book_of

NOW = datetime.fromtimestamp(START / S, UTC)
TOPIC = "security-events"
P = of_kind("p", "p")


def summing(rule: str) -> RuleSet:
    """A rule that remembers people for ten minutes, and never finds anything."""
    return rules(
        P, window(rule, "p", type="value_sum", of="count", by=("actor",), when={"gte": 999}, span=600)
    )


RULES, OTHERS = summing("many"), summing("new")
GROUPS, ENTRIES = 4, 3
EVICTED, MATCHED = ("rule_groups_evicted_total", "many"), ("rule_matches_total", "p")
DROPPED, LATE = ("rule_entries_dropped_total", ""), ("rule_events_too_late_total", "")
COUNTERS = (EVICTED, MATCHED, DROPPED, LATE)


class SmallDesk(Desk):
    """A desk whose rules remember little."""

    def engine(self, source: str, lateness_ms: int) -> Engine:  # noqa: ARG002  # as the tests of engines
        """One with room for a few groups."""
        return engine(self.rules, source, limits=Limits(groups=GROUPS, entries=ENTRIES))


class Worker:
    """A process with its metrics; partitions are opened and closed as lanes open and close them."""

    def __init__(self, database: Database, given: RuleSet = RULES) -> None:
        self._database = database
        self._registry = CollectorRegistry()
        metrics = EngineMetrics()
        self._registry.register(metrics)
        told = Told(AlertMetrics.create(CollectorRegistry()), IncidentMetrics(), metrics, lambda: None)
        self.desk = SmallDesk(database, given, book_of(), Pseudonyms(None), told)
        self._watches: dict[int, SecurityWatch] = {}

    def open(self, partition: int) -> None:
        """Take a partition over, with what it remembers."""
        self._watches[partition] = SecurityWatch(self.desk, TOPIC, partition)

    def close(self, partition: int) -> None:
        """Give it up, without another commit."""
        del self._watches[partition]

    def see(self, partition: int, events: Sequence[Given]) -> None:
        """See events, without a commit."""
        self._watches[partition].observe([(one.event, one.time_ms) for one in events])

    def commit(self, partition: int) -> None:
        """Write what was seen."""
        watch = self._watches[partition]
        taken = watch.take()
        self._write(watch, taken)
        watch.committed(taken)

    def _write(self, watch: SecurityWatch, taken: Taken) -> None:
        with self._database.begin() as connection:
            watch.write(connection, taken, NOW)

    def shown(self, name: str, rule: str = "") -> float | None:
        """One figure as a scrape has it; None where it is not shown."""
        return self._registry.get_sample_value(PREFIX + name, {"rule": rule} if rule else {})

    def counters(self) -> list[float]:
        """All counters, as a scrape has them."""
        return [self.shown(*each) or 0.0 for each in COUNTERS]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """A database of the monitor's."""
    one = open_engine(make_url(f"sqlite:///{tmp_path}/monitor.db"))
    migrate(one)
    yield one
    one.dispose()


def flood(begin: int = 0, count: int = 20) -> list[Given]:
    """Events of as many people, and more of one than are remembered, and one that comes too late."""

    def one(second: float, event_id: str, actor: str) -> Given:
        return at(second, "p", f"{event_id}@{begin}", actor=actor, count=1)

    people = [one(begin + number, f"e{number}", f"o-{number}") for number in range(count)]
    often = [one(begin + count + number / 10, f"o{number}", "often") for number in range(9)]
    return [*people, *often, one(begin - 1000, "late", "o-1")]


def test_counters_never_fall_when_partitions_go(database: Database) -> None:
    """Nor do they jump when these come back with what they had counted: a partition is no process."""
    worker = Worker(database)
    for partition in (0, 1):
        worker.open(partition)
        worker.see(partition, flood())
        worker.commit(partition)
    counted = worker.counters()
    assert min(counted) > 1, dict(zip(COUNTERS, counted, strict=True))
    assert worker.shown(*MATCHED) == 60
    worker.close(0)
    assert worker.counters() == counted
    worker.open(0)
    assert worker.counters() == counted
    worker.see(0, flood(2000))
    worker.commit(0)
    assert worker.counters() == [3 / 2 * figure for figure in counted]


def test_another_worker_counts_from_zero_what_it_does_itself(database: Database) -> None:
    """It shows the rules of a partition at zero at once, as an increase cannot be seen from nothing."""
    first, second = Worker(database), Worker(database)
    first.open(0)
    first.see(0, flood())
    first.commit(0)
    assert second.shown(*EVICTED) is None
    second.open(0)
    assert [second.shown(*each) for each in COUNTERS] == [0, 0, 0, 0]
    second.see(0, [at(100, "p", "one", actor="another", count=1)])
    second.commit(0)
    assert second.shown(*MATCHED) == 1
    assert second.shown(*EVICTED) == 1


def test_what_is_not_committed_is_counted_by_whoever_commits_it(database: Database) -> None:
    """Events are read again after a crash; what they push out is counted once then."""
    first, second = Worker(database), Worker(database)
    first.open(0)
    first.see(0, flood())
    assert first.counters() == [0, 0, 0, 0]
    first.close(0)
    first.open(0)
    first.see(0, flood())
    first.commit(0)
    second.open(1)
    second.see(1, flood())
    second.commit(1)
    assert first.counters() == second.counters()


def test_rules_that_are_loaded_anew_keep_what_was_counted(database: Database) -> None:
    """A rule that is gone stays with its figure; a gauge of groups goes with the partition."""
    worker = Worker(database)
    worker.open(0)
    worker.see(0, flood())
    worker.commit(0)
    evicted = worker.shown(*EVICTED)
    assert worker.shown("rule_groups", "many") == GROUPS
    worker.close(0)
    assert worker.shown("rule_groups", "many") is None
    worker.desk.use(OTHERS)
    worker.open(0)
    worker.see(0, flood(2000))
    worker.commit(0)
    assert worker.shown(*EVICTED) == worker.shown("rule_groups_evicted_total", "new") == evicted
    assert worker.shown("rule_groups", "many") is None
    assert worker.shown("rule_groups", "new") == GROUPS
