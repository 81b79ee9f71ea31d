"""A count day by day: columns for this period, lines for the one before and for last year."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from monitor.reports.charts.canvas import BLUE, INK, LINE, ORANGE, QUIET, SKY, VERMILION, Canvas, text_width
from monitor.reports.charts.chart import WIDE
from monitor.reports.charts.scale import short, ticks
from monitor.reports.texts import Texts

_WEEKEND = 5


@dataclass(frozen=True, slots=True)
class Line:
    """Another period's counts, day by day from its first."""

    label: str
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Days:
    """Counts of days. Up to two other periods are drawn over them, told apart by dashes and marks."""

    title: str
    description: str
    label: str
    weekend_words: str
    days: Sequence[tuple[date, int]]
    others: Sequence[Line] = ()

    def svg(self, texts: Texts, width: int = WIDE, name: str = "days") -> str:
        """Draw them; the highest and the lowest day have their numbers on them."""
        height = 215.0
        most = max([count for _, count in self.days] + [c for o in self.others for c in o.counts] + [1])
        marks = ticks(most)
        left = max(text_width(short(each, texts)) for each in marks) + 8
        top, bottom = 34.0, height - 22
        canvas = Canvas(width, height, self.title, self.description, name)
        high = bottom - top - 12

        def at(count: float) -> float:
            return bottom - count / marks[-1] * high

        for each in marks:
            canvas.line(left, at(each), width, at(each), INK if each == 0 else LINE)
            canvas.text(left - 6, at(each) + 4, short(each, texts), anchor="end", fill=QUIET)
        step = (width - left) / max(len(self.days), 1)
        light = canvas.hatch(SKY, "diagonal")
        for n, (day, count) in enumerate(self.days):
            fill = light if day.weekday() >= _WEEKEND else BLUE
            canvas.rect(left + n * step + step * 0.12, at(count), step * 0.76, bottom - at(count), fill)
        self._key(canvas, light)
        self._lines(canvas, left, step, at)
        self._extremes(canvas, texts, left, step, at, width)
        self._dates(canvas, left, step, bottom)
        return canvas.done()

    def _key(self, canvas: Canvas, light: str) -> None:
        x, y = 0.0, 2.0
        entries = [(BLUE, self.label), (light, self.weekend_words)]
        for fill, words in entries:
            canvas.rect(x, y, 11, 11, fill)
            canvas.text(x + 15, y + 10, words)
            x += text_width(words) + 30
        for other, (stroke, dash) in zip(self.others, ((VERMILION, "6 3"), (ORANGE, "2 3")), strict=False):
            if x + text_width(other.label) + 40 > canvas.width:
                x, y = 0.0, y + 15
            canvas.line(x, y + 6, x + 22, y + 6, stroke, 1.75, dash)
            canvas.text(x + 27, y + 10, other.label)
            x += text_width(other.label) + 42

    def _lines(self, canvas: Canvas, left: float, step: float, at: object) -> None:
        assert callable(at)  # noqa: S101
        looks = ((VERMILION, "6 3", "circle"), (ORANGE, "2 3", "diamond"))
        for other, (stroke, dash, shape) in zip(self.others, looks, strict=False):
            counts = other.counts[: len(self.days)]
            points = [(left + (n + 0.5) * step, at(count)) for n, count in enumerate(counts)]
            canvas.path(points, "#ffffff", 3.5)
            canvas.path(points, stroke, 1.75, dash)
            for x, y in points[:: max(1, len(points) // 6)]:
                canvas.mark(shape, x, y, 2.5, stroke)

    def _extremes(
        self, canvas: Canvas, texts: Texts, left: float, step: float, at: object, width: float
    ) -> None:
        assert callable(at)  # noqa: S101
        if not any(count for _, count in self.days):
            return
        n = max(range(len(self.days)), key=lambda each: self.days[each][1])
        words = texts.number(self.days[n][1])
        half = text_width(words) / 2
        x = min(max(left + (n + 0.5) * step, left + half), width - half)
        others = [c for o in self.others for c in o.counts[max(0, n - 2) : n + 3]]
        canvas.text(x, at(max([self.days[n][1], *others])) - 5, words, anchor="middle", bold=True)

    def _dates(self, canvas: Canvas, left: float, step: float, bottom: float) -> None:
        every = max(1, round(text_width("30/10") * 1.4 / step))
        every = next((nice for nice in (1, 2, 5, 7, 10, 14, 31, 62, 92) if nice >= every), 92)
        last = -1.0
        for n, (day, _) in enumerate(self.days):
            wanted = day.day == 1 or (day.day % every == 0 and every < 28) or len(self.days) <= 10
            x = left + (n + 0.5) * step
            half = text_width(f"{day.day}/{day.month}") / 2
            if wanted and x - half > last and x + half <= canvas.width + 2:
                canvas.text(x, bottom + 15, f"{day.day}/{day.month}", anchor="middle", fill=QUIET)
                last = x + half + 4
