"""The sections of compliance and security."""

from __future__ import annotations

from monitor.reports.charts.bars import Bar, Bars
from monitor.reports.layout.blocks import Block, Picture, Section, Table
from monitor.reports.layout.sheaf import Sheaf


def compliance(of: Sheaf) -> Section:
    """Whether sharing kept to what was agreed, and which duties are overdue."""
    part, texts = of.report.compliance, of.texts
    blocks: list[Block] = [
        of.indicators("compliance", (part.under_agreement, part.without_breach, part.duties_on_time))
    ]
    found = [each for each in part.breaches if each.count.now]
    if found:
        bars = [
            Bar(texts.name("breach", b.breach), b.count.now, texts.number(b.count.now))
            for b in sorted(found, key=lambda b: -b.count.now)
        ]
        said = "; ".join(f"{bar.label}: {bar.words}" for bar in bars)
        chart = Bars(texts("caption.breaches"), texts("chart.values", values=said), bars)
        blocks.append(Picture("breaches", texts("caption.breaches"), chart))
    if part.breaches:
        blocks.append(_breaches(of))
    if part.findings:
        blocks.append(_findings(of))
    if part.duty_counts:
        blocks.append(_duty_counts(of))
    if part.duties:
        blocks.append(_duties(of))
    if part.unmonitored:
        blocks.append(
            of.table(
                "clauses",
                [("column.clause", "text", 3), ("column.agreements", "count", 1)],
                (
                    (texts.name("clause", clause), count)
                    for clause, count in sorted(
                        part.unmonitored.items(), key=lambda each: (-each[1], each[0])
                    )
                ),
            )
        )
    blocks += of.slot("compliance")
    return Section("compliance", texts("section.compliance"), tuple(blocks))


def _breaches(of: Sheaf) -> Table:
    return of.table(
        "breaches",
        [
            ("column.breach", "text", 2.6),
            ("figure.now", "count", 1),
            ("figure.before", "count", 1),
            ("figure.change", "change", 1),
            ("column.refused", "count", 1.1),
            ("column.pairs", "count", 0.8),
        ],
        (
            (
                of.texts.name("breach", b.breach),
                b.count.now,
                b.count.before,
                b.count.change,
                b.denied,
                b.pairs,
            )
            for b in of.report.compliance.breaches
        ),
    )


def _findings(of: Sheaf) -> Table:
    part = of.report.compliance
    return of.table(
        "findings",
        [
            ("column.breach", "text", 1.7),
            ("figure.provider", "code", 0.95),
            ("figure.consumer", "code", 0.95),
            ("figure.service", "code", 2.0),
            ("figure.agreement", "code", 1.35),
            ("figure.count", "count", 0.95),
            ("column.refused", "count", 0.95),
            ("column.first", "moment", 1.05),
            ("column.last", "moment", 1.05),
        ],
        (
            (
                of.texts.name("breach", f.breach),
                f.provider,
                f.consumer,
                f.service,
                f"{f.agreement} v{f.version}" if f.agreement else None,
                f.count,
                f.denied,
                f.first,
                f.last,
            )
            for f in part.findings
        ),
        note=of.more(part.findings_more),
        heads=4,
    )


def _duty_counts(of: Sheaf) -> Table:
    return of.table(
        "duties",
        [
            ("column.duty", "text", 2.4),
            ("figure.total", "count", 1),
            ("figure.overdue", "count", 1),
            ("column.overdue_before", "count", 1.2),
            ("column.done_late", "count", 1.2),
        ],
        (
            (of.texts.name("duty", d.duty), d.total, d.overdue, d.overdue_before, d.late)
            for d in of.report.compliance.duty_counts
        ),
    )


def _duties(of: Sheaf) -> Table:
    part, texts = of.report.compliance, of.texts
    return of.table(
        "duties_list",
        [
            ("figure.agency", "text", 1.9),
            ("column.duty", "text", 1.9),
            ("column.subject", "code", 1.5),
            ("column.standing", "text", 1.1),
            ("column.due", "day", 1),
            ("column.days", "text", 1.2),
        ],
        (
            (
                of.name(d.agency),
                texts.name("duty", d.duty),
                d.subject,
                texts.name("standing", d.standing),
                d.last_day,
                None
                if d.days is None
                else f"{texts.number(d.days).replace('-', '−')}"
                f"{' ' + texts('word.working_days') if d.working_days else ''}",
            )
            for d in part.duties
        ),
        note=of.more(part.duties_more),
    )


# Security


