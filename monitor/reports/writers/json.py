"""JSON: exactly the model, with whole numbers as they are, in UTF-8."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from monitor.reports.model import Report
from monitor.reports.texts import Texts
from monitor.reports.writers import stem


def write(report: Report, texts: Texts, folder: Path) -> list[Path]:
    """Write the report as one JSON file, indented, so that people can compare two."""
    del texts  # both languages are in it
    path = folder / f"{stem(report)}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=1) + b"\n")
    return [path]


def schema() -> dict[str, Any]:
    """The JSON Schema of a report."""
    return msgspec.json.schema(Report)
