"""Charts: well-formed, the same each time, labels within the drawing and not on one another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from monitor.reports.charts.bars import Bar, Bars
from monitor.reports.charts.canvas import text_width
from monitor.reports.charts.chart import NARROW, WIDE, Chart
from monitor.reports.charts.days import Days, Line
from monitor.reports.charts.ranges import Range, Ranges
from monitor.reports.charts.scale import log_ticks, short, ticks
from monitor.reports.charts.stacked import Stack, Stacked
from tests.monitor.reports.writers.drawn import texts

_LONG = "Bộ Nông nghiệp và Môi trường và một tên gọi rất dài không vừa một dòng nào cả"
_DAYS = [(date(2026, 10, 1) + timedelta(days=n), n * n * 12_345) for n in range(31)]
CHARTS: dict[str, Chart] = {
    "bars": Bars(
        "t", "d", [Bar("Bộ Y tế", 12.0, "12", 9.0, "▲1"), Bar(_LONG, None, "–"), Bar("x", 0.0, "0")]
    ),
    "one bar": Bars("t", "d", [Bar(_LONG, 10**9, "1.000.000.000", strong=True)]),
    "stacked": Stacked(
        "t",
        "d",
        ("Lỗi", "Quá thời gian", "Bị từ chối"),
        [Stack(_LONG, (1, 2, 3), "6"), Stack("0", (0, 0, 0), "0")],
    ),
    "days": Days("t", "d", "tháng 10 năm 2026", "cuối tuần", _DAYS),
    "days with others": Days(
        "t",
        "d",
        "tháng 10",
        "cuối tuần",
        _DAYS,
        [Line("tháng 9", [5_000_000] * 30), Line("năm 2025", [1] * 31)],
    ),
    "a year of days": Days(
        "t", "d", "2026", "cuối tuần", [(date(2026, 1, 1) + timedelta(days=n), n) for n in range(365)]
    ),
    "one day": Days("t", "d", "29/2", "cuối tuần", [(date(2028, 2, 29), 1)]),
    "ranges": Ranges(
        "t", "d", ("p50", "p95", "p99"), [Range(_LONG, (90, 91, 92)), Range("y", (1e5, 4e5, 3e7))]
    ),
    "one range": Ranges("t", "d", ("p50", "p95", "p99"), [Range("y", (84_000, 84_000, 84_000))]),
}


def _labels(svg: str) -> Iterator[tuple[float, float, float, float]]:
    """Left, right, top and bottom of each text."""
    for found in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):  # noqa: S314
        size, x, y = (float(found.attrib[key]) for key in ("font-size", "x", "y"))
        wide = text_width(found.text or "", size) * 0.86  # rather less: labels may touch, not cover
        start = {"start": x, "middle": x - wide / 2, "end": x - wide}[found.get("text-anchor", "start")]
        yield start, start + wide, y - size * 0.75, y


@pytest.mark.parametrize("name", CHARTS)
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_labels_are_within_the_drawing_and_apart(name: str, width: int) -> None:
    """No label is cut off at an edge, and no two cover each other."""
    svg = CHARTS[name].svg(texts("vi"), width, "c")
    assert svg == CHARTS[name].svg(texts("vi"), width, "c")
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg)
    assert box is not None
    labels = list(_labels(svg))
    assert labels
    for left, right, top, bottom in labels:
        assert left >= -2
        assert right <= float(box[1]) + 2
        assert top >= -2
        assert bottom <= float(box[2]) + 1
    for n, a in enumerate(labels):
        for b in labels[n + 1 :]:
            apart = a[1] <= b[0] or b[1] <= a[0] or a[3] <= b[2] or b[3] <= a[2]
            assert apart, (name, a, b)


def test_marks_are_round_and_enclose() -> None:
    """Axes end at or above the largest value, and counts have whole marks."""
    assert ticks(0) == [0, 1]
    assert ticks(3) == [0, 1, 2, 3]
    assert ticks(873_286)[-1] == 1_000_000
    assert log_ticks(84_000, 395_000) == [50_000, 100_000, 200_000, 500_000]
    assert len(log_ticks(5, 5)) == 2


def test_large_numbers_are_short_in_each_language() -> None:
    """1,2 triệu and 1.2m; what is small is written whole."""
    assert short(1_200_000, texts("vi")) == "1,2\u00a0triệu"
    assert short(1_200_000, texts("en")) == "1.2m"
    assert short(9_999, texts("vi")) == "9.999"
