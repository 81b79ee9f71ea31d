"""Sections of what was exchanged: the summary, volume and trend, the ranking of agencies."""

from __future__ import annotations

from collections.abc import Callable

from monitor.reports.charts.bars import Bar, Bars
from monitor.reports.charts.days import Days, Line
from monitor.reports.figures import Trend, Volume
from monitor.reports.layout.blocks import (
    As,
    Block,
    Kind,
    Missing,
    Paragraph,
    Picture,
    Section,
    Sentences,
    Table,
    Tile,
    Tiles,
    Value,
)
from monitor.reports.layout.sheaf import Sheaf, trend
from monitor.reports.layout.values import places
from monitor.reports.model import AgencyRow

_MOST_BARS = 40  # one printed page; the table holds all


def summary(of: Sheaf) -> Section:
    """The report in sentences and key figures, and what changed since it was signed."""
    report, texts = of.report, of.texts
    blocks: list[Block] = []
    if report.card is None:
        blocks.append(_tiles(of))
    blocks.append(Sentences(tuple(texts.of(each) for each in report.summary)))
    blocks += of.slot("summary")
    return Section("summary", texts("section.summary"), tuple(blocks))


def changes(of: Sheaf) -> Section | None:
    """What differs from the signed report; None where none was signed."""
    found, texts = of.report.reissue, of.texts
    if found is None:
        return None
    reasons = "; ".join(texts.name("input", each) for each in found.reasons)
    table = of.table(
        "reissue",
        [("column.figure", "text", 2.5), ("column.then", "count", 1), ("column.now", "count", 1)],
        ((texts.of(each.label), _changed(of, each.before), _changed(of, each.now)) for each in found.changes),
        note=of.more(found.more),
    )
    said = texts("changes.since", run=found.signed_run, moment=found.signed_at, reasons=reasons)
    return Section("changes", texts("section.changes"), (Sentences((said,)), table))


def _changed(of: Sheaf, value: bool | float | str | None) -> Value:
    return of.yes_no(value) if isinstance(value, bool) else value


def volume(of: Sheaf) -> Section:
    """How much was exchanged, day by day and against other periods."""
    part, texts = of.report.volume, of.texts
    blocks: list[Block] = []
    if any(day.exchanges for day in part.days):
        blocks.append(_days(of))
    counts: tuple[tuple[str, Callable[[Volume], int]], ...] = (
        ("figure.exchanges", lambda v: v.exchanges),
        ("figure.ok", lambda v: v.ok),
        ("figure.fault", lambda v: v.fault),
        ("figure.timeout", lambda v: v.timeout),
        ("figure.denied", lambda v: v.denied),
        ("figure.breached", lambda v: v.breached),
        ("figure.records", lambda v: v.records),
        ("figure.request_bytes", lambda v: v.request_bytes),
        ("figure.response_bytes", lambda v: v.response_bytes),
        ("figure.late", lambda v: v.late),
        ("figure.duplicates", lambda v: v.duplicates),
    )
    rows: list[tuple[Value, ...]] = []
    for key, get in counts:
        now = Trend(
            now=get(part.total),
            before=None if part.before is None else get(part.before),
            year_ago=None if part.year_ago is None else get(part.year_ago),
        )
        written: tuple[Value, ...] = (now.now, now.before, now.year_ago)
        if key.endswith("bytes"):
            written = (As(now.now, "size"), As(now.before, "size"), As(now.year_ago, "size"))
        rows.append((texts(key), written[0], written[1], now.change, written[2], now.change_in_a_year))
    blocks.append(
        of.table(
            "volume",
            [
                ("column.figure", "text", 2.2),
                ("figure.now", "count", 1.3),
                ("figure.before", "count", 1.3),
                ("figure.change", "change", 0.9),
                ("figure.year_ago", "count", 1.3),
                ("figure.change", "change", 0.9),
            ],
            rows,
            marked=frozenset({0}),
        )
    )
    blocks.append(_activity(of))
    blocks += of.slot("volume")
    return Section("volume", texts("section.volume"), tuple(blocks))


def _days(of: Sheaf) -> Picture:
    texts, days = of.texts, of.report.volume.days
    most = max(days, key=lambda day: day.exchanges)
    least = min(days, key=lambda day: day.exchanges)
    others = []
    for head, counts in (
        (of.report.before, of.report.volume.days_before),
        (of.report.year_ago, of.report.volume.days_year_ago),
    ):
        if head is not None and counts:
            others.append(Line(texts.of(head.label), counts))
    return Picture(
        "days",
        texts("caption.days"),
        Days(
            title=texts("caption.days"),
            description=texts(
                "chart.days",
                sum=sum(day.exchanges for day in days),
                days=len(days),
                most=most.exchanges,
                most_day=most.day,
                least=least.exchanges,
                least_day=least.day,
            ),
            label=texts.of(of.report.period.label),
            weekend_words=texts("form.weekends"),
            days=[(day.day, day.exchanges) for day in days],
            others=others,
        ),
    )


def _activity(of: Sheaf) -> Table:
    part = of.report.volume
    return of.table(
        "activity",
        [
            ("column.figure", "text", 2.2),
            ("column.active", "count", 1),
            ("figure.before", "count", 1),
            ("figure.change", "change", 1),
            ("column.registered", "count", 1),
        ],
        (
            (of.texts("figure.agency"), *trend(part.agencies_active)[:3], part.agencies_registered),
            (of.texts("figure.service"), *trend(part.services_active)[:3], part.services_registered),
            (of.texts("column.pairs"), *trend(part.pairs_active)[:3], None),
            (of.texts("column.points"), None, None, None, part.connection_points),
        ),
    )


