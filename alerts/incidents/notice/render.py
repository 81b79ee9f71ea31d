"""The two forms of a notice: one self-contained HTML page to print, and plain text."""

from __future__ import annotations

import base64
import hashlib
import textwrap
from functools import cache
from importlib.resources import files

from jinja2 import DictLoader, Environment, StrictUndefined, Template

from alerts.incidents.notice.content import Item, Notice

_WIDTH = 88  # of the text form: what mail programs leave unbroken


def to_html(notice: Notice) -> str:
    """The notice as one page that fetches nothing and runs nothing; all text of others is escaped."""
    style = _part("notice.css")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _template().render(notice=notice, style=style, style_hash=f"sha256-{digest}") + "\n"


def to_text(notice: Notice) -> str:
    """The notice as plain text, items indented under their section."""
    say = notice.text
    lines = [
        f"{say('draft').upper()} - {notice.incident}",
        *_wrapped(say("draft_note", now=notice.now)),
        *_wrapped(say("template_note")),
        "",
        *_missing_list(notice),
        "",
    ]
    if say("state"):
        lines += [say("state"), say("motto"), ""]
    lines += [
        notice.agency,
        say("number"),
        say("place_and_date", year=notice.year),
        "",
        say("title").upper(),
        "",
        f"{say('to')}: {notice.recipient or _mark(notice, say('recipient'))}",
        "",
        *_wrapped(say("basis")),
    ]
    for section in notice.sections:
        lines += ["", f"{section.number}. {section.title}"]
        for item in section.items:
            lines += _item_lines(notice, item)
    lines += ["", say("signature"), say("signature_hint")]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _missing_list(notice: Notice) -> list[str]:
    if not notice.missing:
        return [notice.text("missing_none")]
    listed = [
        f"  - {number}. {item.label}" if number else f"  - {notice.text('to')}: {item.label}"
        for number, item in notice.missing
    ]
    return [notice.text("missing_some", count=len(listed)), *listed]


def _item_lines(notice: Notice, item: Item) -> list[str]:
    mark = _mark(notice) if item.missing else ""
    first, *more = (" ".join(part for part in (item.value, mark) if part)).split("\n")
    lines = _wrapped(f"{item.label}: {first}", "   ", "     ")
    for line in more:
        lines += _wrapped(line, "     ", "     ")
    return lines


def _mark(notice: Notice, label: str = "") -> str:
    return f"[{notice.text('missing').upper()}{': ' if label else ''}{label}]"


def _wrapped(text: str, first: str = "", then: str = "") -> list[str]:
    return textwrap.wrap(
        text, _WIDTH, initial_indent=first, subsequent_indent=then, break_on_hyphens=False
    ) or [""]


@cache
def _template() -> Template:
    loader = DictLoader({"notice": _part("notice.html.j2")})
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("notice")


def _part(name: str) -> str:
    return files("alerts.incidents.notice").joinpath(name).read_text(encoding="utf-8")
