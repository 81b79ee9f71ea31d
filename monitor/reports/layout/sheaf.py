"""What every section is built with: the report, its words, and short ways to say columns and indicators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.reports.charts.bars import Bar
from monitor.reports.figures import Indicator, Share, Trend
from monitor.reports.layout.blocks import Column, Kind, Missing, Slot, Table, Value
from monitor.reports.model import Report
from monitor.reports.texts import Texts


@dataclass(frozen=True, slots=True)
class Sheaf:
    """A report and the texts of its language; `editable` where people can still write into what is made."""

    report: Report
    texts: Texts
    editable: bool = False

    def name(self, code: str) -> str:
        """What an agency is called; its code where it is not in the registry."""
        row = self.report.row(code)
        return code if row is None else self.texts.of(row.name, code)

    def column(self, key: str, kind: Kind, width: float = 1.0) -> Column:
        """A column whose title is the message of that key."""
        return Column(self.texts(key), kind, width)

    def table(
        self,
        key: str,
        columns: Sequence[tuple[str, Kind, float]],
        rows: Iterable[tuple[Value, ...]],
        *,
        note: str | None = None,
        marked: frozenset[int] = frozenset(),
        heads: int = 1,
        caption: str | None = None,
    ) -> Table:
        """A table whose caption and sheet are the messages `caption.<key>` and `sheet.<key>`."""
        return Table(
            key=key,
            caption=caption or self.texts(f"caption.{key}"),
            sheet=self.texts(f"sheet.{key}"),
            columns=tuple(self.column(*each) for each in columns),
            rows=tuple(rows),
            note=note,
            marked=marked,
            heads=heads,
        )

    def more(self, count: int) -> str | None:
        """How many rows a list leaves out; None where none."""
        return self.texts("form.more", count=count) if count else None

    def slot(self, key: str) -> list[Slot]:
        """The place for people's words at the end of a section; empty ones are only in what can be edited."""
        found = next((each for each in self.report.narratives if each.slot == key), None)
        if found is None and not self.editable:
            return []
        slot = Slot(
            key=key,
            text=None if found is None else found.text,
            prompt=self.texts("form.slot"),
            carried=self.texts("form.carried") if found and found.carried else None,
        )
        return [slot]

    def ratio(self, of: Indicator) -> Value:
        """An indicator's ratio, or that it is not scored and why."""
        return of.ratio if of.scored else self.not_scored(of.reason)

    def not_scored(self, reason: str | None) -> Missing:
        """That something is not scored, with the reason in brackets."""
        words = self.texts("not_scored")
        return Missing(f"{words} ({self.texts.name('reason', reason)})" if reason else words)

    def yes_no(self, value: bool | None) -> str:
        """Yes, no, or a dash."""
        return "–" if value is None else self.texts("yes" if value else "no")

    def indicators(self, key: str, of: Iterable[Indicator], *, caption: str | None = None) -> Table:
        """Indicators with all that belongs to them."""
        return self.table(
            key,
            [
                ("column.indicator", "text", 2.1),
                ("figure.numerator", "count", 1.25),
                ("figure.denominator", "count", 1.25),
                ("figure.ratio", "percent", 1.0),
                ("figure.coverage", "percent", 0.9),
                ("figure.target", "percent", 0.85),
                ("column.met", "text", 0.75),
                ("figure.before", "percent", 0.85),
                ("column.year", "percent", 0.95),
                ("figure.source", "text", 2.3),
            ],
            (
                (
                    self.texts.name("indicator", each.key),
                    each.numerator,
                    each.denominator,
                    self.ratio(each),
                    each.coverage,
                    each.target,
                    self.yes_no(each.met),
                    past(each.before),
                    past(each.year_ago),
                    self.texts.name("source", each.source),
                )
                for each in of
            ),
            caption=caption,
        )

    def bar(self, of: Indicator) -> Bar:
        """An indicator as a bar, with its target."""
        return Bar(
            label=self.texts.name("indicator", of.key),
            value=of.ratio,
            words=self.texts.percent(of.ratio),
            target=of.target,
        )


def past(share: Share | None) -> float | None:
    """The ratio of another period's counts; None where there are none."""
    return None if share is None else share.ratio


def trend(of: Trend) -> tuple[Value, Value, Value, Value]:
    """Now, before, change, a year ago."""
    return of.now, of.before, of.change, of.year_ago
