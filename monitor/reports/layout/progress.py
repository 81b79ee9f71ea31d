"""The sections of what is to be done: connection, public services, obstacles, the next period."""

from __future__ import annotations

from monitor.reports.charts.bars import Bar, Bars
from monitor.reports.layout.blocks import Block, Paragraph, Picture, Section
from monitor.reports.layout.procedures import procedures
from monitor.reports.layout.sheaf import Sheaf


def connection(of: Sheaf) -> Section:
    """How many agencies are connected, and who is not."""
    part, texts = of.report.connection, of.texts
    states = [(state, count) for state, count in part.states.items() if count]
    blocks: list[Block] = [of.indicators("connection_share", (part.live,))]
    if states and of.report.scope == "national":
        before = part.states_before or {}
        bars = [
            Bar(
                texts.name("state", state),
                count,
                texts.number(count),
                note=texts("form.was", value=texts.number(before.get(state, 0))) if before else "",
            )
            for state, count in states
        ]
        said = "; ".join(f"{bar.label}: {bar.words}" for bar in bars)
        chart = Bars(texts("caption.connection"), texts("chart.values", values=said), bars)
        blocks.append(Picture("connection", texts("caption.connection"), chart))
    if part.agencies:
        blocks.append(
            of.table(
                "connections",
                [
                    ("figure.agency", "text", 2.4),
                    ("column.state", "text", 1.6),
                    ("column.cleared", "text", 1),
                    ("column.since", "day", 1.0),
                    ("column.points", "count", 0.9),
                    ("column.deadline", "day", 1),
                    ("column.done", "text", 0.9),
                ],
                (
                    (
                        texts.of(each.name, each.agency),
                        texts.name("state", each.state),
                        of.yes_no(each.cleared),
                        None if each.since is None else each.since.astimezone(texts.zone).date(),
                        each.points,
                        each.deadline,
                        of.yes_no(each.done),
                    )
                    for each in part.agencies
                ),
            )
        )
    blocks += of.slot("connection")
    return Section("connection", texts("section.connection"), tuple(blocks))


def service_quality(of: Sheaf) -> Section | None:
    """The index of service quality, and dossiers by group of procedures; None where none are known."""
    part, texts = of.report.service_quality, of.texts
    if part is None:
        return None
    bars = [
        Bar(texts.of(i.label), i.indicator.ratio, texts.percent(i.indicator.ratio), i.indicator.target)
        for i in part.items
    ]
    said = "; ".join(f"{bar.label}: {bar.words}" for bar in bars)
    mean = part.mean_handling_days
    handling = "" if mean is None else texts("quality.handling", days=texts.number(mean, 1))
    caption = texts("caption.service_quality")
    chart = Bars(caption, texts("chart.values", values=said), bars, 1.0, texts("form.target_mark"))
    table = of.table(
        "service_quality",
        [
            ("column.item", "text", 2.2),
            ("figure.numerator", "count", 1),
            ("figure.denominator", "count", 1),
            ("figure.ratio", "percent", 1),
            ("figure.coverage", "percent", 1),
            ("figure.target", "percent", 0.9),
            ("column.score", "points", 0.9),
            ("column.most", "points", 0.9),
            ("column.confirmed", "text", 1.2),
        ],
        [
            *(
                (
                    texts.of(i.label),
                    i.indicator.numerator,
                    i.indicator.denominator,
                    of.ratio(i.indicator),
                    i.indicator.coverage,
                    i.indicator.target,
                    i.points,
                    i.most,
                    texts("word.confirmed" if i.confirmed else "word.configured"),
                )
                for i in part.items
            ),
            (texts("figure.total"), None, None, None, None, None, part.points, part.scored, None),
        ],
        marked=frozenset({len(part.items)}),
        note=texts("quality.of_all", dossiers=part.dossiers, scored=part.scored, most=part.most) + handling,
    )
    by_group = procedures(of, part)
    blocks: list[Block] = [table, *([] if by_group is None else [by_group]), *of.slot("service_quality")]
    if bars:
        blocks.insert(0, Picture("service-quality", caption, chart))
    return Section("service-quality", texts("section.service_quality"), tuple(blocks))


def obstacles(of: Sheaf) -> Section:
    """What is in the way, in the form of the six "clear"."""
    found, texts = of.report.obstacles, of.texts
    block: Block = Paragraph(texts("form.none"))
    if found:
        block = of.table(
            "obstacles",
            [
                ("clear.who", "text", 1.3),
                ("clear.work", "text", 1.8),
                ("clear.responsibility", "text", 1.6),
                ("clear.authority", "text", 1.3),
                ("clear.time", "text", 1.2),
                ("clear.result", "text", 1.6),
            ],
            (
                tuple(
                    texts.of(each)
                    for each in (o.who, o.work, o.responsibility, o.authority, o.time, o.result)
                )
                for o in found
            ),
        )
    return Section("obstacles", texts("section.obstacles"), (block, *of.slot("obstacles")))


def coming(of: Sheaf) -> Section:
    """What is due in the next period."""
    found, texts = of.report.coming, of.texts
    block: Block = Paragraph(texts("form.none"))
    if found:
        block = of.table(
            "next",
            [("column.date", "day", 0.8), ("figure.agency", "text", 1.6), ("column.work", "text", 3.4)],
            ((each.day, of.name(each.agency), texts.of(each.text)) for each in found),
        )
    return Section("next", texts("section.next"), (block, *of.slot("next")))
