"""A group of which little is known is taken to be like its parent, at its own level."""

from __future__ import annotations

from typing import Final

PARENT_POINTS: Final = 2.0
"""How many points of the group's own the parent's word counts for: after three weeks 40 %, after eight 20 %.

The weight n / (n + k) of a group's own mean is the credibility factor of Bühlmann (1967); k stands for the
variance within groups over that between them."""


def shrunk(own: float, points: float, parent: float | None, weight: float = PARENT_POINTS) -> float:
    """A group's expectation from `points` points of its own and what its parent's profile says."""
    if parent is None:
        return own
    return (points * own + weight * parent) / (points + weight)


def share(own: float, parent: float) -> float | None:
    """The group's level as a part of its parent's, over the same weeks; None when the parent has none."""
    return own / parent if parent > 0 else None
