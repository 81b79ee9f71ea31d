"""CSV: one archive with a table for each list of the report, for spreadsheets and programs.

Columns have the names of the model's fields, nested ones joined by underscores; numbers are as they are, with
a point, and shares are there as their two counts and as a ratio. UTF-8; `csv` begins each table with a byte
order mark, by which Excel knows that it is, `csv-plain` does not. Text that a spreadsheet would take for a
formula is preceded by an apostrophe.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from monitor.reports.figures import Figure, Indicator
from monitor.reports.model import Points, Report
from monitor.reports.texts import Texts
from monitor.reports.writers import stem

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_BOM: Final = "\ufeff"
_Cell = str | int | float | bool | None
# Archives keep local times without a zone, and none before 1980: a fixed one makes equal reports equal files.
_STAMP: Final = (1980, 1, 1, 0, 0, 0)


def write(report: Report, texts: Texts, folder: Path) -> list[Path]:
    """Write the tables with byte order marks."""
    del texts  # columns have the names of fields, and what is called something is so in both languages
    return [_write(report, folder / f"{stem(report)}.csv.zip", _BOM)]


def write_plain(report: Report, texts: Texts, folder: Path) -> list[Path]:
    """Write the tables without byte order marks."""
    del texts
    return [_write(report, folder / f"{stem(report)}.csv-plain.zip", "")]


def tables(report: Report) -> Iterator[tuple[str, Sequence[Any]]]:
    """Every list of the report, under the name of its table."""
    yield "days", report.volume.days
    yield "agencies", report.ranking.agencies
    yield "services", report.quality.services
    yield "objectives", report.quality.objectives
    yield "pairs", report.pairs
    compliance = report.compliance
    yield "breaches", compliance.breaches
    yield "findings", compliance.findings
    yield "duty_counts", compliance.duty_counts
    yield "duties", compliance.duties
    yield "agreements", compliance.agreements
    yield "clauses", compliance.clauses
    if report.security is not None:
        yield "alert_tiers", report.security.tiers
        yield "open_alerts", report.security.open_alerts
        yield "incidents", report.security.incidents
        yield "risk", report.security.risk
        yield "security_events", report.security.events
    yield "connections", report.connection.agencies
    yield "obstacles", report.obstacles
    yield "coming", report.coming
    if report.service_quality is not None:
        yield "service_quality", report.service_quality.items
        yield "procedure_groups", report.service_quality.groups
    if report.xroad is not None:
        yield "xroad_services", (report.xroad.total, *report.xroad.services)
        yield "xroad_pairs", report.xroad.pairs
        yield "xroad_measures", (*report.xroad.measures, *report.xroad.service_measures)
        yield "xroad_pair_measures", report.xroad.pair_measures
    if report.card is not None:
        yield "partners_as_provider", report.card.as_provider.partners
        yield "partners_as_consumer", report.card.as_consumer.partners
        yield "improved", report.card.improved
        yield "worsened", report.card.worsened
    if report.reissue is not None:
        yield "changes", report.reissue.changes


def _write(report: Report, path: Path, bom: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        about = [
            ("period", report.period.key),
            ("agency", report.agency or ""),
            ("until", report.period.until.isoformat()),
            ("made_at", report.made_at.isoformat()),
            ("state", report.state),
            ("run", report.run),
            ("fingerprint", report.inputs.fingerprint),
        ]
        _add(archive, "about", ("name", "value"), about, bom)
        _add(archive, "summary", ("en", "vi"), ((each.en, each.vi) for each in report.summary), bom)
        _add(archive, "notes", ("en", "vi"), ((each.en, each.vi) for each in report.notes), bom)
        indicators = list(_indicators(report))
        _add(archive, "indicators", ("place", *_columns(Indicator)), indicators, bom)
        totals = [{"period": name, **_flat(volume)} for name, volume in _totals(report)]
        _add_rows(archive, "totals", totals, bom)
        for name, rows in tables(report):
            _add_rows(archive, name, [_flat(row) for row in rows], bom)
    return path


def _totals(report: Report) -> Iterator[tuple[str, Figure]]:
    yield report.period.key, report.volume.total
    for head, volume in ((report.before, report.volume.before), (report.year_ago, report.volume.year_ago)):
        if head is not None and volume is not None:
            yield head.key, volume


def _indicators(report: Report) -> Iterator[tuple[_Cell, ...]]:
    """Those of the report as a whole; those of its rows stand in the rows' tables."""
    parts = [
        ("quality", report.quality),
        ("compliance", report.compliance),
        ("connection", report.connection),
    ]
    if report.security is not None:
        parts.append(("security", report.security))
    for name, part in parts:
        for field in part.__struct_fields__:
            value = getattr(part, field)
            if isinstance(value, Indicator):
                flat = _flat(value)
                yield (name, *(flat.get(column) for column in _columns(Indicator)))


def _columns(kind: type[Figure]) -> tuple[str, ...]:
    assert kind is Indicator  # noqa: S101  # the only kind that is listed across parts
    return (
        "key", "numerator", "denominator", "eligible", "ratio", "coverage", "target", "met", "scored",
        "reason", "source", "before_numerator", "before_denominator", "year_ago_numerator",
        "year_ago_denominator",
    )  # fmt: skip


def _flat(row: Figure, within: str = "") -> dict[str, _Cell]:
    """The fields of a row, those of figures in it under their joined names."""
    found: dict[str, _Cell] = {}
    if isinstance(row, Indicator):
        found |= {f"{within}ratio": row.ratio, f"{within}coverage": row.coverage, f"{within}met": row.met}
    for field in row.__struct_fields__:
        value, name = getattr(row, field), f"{within}{field}"
        if isinstance(value, Figure):
            found |= _flat(value, f"{name}_")
        elif isinstance(value, tuple) and value and isinstance(value[0], Figure):
            for each in value:
                key = (
                    each.key
                    if isinstance(each, Indicator)
                    else each.indicator
                    if isinstance(each, Points)
                    else ""
                )
                found |= _flat(each, f"{name}_{key}_")
        elif isinstance(value, tuple):
            found[name] = "; ".join(map(str, value))
        elif value is None or isinstance(value, int | float | str):
            found[name] = value
        else:
            found[name] = value.isoformat()
    return found


def _key_of(row: Figure) -> str:
    """What a row within a row is about: its columns carry that name."""
    assert isinstance(row, Indicator | Points)  # noqa: S101  # nothing else is listed within a row
    return row.key if isinstance(row, Indicator) else row.indicator


def _add_rows(archive: zipfile.ZipFile, name: str, rows: list[dict[str, _Cell]], bom: str) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    _add(archive, name, columns, ([row.get(column) for column in columns] for row in rows), bom)


def _add(
    archive: zipfile.ZipFile,
    name: str,
    columns: Sequence[str],
    rows: Iterable[Iterable[_Cell]],
    bom: str,
) -> None:
    text = io.StringIO(newline="")
    text.write(bom)
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    entry = zipfile.ZipInfo(f"{name}.csv", _STAMP)
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, text.getvalue().encode())


def _safe(cell: _Cell) -> _Cell:
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return str(cell).lower() if isinstance(cell, bool) else cell
