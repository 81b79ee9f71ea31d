"""A report laid out: letterhead, sections in their order, annexes, and where it is signed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

from monitor.reports.layout import card, compliance, progress, quality, volume, xroad
from monitor.reports.layout.blocks import (
    Block,
    Document,
    Letterhead,
    Picture,
    Section,
    Sentences,
    Signature,
    Table,
)
from monitor.reports.layout.sheaf import Sheaf, past
from monitor.reports.model import Indicator, Report
from monitor.reports.texts import Texts

_DIGEST = 16  # of the fingerprint's letters: enough to tell two issues apart by eye
_ROMAN = (
    (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
)  # fmt: skip


def lay_out(report: Report, texts: Texts, *, editable: bool = False) -> Document:
    """The document that every format shows; its tables and pictures are numbered in order.

    An editable one has a place for people's words at the end of each section, written or not.
    """
    of = Sheaf(report, texts, editable)
    national = report.card is None
    found = [
        card.position(of),
        volume.summary(of),
        volume.changes(of),
        card.sides(of),
        volume.volume(of),
        volume.ranking(of),
        quality.quality(of),
        xroad.xroad(of),
        compliance.compliance(of),
        compliance.security(of),
        progress.connection(of),
        progress.service_quality(of),
        progress.obstacles(of),
        progress.coming(of),
        _closing(of),
        _notes(of),
    ]
    numbered = [
        replace(section, title=f"{_roman(n)}. {section.title}")
        for n, section in enumerate((each for each in found if each is not None), 1)
    ]
    name = texts.of(report.agency_name, report.agency or "")
    label = texts.of(report.period.label)
    kind = texts("form.kind" if national else "form.kind_card")
    title = texts("title.national" if national else "title.agency")
    subtitle = label if national else f"{name}, {label}"
    annexes = _annexes(of)
    every = _numbered([*numbered, *annexes])
    return Document(
        language=texts.language,
        kind_of=kind,
        subject=texts("form.subject"),
        title=title,
        subtitle=subtitle,
        marking=_marking(of),
        state=_state(of),
        letterhead=_letterhead(of),
        sections=every[: len(numbered)],
        annexes=every[len(numbered) :],
        only_sheets=tuple(_sheets(of)),
        signature=Signature(
            recipients_title=texts("form.recipients"),
            recipients=tuple(
                [texts("form.recipient_above")]
                + ([] if national else [texts("form.recipient_agency", agency=name)])
                + [texts("form.recipient_file")]
            ),
            office=texts("form.office"),
            form=texts("form.signature"),
        ),
        imprint=_imprint(of),
        contents=texts("form.contents"),
        running=f"{title}, {subtitle}",
        words={
            key: texts(f"form.{key}") for key in ("table", "figure", "skip", "slot_empty", "notes", "of_page")
        },
    )


def _roman(number: int) -> str:
    text = ""
    for value, letters in _ROMAN:
        while number >= value:
            text, number = text + letters, number - value
    return text


def _letterhead(of: Sheaf) -> Letterhead:
    """Bodies are the issuer's lines or parts between " / ", the superior body first."""
    texts, report = of.texts, of.report
    issuer = report.issuer or texts("form.issuer")
    bodies = tuple(part.strip() for line in issuer.splitlines() for part in line.split(" / ") if part.strip())
    made = report.made_at.astimezone(texts.zone).date()
    blank = "......"
    if texts.language == "vi":
        month = f"{made.month:02}" if made.month < 3 else str(made.month)  # as Decree 30/2020 writes them
    else:
        month = texts.date(made).split()[1]
    return Letterhead(
        bodies=bodies,
        number=texts("form.number"),
        nation=texts("form.nation"),
        motto=texts("form.motto"),
        place_and_date=texts("form.place_and_date", day=blank, month=month, year=made.year),
    )


def _marking(of: Sheaf) -> str | None:
    words = []
    if of.report.state == "draft":
        words.append(of.texts("form.draft"))
    if of.report.period.to_date:
        words.append(of.texts("form.to_date"))
    return " · ".join(words) or None


def _state(of: Sheaf) -> str:
    said = [of.texts("form.draft_long" if of.report.state == "draft" else "form.signed_long")]
    if of.report.period.to_date:
        said.append(of.texts("form.to_date_long"))
    return ". ".join(said)


def _imprint(of: Sheaf) -> tuple[str, ...]:
    report, texts = of.report, of.texts
    until = report.period.until - (timedelta(0) if report.period.to_date else timedelta(microseconds=1))
    said = [
        texts("form.period", first=report.period.first_day, last=report.period.last_day),
        texts("form.until", moment=until if report.period.to_date else report.period.until),
        texts("form.made", moment=report.made_at),
        texts("form.zone", zone=report.zone),
    ]
    if report.run is not None:
        said.append(texts("form.run", run=report.run))
    said.append(texts("form.fingerprint", digest=report.inputs.fingerprint[:_DIGEST]))
    return tuple(said)


def _closing(of: Sheaf) -> Section | None:
    slot = of.slot("closing")
    return Section("closing", of.texts("form.closing"), tuple(slot)) if slot else None


def _notes(of: Sheaf) -> Section:
    """How to read the figures: notes, and what each indicator counts."""
    texts = of.texts
    blocks: list[Block] = []
    if of.report.notes:
        blocks.append(Sentences(tuple(texts.of(each) for each in of.report.notes)))
    seen: dict[str, Indicator] = {}
    for each in _every_indicator(of.report):
        seen.setdefault(each.key, each)
    blocks.append(
        of.table(
            "definitions",
            [
                ("column.indicator", "text", 1.6),
                ("column.meaning", "text", 3.4),
                ("figure.target", "percent", 0.8),
                ("figure.source", "text", 2),
            ],
            (
                (
                    texts.name("indicator", each.key),
                    texts.name("counts", each.key),
                    each.target,
                    texts.name("source", each.source),
                )
                for each in seen.values()
            ),
        )
    )
    return Section("notes", texts("section.notes"), tuple(blocks))


