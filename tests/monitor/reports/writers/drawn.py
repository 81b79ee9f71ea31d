"""Reports to write in tests, and what is read back from the files."""

from __future__ import annotations

import io
import re
from html.parser import HTMLParser
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec

from monitor.reports.figures import Language, Text
from monitor.reports.model import Report
from monitor.reports.texts import Texts
from tests.monitor.reports.example import example

# Words that would do harm where they were read as markup, a formula or a command.
HOSTILE = "=1+1 <script>alert(1)</script> #panic() \"]); $x$ *b* \\ & '\x07 [[:lua]]"


def texts(language: Language) -> Texts:
    """The texts of a language, in the zone of the example."""
    return Texts(language, ZoneInfo("Asia/Ho_Chi_Minh"))


def hostile() -> Report:
    """The national report with harmful words wherever people or other systems can put some."""
    report = example(None, "en")
    text = Text(en=HOSTILE, vi=HOSTILE)
    rows = tuple(msgspec.structs.replace(row, name=text) for row in report.ranking.agencies)
    narratives = tuple(msgspec.structs.replace(each, text=HOSTILE) for each in report.narratives)
    services = tuple(msgspec.structs.replace(each, name=text) for each in report.quality.services)
    return msgspec.structs.replace(
        report,
        issuer=HOSTILE,
        summary=(text,),
        narratives=narratives,
        ranking=msgspec.structs.replace(report.ranking, agencies=rows),
        quality=msgspec.structs.replace(report.quality, services=services),
    )


def quiet() -> Report:
    """A national report of a period in which nothing was exchanged and nothing is known."""
    report = example(None, "vi")
    none = msgspec.structs.replace
    return none(
        report,
        before=None,
        reissue=None,
        summary=(),
        notes=(),
        volume=none(
            report.volume,
            total=type(report.volume.total)(),
            before=None,
            days=tuple(none(d, exchanges=0, failed=0, denied=0, breached=0) for d in report.volume.days),
        ),
        ranking=none(report.ranking, agencies=(), ranked=0, composite_ranked=0),
        quality=none(
            report.quality,
            durations=type(report.quality.durations)(),
            durations_before=None,
            services=(),
            objectives=(),
        ),
        compliance=none(
            report.compliance,
            breaches=(),
            findings=(),
            duty_counts=(),
            duties=(),
            agreements=(),
            clauses=(),
            unmonitored={},
        ),
        security=None,
        connection=none(report.connection, agencies=(), states={}, states_before=None),
        service_quality=None,
        obstacles=(),
        coming=(),
        pairs=(),
        narratives=(),
    )


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("style", "script") or ("class", "narrow") in attrs or (self._hidden and tag == "div"):
            self._hidden += 1

    def handle_endtag(self, tag: str) -> None:
        if self._hidden and tag in ("style", "script", "div"):
            self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if not self._hidden and data.strip():
            self.found.append(data.strip())


def words_of_html(page: str) -> list[str]:
    """The words of a page, as it is shown on a wide screen."""
    reader = _Words()
    reader.feed(page)
    return reader.found


def words_of_pdf(made: bytes) -> list[str]:
    """The lines of a PDF."""
    from pypdf import PdfReader

    pages = PdfReader(io.BytesIO(made)).pages
    lines = [re.sub(r"\s+", " ", line).strip() for page in pages for line in page.extract_text().splitlines()]
    return [line for line in lines if line]


def words_of_docx(path: Path) -> list[str]:
    """The paragraphs of a document, those of tables among them, in order."""
    import docx
    from docx.oxml.ns import qn

    body = docx.Document(str(path)).element.body
    found = ("".join(t.text or "" for t in p.iter(qn("w:t"))) for p in body.iter(qn("w:p")))
    return [each.replace("\u200b", "") for each in found if each.strip()]


def words_of_xlsx(path: Path) -> list[str]:
    """The rows of a workbook, sheet by sheet, as values."""
    import openpyxl

    found: list[str] = []
    for sheet in openpyxl.load_workbook(path).worksheets:
        found.append(f"[{sheet.title}]")
        for row in sheet.iter_rows(values_only=True):
            words = ["" if value is None else str(value) for value in row]
            found += [" | ".join(words)] if any(words) else []
    return found
