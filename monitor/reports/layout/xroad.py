"""The section on calls over X-Road: what became of them, where time went, what their records are like."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.reports.layout.blocks import As, Block, Kind, Section, Table, Value
from monitor.reports.layout.sheaf import Sheaf
from monitor.reports.model import XroadMeasure, XroadPart, XroadRow

_MOST_PAIRS = 40  # of a page's table, the largest; sheets have all
_TOTAL, _REQUEST, _RESPONSE = "total", "request_bytes", "response_bytes"
_KINDS: dict[str, Kind] = {"us": "us", "bytes": "size"}
_SPREAD: list[tuple[str, Kind, float]] = [
    ("figure.count", "count", 1),
    ("figure.flagged", "count", 0.8),
    ("figure.smallest", "us", 1),
    ("figure.mean", "us", 1),
    ("figure.p50", "us", 1),
    ("figure.p95", "us", 1),
    ("figure.p99", "us", 1),
    ("figure.largest", "us", 1),
]
_NOTHING: dict[str, XroadMeasure] = {}


def xroad(of: Sheaf) -> Section | None:
    """Calls over X-Road; None where none are known."""
    part, texts = of.report.xroad, of.texts
    if part is None:
        return None
    blocks: list[Block] = [_services(of, part)]
    if part.total.failed:
        blocks.append(_causes(of, part))
    blocks += [_measures(of, part), _pairs(of, part), _records(of, part)]
    return Section("xroad", texts("section.xroad"), tuple(blocks))


def sheets(of: Sheaf) -> Iterable[Table]:
    """What is too long for pages: every measure and every cause of every pair."""
    part, texts = of.report.xroad, of.texts
    if part is None:
        return
    yield of.table(
        "xroad_all_measures",
        [
            ("figure.provider", "code", 1),
            ("figure.consumer", "code", 1),
            ("figure.service", "code", 2),
            ("column.measure", "text", 2),
            *_SPREAD,
        ],
        (
            (row.provider, row.consumer or texts("form.whole"), row.service, *_spread(of, row))
            for row in (*part.service_measures, *part.pair_measures)
        ),
        note=of.more(part.pairs_more),
        heads=4,
    )
    causes = part.total.causes.__struct_fields__
    counted = (
        "figure.calls", "figure.both_halves", "figure.client_only", "figure.producer_only",
        "figure.succeeded", "figure.failed", *(f"xroad_cause.{name}" for name in causes),
    )  # fmt: skip
    yield of.table(
        "xroad_all_pairs",
        [
            ("figure.provider", "code", 1),
            ("figure.consumer", "code", 1),
            ("figure.service", "code", 2),
            *[(key, "count", 1.0) for key in counted],
        ],
        (
            (
                row.provider, row.consumer, row.service, row.calls, row.both_halves, row.client_only,
                row.producer_only, row.succeeded, row.failed, *(getattr(row.causes, name) for name in causes),
            )
            for row in part.pairs
        ),
        note=of.more(part.pairs_more),
        heads=3,
    )  # fmt: skip


def _services(of: Sheaf, part: XroadPart) -> Table:
    measured = _by_row(part.service_measures)
    whole = {row.measure: row for row in part.measures}
    rows = [_call_row(of, each, measured.get(_key(each), _NOTHING)) for each in part.services]
    rows.append((of.texts("figure.total"), None, *_calls(part.total), *_times(whole)))
    return of.table(
        "xroad_services",
        [
            ("figure.service", "text", 2.2),
            ("figure.provider", "code", 1),
            ("figure.calls", "count", 1.1),
            ("column.one_side", "count", 1),
            ("figure.succeeded", "count", 1.1),
            ("figure.failed", "count", 0.9),
            ("figure.shortest", "us", 0.9),
            ("figure.p50", "us", 0.9),
            ("figure.mean", "us", 0.9),
            ("figure.p95", "us", 0.9),
            ("figure.longest", "us", 0.9),
        ],
        rows,
        marked=frozenset({len(rows) - 1}),
    )


def _call_row(of: Sheaf, row: XroadRow, measured: dict[str, XroadMeasure]) -> tuple[Value, ...]:
    names = {each.service: each.name for each in of.report.quality.services}
    name = of.texts.of(names.get(row.service or ""), row.service or "")
    return (name, row.provider, *_calls(row), *_times(measured))


def _calls(row: XroadRow) -> tuple[Value, ...]:
    return row.calls, row.client_only + row.producer_only, row.succeeded, row.failed


def _times(measured: dict[str, XroadMeasure]) -> tuple[Value, ...]:
    row = measured.get(_TOTAL)
    return (None,) * 5 if row is None else (row.smallest, row.p50, row.mean, row.p95, row.largest)


def _causes(of: Sheaf, part: XroadPart) -> Table:
    causes = part.total.causes
    counted = [(name, getattr(causes, name)) for name in causes.__struct_fields__]
    return of.table(
        "xroad_causes",
        [
            ("column.cause", "text", 2.5),
            ("figure.calls", "count", 1),
            ("column.share_of_calls", "percent", 1),
        ],
        (
            (of.texts.name("xroad_cause", name), count, count / part.total.calls)
            for name, count in sorted(counted, key=lambda each: -each[1])
            if count
        ),
    )


def _measures(of: Sheaf, part: XroadPart) -> Table:
    return of.table(
        "xroad_measures",
        [("column.measure", "text", 3), *_SPREAD],
        (_spread(of, row) for row in part.measures),
    )


def _spread(of: Sheaf, row: XroadMeasure) -> tuple[Value, ...]:
    kind = _KINDS[row.unit]
    values = (row.smallest, row.mean, row.p50, row.p95, row.p99, row.largest)
    return (
        of.texts.name("xroad_measure", row.measure),
        row.count,
        row.flagged,
        *(As(value, kind) for value in values),
    )


def _pairs(of: Sheaf, part: XroadPart) -> Table:
    measured = _by_row(part.pair_measures)
    rows: list[tuple[Value, ...]] = []
    for row in part.pairs[:_MOST_PAIRS]:
        held = measured.get(_key(row), _NOTHING)
        total, request, response = (held.get(name) for name in (_TOTAL, _REQUEST, _RESPONSE))
        rows.append(
            (
                row.service,
                row.provider,
                row.consumer,
                row.calls,
                row.failed,
                total.mean if total else None,
                total.p95 if total else None,
                total.largest if total else None,
                request.mean if request else None,
                response.mean if response else None,
                response.largest if response else None,
            )
        )
    return of.table(
        "xroad_pairs",
        [
            ("figure.service", "code", 2.2),
            ("figure.provider", "code", 1),
            ("figure.consumer", "code", 1),
            ("figure.calls", "count", 1.1),
            ("figure.failed", "count", 0.9),
            ("column.mean_time", "us", 0.95),
            ("figure.p95", "us", 0.95),
            ("column.longest_time", "us", 0.95),
            ("column.mean_request", "size", 1),
            ("column.mean_answer", "size", 1),
            ("column.largest_answer", "size", 1),
        ],
        rows,
        note=of.more(len(part.pairs) + part.pairs_more - len(rows)),
        heads=3,
    )


def _records(of: Sheaf, part: XroadPart) -> Table:
    """How far the records can be believed."""
    texts, total = of.texts, part.total
    counted = (
        ("both_halves", total.both_halves),
        ("client_only", total.client_only),
        ("producer_only", total.producer_only),
        ("duplicates", part.duplicates),
        ("ambiguous", part.ambiguous),
        ("identities_differ", part.identities_differ),
        ("network_flagged", part.network_flagged),
    )
    return of.table(
        "xroad_records",
        [("column.figure", "text", 3), ("figure.count", "count", 1)],
        ((texts(f"figure.{name}"), count) for name, count in counted),
    )


def _by_row(
    rows: Iterable[XroadMeasure],
) -> dict[tuple[str | None, str | None, str | None], dict[str, XroadMeasure]]:
    found: dict[tuple[str | None, str | None, str | None], dict[str, XroadMeasure]] = {}
    for row in rows:
        found.setdefault((row.provider, row.consumer, row.service), {})[row.measure] = row
    return found


def _key(row: XroadRow) -> tuple[str | None, str | None, str | None]:
    return row.provider, row.consumer, row.service
