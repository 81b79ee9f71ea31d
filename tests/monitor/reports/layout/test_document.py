"""The laid-out report: everything that it must hold, in both languages."""

from __future__ import annotations

import msgspec
import pytest

from monitor.reports.charts.days import Days
from monitor.reports.figures import Language
from monitor.reports.layout.blocks import As, Missing, Picture, Section, Slot
from monitor.reports.layout.document import lay_out
from monitor.reports.layout.markdown import Span, passages
from monitor.reports.layout.values import shown
from tests.monitor.reports.example import example
from tests.monitor.reports.writers.drawn import quiet, texts


@pytest.mark.parametrize("agency", [None, "MOH", "MPS", "QUANGTRI"])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_rows_have_as_many_values_as_columns_and_keys_are_unique(
    agency: str | None, language: Language
) -> None:
    """Tables are whole; anchors and numbers name one thing each."""
    document = lay_out(example(agency, language), texts(language))
    tables = [*document.tables(), *document.only_sheets]
    assert all(len(row) == len(table.columns) for table in tables for row in table.rows)
    keys = [table.key for table in tables]
    assert len(keys) == len(set(keys))
    numbers = [table.number for table in document.tables()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_the_national_report_has_all_its_sections_in_order() -> None:
    """As leaders read them."""
    keys = [section.key for section in lay_out(example(), texts("vi")).sections]
    assert keys == [
        "summary", "changes", "volume", "ranking", "quality", "compliance", "security", "connection",
        "service-quality", "obstacles", "next", "notes",
    ]  # fmt: skip


def test_days_are_drawn_beside_those_of_the_other_periods() -> None:
    """A line for each period that the ledger reaches, under its name."""
    report = example()
    assert report.before is not None
    both = msgspec.structs.replace(
        report,
        year_ago=report.before,
        volume=msgspec.structs.replace(report.volume, days_year_ago=(3, 4)),
    )
    for each, lines in ((report, 1), (both, 2)):
        chart = next(b for b in lay_out(each, texts("vi")).blocks() if isinstance(b, Picture)).chart
        assert isinstance(chart, Days)
        assert [len(line.counts) for line in chart.others] == [30, 2][:lines]
        assert chart.others[0].label == "tháng 9 năm 2026"


def test_a_score_card_begins_with_the_agency_and_ends_with_its_agreements() -> None:
    """Its place, both of its sides, and what expires."""
    document = lay_out(example("MOH", "en"), texts("en"))
    keys = [section.key for section in document.sections]
    assert keys[0] == "card"
    assert "sides" in keys
    assert [section.key for section in document.annexes] == ["annex", "agreements"]
    inner = [block.key for block in document.sections[0].blocks if isinstance(block, Section)]
    assert inner == ["improved", "worsened"]


def test_places_to_write_are_empty_only_where_one_can_write() -> None:
    """A page shows what people wrote; a document to edit has every slot."""
    report = example()
    on_pages = [b for b in lay_out(report, texts("vi")).blocks() if isinstance(b, Slot)]
    to_edit = [b for b in lay_out(report, texts("vi"), editable=True).blocks() if isinstance(b, Slot)]
    assert [slot.key for slot in on_pages] == ["summary", "next"]
    assert len(to_edit) == 11


def test_not_connected_is_not_scored_and_not_zero() -> None:
    """An agency that is not connected has words where others have figures, and the reason below."""
    table = next(t for t in lay_out(example(), texts("vi")).tables() if t.key == "ranking")
    row = table.rows[-1]
    assert row[2] == "Tỉnh Quảng Trị"
    assert row[0] is None
    assert row[3] is None
    assert row[7] == Missing("không chấm điểm")
    assert table.note == "Không chấm điểm: Tỉnh Quảng Trị (chưa kết nối)."


def test_a_marking_says_draft_and_to_date() -> None:
    """Both while unsigned and running; none once signed and over."""
    report = example()
    running = msgspec.structs.replace(report, period=msgspec.structs.replace(report.period, to_date=True))
    signed = msgspec.structs.replace(report, state="signed")
    assert lay_out(report, texts("vi")).marking == "DỰ THẢO"
    assert lay_out(running, texts("vi")).marking == "DỰ THẢO · SỐ LIỆU TẠM TÍNH"
    assert lay_out(signed, texts("vi")).marking is None


def test_the_superior_body_stands_above_the_issuer() -> None:
    """An issuer written with a stroke, or on lines, has both."""
    report = msgspec.structs.replace(
        example(), issuer="Bộ Khoa học và Công nghệ / Cục Chuyển đổi số quốc gia"
    )
    assert lay_out(report, texts("vi")).letterhead.bodies == (
        "Bộ Khoa học và Công nghệ",
        "Cục Chuyển đổi số quốc gia",
    )


def test_nothing_exchanged_is_a_whole_report_without_charts() -> None:
    """Sections stay, lists that are empty go."""
    document = lay_out(quiet(), texts("vi"))
    assert not [b for b in document.blocks() if type(b).__name__ == "Picture"]
    assert all(table.rows for table in document.tables())


def test_values_are_written_as_the_language_does() -> None:
    """Numbers, shares, ranks, what is missing, and values of another kind than their column."""
    vi = texts("vi")
    assert shown(1_234_567, "count", vi) == "1.234.567"
    assert shown(0.9931, "percent", vi) == "99,3%"
    assert [shown(n, "places", vi) for n in (2, -1, 0)] == ["▲2", "▼1", "="]
    assert shown(None, "count", vi) == "–"
    assert shown(As(1_500_000, "size"), "count", vi) == "1,5\u00a0MB"


def test_people_may_write_a_little_markdown_and_no_more() -> None:
    """Paragraphs, points, bold, italics, headings; anything else is text."""
    found = passages("# Đầu\nMột **hai *ba***\ndòng\n\n- điểm\n  tiếp\n2. số\n<b>x</b> [a](http://b) 2*3*4")
    assert [each.kind for each in found] == ["heading", "paragraph", "point", "point"]
    assert found[1].spans[0] == Span("Một ")
    assert found[1].spans[1].bold
    assert found[2].spans == (Span("điểm tiếp"),)
    assert found[3].label == "2."
    assert found[3].spans == (Span("số <b>x</b> [a](http://b) 2*3*4"),)
