"""What every chart is: data that draws itself as SVG in a width, with a title and a description."""

from __future__ import annotations

from typing import Protocol

from monitor.reports.texts import Texts

WIDE = 640  # units across a printed page of 165 mm: text of 11 units is 8 points high
NARROW = 340  # units across a telephone


class Chart(Protocol):
    """Data of a chart."""

    @property
    def title(self) -> str:
        """What it shows, in a few words."""

    @property
    def description(self) -> str:
        """What can be read from it, for those who do not see it."""

    def svg(self, texts: Texts, width: int = WIDE, name: str = "chart") -> str:
        """Draw it; `name` keeps the names within it apart from those of other drawings on the page."""
