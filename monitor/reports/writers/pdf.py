"""PDF: pages to sign and to file, with bookmarks, tags, repeated table heads and embedded fonts, by Typst."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from monitor.reports.charts.chart import WIDE
from monitor.reports.layout.blocks import Picture
from monitor.reports.layout.document import lay_out
from monitor.reports.model import Report
from monitor.reports.texts import Texts
from monitor.reports.writers import stem
from monitor.reports.writers.pages import as_pages
from monitor.reports.writers.typesetting import Refused, check_typesetter, font_folders, typeset
from monitor.reports.writers.typst_child import Job


def write(report: Report, texts: Texts, folder: Path) -> list[Path]:
    """Write the report as one PDF. Raises MonitorError where the extra `reports` is not installed."""
    path = folder / f"{stem(report)}.pdf"
    path.write_bytes(render(report, texts))
    return [path]


def render(report: Report, texts: Texts) -> bytes:
    """The PDF's bytes; the same report gives the same ones. Raises MonitorError, see `typeset`."""
    check_typesetter()
    job = Job(
        sources=_sources(report, texts),
        format="pdf",
        font_paths=font_folders(),
        timestamp=report.made_at.replace(microsecond=0),  # Typst refuses parts of a second
        standards=["ua-1"],
    )
    try:
        (made,) = typeset(job)
    except Refused as why:
        # People wrote a letter that no typeface here has. PDF/UA forbids to show a box in its place; a report
        # that is tagged all the same, without that claim, is better than none.
        if "could not be displayed" not in str(why):
            raise
        (made,) = typeset(msgspec.structs.replace(job, standards=[]))
    return made


def _sources(report: Report, texts: Texts) -> dict[str, bytes]:
    """The template, what it shows, and the drawings, by name. All else is let go before it is set."""
    sources: dict[str, bytes] = {}

    def picture(one: Picture) -> dict[str, Any]:
        name = f"{one.key}.svg"
        sources[name] = one.chart.svg(texts, WIDE, one.key).encode()
        return {"file": name}

    pages = as_pages(lay_out(report, texts), texts, picture)
    sources["report.json"] = msgspec.json.encode(pages)
    sources["main.typ"] = files(__package__).joinpath("report.typ").read_bytes()
    return sources
