"""Parts of a DOCX document as WordprocessingML: paragraphs, tables, pictures, places to write in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from monitor.reports.charts.canvas import xml
from monitor.reports.layout.blocks import Slot, Table
from monitor.reports.layout.markdown import Span, passages
from monitor.reports.layout.values import shown
from monitor.reports.texts import Texts
from monitor.reports.writers.pages import jointed

NAMES: Final = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"'
)
_SVG_EXTENSION: Final = "{96DAC541-7B7A-43D3-8B79-37D633B846F1}"  # names the vector beside a picture
_SVG: Final = "http://schemas.microsoft.com/office/drawing/2016/SVG/main"
_EMU_PER_MM: Final = 36_000
_TWIPS_PER_MM: Final = 1440 / 25.4


def run(text: str, *, bold: bool = False, italic: bool = False) -> str:
    """Some text of one style; lines stay lines."""
    marks = f"{'<w:b/>' if bold else ''}{'<w:i/>' if italic else ''}"
    lines = "<w:br/>".join(f'<w:t xml:space="preserve">{xml(line)}</w:t>' for line in text.split("\n"))
    return f"<w:r>{f'<w:rPr>{marks}</w:rPr>' if marks else ''}{lines}</w:r>"


def spans(parts: Iterable[Span]) -> str:
    """Runs of what people wrote."""
    return "".join(run(part.text, bold=part.bold, italic=part.italic) for part in parts)


def paragraph(style: str, runs: str) -> str:
    """A paragraph of runs, in a style by its id."""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr>{runs}</w:p>'


def heading(level: int, text: str, mark: str, number: int) -> str:
    """A heading with a bookmark that the contents lead to."""
    return (
        f'<w:p><w:pPr><w:pStyle w:val="Heading{level}"/></w:pPr>'
        f'<w:bookmarkStart w:id="{number}" w:name="{xml(mark)}"/>{run(text)}'
        f'<w:bookmarkEnd w:id="{number}"/></w:p>'
    )


def field(instruction: str, result: str) -> str:
    """A field that office programs work out anew, and what it shows until then."""
    return f'<w:fldSimple w:instr=" {xml(instruction)} ">{run(result)}</w:fldSimple>'


def caption(word: str, number: int, text: str) -> str:
    """A caption that counts itself."""
    return paragraph(
        "Caption", run(f"{word} ") + field(f"SEQ {word} \\* ARABIC", str(number)) + run(f". {text}")
    )


def contents(title: str, entries: Sequence[tuple[str, str]]) -> str:
    """A table of contents: a field with links to the headings until it is worked out anew."""
    begin = (
        '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
        '<w:r><w:instrText xml:space="preserve"> TOC \\o "1-1" \\h \\z \\u </w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r>'
    )
    end = '<w:r><w:fldChar w:fldCharType="end"/></w:r>'
    lines = []
    for n, (mark, text) in enumerate(entries):
        link = f'<w:hyperlink w:anchor="{xml(mark)}" w:history="1">{run(text)}</w:hyperlink>'
        runs = (begin if n == 0 else "") + link + (end if n == len(entries) - 1 else "")
        lines.append(paragraph("Contents", runs))
    return paragraph("ContentsHead", run(title)) + "".join(lines)


def table(one: Table, texts: Texts, width_mm: float) -> str:
    """A table with a head that repeats on each page; what a row is about is bold where it is marked."""
    whole = sum(column.width for column in one.columns)
    widths = [round(column.width / whole * width_mm * _TWIPS_PER_MM) for column in one.columns]
    dense = "Dense" if len(one.columns) > 9 else ""
    styles = [f"Table{'Number' if column.right else 'Text'}{dense}" for column in one.columns]
    kinds = [column.kind for column in one.columns]
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    head = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>'
        f'<w:shd w:val="clear" w:color="auto" w:fill="E8E8E8"/><w:vAlign w:val="bottom"/></w:tcPr>'
        f"{paragraph(style, run(column.title, bold=True))}</w:tc>"
        for column, style, width in zip(one.columns, styles, widths, strict=True)
    )
    rows = [f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{head}</w:tr>"]
    for n, values in enumerate(one.rows):
        bold = n in one.marked
        cells = "".join(
            f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>'
            f"{paragraph(style, run(_written(shown(value, kind, texts), kind), bold=bold))}</w:tc>"
            for value, kind, style, width in zip(values, kinds, styles, widths, strict=True)
        )
        rows.append(f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>")
    return (
        '<w:tbl><w:tblPr><w:tblStyle w:val="TableGrid"/>'
        f'<w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblBorders>'
        '<w:top w:val="single" w:sz="8" w:color="1A1A1A"/><w:left w:val="nil"/>'
        '<w:bottom w:val="single" w:sz="4" w:color="1A1A1A"/><w:right w:val="nil"/>'
        '<w:insideH w:val="single" w:sz="2" w:color="BBBBBB"/><w:insideV w:val="nil"/></w:tblBorders>'
        '<w:tblLayout w:type="fixed"/><w:tblCellMar><w:left w:w="50" w:type="dxa"/>'
        '<w:right w:w="50" w:type="dxa"/></w:tblCellMar>'
        '<w:tblLook w:val="0020" w:firstRow="1" w:lastRow="0" w:firstColumn="0" w:lastColumn="0" '
        f'w:noHBand="1" w:noVBand="1"/><w:tblCaption w:val="{xml(one.caption)}"/></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid>{''.join(rows)}</w:tbl>"
    )


def _written(text: str, kind: str) -> str:
    return jointed(text) if kind == "code" else text


def columns(left: Sequence[str], right: Sequence[str], width_mm: float, share: float) -> str:
    """Two columns of paragraphs side by side, without lines."""
    whole = width_mm * _TWIPS_PER_MM
    widths = (round(whole * share), round(whole * (1 - share)))
    cells = "".join(
        f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/></w:tcPr>{"".join(held)}</w:tc>'
        for width, held in zip(widths, (left, right), strict=True)
    )
    grid = "".join(f'<w:gridCol w:w="{width}"/>' for width in widths)
    return (
        f'<w:tbl><w:tblPr><w:tblW w:w="{sum(widths)}" w:type="dxa"/><w:tblLayout w:type="fixed"/>'
        '<w:tblCellMar><w:left w:w="0" w:type="dxa"/><w:right w:w="0" w:type="dxa"/></w:tblCellMar></w:tblPr>'
        f"<w:tblGrid>{grid}</w:tblGrid><w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr></w:tbl>"
    )


def slot(one: Slot, empty: str) -> str:
    """A place to write in: what is there, or words that say so, in a control with the slot's name."""
    if one.text is None:
        held = paragraph("SlotEmpty", run(empty))
    else:
        held = "".join(
            paragraph(
                "Slot",
                (run(f"{each.label} ") if each.label else "")
                + (
                    run("".join(s.text for s in each.spans), bold=True)
                    if each.kind == "heading"
                    else spans(each.spans)
                ),
            )
            for each in passages(one.text)
        ) or paragraph("Slot", "")
    prompt = one.prompt + (f" {one.carried}" if one.carried else "")
    return (
        paragraph("SlotPrompt", run(prompt)) + f'<w:sdt><w:sdtPr><w:alias w:val="{xml(one.prompt)}"/>'
        f'<w:tag w:val="slot.{xml(one.key)}"/></w:sdtPr>'
        f"<w:sdtContent>{held}</w:sdtContent></w:sdt>"
    )


