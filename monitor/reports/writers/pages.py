"""A laid-out document as plain data for a page: every value as text, every narrative as passages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

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


def as_pages(
    document: Document, texts: Texts, picture: Callable[[Picture], dict[str, Any]]
) -> dict[str, Any]:
    """What templates read; `picture` gives what a template needs to show one."""

    def section(one: Section) -> dict[str, Any]:
        return {
            "is": "section",
            "key": one.key,
            "title": one.title,
            "landscape": one.landscape,
            "blocks": [section(each) if isinstance(each, Section) else block(each) for each in one.blocks],
        }

    def block(one: Block) -> dict[str, Any]:
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
                return _table(one, texts)
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
    return {
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


def region(document: Document) -> str:
    """The country whose way of writing the language is."""
    return "VN" if document.language == "vi" else "GB"


def _table(one: Table, texts: Texts) -> dict[str, Any]:
    kinds = [column.kind for column in one.columns]
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
        "rows": [
            [shown(value, kind, texts) for value, kind in zip(row, kinds, strict=True)] for row in one.rows
        ],
    }


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
