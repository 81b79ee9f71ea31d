"""Stacked bars: what kinds a count is made of, told apart by colour and by hatching."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.reports.charts.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    LINE,
    ORANGE,
    SKY,
    VERMILION,
    Canvas,
    shortened,
    text_width,
)
from monitor.reports.charts.chart import WIDE
from monitor.reports.texts import Texts

_ROW = 22.0
_BAR = 13.0
_GAP = 8.0
_KEY = 16.0


@dataclass(frozen=True, slots=True)
class Stack:
    """One bar: its parts in the order of the kinds, and what is written at its end."""

    label: str
    parts: Sequence[float]
    words: str


@dataclass(frozen=True, slots=True)
class Stacked:
    """Bars of parts; `kinds` name the parts."""

    title: str
    description: str
    kinds: Sequence[str]
    stacks: Sequence[Stack]

    def svg(self, texts: Texts, width: int = WIDE, name: str = "stacked") -> str:
        """Draw them, with a key above."""
        del texts
        narrow = width < WIDE
        labels = 0.0 if narrow else min(max(text_width(s.label) for s in self.stacks), width * 0.42) + _GAP
        values = max(text_width(s.words) for s in self.stacks) + _GAP
        room = max(width - labels - values, width * 0.25)
        row = _ROW + (14.0 if narrow else 0.0)
        places, top = self._key(width)
        most = max((sum(s.parts) for s in self.stacks), default=0) or 1
        canvas = Canvas(width, top + row * len(self.stacks) + 4, self.title, self.description, name)
        fills = (
            BLUE,
            canvas.hatch(ORANGE, "diagonal"),
            canvas.hatch(VERMILION, "dots"),
            SKY,
            canvas.hatch(GREEN, "cross"),
            GREY,
        )
        for (x, y), kind, fill in zip(places, self.kinds, fills, strict=False):
            canvas.rect(x, y, 11, 11, fill, edge=INK)
            canvas.text(x + 16, y + 10, shortened(kind, width - 16))
        canvas.line(labels, top, labels, top + row * len(self.stacks), LINE)
        for n, stack in enumerate(self.stacks):
            y = top + n * row + (14.0 if narrow else 0.0)
            middle = y + _ROW / 2
            if narrow:
                canvas.text(0, y - 1, shortened(stack.label, width))
            else:
                canvas.text(labels - _GAP, middle + 4, shortened(stack.label, labels - _GAP), anchor="end")
            x = labels
            for part, fill in zip(stack.parts, fills, strict=False):
                if part:
                    canvas.rect(x, middle - _BAR / 2, part / most * room, _BAR, fill, edge="#fff")
                x += part / most * room
            canvas.text(x + 6, middle + 4, stack.words)
        return canvas.done()

    def _key(self, width: float) -> tuple[list[tuple[float, float]], float]:
        """Where each entry of the key stands, in as many lines as they need, and where the bars begin."""
        places: list[tuple[float, float]] = []
        x = y = 0.0
        for kind in self.kinds:
            wide = text_width(kind) + 34
            if x and x + wide > width:
                x, y = 0.0, y + _KEY
            places.append((x, y))
            x += wide
        return places, y + _KEY + 8
