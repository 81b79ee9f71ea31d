"""What a group did in the weeks before: totals by slot and week, and the sizes of single values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from alerts.baselines.season import DAY_HOURS, HISTORY_WEEKS, WEEK_HOURS

_KEPT = HISTORY_WEEKS + 1  # this week's, once the slot has passed, and those before it


class History:
    """Totals of the last weeks. Hours in which nothing came take no room.

    `slots` maps an hour of the week to [week, total, total of the week before, …] without zeros at its end.
    `sizes` maps a week to the sum of single values and the sum of their squares, for measures that sum.
    `first` is the first week, and the slot in it, of which anything is known.
    """

    __slots__ = ("first", "sizes", "slots")

    def __init__(
        self,
        first: tuple[int, int],
        slots: dict[int, list[int]] | None = None,
        sizes: dict[int, tuple[float, float]] | None = None,
    ) -> None:
        self.first = first
        self.slots = {} if slots is None else slots
        self.sizes = {} if sizes is None else sizes

    def add(self, week: int, slot: int, total: int) -> None:
        """Add to a slot's total of one week; of weeks that are too old, nothing is kept."""
        self.first = min(self.first, (week, slot))
        if total <= 0:
            return
        totals = self.slots.get(slot)
        if totals is None:
            self.slots[slot] = [week, total]
            return
        back = totals[0] - week
        if back < 0:
            zeros = min(-back - 1, _KEPT)
            totals[:] = [week, total, *([0] * zeros), *totals[1:]][: _KEPT + 1]
            while totals[-1] == 0:
                totals.pop()
        elif back < _KEPT:
            totals.extend([0] * (back + 2 - len(totals)))
            totals[back + 1] += total

    def add_sizes(self, week: int, total: float, squares: float) -> None:
        """Note values that were summed in a week."""
        before = self.sizes.get(week, (0.0, 0.0))
        self.sizes[week] = (before[0] + total, before[1] + squares)
        if len(self.sizes) > _KEPT:
            del self.sizes[min(self.sizes)]

    def known(self, slot: int, weeks: Sequence[int]) -> Sequence[int]:
        """Those of `weeks` (latest first) in which the group was already known at this hour of the week."""
        first, first_slot = self.first
        earliest = first if slot >= first_slot else first + 1
        if not weeks or weeks[-1] >= earliest:
            return weeks
        return [week for week in weeks if week >= earliest]

    def totals(self, slot: int, weeks: Sequence[int]) -> list[int]:
        """The slot's totals in those of `weeks` in which the group was known; zero where nothing came."""
        weeks = self.known(slot, weeks)
        held = self.slots.get(slot)
        if held is None:
            return [0] * len(weeks)
        newest, most = held[0], len(held) - 1
        return [held[newest - week + 1] if 0 <= newest - week < most else 0 for week in weeks]

    def at(self, week: int, slot: int) -> int:
        """A slot's total in one week; 0 where nothing came or nothing is kept."""
        held = self.slots.get(slot)
        return held[held[0] - week + 1] if held and 0 <= held[0] - week < len(held) - 1 else 0

    def weeks_known(self, week: int, slot: int) -> float:
        """Weeks from the first that is known until an hour of the week."""
        return (week - self.first[0]) + (slot - self.first[1]) / WEEK_HOURS

    def forget(self, week: int) -> bool:
        """Drop what no comparison from `week` on can use; whether anything is left."""
        for slot in [slot for slot, totals in self.slots.items() if totals[0] < week - _KEPT]:
            del self.slots[slot]
        for old in [old for old in self.sizes if old < week - _KEPT]:
            del self.sizes[old]
        return bool(self.slots)

    def active_weeks(self, weeks_of: Sequence[Sequence[int]]) -> int:
        """In how many weeks anything came; `weeks_of` has, for each day of the week, the weeks that count."""
        days = [frozenset(weeks) for weeks in weeks_of]
        active: set[int] = set()
        for slot, held in self.slots.items():
            weeks = days[slot // DAY_HOURS]
            active.update(
                held[0] - back for back, total in enumerate(held[1:]) if total and held[0] - back in weeks
            )
        return len(active)

    def pairs(self, weeks_of: Sequence[Sequence[int]]) -> Iterator[tuple[float, float]]:
        """Totals of the same slot in weeks that follow each other, both above zero.

        `weeks_of` has, for each day of the week, the weeks that count.
        """
        for slot, held in self.slots.items():
            newest, most = held[0], len(held) - 1
            later = 0
            for week in weeks_of[slot // DAY_HOURS]:
                back = newest - week
                total = held[back + 1] if 0 <= back < most else 0
                if total and later:
                    yield total, later
                later = total

    def day_pairs(self, weeks_of: Sequence[Sequence[int]]) -> Iterator[tuple[float, float]]:
        """Totals of the same day of the week in weeks that follow each other, both above zero."""
        for day, weeks in enumerate(weeks_of):
            slots = [slot for slot in self.slots if slot // DAY_HOURS == day]
            later = 0
            for week in weeks:
                total = sum(self.at(week, slot) for slot in slots)
                if total and later:
                    yield total, later
                later = total
