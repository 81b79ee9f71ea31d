"""The formats a report is written in, by name; each writer draws from the report and from nothing else.

A writer is called with the report, the texts of its language and an empty folder. It writes its files into
the folder, under names that begin with `stem(report)`, and returns their paths in the order in which they are
to be named. It raises MonitorError for what a person can act on, such as an extra that is not installed.
`write_all` calls it in a folder of its own, and moves what it wrote where it belongs once all are done.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Final

from monitor.reports.model import Report
from monitor.reports.texts import Texts

Writer = Callable[[Report, Texts, Path], list[Path]]

WRITERS: Final[dict[str, str]] = {
    "html": "monitor.reports.writers.html:write",
    "pdf": "monitor.reports.writers.pdf:write",
    "xlsx": "monitor.reports.writers.xlsx:write",
    "docx": "monitor.reports.writers.docx:write",
    "json": "monitor.reports.writers.json:write",
    "csv": "monitor.reports.writers.csv:write",
    "csv-plain": "monitor.reports.writers.csv:write_plain",
}
"""Name of the format -> where its writer is; it is imported when it is used."""


def writer(name: str) -> Writer:
    """The writer of a format. Raises KeyError for one that there is not."""
    module, _, function = WRITERS[name].partition(":")
    found: Writer = getattr(import_module(module), function)
    return found


def stem(report: Report) -> str:
    """How files of a report begin: report-2026-10-national-vi, report-2026-10-MOH-en."""
    return f"report-{report.period.key}-{report.agency or 'national'}-{report.language}"