def security(of: Sheaf) -> Section:
    """Alerts, incidents and the 72 hours, risk; one sentence where nothing here knows of them."""
    part, texts = of.report.security, of.texts
    if part is None:
        return Section("security", texts("section.security"), (_sentence(of), *of.slot("security")))
    blocks: list[Block] = [of.indicators("security", (part.acknowledged, part.notified_in_time)), _tiers(of)]
    if part.incidents:
        blocks.append(_incidents(of))
    if part.open_alerts:
        blocks.append(_open_alerts(of))
    if part.risk:
        blocks += _risk(of)
    if part.events:
        blocks.append(
            of.table(
                "events",
                [
                    ("column.kind", "code", 2),
                    ("column.severity", "text", 1.2),
                    ("figure.now", "count", 1),
                    ("figure.before", "count", 1),
                    ("figure.change", "change", 1),
                ],
                (
                    (
                        e.kind,
                        texts.name("level", str(e.severity)),
                        e.count.now,
                        e.count.before,
                        e.count.change,
                    )
                    for e in part.events
                ),
            )
        )
    blocks += of.slot("security")
    return Section("security", texts("section.security"), tuple(blocks))


def _sentence(of: Sheaf) -> Block:
    from monitor.reports.layout.blocks import Paragraph

    return Paragraph(of.texts("note.no_security"))


def _tiers(of: Sheaf) -> Table:
    part = of.report.security
    assert part is not None  # noqa: S101
    return of.table(
        "alerts",
        [
            ("column.severity", "text", 1.5),
            ("column.opened", "count", 1),
            ("figure.before", "count", 1),
            ("column.acknowledged", "count", 1),
            ("column.median_acknowledge", "seconds", 1.5),
            ("column.resolved", "count", 1),
            ("column.open_at_end", "count", 1),
        ],
        (
            (
                of.texts.name("level", str(t.level)),
                t.opened.now,
                t.opened.before,
                t.acknowledged,
                t.median_acknowledge_s,
                t.resolved,
                t.open_at_end,
            )
            for t in part.tiers
        ),
    )


def _incidents(of: Sheaf) -> Table:
    part, texts = of.report.security, of.texts
    assert part is not None  # noqa: S101

    def in_time(kept: bool | None, status: str) -> str:
        if kept is None:
            return texts("word.pending") if status == "open" else "–"
        return texts("yes" if kept else "no")

    return of.table(
        "incidents",
        [
            ("column.incident", "code", 1.25),
            ("figure.agency", "code", 0.85),
            ("column.tier", "text", 1.0),
            ("column.what", "text", 2.3),
            ("column.personal_data", "text", 0.9),
            ("column.status", "text", 1.0),
            ("column.detected", "moment", 1.0),
            ("column.notified", "moment", 1.0),
            ("column.hours", "points", 0.7),
            ("column.in_time", "text", 0.85),
        ],
        (
            (
                i.incident,
                i.agency,
                texts.name("tier", str(i.tier)),
                f"{i.what} ({texts.name('incident', i.kind)})" if i.what else texts.name("incident", i.kind),
                texts.name("personal_data", i.personal_data),
                texts.name("incident_status", i.status),
                i.detected,
                i.notified,
                i.hours,
                in_time(i.in_time, i.status),
            )
            for i in part.incidents
        ),
        note=of.more(part.incidents_more),
    )


def _open_alerts(of: Sheaf) -> Table:
    part, texts = of.report.security, of.texts
    assert part is not None  # noqa: S101
    return of.table(
        "open_alerts",
        [
            ("column.alert", "text", 2.6),
            ("column.severity", "text", 1),
            ("figure.agency", "text", 1.8),
            ("column.opened_at", "moment", 1.1),
            ("column.acknowledged", "moment", 1.1),
            ("figure.count", "count", 0.8),
        ],
        (
            (
                texts.of(a.title),
                texts.name("level", str(a.level)),
                of.name(a.agency),
                a.opened,
                a.acknowledged,
                a.count,
            )
            for a in part.open_alerts
        ),
        note=of.more(part.open_alerts_more),
    )


def _risk(of: Sheaf) -> list[Block]:
    part, texts = of.report.security, of.texts
    assert part is not None  # noqa: S101
    note = None if part.risk_from is None else texts("note.risk_from", moment=part.risk_from)
    return [
        of.table(
            "risk",
            [
                ("figure.agency", "text", 2),
                ("column.risk", "points", 1),
                ("column.highest", "points", 0.9),
                ("column.highest_day", "day", 1),
                ("column.detections", "count", 0.9),
                ("column.rules", "text", 2.6),
            ],
            (
                (of.name(r.agency), r.score, r.highest, r.highest_day, r.detections, ", ".join(r.rules))
                for r in part.risk
            ),
            note=note,
        )
    ]
