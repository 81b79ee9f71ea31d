"""Engines that are stopped and restored on their way, with what was committed and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from alerts.engine.changes import EngineChanges, Loaded, StateRow
from alerts.engine.engine import Engine
from alerts.model import Detection
from tests.alerts.engine.building import START, Given, S

END = 400.0  # seconds after START


class Database:
    """The tables of one partition, in memory: what was written can be loaded."""

    def __init__(self) -> None:
        self.states: dict[tuple[str, Any], StateRow] = {}
        self.journal: dict[int, bytes] = {}
        self.changes: EngineChanges | None = None

    def write(self, changes: EngineChanges) -> None:
        """As the store does."""
        for row in changes.states:
            if row.state is None:
                self.states.pop((row.rule, row.group), None)
            else:
                self.states[row.rule, row.group] = row
        if changes.journal is not None:
            self.journal[changes.progress.sequence] = changes.journal
        for sequence in [each for each in self.journal if each < changes.oldest]:
            del self.journal[sequence]
        self.changes = changes

    def load(self) -> Loaded:
        """As the store does."""
        assert self.changes is not None
        return Loaded(self.changes.progress, list(self.states.values()), sorted(self.journal.items()))


def run_with_stops(
    make: Callable[[], Engine], events: Sequence[Given], stops: Collection[int], until: float = END
) -> list[Detection]:
    """What is found when everything is committed after each event, and lost and restored at the stops."""
    database = Database()
    one = make()
    detections: list[Detection] = []
    for number, each in enumerate(events):
        one.observe(*each)
        changes = one.take()
        database.write(changes)
        detections += changes.detections
        if number in stops:
            one.observe(*events[-1])  # not committed: gone with the engine
            one = make()
            one.restore(database.load())
    one.advance(START + round(until * S))
    return detections + one.take().detections