def _every_indicator(report: Report) -> Iterable[Indicator]:
    """One of each kind that the report shows (those of single agencies have the same keys)."""
    yield from _of_the_report(report)
    for row in report.ranking.agencies[:1]:
        yield from row.indicators


def _of_the_report(report: Report) -> Iterable[Indicator]:
    quality_part, compliance_part = report.quality, report.compliance
    yield from (quality_part.availability, quality_part.denied, quality_part.objectives_met)
    yield from (
        compliance_part.under_agreement,
        compliance_part.without_breach,
        compliance_part.duties_on_time,
    )
    if report.security is not None:
        yield from (report.security.acknowledged, report.security.notified_in_time)
    yield report.connection.live


def _annexes(of: Sheaf) -> list[Section]:
    texts, report = of.texts, of.report
    tables: list[tuple[str, Table]] = []
    if report.pairs:
        tables.append(("annex", _pairs(of)))
    held = card.agreements(of)
    if held is not None and report.card is not None:
        tables.append(("agreements", held))
    return [
        Section(
            key,
            f"{texts('form.annex')} {_roman(n)}. {table.caption}",
            (table,),
            landscape=True,
        )
        for n, (key, table) in enumerate(tables, 1)
    ]


def _sheets(of: Sheaf) -> Iterable[Table]:
    """Tables that only sheets have: too long to be turned over, or drawn as charts elsewhere."""
    report = of.report
    yield of.table(
        "days",
        [
            ("figure.day", "day", 1),
            ("figure.exchanges", "count", 1),
            ("figure.failed", "count", 1),
            ("figure.denied", "count", 1),
            ("figure.breached", "count", 1),
        ],
        ((d.day, d.exchanges, d.failed, d.denied, d.breached) for d in report.volume.days),
    )
    yield _indicators(of)
    if report.quality.objectives:
        yield quality.objectives(of, "objectives_all", report.quality.objectives)
    held = card.agreements(of)
    if held is not None and report.card is None:
        yield held
    yield from xroad.sheets(of)


def _indicators(of: Sheaf) -> Table:
    """Every indicator, of the report and of each agency, with all that belongs to it."""
    report, texts = of.report, of.texts
    whole = of.report.agency or texts("form.whole")
    found = [(whole, each) for each in _of_the_report(report)]
    found += [(row.agency, each) for row in report.ranking.agencies for each in row.indicators]
    return of.table(
        "indicators_all",
        [
            ("figure.agency", "code", 1),
            ("column.indicator", "text", 2),
            ("figure.numerator", "count", 1),
            ("figure.denominator", "count", 1),
            ("figure.ratio", "percent", 1),
            ("figure.coverage", "percent", 1),
            ("figure.target", "percent", 1),
            ("column.met", "text", 1),
            ("figure.before", "percent", 1),
            ("column.year", "percent", 1),
            ("figure.source", "text", 2),
            ("column.meaning", "text", 3),
        ],
        (
            (
                who,
                texts.name("indicator", each.key),
                each.numerator,
                each.denominator,
                of.ratio(each),
                each.coverage,
                each.target,
                of.yes_no(each.met),
                past(each.before),
                past(each.year_ago),
                texts.name("source", each.source),
                texts.name("counts", each.key),
            )
            for who, each in found
        ),
        heads=2,
    )


def _pairs(of: Sheaf) -> Table:
    report = of.report
    return of.table(
        "pairs",
        [
            ("figure.provider", "code", 0.95),
            ("figure.consumer", "code", 0.95),
            ("figure.service", "code", 2.1),
            ("figure.exchanges", "count", 1.1),
            ("figure.before", "count", 1.1),
            ("figure.change", "change", 0.9),
            ("figure.failed", "count", 0.85),
            ("figure.denied", "count", 0.85),
            ("figure.breached", "count", 0.85),
            ("indicator.availability", "percent", 0.85),
            ("figure.p50", "us", 0.85),
            ("figure.p95", "us", 0.85),
            ("figure.p99", "us", 0.85),
            ("column.under_agreement", "count", 1.1),
            ("figure.agreement", "code", 1.3),
        ],
        (
            (
                p.provider,
                p.consumer,
                p.service,
                p.exchanges.now,
                p.exchanges.before,
                p.exchanges.change,
                p.volume.failed,
                p.volume.denied,
                p.volume.breached,
                of.ratio(p.availability) if p.availability.scored else None,
                p.durations.p50_us,
                p.durations.p95_us,
                p.durations.p99_us,
                p.under_agreement,
                ", ".join(p.agreements) or None,
            )
            for p in report.pairs
        ),
        note=of.more(report.pairs_more),
        heads=3,
    )


def _numbered(sections: list[Section]) -> tuple[Section, ...]:
    """The sections with their tables and pictures numbered in the order in which they stand."""
    counts = {"table": 0, "picture": 0}

    def number(section: Section) -> Section:
        blocks: list[Block | Section] = []
        for block in section.blocks:
            match block:
                case Section():
                    blocks.append(number(block))
                case Table():
                    counts["table"] += 1
                    blocks.append(replace(block, number=counts["table"]))
                case Picture():
                    counts["picture"] += 1
                    blocks.append(replace(block, number=counts["picture"]))
                case _:
                    blocks.append(block)
        return replace(section, blocks=tuple(blocks))

    return tuple(number(section) for section in sections)
