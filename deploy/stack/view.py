"""What a stack shows in a terminal: where its parts are, and figures that say whether they work together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table as Grid
from rich.text import Text

from deploy.stack.parts.part import Part, answer
from deploy.stack.stage import Stage

PLAIN_S = 5.0  # a line as often as this leaves a readable log


@dataclass(frozen=True, slots=True)
class Figures:
    """Sums over the workers, what Prometheus and Alertmanager hold, and whom the latter has told."""

    rate: float = 0.0
    exchanges: int = 0
    breaches: int = 0
    dead_letters: int = 0
    lag: int = 0
    age: float | None = None  # 99 % of events were committed within so many seconds; the slowest worker's
    silent: int = 0  # workers that do not answer
    targets: str = "?"
    firing: int = 0  # alerts of Prometheus's own rules
    held: int = 0  # alerts that Alertmanager holds, the monitor's and Prometheus's
    told: Mapping[str, int] = field(default_factory=dict)  # messages by receiver


def read(stage: Stage) -> Figures:
    """Ask every part; what does not answer counts as nothing."""
    found = [worker.get("/api/overview") for worker in stage.workers]
    documents: list[dict[str, Any]] = [msgspec.json.decode(each) for each in found if each]
    up = _targets(stage)
    held = answer(f"127.0.0.1:{stage.alertmanager.port}", "/api/v2/alerts?active=true")
    ages = [each["event_age"]["p99"] for each in documents if each["event_age"]["p99"] is not None]
    return Figures(
        rate=sum(each["rates"]["exchanges_10s"] for each in documents),
        exchanges=sum(each["totals"]["exchanges"] for each in documents),
        breaches=sum(each["totals"]["breaches"] for each in documents),
        dead_letters=sum(each["totals"]["dead_letters"] for each in documents),
        lag=sum(each["lag"]["total"] for each in documents),
        age=max(ages, default=None),
        silent=len(found) - len(documents),
        targets=f"{sum(up)}/{len(up)}",
        firing=len(_values(stage, 'ALERTS{alertstate="firing"}')),
        held=len(msgspec.json.decode(held)) if held else 0,
        told=dict(stage.inbox.counts),
    )


def _targets(stage: Stage) -> list[bool]:
    """Whether each target answers; asked of the targets, as series of a former run can still be there."""
    try:
        found = stage.prometheus.get("targets", state="active")["activeTargets"]
    except (OSError, ValueError):
        return []
    return [each["health"] == "up" for each in found]


def _values(stage: Stage, expression: str) -> list[float]:
    try:
        return [value for _, value in stage.prometheus.query(expression)]
    except (OSError, ValueError):
        return []


def addresses(stage: Stage) -> list[tuple[str, str]]:
    """Each part that can be reached, and under which address."""
    rows = [(part.name, part.address) for part in stage.running if part.address]
    rows += [(f"{worker.name}, metrics", f"{worker.address}metrics") for worker in stage.workers]
    database = [("database", stage.database_url)]
    return [row for row in rows if row[0] != stage.postgres.name] + database


def line(figures: Figures) -> str:
    """The figures in one line of name=value pairs."""
    shown = {
        "exchanges": figures.exchanges,
        "exchanges/s": f"{figures.rate:.1f}",
        "breaches": figures.breaches,
        "dead-letters": figures.dead_letters,
        "lag": figures.lag,
        "event-age-p99": "–" if figures.age is None else f"{figures.age:.2f}s",
        "targets": figures.targets,
        "alerts-held": figures.held,
        "messages": sum(figures.told.values()),
    }
    if figures.silent:
        shown["silent-workers"] = figures.silent
    return "  ".join(f"{name}={value}" for name, value in shown.items())


class Plain:
    """The addresses once, then a line every few seconds: for logs and pipes."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._said = float("-inf")

    def introduce(self, stage: Stage) -> None:
        """Say where everything is."""
        rows = addresses(stage)
        width = max(len(name) for name, _ in rows)
        for name, address in rows:
            self._say(f"{name:<{width}}  {address}")
        if stage.by_hand:
            self._say("Grafana was not found (grafana-server). With one of your own:")
            self._say(stage.by_hand)

    def show(self, stage: Stage, figures: Figures, now: float) -> None:
        """Say a line whenever it is time; `now` is monotonic."""
        del stage
        if now - self._said >= PLAIN_S:
            self._say(line(figures))
            self._said = now

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return None


class Table:
    """The addresses and, below, figures that are drawn anew in place."""

    def __init__(self, console: Console) -> None:
        self._plain = Plain(lambda text: console.print(text, highlight=False, markup=False, soft_wrap=True))
        self._live = Live(console=console, auto_refresh=False, transient=False)

    def introduce(self, stage: Stage) -> None:
        """Say where everything is."""
        self._plain.introduce(stage)

    def show(self, stage: Stage, figures: Figures, now: float) -> None:
        """Draw the parts and the figures."""
        del now
        self._live.update(drawn(stage.running, figures), refresh=True)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.__exit__(None, None, None)


def drawn(parts: Sequence[Part], figures: Figures) -> Group:
    """Which parts run, as which process, and what comes of it."""
    states = Text()
    for part in parts:
        runs = part.status is None
        states.append("● " if runs else "○ ", "green" if runs else "bold red")
        states.append(f"{part.name} ")
        states.append(f"{part.pid}   ", "dim")
    tiles = [
        ("exchanges/s", f"{figures.rate:,.0f}"),
        ("exchanges", f"{figures.exchanges:,}"),
        ("breaches", f"{figures.breaches:,}"),
        ("dead letters", f"{figures.dead_letters:,}"),
        ("lag", f"{figures.lag:,}"),
        ("event age p99", "–" if figures.age is None else f"{figures.age:.2f} s"),
        ("targets up", figures.targets),
        ("Prometheus alerts", f"{figures.firing:,}"),
        ("in Alertmanager", f"{figures.held:,}"),
    ]
    grid = Grid.grid(padding=(0, 3))
    grid.add_row(*(Text(name, "dim") for name, _ in tiles))
    grid.add_row(*(Text(value, "bold") for _, value in tiles))
    told = "  ".join(f"{name} {count}" for name, count in sorted(figures.told.items())) or "nobody yet"
    rest = Text.assemble(("told by Alertmanager  ", "dim"), told, "\n", ("Ctrl-C stops everything", "dim"))
    silent = [Text(f"{figures.silent} worker(s) do not answer", "bold red")] if figures.silent else []
    return Group(Text(), states, Text(), grid, Text(), rest, *silent)
