"""The catalogue says everything in both languages, with the same values in both."""

from __future__ import annotations

import re
from string import Formatter
from typing import get_args

from monitor.duties.connection import STATES
from monitor.duties.item import DUTIES
from monitor.indicators.agencies import INDICATORS
from monitor.judging.breach import Breach
from monitor.registry.model import Agency
from monitor.reports.figures import Share, Text
from monitor.reports.sections.agencies import _REASONS, _SOURCES
from monitor.reports.texts import Texts, both
from monitor.reports.texts.catalogue import CATALOGUE

_LETTERS = re.compile(r"[àáảãạăằắẳẵặâầấẩẫậèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵđ]", re.IGNORECASE)


def values_of(message: str) -> set[str]:
    """The names of the values that a message asks for."""
    return {name for _, name, _, _ in Formatter().parse(message) if name is not None}


def test_both_languages_ask_for_the_same_values() -> None:
    """Neither is empty, and English has no letters of Vietnamese."""
    wrong = [
        key
        for key, text in CATALOGUE.items()
        if not (text.en.strip() and text.vi.strip())
        or values_of(text.en) != values_of(text.vi)
        or _LETTERS.search(text.en)
    ]
    assert wrong == []


def test_long_vietnamese_texts_have_diacritics() -> None:
    """Three words without any were typed without them."""
    words = {key: re.findall(r"[^\W\d]+", re.sub(r"{[^}]*}", "", text.vi)) for key, text in CATALOGUE.items()}
    bare = [key for key, held in words.items() if len(held) > 2 and not _LETTERS.search(" ".join(held))]
    assert bare == []


def test_closed_sets_have_names() -> None:
    """Every kind that figures are told by."""
    kinds = get_args(Agency.model_fields["kind"].annotation)
    expected = {
        *(f"breach.{each}" for each in Breach),
        *(f"duty.{each}" for each in DUTIES),
        *(f"obstacle.{each}.work" for each in (*DUTIES, "availability", "latency", "error_rate")),
        *(f"obstacle.{each}.result" for each in (*DUTIES, "availability", "latency", "error_rate")),
        *(f"coming.{each}" for each in DUTIES),
        *(f"state.{each}" for each in STATES),
        *(f"indicator.{each}" for each in INDICATORS),
        *(f"authority.{each}" for each in kinds),
        *(f"agency_kind.{each}" for each in kinds),
        *(f"source.{each}" for each in _SOURCES.values()),
        *(f"reason.{each}" for pair in _REASONS.values() for each in pair),
    }
    assert expected <= CATALOGUE.keys()


def test_values_are_written_as_the_language_writes_them() -> None:
    """Counts are grouped, shares are percentages, words are chosen by one or many."""
    said = both(
        "summary.volume",
        period=Text(en="May 2026", vi="tháng 5 năm 2026"),
        agencies=1,
        exchanges=12_345,
        services=2,
    )
    assert said.en == "In May 2026, 1 agency made 12,345 exchanges over 2 services."
    assert (
        said.vi == "Trong tháng 5 năm 2026, 1 cơ quan đã thực hiện 12.345 lượt chia sẻ dữ liệu qua 2 dịch vụ."
    )
    texts = Texts("vi")
    assert texts.written(Share(numerator=993, denominator=1000)) == "99,3%"
    assert texts.signed_percent(-0.125) == "−12,5%"
    assert texts.percent(None) == "không chấm điểm"
    assert texts.name("breach", "no_agreement") == "không có thỏa thuận"
    assert texts.name("breach", "of_tomorrow") == "of_tomorrow"


def test_braces_in_what_people_wrote_are_left_alone() -> None:
    """A subject that looks like a message is no message."""
    assert both("coming.answer", subject="{secret}").en == "Request {secret} is to be answered"
