"""Indicators of items of service quality: counts of one period beside those of others."""

from __future__ import annotations

from collections.abc import Mapping

from monitor.dossiers.index import Index, ItemScore
from monitor.dossiers.items import ItemKey
from monitor.reports.figures import Indicator, Share

Shares = Mapping[ItemKey, Share]
"""The counts of each item that was scored in another period."""


def shares(index: Index | None) -> Shares:
    """What another period has to compare with; nothing for None."""
    scored = [] if index is None else [one for one in index.items if one.denominator]
    return {one.key: Share(numerator=one.numerator, denominator=one.denominator) for one in scored}


def indicator(one: ItemScore, before: Shares, year_ago: Shares, reason: str = "no_dossiers") -> Indicator:
    """An item as an indicator; `reason` is said where it is not scored."""
    scored = one.denominator > 0
    return Indicator(
        key=one.key,
        numerator=one.numerator,
        denominator=one.denominator,
        eligible=one.eligible,
        target=one.target,
        source="dossiers",
        scored=scored,
        reason=None if scored else reason,
        before=before.get(one.key),
        year_ago=year_ago.get(one.key),
    )
