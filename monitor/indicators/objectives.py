"""How many objectives each provider meets, from how far each agreement's objectives were kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, Protocol

from monitor.registry.registry import Registry


class Met(NamedTuple):
    """Objectives of an agency as provider: how many are met, how many were measured, how many there are."""

    met: int = 0
    measured: int = 0
    agreed: int = 0


class Kept(Protocol):
    """How an objective was kept over some time, as monitor.objectives.figures has it."""

    @property
    def events(self) -> int:
        """Exchanges that it is measured on."""

    @property
    def bad(self) -> int:
        """Those that missed it."""

    @property
    def allowed(self) -> float:
        """How many might have, under the objectives in force then."""


# Sums of shares such as 0.01 miss whole numbers in the last places: as many as allowed is still met.
_ROUNDING = 1e-6


def met_by_provider(registry: Registry, kept: Mapping[tuple[str, str], Kept]) -> dict[str, Met]:
    """Count objectives by provider; `kept` is by agreement and objective.

    An objective without exchanges is not measured: neither met nor missed.
    """
    providers = {each.id: each.provider for each in registry.agreements}
    found: dict[str, Met] = {}
    for (agreement, _), figure in kept.items():
        provider = providers.get(agreement)
        if provider is None:
            continue
        before = found.get(provider, Met())
        measured = figure.events > 0
        met = measured and figure.bad <= figure.allowed + _ROUNDING
        found[provider] = Met(before.met + met, before.measured + measured, before.agreed + 1)
    return found
