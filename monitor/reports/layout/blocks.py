"""What a document is made of: sections, sentences, key figures, tables, charts, and what people wrote.

Blocks are plain data in one language. Values in tables stay what they are (numbers, dates); how they are
written is `monitor.reports.layout.values`, so that a sheet has numbers where a page has text.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from monitor.reports.charts.chart import Chart
from monitor.reports.figures import Language

Kind = Literal[
    "text",  # words, which may be broken over lines
    "code",  # an identifier
    "count",
    "percent",  # a share from 0 to 1
    "change",  # a share with its sign
    "places",  # ranks gained (positive) or lost
    "points",  # a number with one decimal
    "us",  # microseconds
    "seconds",
    "size",  # bytes
    "day",
    "moment",
]


@dataclass(frozen=True, slots=True)
class Missing:
    """Said in a figure's place, such as "not scored"."""

    words: str


@dataclass(frozen=True, slots=True)
class As:
    """A value of another kind than its column's."""

    value: str | int | float | None
    kind: Kind


Value = As | str | int | float | date | datetime | Missing | None


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its title, what its values are, and its width as a share of the table's."""

    title: str
    kind: Kind
    width: float = 1.0

    @property
    def right(self) -> bool:
        """Whether values stand at the right, digit under digit."""
        return self.kind not in ("text", "code", "day", "moment")


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `key` is its name in anchors, `sheet` in workbooks; `marked` are rows to set in bold.

    Rows have as many values as there are columns. A landscape table has a page of that form to itself.
    The first `heads` columns say what a row is about.
    """

    key: str
    caption: str
    sheet: str
    columns: tuple[Column, ...]
    rows: Sequence[tuple[Value, ...]]
    note: str | None = None
    marked: frozenset[int] = frozenset()
    heads: int = 1
    number: int = 0


@dataclass(frozen=True, slots=True)
class Picture:
    """A chart with its caption."""

    key: str
    caption: str
    chart: Chart
    number: int = 0


@dataclass(frozen=True, slots=True)
class Sentences:
    """Sentences, each a point of its own."""

    items: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of the report's own words."""

    text: str


@dataclass(frozen=True, slots=True)
class Tile:
    """A key figure: what it is, how much, and what that compares with."""

    label: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Tiles:
    """Key figures, side by side where there is room."""

    items: tuple[Tile, ...]


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for people's words: what they wrote (Markdown), or None; `carried` from an earlier issue."""

    key: str
    text: str | None
    prompt: str
    carried: str | None = None


Block = Sentences | Paragraph | Tiles | Table | Picture | Slot


@dataclass(frozen=True, slots=True)
class Section:
    """A section under a heading; `landscape` ones are printed on turned pages."""

    key: str
    title: str
    blocks: tuple[Block | Section, ...]
    landscape: bool = False


@dataclass(frozen=True, slots=True)
class Letterhead:
    """The head of an administrative document: bodies at the left, the nation and its motto at the right."""

    bodies: tuple[str, ...]
    number: str
    nation: str
    motto: str
    place_and_date: str


@dataclass(frozen=True, slots=True)
class Signature:
    """Where it is signed: the office, never a person; and who receives it."""

    recipients_title: str
    recipients: tuple[str, ...]
    office: str
    form: str


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document in one language.

    `kind_of` and `subject` head it; `title` is what programs call it. `marking` is written over each page
    while it is not final. Annexes come after the
    signature; `only_sheets` are tables for workbooks.
    """

    language: Language
    kind_of: str
    subject: str
    title: str
    subtitle: str
    marking: str | None
    state: str
    letterhead: Letterhead
    sections: tuple[Section, ...]
    annexes: tuple[Section, ...]
    only_sheets: tuple[Table, ...]
    signature: Signature
    imprint: tuple[str, ...]
    contents: str
    running: str
    words: dict[str, str] = field(default_factory=dict)

    def blocks(self) -> Iterator[Block]:
        """Every block, in order, whatever section it stands in."""
        for section in (*self.sections, *self.annexes):
            yield from _blocks(section)

    def tables(self) -> list[Table]:
        """Its tables, in order."""
        return [block for block in self.blocks() if isinstance(block, Table)]


def _blocks(section: Section) -> Iterator[Block]:
    for block in section.blocks:
        if isinstance(block, Section):
            yield from _blocks(block)
        else:
            yield block
