"""Numbers, dates and durations as each language writes them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from monitor.reports.figures import Language
from monitor.reports.texts import Texts
from monitor.reports.texts.numbers import milliseconds, moment, number, percent, seconds, size

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@pytest.mark.parametrize(
    ("value", "decimals", "vi", "en"),
    [
        (1_234_567.8, 1, "1.234.567,8", "1,234,567.8"),
        (84_310_239, 0, "84.310.239", "84,310,239"),
        (2**63, 0, "9.223.372.036.854.775.808", "9,223,372,036,854,775,808"),
        (0.125, 2, "0,13", "0.13"),
        (-0.04, 1, "0,0", "0.0"),
        (-1234, 0, "-1.234", "-1,234"),
    ],
)
def test_numbers_have_the_marks_of_the_language(value: float, decimals: int, vi: str, en: str) -> None:
    """Thousands and decimals are marked the other way round; whole numbers stay exact."""
    assert number(value, "vi", decimals) == vi
    assert number(value, "en", decimals) == en


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.993, "99.3%"),
        (1.0, "100.0%"),
        (0.0, "0.0%"),
        (0.99996, "99.996%"),
        (0.9999999, ">99.9999%"),
        (0.0000001, "<0.0001%"),
        (0.0004, "0.04%"),
    ],
)
def test_only_a_whole_is_a_hundred_per_cent(share: float, shown: str) -> None:
    """What is nearly all or nearly nothing keeps the decimals that say so."""
    assert percent(share, "en") == shown


@pytest.mark.parametrize(
    ("language", "day", "at"),
    [("vi", "31/10/2026", "08:04 ngày 01/11/2026"), ("en", "31 October 2026", "08:04 on 1 November 2026")],
)
def test_dates_are_local(language: Language, day: str, at: str) -> None:
    """Moments are told in the zone, dates as the language writes them."""
    assert Texts(language, ZONE).date(date(2026, 10, 31)) == day
    assert moment(datetime(2026, 11, 1, 1, 4, tzinfo=UTC), language, ZONE) == at


def test_durations_and_sizes_have_a_fitting_unit() -> None:
    """Small ones keep a decimal, large ones change the unit."""
    assert milliseconds(400, "vi") == "0,4\u00a0ms"
    assert milliseconds(84_200, "en") == "84\u00a0ms"
    assert milliseconds(12_500_000, "vi") == "12,5\u00a0giây"
    assert seconds(412, "en") == "6\u00a0min 52\u00a0s"
    assert seconds(0, "en") == "0\u00a0s"
    assert seconds(7200, "vi") == "2\u00a0giờ"
    assert seconds(90_061, "vi") == "1\u00a0ngày 1\u00a0giờ"
    assert size(84_300_000_000, "vi") == "84,3\u00a0GB"
    assert size(12, "en") == "12\u00a0B"
