"""XLSX: a sheet for each table, with numbers that are numbers, filters, frozen heads, titles on prints.

Text is written as text, whatever it begins with: no cell is a formula or a link.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any, Final

from monitor.errors import MonitorError
from monitor.reports.layout.blocks import As, Document, Kind, Sentences, Slot, Table, Tiles
from monitor.reports.layout.document import lay_out
from monitor.reports.layout.values import for_sheet, shown
from monitor.reports.model import Report
from monitor.reports.texts import Texts
from monitor.reports.writers import stem

_FORMATS: Final[Mapping[Kind, str]] = {
    "count": "#,##0",
    "percent": "0.0%",
    "change": "+0.0%;-0.0%;0.0%",
    "places": "+0;-0;0",
    "points": "#,##0.0",
    "us": '#,##0.0" ms"',
    "seconds": "#,##0",
    "size": "#,##0",
    "day": "dd/mm/yyyy",
    "moment": "dd/mm/yyyy hh:mm",
}
_LONGEST_NAME: Final = 31  # of a sheet
_FORBIDDEN: Final = dict.fromkeys(map(ord, "[]:*?/\\"), " ")
_WIDEST: Final = 60  # letters of a column
_WIDTH_SAMPLE: Final = 200  # rows that a column's width is measured by
_LONGEST_TEXT: Final = 32_767  # letters of a cell
_HEAD_ROW: Final = 2  # caption, empty row, head


def write(report: Report, texts: Texts, folder: Path) -> list[Path]:
    """Write the report as one workbook. Raises MonitorError where the extra `reports` is not installed."""
    try:
        import xlsxwriter
    except ImportError as why:
        raise MonitorError(
            "XLSX reports need XlsxWriter: install the extra: pip install 'data-sharing-monitor[reports]'"
        ) from why
    path = folder / f"{stem(report)}.xlsx"
    document = lay_out(report, texts)
    book = xlsxwriter.Workbook(
        str(path),
        {
            "constant_memory": True,
            "in_memory": False,
            "tmpdir": str(folder),
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "nan_inf_to_errors": True,
        },
    )
    book.set_properties(
        {
            "title": f"{document.title}, {document.subtitle}",
            "author": document.letterhead.bodies[-1],
            "comments": document.state,
            "created": report.made_at.replace(tzinfo=None),
        }
    )
    looks = _Looks(book, texts)
    taken: set[str] = set()
    _overview(book, document, looks, _name(texts("sheet.overview"), taken))
    for table in (*document.tables(), *document.only_sheets):
        _sheet(book, table, looks, _name(table.sheet, taken), document)
    book.close()
    return [path]


class _Looks:
    """Formats of cells, each made once."""

    def __init__(self, book: Any, texts: Texts) -> None:
        self._book = book
        self.texts = texts
        self.title = book.add_format({"bold": True, "font_size": 14, "text_wrap": True})
        self.caption = book.add_format({"bold": True, "font_size": 12})
        self.words = book.add_format({"text_wrap": True, "valign": "top"})
        self.strong = book.add_format({"bold": True, "valign": "top", "text_wrap": True})
        self.quiet = book.add_format({"font_color": "#555555", "text_wrap": True, "valign": "top"})
        self._made: dict[tuple[str, bool, bool], Any] = {}

    def head(self, *, right: bool) -> Any:
        """The head of a column."""
        return self._get("head", True, right)

    def cell(self, kind: Kind, *, strong: bool, right: bool) -> Any:
        """A cell with a value of that kind."""
        return self._get(kind, strong, right)

    def _get(self, kind: str, strong: bool, right: bool) -> Any:
        found = self._made.get((kind, strong, right))
        if found is None:
            wanted: dict[str, Any] = {"bold": strong, "valign": "top", "bottom": 4}
            if right:
                wanted["align"] = "right"
            if kind == "head":
                wanted |= {
                    "bg_color": "#E8E8E8",
                    "text_wrap": True,
                    "valign": "bottom",
                    "top": 1,
                    "bottom": 1,
                }
            elif kind == "text":
                wanted["text_wrap"] = True
            elif kind in _FORMATS:
                wanted["num_format"] = _FORMATS[kind]  # type: ignore[index]
            found = self._made[kind, strong, right] = self._book.add_format(wanted)
        return found


def _name(wanted: str, taken: set[str]) -> str:
    """A name that workbooks accept and that no other sheet has."""
    plain = wanted.translate(_FORBIDDEN).strip("' ")[:_LONGEST_NAME] or "-"
    name, n = plain, 1
    while name.casefold() in taken:
        n += 1
        name = f"{plain[: _LONGEST_NAME - len(str(n)) - 1]} {n}"
    taken.add(name.casefold())
    return name


def _overview(book: Any, document: Document, looks: _Looks, name: str) -> None:
    """What the report is, its sentences and what people wrote."""
    sheet = book.add_worksheet(name)
    sheet.set_column(0, 0, 34)
    sheet.set_column(1, 1, 90)
    sheet.hide_gridlines(2)
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    lines: list[tuple[str, str, Any, Any]] = [
        (document.title, document.subtitle, looks.title, looks.title),
        (document.letterhead.bodies[-1], document.state, looks.strong, looks.strong),
        *(("", each, looks.words, looks.quiet) for each in document.imprint),
    ]
    for section in document.sections:
        found: list[tuple[str, str, Any, Any]] = []
        for block in section.blocks:
            match block:
                case Tiles():
                    found += [
                        (each.label, f"{each.value}. {each.note}".rstrip(" ."), looks.words, looks.words)
                        for each in block.items
                    ]
                case Sentences():
                    found += [("", each, looks.words, looks.words) for each in block.items]
                case Slot(text=str(text)):
                    found.append((block.prompt, text, looks.quiet, looks.words))
        if found:
            lines += [
                ("", "", looks.words, looks.words),
                (section.title, "", looks.strong, looks.words),
                *found,
            ]
    for row, (left, right, left_look, right_look) in enumerate(lines):
        sheet.write_string(row, 0, left[:_LONGEST_TEXT], left_look)
        sheet.write_string(row, 1, right[:_LONGEST_TEXT], right_look)


def _sheet(book: Any, table: Table, looks: _Looks, name: str, document: Document) -> None:
    """One table: caption, head, rows, note. Rows are written in order, as constant memory asks."""
    sheet = book.add_worksheet(name)
    last = len(table.columns) - 1
    for n, width in enumerate(_widths(table, looks.texts)):
        sheet.set_column(n, n, width)
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(_HEAD_ROW)
    sheet.freeze_panes(_HEAD_ROW + 1, min(table.heads, 3))
    sheet.set_footer(f"&L{document.running.replace('&', '&&')}&R&P/&N")
    sheet.write_string(0, 0, table.caption, looks.caption)
    for n, column in enumerate(table.columns):
        sheet.write_string(_HEAD_ROW, n, column.title, looks.head(right=column.right))
    row = _HEAD_ROW
    for values in table.rows:
        row += 1
        strong = row - _HEAD_ROW - 1 in table.marked
        for n, (value, column) in enumerate(zip(values, table.columns, strict=True)):
            kind = value.kind if isinstance(value, As) else column.kind
            look = looks.cell(kind, strong=strong, right=column.right)
            _put(sheet, row, n, for_sheet(value, column.kind, looks.texts), look)
    if row > _HEAD_ROW:
        sheet.autofilter(_HEAD_ROW, 0, row, last)
    if table.note:
        sheet.write_string(row + 2, 0, table.note, book.add_format({"font_color": "#555555"}))


def _put(sheet: Any, row: int, column: int, value: Any, look: Any) -> None:
    match value:
        case None:
            sheet.write_blank(row, column, None, look)
        case bool() | str():
            sheet.write_string(row, column, str(value)[:_LONGEST_TEXT], look)
        case int() | float():
            sheet.write_number(row, column, value, look)
        case datetime():
            sheet.write_datetime(row, column, value, look)
        case date():
            sheet.write_datetime(row, column, datetime.combine(value, time()), look)


def _widths(table: Table, texts: Texts) -> Iterable[float]:
    """Widths in letters, by the longest of the first rows; heads wrap."""
    for n, column in enumerate(table.columns):
        longest = max(
            (len(shown(row[n], column.kind, texts)) for row in table.rows[:_WIDTH_SAMPLE]),
            default=0,
        )
        head = max((len(word) for word in column.title.split()), default=0) + 3  # the filter's button
        yield min(max(longest + 2, head, 8), _WIDEST)