def picture(
    number: int, raster: str, vector: str, width_mm: float, height_mm: float, name: str, alt: str
) -> str:
    """A picture: a raster that every program shows, and the vector for those that can."""
    wide, high = round(width_mm * _EMU_PER_MM), round(height_mm * _EMU_PER_MM)
    return paragraph(
        "Figure",
        '<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0">'
        f'<wp:extent cx="{wide}" cy="{high}"/>'
        f'<wp:docPr id="{number}" name="{xml(name)}" descr="{xml(alt)}"/>'
        '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic>'
        f'<pic:nvPicPr><pic:cNvPr id="{number}" name="{xml(name)}" descr="{xml(alt)}"/>'
        "<pic:cNvPicPr/></pic:nvPicPr>"
        f'<pic:blipFill><a:blip r:embed="{raster}"><a:extLst><a:ext uri="{_SVG_EXTENSION}">'
        f'<asvg:svgBlip xmlns:asvg="{_SVG}" r:embed="{vector}"/></a:ext></a:extLst></a:blip>'
        "<a:stretch><a:fillRect/></a:stretch></pic:blipFill>"
        f'<pic:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{wide}" cy="{high}"/></a:xfrm>'
        '<a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr></pic:pic></a:graphicData></a:graphic>'
        "</wp:inline></w:drawing></w:r>",
    )
