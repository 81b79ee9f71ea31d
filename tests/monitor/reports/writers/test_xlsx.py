"""The workbook: numbers are numbers, text is text, heads are frozen, and every table can be filtered."""

from __future__ import annotations

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from monitor.errors import MonitorError
from monitor.reports.writers import xlsx
from tests.monitor.reports.example import example
from tests.monitor.reports.writers.drawn import HOSTILE, hostile, quiet, texts


def test_counts_are_numbers_with_formats(tmp_path: Path) -> None:
    """Sums in the sheet of pairs are those of the report; shares are fractions shown as percentages."""
    report = example(None, "vi")
    book = openpyxl.load_workbook(xlsx.write(report, texts("vi"), tmp_path)[0])
    sheet: Any = book["Từng cặp"]
    head = [cell.value for cell in sheet[3]]
    rows = list(sheet.iter_rows(min_row=4))[: len(report.pairs)]
    exchanges = head.index("Lượt chia sẻ")
    assert sum(row[exchanges].value for row in rows) == report.volume.total.exchanges
    assert rows[0][exchanges].number_format == "#,##0"
    share = rows[0][head.index("Độ sẵn sàng")]
    assert share.number_format == "0.0%"
    assert share.value == pytest.approx(report.pairs[0].availability.ratio)
    days: Any = book["Theo ngày"]
    assert isinstance(days["A4"].value, datetime)


def test_every_table_is_frozen_filtered_and_printed_with_its_head(tmp_path: Path) -> None:
    """All sheets but the overview."""
    book = openpyxl.load_workbook(xlsx.write(example("MOH", "en"), texts("en"), tmp_path)[0])
    assert book.sheetnames[0] == "Overview"
    assert {"Definitions", "Indicators", "Agreements", "Pairs"} <= set(book.sheetnames)
    for sheet in book.worksheets[1:]:
        assert sheet.freeze_panes is not None
        assert sheet.auto_filter.ref is not None
        assert sheet.print_title_rows == "$3:$3"


def test_indicators_have_all_that_belongs_to_them(tmp_path: Path) -> None:
    """Numerator, denominator, coverage, target, source, and what they count."""
    book = openpyxl.load_workbook(xlsx.write(example(None, "en"), texts("en"), tmp_path)[0])
    sheet: Any = book["Indicators"]
    head = [cell.value for cell in sheet[3]]
    assert {"Numerator", "Denominator", "Coverage", "Target", "Source"} <= set(head)
    unscored = [row for row in sheet.iter_rows(min_row=4, values_only=True) if "not scored" in str(row[4])]
    assert unscored, "the agency that is not connected has indicators that are not scored"
    assert all("not connected" in row[4] for row in unscored)


def test_no_cell_is_a_formula(tmp_path: Path) -> None:
    """Text that begins like a formula stays text, and no link is made of an address."""
    book = openpyxl.load_workbook(xlsx.write(hostile(), texts("en"), tmp_path)[0])
    cells = [cell for sheet in book.worksheets for row in sheet.iter_rows() for cell in row]
    assert not any(cell.data_type == "f" or cell.hyperlink for cell in cells)
    assert any(str(cell.value).startswith(HOSTILE[:10]) for cell in cells)


def test_names_of_sheets_are_accepted_and_unique() -> None:
    """At most 31 letters, none of those that workbooks refuse, no two alike."""
    taken: set[str] = set()
    names = [xlsx._name(each, taken) for each in ("a/b[c]" * 9, "a/b[c]" * 9, "'", "Lỗi", "lỗi")]
    assert all(0 < len(name) <= 31 for name in names)
    assert not any(set("[]:*?/\\") & set(name) for name in names)
    assert len({name.casefold() for name in names}) == len(names)


def test_a_period_without_anything_has_its_workbook(tmp_path: Path) -> None:
    """Nothing to count is no reason to fail, and no temporary file is left."""
    made = xlsx.write(quiet(), texts("vi"), tmp_path)
    assert list(tmp_path.iterdir()) == made


def test_without_the_extra_the_reason_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to install."""
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(MonitorError, match=r"data-sharing-monitor\[reports\]"):
        xlsx.write(example(), texts("vi"), tmp_path)
