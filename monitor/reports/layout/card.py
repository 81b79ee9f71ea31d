"""What only the score card of one agency has: its position, what moved, its two sides, its agreements."""

from __future__ import annotations

from collections.abc import Iterable

from monitor.reports.charts.bars import Bars
from monitor.reports.layout.blocks import Block, Picture, Section, Sentences, Table, Tile, Tiles, Value
from monitor.reports.layout.sheaf import Sheaf
from monitor.reports.layout.values import places
from monitor.reports.model import AgreementRow, Card, Side


def position(of: Sheaf) -> Section | None:
    """Rank, score and indicators, what improved and what worsened; None for the national report."""
    card, texts = of.report.card, of.texts
    if card is None:
        return None
    row = card.row
    bars = [of.bar(each) for each in row.indicators]
    said = "; ".join(f"{bar.label}: {bar.words}" for bar in bars)
    chart = Bars(
        texts("caption.card_chart"),
        texts("chart.values", values=said),
        bars,
        1.0,
        texts("form.target_mark"),
    )
    blocks: list[Block | Section] = [
        _tiles(of, card),
        Picture("card", texts("caption.card_chart"), chart),
        of.indicators("card", row.indicators, caption=texts("caption.card", agency=row.name)),
    ]
    for key, moved in (("improved", card.improved), ("worsened", card.worsened)):
        if moved:
            said_of = Sentences(tuple(texts.of(each.text) for each in moved))
            blocks.append(Section(key, texts(f"card.{key}"), (said_of,)))
    return Section("card", texts("card.position"), tuple(blocks))


def _tiles(of: Sheaf, card: Card) -> Tiles:
    texts, row, ranking = of.texts, card.row, of.report.ranking
    reason = texts.name("reason", row.unranked) if row.unranked else ""
    moved, moved_score = row.change_of_rank, row.change_of_composite_rank

    def place(rank: int | None, among: int) -> str:
        return texts("not_scored") if rank is None else texts("form.of", part=rank, whole=among)

    score = texts("not_scored") if row.composite is None else texts.number(row.composite, 1)
    return Tiles(
        (
            Tile(
                texts("card.rank_volume"),
                place(row.rank, ranking.ranked),
                reason or (places(moved) if moved is not None else ""),
            ),
            Tile(
                texts("card.rank_score"),
                place(row.composite_rank, ranking.composite_ranked),
                reason or (places(moved_score) if moved_score is not None else ""),
            ),
            Tile(
                texts("figure.composite"),
                score,
                ""
                if row.composite_before is None
                else texts("form.was", value=texts.number(row.composite_before, 1)),
            ),
            Tile(
                texts("card.provided"),
                texts.number(row.provided.now),
                ""
                if row.provided.change is None
                else texts("form.against_before", change=row.provided.change),
            ),
            Tile(
                texts("card.consumed"),
                texts.number(row.consumed.now),
                ""
                if row.consumed.change is None
                else texts("form.against_before", change=row.consumed.change),
            ),
            Tile(
                texts("indicator.availability"),
                texts.percent(row.availability.ratio),
                texts("form.of", part=row.availability.numerator, whole=row.availability.denominator)
                if row.availability.scored
                else texts.name("reason", row.availability.reason or ""),
            ),
        )
    )


def sides(of: Sheaf) -> Section | None:
    """The agency as provider and as consumer, with its partners."""
    card, texts = of.report.card, of.texts
    if card is None:
        return None
    both = ((texts("card.provider"), card.as_provider), (texts("card.consumer"), card.as_consumer))
    blocks: list[Block] = [
        of.table(
            "sides",
            [
                ("column.figure", "text", 1.3),
                ("column.services", "count", 0.9),
                ("figure.exchanges", "count", 1.3),
                ("figure.before", "count", 1.3),
                ("figure.failed", "count", 1),
                ("figure.denied", "count", 1),
                ("figure.breached", "count", 1),
                ("indicator.availability", "percent", 1),
                ("figure.p95", "us", 1),
            ],
            (
                (
                    label,
                    side.services,
                    side.volume.exchanges,
                    None if side.before is None else side.before.exchanges,
                    side.volume.failed,
                    side.volume.denied,
                    side.volume.breached,
                    of.ratio(side.availability),
                    side.durations.p95_us,
                )
                for label, side in both
            ),
        )
    ]
    for key, side in (("partners_of_provider", card.as_provider), ("partners_of_consumer", card.as_consumer)):
        if side.partners:
            blocks.append(_partners(of, key, side))
    return Section("sides", texts("caption.sides"), tuple(blocks))


def _partners(of: Sheaf, key: str, side: Side) -> Table:
    return of.table(
        key,
        [
            ("column.partner", "text", 2.6),
            ("column.services", "count", 0.9),
            ("figure.exchanges", "count", 1.2),
            ("figure.before", "count", 1.2),
            ("figure.change", "change", 1),
            ("figure.failed", "count", 1),
            ("figure.breached", "count", 1),
        ],
        (
            (
                of.texts.of(p.name, p.agency),
                p.services,
                p.exchanges.now,
                p.exchanges.before,
                p.exchanges.change,
                p.failed,
                p.breached,
            )
            for p in side.partners
        ),
    )


def agreements(of: Sheaf) -> Table | None:
    """Agreements with their expiry and review; None where there are none."""
    found = of.report.compliance.agreements
    if not found:
        return None
    texts = of.texts

    def row(a: AgreementRow) -> tuple[Value, ...]:
        return (
            a.agreement,
            a.version,
            texts.of(a.title),
            a.provider,
            a.consumer,
            a.service,
            texts.name("status", a.status),
            a.end,
            a.review,
            of.yes_no(a.followed),
            a.exchanges,
            a.breached,
        )

    rows: Iterable[tuple[Value, ...]] = map(row, found)
    return of.table(
        "agreements",
        [
            ("figure.agreement", "code", 1.3),
            ("column.version", "count", 0.7),
            ("column.title", "text", 2.6),
            ("figure.provider", "code", 0.9),
            ("figure.consumer", "code", 0.95),
            ("figure.service", "code", 1.9),
            ("column.status", "text", 1),
            ("column.end", "day", 0.95),
            ("column.review", "day", 0.95),
            ("column.followed", "text", 1.0),
            ("figure.exchanges", "count", 1.2),
            ("figure.breached", "count", 0.95),
        ],
        rows,
    )
