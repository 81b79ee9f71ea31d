"""How the demo shows the worker's figures in a terminal: a table that stays in place, or a line at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

from rich.columns import Columns
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table as Grid
from rich.text import Text

Document = dict[str, Any]
ROWS = 5  # of each list: with everything else they fit a terminal of 24 lines
ALERTS = 3
CURVE = 60  # characters of the curve, two seconds each
_BLOCKS = "▁▂▃▄▅▆▇█"
SILENT = "the worker does not answer"


class Plain:
    """A line every `interval` seconds, for logs and pipes."""

    def __init__(self, say: Callable[[str], None], interval: float) -> None:
        self._say = say
        self._interval = interval
        self._said = float("-inf")
        self._introduced = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, document: Document | None, address: str, now: float) -> None:
        """Say the addresses once, then a line whenever the interval is over; `now` is monotonic."""
        if not self._introduced:
            self._say(f"overview page: {address}/")
            self._say(f"metrics: {address}/metrics")
            self._introduced = True
        if now - self._said >= self._interval:
            self._say(line(document) if document else SILENT)
            self._said = now


class Table:
    """A table that is drawn anew in place."""

    def __init__(self, console: Console) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, value, trace)

    def show(self, document: Document | None, address: str, _now: float) -> None:
        """Draw the figures and the addresses."""
        self._live.update(drawn(document, address) if document else Text(SILENT, "bold red"), refresh=True)


def line(document: Document) -> str:
    """The figures in one line of name=value pairs."""
    totals, age = document["totals"], document["event_age"]
    figures = {
        "exchanges": totals["exchanges"],
        "exchanges/s": f"{document['rates']['exchanges_10s']:.1f}",
        "agencies": totals["agencies_active"],
        "breaches": totals["breaches"],
        "alerts": sum(document["alerts"]["open"].values()),
        "dead-letters": totals["dead_letters"],
        "lag": document["lag"]["total"],
        "event-age-p99": _seconds(age["p99"]),
    }
    return "  ".join(f"{name}={value}" for name, value in figures.items())


def drawn(document: Document, address: str) -> RenderableType:
    """The figures, the curve, the worst agencies, the kinds of breaches, and where to see more."""
    totals, rates, age = document["totals"], document["rates"], document["event_age"]
    tiles = [
        ("exchanges/s", f"{rates['exchanges_10s']:,.0f}", "cyan"),
        ("exchanges", f"{totals['exchanges']:,}", ""),
        ("agencies", f"{totals['agencies_active']} of {totals['agencies_registered']}", ""),
        ("breaches", f"{totals['breaches']:,}", "yellow"),
        ("open alerts", f"{sum(document['alerts']['open'].values()):,}", "red"),
        ("dead letters", f"{totals['dead_letters']:,}", ""),
        ("lag", f"{document['lag']['total']:,}", ""),
        ("event age p50 / p99", f"{_seconds(age['p50'])} / {_seconds(age['p99'])}", ""),
    ]
    figures = Grid.grid(padding=(0, 3))
    figures.add_row(*(Text(name, "dim") for name, _, _ in tiles))
    figures.add_row(*(Text(value, f"bold {style}".strip()) for _, value, style in tiles))
    points = document["history"]["exchanges"]
    curve = Text.assemble((curve_of(points[-CURVE:]), "cyan"), (" exchanges/s, two minutes", "dim"))
    agencies = _list(("worst agencies", "asked", "answered", "breaches"), [
        (f"{row['code']} {row['en']}" if row["registered"] else "unregistered",
         f"{row['asked']:,}", f"{row['answered']:,}", f"{row['breaches']:,}")
        for row in document["agencies"]["rows"][:ROWS]
    ])  # fmt: skip
    kinds = _list(("breaches by kind", "count"), [
        (row["breach"].replace("_", " "), f"{row['count']:,}") for row in document["breaches"]["rows"][:ROWS]
    ])  # fmt: skip
    alerts = _list(("open alerts", "level", "events"), [
        (f"{row['agency']['code']} {row['title']['en']}", row["level"], f"{row['count']:,}")
        for row in document["alerts"]["rows"][:ALERTS]
    ], 70)  # fmt: skip
    addresses = Text.assemble(
        ("overview page  ", "dim"), (f"{address}/", "bold"), "\n",
        ("metrics        ", "dim"), (f"{address}/metrics", "bold"), "\n",
        ("Ctrl-C stops everything", "dim"),
    )  # fmt: skip
    parts = (figures, curve, Columns([agencies, kinds], padding=(0, 4)), alerts, addresses)
    return Group(*(Padding(part, (1, 0, 0, 1)) for part in parts))


def curve_of(values: Sequence[float]) -> str:
    """A curve of block characters from zero to the highest value."""
    highest = max(values, default=0.0)
    if highest <= 0:
        return _BLOCKS[0] * len(values)
    return "".join(_BLOCKS[round(max(value, 0) / highest * (len(_BLOCKS) - 1))] for value in values)


def _list(heads: Sequence[str], rows: Sequence[Sequence[str]], widest: int = 40) -> Grid:
    grid = Grid.grid(padding=(0, 2))
    grid.add_column(max_width=widest, no_wrap=True, overflow="ellipsis")
    for _ in heads[1:]:
        grid.add_column(justify="right")
    grid.add_row(*(Text(head, "dim") for head in heads))
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))  # Text: a name is never read as markup
    return grid


def _seconds(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f} s"
