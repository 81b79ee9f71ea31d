"""The section of service quality: availability, times, services, objectives."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from monitor.reports.charts.ranges import Range, Ranges
from monitor.reports.charts.stacked import Stack, Stacked
from monitor.reports.layout.blocks import Block, Kind, Picture, Section, Table
from monitor.reports.layout.sheaf import Sheaf
from monitor.reports.model import Durations, ObjectiveRow, ServiceRow

_MOST_ROWS = 24  # of a chart: one printed page; the table holds all
_MOST_MISSED = 40  # the furthest from what was agreed; sheets have all
_PER = 1000
_TIMES: list[tuple[str, Kind, float]] = [
    ("figure.shortest", "us", 1),
    ("figure.p50", "us", 1),
    ("figure.mean", "us", 1),
    ("figure.p95", "us", 1),
    ("figure.p99", "us", 1),
    ("figure.longest", "us", 1),
]


def quality(of: Sheaf) -> Section:
    """How services answered and how far objectives were kept."""
    part, texts = of.report.quality, of.texts
    blocks: list[Block] = [
        of.indicators("quality", (part.availability, part.denied, part.objectives_met)),
        _durations(of),
    ]
    used = sorted(
        (row for row in part.services if row.volume.exchanges), key=lambda row: -row.volume.exchanges
    )[:_MOST_ROWS]
    if used:
        blocks += [_ranges(of, used), _outcomes(of, used)]
    if part.services:
        blocks.append(_services(of))
    missed = [row for row in part.objectives if row.kept is False]
    if missed:
        missed.sort(key=lambda row: (row.allowed / row.bad if row.bad else 1.0, row.agreement, row.slo))
        table = objectives(of, "objectives", missed[:_MOST_MISSED])
        blocks.append(replace(table, note=of.more(max(0, len(missed) - _MOST_MISSED))))
    blocks += of.slot("quality")
    return Section("quality", texts("section.quality"), tuple(blocks))


def _durations(of: Sheaf) -> Table:
    part, texts = of.report.quality, of.texts
    rows = [(texts("figure.now"), part.durations)]
    if part.durations_before is not None:
        rows.append((texts("figure.before"), part.durations_before))
    return of.table(
        "durations",
        [("column.figure", "text", 1.3), ("figure.exchanges", "count", 1.2), *_TIMES],
        ((label, each.exchanges, *_times(each)) for label, each in rows),
    )


def _times(of: Durations) -> tuple[float | None, ...]:
    return of.shortest_us, of.p50_us, of.mean_us, of.p95_us, of.p99_us, of.longest_us


def _label(of: Sheaf, row: ServiceRow) -> str:
    return of.texts.of(row.name, row.service)


def _ranges(of: Sheaf, rows: list[ServiceRow]) -> Picture:
    texts = of.texts
    shown = []
    for row in rows:
        points = (row.durations.p50_us, row.durations.p95_us, row.durations.p99_us)
        known = [float(each) for each in points if each is not None]
        if len(known) == len(points):
            shown.append(Range(_label(of, row), known))
    said = "; ".join(
        f"{row.label}: {', '.join(texts.milliseconds(each) for each in row.points)}" for row in shown[:10]
    )
    chart = Ranges(
        texts("caption.ranges"),
        texts("chart.values", values=said),
        (texts("figure.p50"), texts("figure.p95"), texts("figure.p99")),
        shown,
    )
    return Picture("ranges", texts("caption.ranges"), chart)


def _outcomes(of: Sheaf, rows: list[ServiceRow]) -> Picture:
    texts = of.texts
    stacks = []
    for row in rows:
        v = row.volume
        parts = [count / v.exchanges * _PER for count in (v.fault, v.timeout, v.denied)]
        stacks.append(Stack(_label(of, row), parts, texts.number(sum(parts), 1)))
    said = "; ".join(f"{stack.label}: {stack.words}" for stack in stacks[:10])
    chart = Stacked(
        texts("caption.outcomes"),
        texts("chart.values", values=said),
        (texts("figure.fault"), texts("figure.timeout"), texts("figure.denied")),
        stacks,
    )
    return Picture("outcomes", texts("caption.outcomes"), chart)


def _services(of: Sheaf) -> Table:
    texts = of.texts
    return of.table(
        "services",
        [
            ("figure.service", "text", 2.4),
            ("figure.provider", "code", 1.1),
            ("column.consumers", "count", 0.95),
            ("figure.exchanges", "count", 1.3),
            ("figure.change", "change", 0.95),
            ("indicator.availability", "percent", 1.0),
            ("figure.p50", "us", 0.95),
            ("figure.p95", "us", 1.0),
            ("column.p95_before", "us", 1.0),
            ("figure.p99", "us", 1.0),
        ],
        (
            (
                texts.of(row.name, row.service),
                row.provider,
                row.consumers,
                row.exchanges.now,
                row.exchanges.change,
                of.ratio(row.availability),
                row.durations.p50_us,
                row.durations.p95_us,
                row.p95_before_us,
                row.durations.p99_us,
            )
            for row in sorted(
                of.report.quality.services, key=lambda row: (-row.volume.exchanges, row.service)
            )
        ),
    )


def objectives(of: Sheaf, key: str, rows: Iterable[ObjectiveRow]) -> Table:
    """Objectives: what each is held to, what it attained, how many missed it."""
    texts = of.texts

    def held_to(row: ObjectiveRow) -> str:
        share = texts.percent(row.objective)
        if row.limit_ms is None:
            return share
        return texts("word.limit", share=share, limit=texts.milliseconds(row.limit_ms * 1000))

    return of.table(
        key,
        [
            ("figure.agreement", "code", 1.35),
            ("figure.provider", "code", 0.9),
            ("figure.consumer", "code", 0.95),
            ("figure.service", "code", 1.9),
            ("column.objective", "text", 1.1),
            ("column.held_to", "text", 1.25),
            ("column.attained", "percent", 0.9),
            ("figure.bad", "count", 0.9),
            ("figure.allowed", "points", 1.0),
            ("column.kept", "text", 0.8),
            ("figure.before", "text", 0.8),
        ],
        (
            (
                row.agreement,
                row.provider,
                row.consumer,
                row.service,
                texts.name("slo", row.slo),
                held_to(row),
                of.ratio(row.attained),
                row.bad,
                row.allowed,
                _kept(of, row.kept),
                _kept(of, row.kept_before),
            )
            for row in rows
        ),
        heads=4,
    )


def _kept(of: Sheaf, kept: bool | None) -> str:
    return "–" if kept is None else of.texts("word.kept" if kept else "word.missed")
