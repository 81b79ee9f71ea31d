"""PDF: pages to sign and to file, with bookmarks, tags, repeated table heads and embedded fonts, by Typst."""

from __future__ import annotations

from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import msgspec

from monitor.errors import MonitorError
from monitor.reports.charts.chart import WIDE
from monitor.reports.layout.blocks import Picture
from monitor.reports.layout.document import lay_out
from monitor.reports.model import Report
from monitor.reports.texts import Texts
from monitor.reports.writers import stem
from monitor.reports.writers.pages import as_pages

EXTRA: Final = "install the extra: pip install 'data-sharing-monitor[reports]'"
_FONT: Final = "fontpkg_ibm_plex_sans_condensed"  # tables and charts; the serif comes with Typst


def write(report: Report, texts: Texts, folder: Path) -> list[Path]:
    """Write the report as one PDF. Raises MonitorError where the extra `reports` is not installed."""
    path = folder / f"{stem(report)}.pdf"
    path.write_bytes(render(report, texts))
    return [path]


def render(report: Report, texts: Texts) -> bytes:
    """The PDF's bytes; the same report gives the same ones."""
    compiler = typesetter()
    sources: dict[str, bytes] = {}

    def picture(one: Picture) -> dict[str, Any]:
        name = f"{one.key}.svg"
        sources[name] = one.chart.svg(texts, WIDE, one.key).encode()
        return {"file": name}

    pages = as_pages(lay_out(report, texts), texts, picture)
    sources["report.json"] = msgspec.json.encode(pages)
    sources["main.typ"] = files(__package__).joinpath("report.typ").read_bytes()

    def compiled(standards: list[str]) -> bytes:
        made: bytes = compiler.compile(
            sources,
            format="pdf",
            font_paths=font_folders(),
            ignore_system_fonts=True,
            timestamp=report.made_at.replace(microsecond=0),  # Typst refuses parts of a second
            pdf_standards=standards,
        )
        return made

    try:
        return compiled(["ua-1"])
    except compiler.TypstError as why:
        # People wrote a letter that no typeface here has. PDF/UA forbids to show a box in its place; a report
        # that is tagged all the same, without that claim, is better than none.
        if "could not be displayed" not in str(why):
            raise
        return compiled([])


def typesetter() -> Any:
    """The Typst compiler. Raises MonitorError where it, or the typeface, is not installed."""
    try:
        import typst
    except ImportError as why:
        raise MonitorError(f"PDF and DOCX reports need Typst: {EXTRA}") from why
    if not font_folders():
        raise MonitorError(f"PDF and DOCX reports need the typeface IBM Plex Sans: {EXTRA}")
    return typst


def font_folders() -> list[str]:
    """Where the typeface of tables and charts is; empty where it is not installed."""
    found = find_spec(_FONT)
    places = (
        [] if found is None else [Path(each) / "files" for each in found.submodule_search_locations or ()]
    )
    return [str(each) for each in places if each.is_dir()]
