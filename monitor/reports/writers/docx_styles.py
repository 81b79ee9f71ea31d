"""How a DOCX document looks: page, language, styles, and what stands above and below each page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from monitor.reports.charts.canvas import printable
from monitor.reports.layout.blocks import Document

if TYPE_CHECKING:
    from docx.document import Document as Package

# A4 with the margins of administrative documents: 30 mm left, 15 mm right.
_LEFT_MM, _RIGHT_MM, _TOP_MM, _BOTTOM_MM = 30, 15, 22, 20
PORTRAIT_MM: Final = 165.0
LANDSCAPE_MM: Final = 265.0
_TURNED_MM: Final = 16
_LONGEST_PROPERTY: Final = 255  # letters, by the format
_FONT: Final = "Times New Roman"  # that of the form; every office computer has it or its double
_TABLE_FONT: Final = "Arial"

# id, size in points, bold, italic, centred or at the right, space before and after in points, font
_STYLES: Final[tuple[tuple[str, float, bool, bool, str, float, float, str], ...]] = (
    ("Body", 12, False, False, "CENTER", 0, 0, _FONT),
    ("Issuer", 12, True, False, "CENTER", 0, 0, _FONT),
    ("Nation", 12, True, False, "CENTER", 0, 0, _FONT),
    ("Motto", 13, True, False, "CENTER", 0, 0, _FONT),
    ("LetterheadLine", 13, False, False, "CENTER", 4, 0, _FONT),
    ("Kind", 14, True, False, "CENTER", 18, 0, _FONT),
    ("Imprint", 8.5, False, False, "CENTER", 4, 8, _TABLE_FONT),
    ("ContentsHead", 10, True, False, "LEFT", 6, 2, _TABLE_FONT),
    ("Contents", 10, False, False, "LEFT", 0, 0, _TABLE_FONT),
    ("Sentence", 13, False, False, "JUSTIFY", 3, 3, _FONT),
    ("TableText", 8.5, False, False, "LEFT", 1, 1, _TABLE_FONT),
    ("TableNumber", 8.5, False, False, "RIGHT", 1, 1, _TABLE_FONT),
    ("TableTextDense", 6.5, False, False, "LEFT", 1, 1, _TABLE_FONT),
    ("TableNumberDense", 6.5, False, False, "RIGHT", 1, 1, _TABLE_FONT),
    ("TableNote", 8.5, False, False, "LEFT", 2, 8, _TABLE_FONT),
    ("TileLabel", 8.5, False, False, "LEFT", 1, 1, _TABLE_FONT),
    ("TileValue", 15, True, False, "LEFT", 0, 0, _TABLE_FONT),
    ("Figure", 10, False, False, "LEFT", 8, 2, _FONT),
    ("SlotPrompt", 8.5, False, True, "LEFT", 6, 2, _TABLE_FONT),
    ("Slot", 13, False, False, "JUSTIFY", 3, 3, _FONT),
    ("SlotEmpty", 13, False, True, "LEFT", 3, 3, _FONT),
    ("Recipients", 11, False, False, "LEFT", 0, 0, _FONT),
    ("Office", 13, True, False, "CENTER", 6, 0, _FONT),
    ("Ruled", 2, False, False, "CENTER", 0, 0, _FONT),
    ("RuledWide", 2, False, False, "CENTER", 0, 0, _FONT),
)
_RULES: Final = {"Ruled": 24.0, "RuledWide": 21.0}  # millimetres of indent at both sides


def furnish(package: Package, document: Document, made_at: datetime) -> None:
    """Set the page, the language, the styles, the properties, head and foot of a new document."""
    _properties(package, document, made_at)
    _page(package)
    _language(package, document)
    _known_styles(package)
    for each in _STYLES:
        _style(package, *each)
    _above_and_below(package, document)


def turned(package: Package) -> None:
    """Go on with turned pages."""
    from docx.enum.section import WD_ORIENT, WD_SECTION
    from docx.shared import Mm

    section = package.add_section(WD_SECTION.NEW_PAGE)
    section.orientation = WD_ORIENT.LANDSCAPE
    section.page_width, section.page_height = Mm(297), Mm(210)
    section.left_margin = section.right_margin = Mm(_TURNED_MM)
    section.top_margin, section.bottom_margin = Mm(_TOP_MM), Mm(_TURNED_MM)
    section.different_first_page_header_footer = False


def _properties(package: Package, document: Document, made_at: datetime) -> None:
    held = package.core_properties
    issuer = printable(document.letterhead.bodies[-1])[:_LONGEST_PROPERTY]
    held.title = printable(f"{document.title}, {document.subtitle}")[:_LONGEST_PROPERTY]
    held.author = held.last_modified_by = issuer
    held.comments = document.state
    held.language = _tag(document)
    held.created = held.modified = made_at.replace(tzinfo=None)
    held.revision = 1


def _tag(document: Document) -> str:
    return "vi-VN" if document.language == "vi" else "en-GB"


def _page(package: Package) -> None:
    from docx.shared import Mm

    section = package.sections[0]
    section.page_width, section.page_height = Mm(210), Mm(297)
    section.left_margin, section.right_margin = Mm(_LEFT_MM), Mm(_RIGHT_MM)
    section.top_margin, section.bottom_margin = Mm(_TOP_MM), Mm(_BOTTOM_MM)
    section.header_distance = section.footer_distance = Mm(10)
    section.different_first_page_header_footer = True


def _language(package: Package, document: Document) -> None:
    from docx.oxml.ns import qn

    for held in package.styles.element.iter(qn("w:lang")):
        held.set(qn("w:val"), _tag(document))


def _font(style: Any, name: str, size: float) -> None:
    from docx.oxml.ns import qn
    from docx.shared import Pt, RGBColor

    style.font.name = name
    style.font.size = Pt(size)
    style.font.color.rgb = RGBColor(0, 0, 0)
    fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
    for each in list(fonts.attrib):  # themes would win over the names
        if each.endswith("Theme"):
            del fonts.attrib[each]
    for kind in ("w:ascii", "w:hAnsi", "w:cs", "w:eastAsia"):
        fonts.set(qn(kind), name)


def _known_styles(package: Package) -> None:
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.oxml.ns import qn
    from docx.shared import Pt

    styles: Any = package.styles
    _font(styles["Normal"], _FONT, 13)
    for name, size, before, after in (
        ("Heading 1", 13, 16, 6),
        ("Heading 2", 13, 10, 4),
        ("Caption", 9, 8, 3),
        ("Title", 14, 0, 2),
        ("Body Text", 13, 3, 3),
    ):
        style = styles[name]
        _font(style, _TABLE_FONT if name == "Caption" else _FONT, size)
        style.font.bold = name != "Body Text"
        style.font.italic = False
        style.paragraph_format.space_before, style.paragraph_format.space_after = Pt(before), Pt(after)
        style.paragraph_format.keep_with_next = name in ("Heading 1", "Heading 2", "Caption")
    styles["Heading 1"].font.all_caps = True
    title = styles["Title"]
    title.paragraph_format.alignment = WD_ALIGN_PARAGRAPH.CENTER
    for border in title.element.findall(f".//{qn('w:pBdr')}"):
        border.getparent().remove(border)


def _style(
    package: Package,
    name: str,
    size: float,
    bold: bool,
    italic: bool,
    alignment: str,
    before: float,
    after: float,
    font: str,
) -> None:
    from docx.enum.style import WD_STYLE_TYPE
    from docx.enum.text import WD_ALIGN_PARAGRAPH
    from docx.shared import Mm, Pt

    styles: Any = package.styles
    style = styles.add_style(name, WD_STYLE_TYPE.PARAGRAPH)
    style.base_style = styles["Normal"]
    _font(style, font, size)
    style.font.bold, style.font.italic = bold or None, italic or None
    form = style.paragraph_format
    form.alignment = getattr(WD_ALIGN_PARAGRAPH, alignment)
    form.space_before, form.space_after = Pt(before), Pt(after)
    form.line_spacing = 1.0
    form.keep_with_next = name in ("ContentsHead", "Figure", "SlotPrompt", "Kind") or None
    if name in ("Body", "Issuer"):
        style.font.all_caps = True
    if (indent := _RULES.get(name)) is not None:
        form.left_indent = form.right_indent = Mm(indent)
        _underline(style)


def _underline(style: Any) -> None:
    """A thin line under the paragraph, as under the issuer and the motto."""
    from docx.oxml import parse_xml

    style.element.get_or_add_pPr().append(
        parse_xml(
            '<w:pBdr xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
            '<w:bottom w:val="single" w:sz="6" w:space="1" w:color="000000"/></w:pBdr>'
        )
    )


def _above_and_below(package: Package, document: Document) -> None:
    """Page numbers above, from the second page on; the report's name and its state below."""
    from docx.oxml import parse_xml

    from monitor.reports.writers import wordml

    section = package.sections[0]
    number = wordml.field("PAGE", "2")
    mark = wordml.run(f"{document.marking}  ", bold=True) if document.marking else ""
    name = wordml.run(document.running + (f" · {document.state}" if document.marking else ""))
    for part, style, runs in (
        (section.header, "LetterheadLine", mark + number),
        (section.first_page_header, "LetterheadLine", mark),
        (section.footer, "TableNote", name),
        (section.first_page_footer, "TableNote", name),
    ):
        held: Any = part._element  # python-docx has no other way to its children
        for each in list(held):
            held.remove(each)
        body = parse_xml(f"<w:body {wordml.NAMES}>{wordml.paragraph(style, runs)}</w:body>")
        held.append(body[0])
