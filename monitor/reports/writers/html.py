"""HTML: one file without outside requests, for screens from a telephone's to a wall's, and for print."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from monitor.reports.charts.chart import NARROW, WIDE
from monitor.reports.layout.blocks import Picture
from monitor.reports.layout.document import lay_out
from monitor.reports.model import Report
from monitor.reports.texts import Texts
from monitor.reports.writers import stem
from monitor.reports.writers.pages import as_pages


def write(report: Report, texts: Texts, folder: Path) -> list[Path]:
    """Write the report as one HTML file."""
    path = folder / f"{stem(report)}.html"
    path.write_text(render(report, texts), encoding="utf-8")
    return [path]


def render(report: Report, texts: Texts) -> str:
    """The page. Everything but the charts and the style is escaped by the template."""

    def picture(one: Picture) -> dict[str, Any]:
        return {
            "wide": one.chart.svg(texts, WIDE, f"{one.key}-w"),
            "narrow": one.chart.svg(texts, NARROW, f"{one.key}-n"),
        }

    pages = as_pages(lay_out(report, texts), texts, picture)
    here = files(__package__)
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    template = environment.from_string(here.joinpath("report.html").read_text(encoding="utf-8"))
    return template.render(doc=pages, style=here.joinpath("report.css").read_text(encoding="utf-8"))
