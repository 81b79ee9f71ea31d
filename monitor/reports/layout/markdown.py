"""What people write in slots, read as a small part of Markdown: paragraphs, points, bold and italics.

Everything else is text as it stands: no links, no HTML, nothing that a page would load or run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

_POINT = re.compile(r"\s{0,3}(?:[-*+•]|(\d{1,3})[.)])\s+(.*)")
_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*")
_MARK = re.compile(r"(\*\*|__)(?=\S)(.+?)(?<=\S)\1|(?<![\w*_])([*_])(?=\S)([^*_]+?)(?<=\S)\3(?![\w*_])")


@dataclass(frozen=True, slots=True)
class Span:
    """Some text of one style."""

    text: str
    bold: bool = False
    italic: bool = False


@dataclass(frozen=True, slots=True)
class Passage:
    """A paragraph, a point of a list (with its number, if any), or a small heading."""

    kind: Literal["paragraph", "point", "heading"]
    spans: tuple[Span, ...]
    label: str = ""


def passages(text: str) -> list[Passage]:
    """Read what was written. Lines without an empty line between them are one paragraph."""
    found: list[Passage] = []
    lines: list[str] = []
    kind: Literal["paragraph", "point"] = "paragraph"
    label = ""

    def close() -> None:
        if lines:
            found.append(Passage(kind, spans(" ".join(lines)), label))
            lines.clear()

    for line in text.splitlines():
        if not line.strip():
            close()
            kind, label = "paragraph", ""
        elif heading := _HEADING.fullmatch(line.strip()):
            close()
            found.append(Passage("heading", spans(heading[1])))
            kind, label = "paragraph", ""
        elif point := _POINT.fullmatch(line):
            close()
            kind, label = "point", f"{point[1]}." if point[1] else "–"
            lines.append(point[2].strip())
        else:
            lines.append(line.strip())
    close()
    return found


def spans(text: str, *, bold: bool = False) -> tuple[Span, ...]:
    """Text with its bold and italic parts apart."""
    found: list[Span] = []
    at = 0
    for mark in _MARK.finditer(text):
        if mark.start() > at:
            found.append(Span(text[at : mark.start()], bold))
        if mark[1]:
            found += [Span(each.text, True, each.italic) for each in spans(mark[2], bold=True)]
        else:
            found.append(Span(mark[4], bold, True))
        at = mark.end()
    if at < len(text):
        found.append(Span(text[at:], bold))
    return tuple(found)
