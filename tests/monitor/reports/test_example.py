"""The example report is whole, adds up, and survives JSON: writers can rely on it."""

from __future__ import annotations

import msgspec
import pytest

from monitor.reports.model import Report
from tests.monitor.reports.example import example
from tests.monitor.reports.example_blocks import total


@pytest.mark.parametrize("agency", [None, "MOH", "MPS", "QUANGTRI"])
def test_the_example_adds_up_and_survives_json(agency: str | None) -> None:
    """Sums are those of the pairs, and JSON gives the same report back."""
    report = example(agency)
    assert report.volume.total == total(pair.volume for pair in report.pairs)
    assert sum(day.exchanges for day in report.volume.days) == report.volume.total.exchanges
    assert msgspec.json.decode(msgspec.json.encode(report), type=Report) == report
    assert (report.card is not None) == (agency is not None)


def test_the_example_is_the_same_each_time() -> None:
    """Golden files can be drawn from it."""
    assert example() == example()
