"""How long things took: median, 95th and 99th percentile of each, on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from monitor.reports.charts.canvas import (
    BLUE,
    GREY,
    LINE,
    ORANGE,
    QUIET,
    VERMILION,
    Canvas,
    shortened,
    text_width,
)
from monitor.reports.charts.chart import WIDE
from monitor.reports.charts.scale import log_ticks
from monitor.reports.texts import Texts

_ROW = 24.0
_GAP = 8.0
_SHAPES = (("circle", BLUE), ("square", ORANGE), ("triangle", VERMILION))


@dataclass(frozen=True, slots=True)
class Range:
    """One row: its percentiles in microseconds, least first."""

    label: str
    points: Sequence[float]


@dataclass(frozen=True, slots=True)
class Ranges:
    """Rows of percentiles; `kinds` name them."""

    title: str
    description: str
    kinds: Sequence[str]
    rows: Sequence[Range]

    def svg(self, texts: Texts, width: int = WIDE, name: str = "ranges") -> str:
        """Draw them; circle, square and triangle have their figures beside them."""
        from math import log

        narrow = width < WIDE
        labels = 4.0 if narrow else min(max(text_width(r.label) for r in self.rows), width * 0.42) + _GAP
        every = [max(point, 1.0) for row in self.rows for point in row.points]
        marks = log_ticks(min(every), max(every))
        right = text_width(texts.milliseconds(marks[-1])) / 2 + 2
        room = width - labels - right
        low, span = log(marks[0]), log(marks[-1]) - log(marks[0])
        row_height = _ROW + (24.0 if narrow else 10.0)
        top = 24.0
        bottom = top + row_height * len(self.rows)
        canvas = Canvas(width, bottom + 22, self.title, self.description, name)

        def at(value: float) -> float:
            return labels + (log(max(value, 1.0)) - low) / span * room

        x = 0.0
        for kind, (shape, colour) in zip(self.kinds, _SHAPES, strict=True):
            canvas.mark(shape, x + 5, 7, 4, colour)
            canvas.text(x + 14, 11, kind)
            x += text_width(kind) + 30
        last = -100.0
        for mark in marks:
            words = texts.milliseconds(mark)
            half = text_width(words) / 2
            canvas.line(at(mark), top, at(mark), bottom, LINE)
            if at(mark) - half > last and at(mark) - half > -2:
                canvas.text(at(mark), bottom + 15, words, anchor="middle", fill=QUIET)
                last = at(mark) + half + 6
        for n, row in enumerate(self.rows):
            y = top + n * row_height + row_height / 2 + (8 if narrow else -1)
            if narrow:
                canvas.text(0, y - 13, shortened(row.label, width))
            else:
                canvas.text(labels - _GAP, y + 4, shortened(row.label, labels - _GAP), anchor="end")
            canvas.line(at(row.points[0]), y, at(row.points[-1]), y, GREY, 2)
            taken = -100.0
            for value, (shape, colour) in zip(row.points, _SHAPES, strict=True):
                canvas.mark(shape, at(value), y, 4, colour)
                words = texts.milliseconds(value)
                half = text_width(words, 9.5) / 2
                place = min(max(at(value), labels + half if narrow else half), width - half)
                if place - half > taken:  # a figure that would lie on its neighbour is in the table
                    canvas.text(place, y + 16, words, anchor="middle", size=9.5, fill=QUIET)
                    taken = place + half + 3
        return canvas.done()
