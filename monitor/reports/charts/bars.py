"""Horizontal bars: a ranking, or shares with the target that each is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.reports.charts.canvas import (
    BLUE,
    GREY,
    INK,
    LINE,
    QUIET,
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


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. `value` None has no bar and only its words. `target` is marked across it."""

    label: str
    value: float | None
    words: str
    target: float | None = None
    note: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Bars:
    """Bars from zero; `most` is the end of the scale, the largest value where it is None."""

    title: str
    description: str
    bars: Sequence[Bar]
    most: float | None = None
    target_words: str = ""

    def svg(self, texts: Texts, width: int = WIDE, name: str = "bars") -> str:
        """Draw them: labels at the left (above on narrow drawings), values at the ends."""
        del texts  # the words of values come with them
        stacked = width < WIDE
        labels = 0.0 if stacked else min(max(text_width(bar.label) for bar in self.bars), width * 0.42) + _GAP
        values = max(text_width(bar.words) + text_width(f" {bar.note}") for bar in self.bars) + _GAP
        room = max(width - labels - values, width * 0.25)
        most = self.most or max((bar.value or 0 for bar in self.bars), default=0) or 1
        row = _ROW + (14.0 if stacked else 0.0)
        legend = any(bar.target is not None for bar in self.bars) and bool(self.target_words)
        top = 20.0 if legend else 4.0
        canvas = Canvas(width, top + row * len(self.bars) + 4, self.title, self.description, name)
        if legend:
            canvas.line(labels + 1, 4, labels + 1, 15, VERMILION, 2)
            canvas.text(labels + 8, 13, self.target_words, fill=QUIET)
        canvas.line(labels, top, labels, top + row * len(self.bars), LINE)
        for n, bar in enumerate(self.bars):
            y = top + n * row + (14.0 if stacked else 0.0)
            middle = y + _ROW / 2
            if stacked:
                canvas.text(0, y - 1, shortened(bar.label, width), bold=bar.strong)
            else:
                canvas.text(
                    labels - _GAP,
                    middle + 4,
                    shortened(bar.label, labels - _GAP),
                    anchor="end",
                    bold=bar.strong,
                )
            long = 0.0 if bar.value is None else min(bar.value / most, 1) * room
            if bar.value:
                fill = BLUE if bar.strong or not any(b.strong for b in self.bars) else GREY
                canvas.rect(labels, middle - _BAR / 2, max(long, 0.75), _BAR, fill)
            if bar.target is not None:
                x = labels + min(bar.target / most, 1) * room
                canvas.line(x, middle - _BAR / 2 - 3, x, middle + _BAR / 2 + 3, VERMILION, 2)
                long = max(long, x - labels)
            x = labels + long + 6
            canvas.text(
                x, middle + 4, bar.words, fill=INK if bar.value is not None else QUIET, bold=bar.strong
            )
            if bar.note:
                canvas.text(x + text_width(bar.words) + 5, middle + 4, bar.note, fill=QUIET)
        return canvas.done()
