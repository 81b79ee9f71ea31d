"""A laid-out document as plain data for a page: every value as text, every narrative as passages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

from monitor.reports.charts.canvas import printable
from monitor.reports.layout.blocks import (
    Block,
    Document,
    Paragraph,
    Picture,
    Section,
    Sentences,
    Slot,
    Table,
    Tiles,
)
from monitor.reports.layout.markdown import passages
from monitor.reports.layout.values import shown
from monitor.reports.texts import Texts

# Of printed pages (report.typ): text width, size of text in wide tables, what a cell keeps free at its sides.
_PORTRAIT_PT, _LANDSCAPE_PT = 467.0, 756.0
_DENSE_PT, _INSETS_PT = 7.2, 6.0
# Advances of IBM Plex Sans Condensed in ems, rounded up: of figures, narrow and wide letters, and the others.
_EMS = dict.fromkeys("0123456789", 0.54) | dict.fromkeys(".,:;ijl|!'", 0.28) | dict.fromkeys("mwMW%", 0.86)
_EMS |= dict.fromkeys("-rtf() ", 0.37)
_EM, _EM_CAPITAL = 0.54, 0.66
_BREAK = "\u200b"  # a space without width
_EMS[_BREAK] = 0.0
_LONG = 100  # rows


def as_pages(
    document: Document, texts: Texts, picture: Callable[[Picture], dict[str, Any]]
) -> dict[str, Any]:
    """What templates read; `picture` gives what a template needs to show one."""

    def section(one: Section) -> dict[str, Any]:
        width_pt = _LANDSCAPE_PT if one.landscape else _PORTRAIT_PT
        return {
            "is": "section",
            "key": one.key,
            "title": one.title,
            "landscape": one.landscape,
            "blocks": [
                section(each) if isinstance(each, Section) else block(each, width_pt) for each in one.blocks
            ],
        }

    def block(one: Block, width_pt: float) -> dict[str, Any]:
        match one:
            case Sentences():
                return {"is": "sentences", "items": list(one.items)}
            case Paragraph():
                return {"is": "paragraph", "text": one.text}
            case Tiles():
                return {
                    "is": "tiles",
                    "items": [
                        {"label": each.label, "value": each.value, "note": each.note} for each in one.items
                    ],
                }
            case Table():
                return _table(one, texts, width_pt)
            case Picture():
                return {
                    "is": "picture",
                    "key": one.key,
                    "caption": one.caption,
                    "number": one.number,
                    "alt": one.chart.description,
                    **picture(one),
                }
            case Slot():
                return _slot(one)
            case other:
                assert_never(other)

    letterhead, signature = document.letterhead, document.signature
    pages = {
        "language": document.language,
        "region": region(document),
        "kind_of": document.kind_of,
        "subject": document.subject,
        "title": document.title,
        "subtitle": document.subtitle,
        "marking": document.marking,
        "state": document.state,
        "letterhead": {
            "bodies": list(letterhead.bodies),
            "number": letterhead.number,
            "nation": letterhead.nation,
            "motto": letterhead.motto,
            "place_and_date": letterhead.place_and_date,
        },
        "signature": {
            "recipients_title": signature.recipients_title,
            "recipients": list(signature.recipients),
            "office": signature.office,
            "form": signature.form,
        },
        "imprint": list(document.imprint),
        "contents": document.contents,
        "running": document.running,
        "words": document.words,
        "sections": [section(each) for each in document.sections],
        "annexes": [section(each) for each in document.annexes],
    }
    cleaned: dict[str, Any] = _cleaned(pages)
    return cleaned


def _cleaned(held: Any) -> Any:
    """The same, without characters that no page can hold. Drawings are clean already."""
    match held:
        case str():
            return held if held.isprintable() or held.startswith("<svg") else printable(held)
        case list():
            return [_cleaned(each) for each in held]
        case dict():
            return {key: _cleaned(each) for key, each in held.items()}
        case _:
            return held


def region(document: Document) -> str:
    """The country whose way of writing the language is."""
    return "VN" if document.language == "vi" else "GB"


def _table(one: Table, texts: Texts, width_pt: float) -> dict[str, Any]:
    kinds = [column.kind for column in one.columns]
    rows = [
        [
            jointed(shown(value, kind, texts)) if kind == "code" else shown(value, kind, texts)
            for value, kind in zip(row, kinds, strict=True)
        ]
        for row in one.rows
    ]
    return {
        "is": "table",
        "key": one.key,
        "caption": one.caption,
        "number": one.number,
        "heads": one.heads,
        "note": one.note,
        "marked": sorted(one.marked),
        "columns": [
            {
                "title": column.title,
                "width": column.width,
                "right": column.right,
                "code": column.kind == "code",
            }
            for column in one.columns
        ],
        "rows": rows,
        "single": _single(one, rows, width_pt),
    }


def jointed(identifier: str) -> str:
    """An identifier with places after its joints where a narrow column may break it."""
    for joint in ".-_":
        identifier = identifier.replace(joint, f"{joint}{_BREAK}")
    return identifier


def _single(one: Table, rows: list[list[str]], width_pt: float) -> list[bool]:
    """Of each row of a long table, whether each of its values surely fits on one line of a printed page."""
    if len(rows) < _LONG:
        return []
    whole = sum(column.width for column in one.columns)
    room = [column.width / whole * width_pt - _INSETS_PT for column in one.columns]
    return [
        n not in one.marked
        and all(_width(value) * _DENSE_PT <= most for value, most in zip(row, room, strict=True))
        for n, row in enumerate(rows)
    ]


def _width(text: str) -> float:
    """At most how many ems a text is wide in the typeface of tables."""
    return sum(_EMS.get(letter, _EM if letter.islower() else _EM_CAPITAL) for letter in text)


def _slot(one: Slot) -> dict[str, Any]:
    return {
        "is": "slot",
        "key": one.key,
        "prompt": one.prompt,
        "carried": one.carried,
        "passages": None
        if one.text is None
        else [
            {
                "kind": each.kind,
                "label": each.label,
                "spans": [{"text": s.text, "bold": s.bold, "italic": s.italic} for s in each.spans],
            }
            for each in passages(one.text)
        ],
    }
