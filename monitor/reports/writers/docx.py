"""DOCX: the report to be edited, with real headings, captions, repeated heads, and places to write in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from monitor.errors import MonitorError
from monitor.reports.charts.chart import WIDE
from monitor.reports.layout.blocks import (
    Block,
    Document,
    Paragraph,
    Picture,
    Section,
    Sentences,
    Slot,
    Table,
    Tiles,
)
from monitor.reports.layout.document import lay_out
from monitor.reports.model import Report
from monitor.reports.texts import Texts
from monitor.reports.writers import stem, wordml
from monitor.reports.writers.docx_styles import LANDSCAPE_MM, PORTRAIT_MM, furnish, turned
from monitor.reports.writers.typesetting import EXTRA, check_typesetter, font_folders, typeset
from monitor.reports.writers.typst_child import Job

if TYPE_CHECKING:
    from docx.document import Document as Package

_PPI: Final = 200  # of pictures for programs that show no vectors
_SIZE: Final = re.compile(r'viewBox="0 0 ([\d.]+) ([\d.]+)"')
_TILES_A_ROW: Final = 3


def write(report: Report, texts: Texts, folder: Path) -> list[Path]:
    """Write the report as one document. Raises MonitorError where the extra `reports` is not installed."""
    try:
        import docx
    except ImportError as why:
        raise MonitorError(f"DOCX reports need python-docx: {EXTRA}") from why
    document = lay_out(report, texts, editable=True)
    package = docx.Document()
    furnish(package, document, report.made_at)
    _Writing(package, document, texts).write()
    path = folder / f"{stem(report)}.docx"
    package.save(str(path))
    return [path]


class _Writing:
    """One document being written."""

    def __init__(self, package: Package, document: Document, texts: Texts) -> None:
        self._package = package
        self._document = document
        self._texts = texts
        self._number = 0
        self._pictures = _pictures(package, document, texts)

    def write(self) -> None:
        """Put everything into the package, annexes on turned pages.

        The body is parsed once as a whole: moving parts of a long annex into a tree takes minutes.
        """
        from docx.oxml import parse_xml
        from docx.oxml.ns import qn

        document = self._document
        parts = [*self._head()]
        for section in document.sections:
            parts += self._section(section, 1, PORTRAIT_MM)
        parts.append(self._signature())
        if document.annexes:
            turned(self._package)
        pages = [str(each.xml) for each in self._package.element.iter(qn("w:sectPr"))]
        for end in pages[:-1]:
            parts.append(f"<w:p><w:pPr>{end}</w:pPr></w:p>")
        for section in document.annexes:
            parts += self._section(section, 1, LANDSCAPE_MM)
        parts.append(pages[-1])
        whole = f"<w:document {wordml.NAMES}><w:body>{''.join(parts)}</w:body></w:document>"
        self._package.part._element = parse_xml(whole)

    def _head(self) -> Iterable[str]:
        document = self._document
        letterhead = document.letterhead
        left = [wordml.paragraph("Body", wordml.run(each)) for each in letterhead.bodies[:-1]]
        left.append(wordml.paragraph("Issuer", wordml.run(letterhead.bodies[-1])))
        left += [
            wordml.paragraph("Ruled", ""),
            wordml.paragraph("LetterheadLine", wordml.run(letterhead.number)),
        ]
        right = [
            wordml.paragraph("Nation", wordml.run(letterhead.nation)),
            wordml.paragraph("Motto", wordml.run(letterhead.motto)),
            wordml.paragraph("RuledWide", ""),
            wordml.paragraph("LetterheadLine", wordml.run(letterhead.place_and_date, italic=True)),
        ]
        yield wordml.columns(left, right, PORTRAIT_MM, 0.41)
        yield wordml.paragraph("Kind", wordml.run(document.kind_of))
        yield wordml.paragraph("Title", wordml.run(f"{document.subject}\n{document.subtitle}"))
        said = wordml.run(f"{document.state}. ", bold=True) + wordml.run(" · ".join(document.imprint))
        yield wordml.paragraph("Imprint", said)
        entries = [(_mark(each.key), each.title) for each in (*document.sections, *document.annexes)]
        yield wordml.contents(document.contents, entries)

    def _section(self, section: Section, level: int, width_mm: float) -> Iterable[str]:
        self._number += 1
        yield wordml.heading(level, section.title, _mark(section.key), self._number)
        for block in section.blocks:
            if isinstance(block, Section):
                yield from self._section(block, level + 1, width_mm)
            else:
                yield from self._block(block, width_mm)

    def _block(self, block: Block, width_mm: float) -> Iterable[str]:
        words = self._document.words
        match block:
            case Sentences():
                for each in block.items:
                    yield wordml.paragraph("Sentence", wordml.run(f"– {each}"))
            case Paragraph():
                yield wordml.paragraph("BodyText", wordml.run(block.text))
            case Tiles():
                yield _tiles(block, width_mm)
                yield wordml.paragraph("TableNote", "")
            case Table():
                yield wordml.caption(words["table"], block.number, block.caption)
                yield wordml.table(block, self._texts, width_mm)
                yield wordml.paragraph("TableNote", wordml.run(block.note or ""))
            case Picture():
                yield self._pictures[block.key]
                yield wordml.caption(words["figure"], block.number, block.caption)
            case Slot():
                yield wordml.slot(block, words["slot_empty"])

    def _signature(self) -> str:
        signature = self._document.signature
        left = [
            wordml.paragraph("Recipients", wordml.run(signature.recipients_title, bold=True, italic=True))
        ]
        left += [wordml.paragraph("Recipients", wordml.run(f"– {each}")) for each in signature.recipients]
        right = [
            wordml.paragraph("Office", wordml.run(signature.office)),
            wordml.paragraph("LetterheadLine", wordml.run(signature.form, italic=True)),
            *[wordml.paragraph("LetterheadLine", "")] * 4,
        ]
        return wordml.columns(left, right, PORTRAIT_MM, 0.44) + wordml.paragraph("TableNote", "")


def _mark(key: str) -> str:
    return f"section_{key.replace('-', '_')}"


def _tiles(block: Tiles, width_mm: float) -> str:
    """Key figures, some to a row."""
    items = list(block.items)
    whole = width_mm * 1440 / 25.4
    width = round(whole / _TILES_A_ROW)
    grid = f'<w:gridCol w:w="{width}"/>' * _TILES_A_ROW
    cells = []
    for n in range(0, len(items), _TILES_A_ROW):
        row = ""
        for each in items[n : n + _TILES_A_ROW]:
            row += (
                f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
                + wordml.paragraph("TileLabel", wordml.run(each.label))
                + wordml.paragraph("TileValue", wordml.run(each.value))
                + wordml.paragraph("TileLabel", wordml.run(each.note))
                + "</w:tc>"
            )
        cells.append(f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{row}</w:tr>")
    return (
        '<w:tbl><w:tblPr><w:tblStyle w:val="TableGrid"/>'
        f'<w:tblW w:w="{width * _TILES_A_ROW}" w:type="dxa"/><w:tblLayout w:type="fixed"/></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(cells)}</w:tbl>"
    )


def _pictures(package: Package, document: Document, texts: Texts) -> dict[str, str]:
    """Every chart as a paragraph, its raster and its vector put into the package."""
    from io import BytesIO

    from docx.opc.constants import RELATIONSHIP_TYPE
    from docx.opc.packuri import PackURI
    from docx.opc.part import Part

    charts = [block for block in document.blocks() if isinstance(block, Picture)]
    if not charts:
        return {}
    drawn = {one.key: one.chart.svg(texts, WIDE, one.key) for one in charts}
    rasters = _rasters(list(drawn.values()))
    found: dict[str, str] = {}
    for n, (one, raster) in enumerate(zip(charts, rasters, strict=True), 1):
        vector = drawn[one.key]
        size = _SIZE.search(vector)
        assert size is not None  # noqa: S101  # every chart says its size
        part = Part(
            PackURI(f"/word/media/chart{n}.svg"), "image/svg+xml", vector.encode(), package.part.package
        )
        vector_id = package.part.relate_to(part, RELATIONSHIP_TYPE.IMAGE)
        raster_id, _ = package.part.get_or_add_image(BytesIO(raster))
        height = PORTRAIT_MM * float(size[2]) / float(size[1])
        found[one.key] = wordml.picture(
            n, raster_id, vector_id, PORTRAIT_MM, height, one.caption, one.chart.description
        )
    return found


def _rasters(vectors: list[str]) -> list[bytes]:
    """The charts as PNG, in one run of the typesetter: a page each."""
    sources = {f"{n}.svg": vector.encode() for n, vector in enumerate(vectors)}
    pages = "\n#pagebreak()\n".join(f'#image("{name}", width: {PORTRAIT_MM}mm)' for name in sources)
    sources["main.typ"] = f"#set page(width: {PORTRAIT_MM}mm, height: auto, margin: 0pt)\n{pages}".encode()
    check_typesetter()
    return typeset(Job(sources=sources, format="png", ppi=_PPI, font_paths=font_folders()))
