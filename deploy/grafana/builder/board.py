"""A dashboard: rows of panels laid out line by line, with its variables, links and annotations."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    AnnotationQuery,
    Dashboard,
    DashboardCursorSync,
    GridPos,
    Panel,
    RowPanel,
)

from deploy.grafana.builder.links import TAG, of_board, uid
from deploy.grafana.builder.panels import FULL
from deploy.grafana.builder.queries import POSTGRES, Sql
from deploy.grafana.builder.variables import Variable
from deploy.grafana.builder.words import Language, Words

# Grafana brings a dashboard's JSON up to date from this version on, which is that of Grafana 11.
SCHEMA_VERSION: Final = 39
TALL, MEDIUM, LOW = 10, 8, 4  # heights of panels in lines of 30 pixels


@dataclass(frozen=True, slots=True)
class Row:
    """A heading (the key of its text) and panels of one height, which fill whole lines."""

    key: str
    height: int
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Events of the database marked on every curve: the key of its name, its colour, and the statement.

    The statement gives `time`, `text` and `tags`.
    """

    key: str
    colour: str
    sql: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Board:
    """One dashboard in both languages. `rows` builds its panels with the words of one."""

    name: str
    rows: Callable[[Words], list[Row]]
    variables: Sequence[Variable]
    since: str = "now-6h"
    refresh: str = "1m"
    notes: Sequence[Note] = field(default_factory=tuple)

    def build(self, language: Language) -> tuple[Dashboard, Words]:
        """The dashboard, and the words it used."""
        say = Words(self.name, language)
        board = (
            builders.Dashboard(say.of("title"))
            .uid(uid(self.name, language))
            .description(say.of("about"))
            .tags([TAG, f"{TAG}-{language}"])
            .time(self.since, "now")
            .refresh(self.refresh)
            .timezone("browser")
            .tooltip(DashboardCursorSync.CROSSHAIR)
            .links(list(of_board(say, self.name)))
            .readonly()  # changed here, not by hand: what is provisioned cannot be saved anyway
            .build()
        )
        board.schema_version = SCHEMA_VERSION
        board.panels = list(laid_out(say, self.rows(say)))
        board.templating.list_val = [variable(say) for variable in self.variables]
        board.annotations.list_val = [
            SqlAnnotation(say.of(f"notes.{note.key}"), note.colour, note.sql) for note in self.notes
        ]
        return board, say


def laid_out(say: Words, rows: Sequence[Row]) -> list[Panel | RowPanel]:
    """Panels from left to right and down, each row under its heading, numbered from 1."""
    found: list[Panel | RowPanel] = []
    top = 0
    for row in rows:
        found.append(RowPanel(title=say.of(f"rows.{row.key}"), grid_pos=GridPos(1, FULL, 0, top)))
        found[-1].id_val = len(found)
        top, left = top + 1, 0
        for panel in row.panels:
            assert panel.grid_pos is not None  # noqa: S101  # `begun` gave it a width
            wide = panel.grid_pos.w
            if left + wide > FULL:
                top, left = top + row.height, 0
            panel.grid_pos = GridPos(row.height, wide, left, top)
            left += wide
            found.append(panel)
            panel.id_val = len(found)
        top += row.height
    return found


class SqlAnnotation(AnnotationQuery):
    """Events of the database; the library's annotation knows no target but Grafana's own store."""

    def __init__(self, name: str, colour: str, sql: str) -> None:
        super().__init__(name, POSTGRES, icon_color=colour)
        self.sql = sql

    def to_json(self) -> dict[str, object]:
        """As Grafana writes it for a query that was typed as code."""
        return {**super().to_json(), "target": Sql(self.sql, "Anno")}


def to_json(board: Dashboard) -> str:
    """The dashboard as a file: keys in order, so that a change shows as what it is."""
    text = json.dumps(board, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False)
    assert isinstance(json.loads(text), dict)  # noqa: S101  # what cannot be read back is no file
    return text + "\n"


def files(boards: Sequence[Board], languages: Sequence[Language]) -> dict[str, str]:
    """Every file by its name: `national.en.json`."""
    return {
        f"{board.name}.{language}.json": to_json(board.build(language)[0])
        for board in boards
        for language in languages
    }