def _tiles(of: Sheaf) -> Tiles:
    report, texts = of.report, of.texts
    total, quality = Trend(now=report.volume.total.exchanges), report.quality
    if report.volume.before is not None:
        total = Trend(now=total.now, before=report.volume.before.exchanges)
    tiles = [
        Tile(
            texts("figure.exchanges"),
            texts.number(total.now),
            "" if total.change is None else texts("form.against_before", change=total.change),
        ),
    ]
    for each in (
        quality.availability,
        report.compliance.under_agreement,
        quality.objectives_met,
        report.compliance.duties_on_time,
        report.connection.live,
    ):
        note = texts("form.of", part=each.numerator, whole=each.denominator)
        if each.target is not None:
            note += "; " + texts("form.target", value=texts.percent(each.target))
        if not each.scored:
            note = texts.name("reason", each.reason or "")
        tiles.append(Tile(texts.name("indicator", each.key), texts.percent(each.ratio), note))
    return Tiles(tuple(tiles))


# Ranking


def ranking(of: Sheaf) -> Section:
    """Agencies by what they provided, with their score beside it."""
    report, texts = of.report, of.texts
    rows = sorted(report.ranking.agencies, key=lambda row: (row.rank or 10**6, row.agency))
    blocks: list[Block] = []
    ranked = [row for row in rows if row.rank is not None][:_MOST_BARS]
    if any(row.provided.now for row in ranked):
        bars = [_bar(of, row) for row in ranked]
        said = "; ".join(f"{bar.label}: {bar.words}" for bar in bars[:10])
        chart = Bars(texts("caption.ranking_chart"), texts("chart.values", values=said), bars)
        blocks.append(Picture("ranking", texts("caption.ranking_chart"), chart))
    if not rows:
        return Section(
            "ranking", texts("section.ranking"), (Paragraph(texts("form.none")), *of.slot("ranking"))
        )
    blocks.append(
        of.table(
            "ranking",
            [
                ("column.place", "count", 0.6),
                ("column.moved", "places", 0.8),
                ("figure.agency", "text", 2.9),
                ("column.provided", "count", 1.3),
                ("figure.change", "change", 0.95),
                ("column.consumed", "count", 1.3),
                ("indicator.availability", "percent", 1.0),
                ("figure.composite", "points", 0.95),
                ("column.composite_rank", "count", 0.85),
                ("column.moved", "places", 0.8),
            ],
            (
                (
                    row.rank,
                    row.change_of_rank,
                    texts.of(row.name, row.agency),
                    row.provided.now if row.connected else None,
                    row.provided.change,
                    row.consumed.now if row.connected else None,
                    row.availability.ratio,
                    row.composite if row.unranked is None else Missing(texts("not_scored")),
                    row.composite_rank,
                    row.change_of_composite_rank,
                )
                for row in rows
            ),
            marked=frozenset(n for n, row in enumerate(rows) if row.agency == report.agency),
            heads=3,
            note=_unranked(of, rows),
        )
    )
    blocks += [_composite(of, rows), *of.slot("ranking")]
    return Section("ranking", texts("section.ranking"), tuple(blocks))


def _unranked(of: Sheaf, rows: list[AgencyRow]) -> str | None:
    """Who is not scored, and why; None where everybody is."""
    texts = of.texts
    said = [
        f"{texts.of(row.name, row.agency)} ({texts.name('reason', row.unranked)})"
        for row in rows
        if row.unranked is not None
    ]
    return f"{texts('not_scored').capitalize()}: {'; '.join(said)}." if said else None


def _bar(of: Sheaf, row: AgencyRow) -> Bar:
    moved = row.change_of_rank
    return Bar(
        label=of.texts.of(row.name, row.agency),
        value=row.provided.now,
        words=of.texts.number(row.provided.now),
        note="" if not moved else places(moved),
        strong=row.agency == of.report.agency,
    )


def _composite(of: Sheaf, rows: list[AgencyRow]) -> Table:
    weights = of.report.ranking.weights
    ordered = sorted(rows, key=lambda row: (row.composite_rank or 10**6, row.agency))
    given = [{points.indicator: points.points for points in row.points} for row in ordered]
    columns: list[tuple[str, Kind, float]] = [
        ("column.place", "count", 0.6),
        ("figure.agency", "text", 2.9),
    ]
    columns += [(f"indicator.{key}", "points", 1.0) for key in weights]
    columns.append(("figure.composite", "points", 1.0))
    return of.table(
        "composite",
        columns,
        (
            (
                row.composite_rank,
                of.texts.of(row.name, row.agency),
                *(points.get(key) for key in weights),
                Missing(of.texts("not_scored")) if row.composite is None else row.composite,
            )
            for row, points in zip(ordered, given, strict=True)
        ),
        marked=frozenset(n for n, row in enumerate(ordered) if row.agency == of.report.agency),
        heads=2,
        note="; ".join(
            f"{of.texts.name('indicator', key)}: {of.texts.number(weight)}" for key, weight in weights.items()
        ),
    )
