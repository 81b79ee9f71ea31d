"""Events that are alike in most fields: what rules make of those is decided once, for all that come."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from alerts.engine.gather import Gather, Key
from alerts.engine.plan import EventNode
from alerts.engine.reading import Read
from alerts.rule import Matches

Place = tuple[tuple[int, Key, Any], ...]  # by gather: its number, the group's key, the agency


class Tried(NamedTuple):
    """A rule that events of a course may match, and what is left to ask of them."""

    matches: Matches
    node: EventNode


class Pile:
    """Matches of one rule that all fall to the same groups, kept until they are added up.

    `reads` reads what gathers add up, each into a list of its own.
    """

    __slots__ = ("_groups", "event_ids", "node", "reads", "times_ms")

    def __init__(self, node: EventNode, place: Place) -> None:
        self.node = node
        self.times_ms: list[int] = []
        self.event_ids: list[str] = []
        self.reads: list[tuple[Read, list[Any]]] = []
        self._groups: list[tuple[Gather, Key, Any, list[Any] | None]] = []
        for gather, (_, key, agency) in zip(node.gathers, place, strict=True):
            values: list[Any] | None = None
            if gather.value_of is not None:
                values = []
                self.reads.append((gather.value_of, values))
            self._groups.append((gather, key, agency, values))

    def add_up(self) -> int:
        """Hand everything to the gathers; return how many matches belong to no group of theirs."""
        ungrouped = 0
        for gather, key, agency, values in self._groups:
            if not gather.add_many(key, agency, values, self.times_ms, self.event_ids):
                ungrouped += len(self.times_ms)
        self.node.matched += len(self.times_ms)
        self.times_ms.clear()
        self.event_ids.clear()
        for _, values in self.reads:
            values.clear()
        return ungrouped


class Piles:
    """The piles of an engine, by rule and groups; `filled` are those that hold something."""

    def __init__(self) -> None:
        self.filled: list[Pile] = []
        self._known: dict[tuple[int, Place], Pile] = {}

    def at(self, node: EventNode, event: Any) -> Pile:
        """The pile for matches whose groups are those of this event."""
        place = tuple((gather.number, *gather.place(event)) for gather in node.gathers)
        known = self._known.get((id(node), place))
        if known is None:
            known = self._known[id(node), place] = Pile(node, place)
        return known

    def add_up(self) -> int:
        """Empty all piles into the gathers; return how many matches belong to no group."""
        ungrouped = sum(pile.add_up() for pile in self.filled)
        self.filled.clear()
        return ungrouped

    def forget(self) -> None:
        """Make new ones from now on; what those made hold is added up as ever."""
        self._known.clear()


class Course:
    """What is done with events that are alike in some fields.

    `piled` are rules whose matches need only be added up, for groups that are known beforehand; `added` are
    those whose groups depend on the event; `tried` are all others.
    """

    __slots__ = ("added", "piled", "tried")

    def __init__(self, nodes: Iterable[EventNode], alike: frozenset[str], event: Any, piles: Piles) -> None:
        """Of rules that might match, for events that have this one's values in the fields `alike`."""
        self.piled: list[tuple[Matches, Pile]] = []
        self.added: list[Tried] = []
        self.tried: list[Tried] = []
        for node in nodes:
            narrow = node.event_rule.narrow
            left = node.matches if narrow is None else narrow(alike, event)
            if left is False:
                continue
            matches = _always if left is True else left
            if node.alerts or node.checks or node.feeds:
                self.tried.append(Tried(matches, node))
            elif all(_fields(gather) <= alike for gather in node.gathers):
                self.piled.append((matches, piles.at(node, event)))
            else:
                self.added.append(Tried(matches, node))

    @property
    def adds(self) -> bool:
        """Whether every event of the course is to be shown to the engine."""
        return bool(self.piled or self.added)


def _fields(gather: Gather) -> frozenset[str]:
    return frozenset((gather.shape.agency, *(field for _, field in gather.shape.groups)))


def _always(_event: Any) -> bool:
    return True
