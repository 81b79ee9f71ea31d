"""Panels: three shapes, alike on every dashboard. Titles, descriptions and empty texts are the words'."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from string import ascii_uppercase
from typing import Final, Protocol, Self, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, stat, timeseries
from grafana_foundation_sdk.builders.dashboard import FieldColor
from grafana_foundation_sdk.cog import builder as cog
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DynamicConfigValue,
    FieldColorModeId,
    Panel,
    Threshold,
    ThresholdsConfig,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

from deploy.grafana.builder import limits
from deploy.grafana.builder.links import as_builder, drill
from deploy.grafana.builder.queries import POSTGRES, PROMETHEUS, Sql, at_end, over_time
from deploy.grafana.builder.words import Words


class Fixed(cog.Builder[Dataquery]):
    """A query that is built already, where the library wants a builder."""

    def __init__(self, query: Dataquery) -> None:
        self._query = query

    def build(self) -> Dataquery:
        """The query."""
        return self._query


class Shape(Protocol):
    """What the library's kinds of panels have in common, as far as it is used here."""

    def title(self, title: str) -> Self: ...
    def description(self, description: str) -> Self: ...
    def datasource(self, datasource: DataSourceRef) -> Self: ...
    def targets(self, targets: list[cog.Builder[Dataquery]]) -> Self: ...
    def unit(self, unit: str) -> Self: ...
    def thresholds(self, thresholds: cog.Builder[ThresholdsConfig]) -> Self: ...
    def no_value(self, no_value: str) -> Self: ...
    def span(self, w: int) -> Self: ...


S = TypeVar("S", bound=Shape)
LAST: Final = ("lastNotNull",)
# What a link takes along from a curve or a bar: a label of the series that was clicked on.
OF_SERIES: Final = "${__field.labels.%s}"
# How a whole line of a dashboard is shared out: 24 columns.
FULL, HALF, THIRD, QUARTER, SIXTH = 24, 12, 8, 6, 4


def begun(
    shape: S,
    say: Words,
    key: str,
    queries: Sequence[Dataquery],
    unit: str,
    colours: list[Threshold],
    width: int,
) -> S:
    """A panel with what every one of them has."""
    title, description = say.panel(key)
    return (
        shape.title(title)
        .description(description)
        .datasource(POSTGRES if isinstance(queries[0], Sql) else PROMETHEUS)
        .targets([Fixed(query) for query in queries])
        .unit(unit)
        .thresholds(limits.as_builder(colours))
        .no_value(say.none(key))
        .span(width)
    )


def figure(
    say: Words,
    key: str,
    expression: str,
    unit: str,
    colours: list[Threshold],
    *,
    width: int = SIXTH,
    decimals: int | None = None,
    link: dict[str, object] | None = None,
    states: Mapping[str, tuple[str, str]] | None = None,
) -> Panel:
    """One large number, its ground in the colour of its limit: readable across a room.

    `states` shows numbers as words: by value, the key of the word and its colour.
    """
    panel = begun(stat.Panel(), say, key, [at_end(expression, "")], unit, colours, width)
    panel.color_mode(options.BigValueColorMode.BACKGROUND).graph_mode(options.BigValueGraphMode.NONE)
    panel.text_mode(options.BigValueTextMode.VALUE).reduce_options(
        common.ReduceDataOptions().calcs(list(LAST)).values(False)
    )
    if decimals is not None:
        panel.decimals(decimals)
    if link:
        panel.data_links([as_builder(link)])
    if states:
        panel.mappings([named(say, states)])
    return panel.build()


def curves(
    say: Words,
    key: str,
    series: Sequence[tuple[str, str]],
    unit: str,
    *,
    width: int = HALF,
    colours: list[Threshold] | None = None,
    stacked: bool = False,
    dashed: str = "",
    codes: str = "",
    link: dict[str, object] | None = None,
    from_zero: bool = True,
) -> Panel:
    """Courses over time, with a legend that sorts by the last value.

    Each of `series` is an expression and its legend, which may name labels: `{{service}}`. `colours` are
    drawn as lines. `dashed` names the queries (by letter) that are no measurement but what was agreed.
    `codes` is a label of which the legend shows values alone: they are called by their names.
    Axes begin at zero, except where all lies near one or below zero.
    """
    queries = [over_time(*each, letter) for each, letter in zip(series, ascii_uppercase, strict=False)]
    panel = begun(timeseries.Panel(), say, key, queries, unit, colours or limits.NO_LIMIT, width)
    panel.color_scheme(FieldColor().mode(FieldColorModeId.PALETTE_CLASSIC))
    panel.line_width(1).fill_opacity(25 if stacked else 8).show_points(options.VisibilityMode.AUTO)
    panel.legend(
        common.VizLegendOptions()
        .display_mode(options.LegendDisplayMode.TABLE)
        .placement(options.LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs(["lastNotNull", "max"])
        .sort_by("Last *")
        .sort_desc(True)
    )
    panel.tooltip(
        common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI).sort(options.SortOrder.DESCENDING)
    )
    if colours:
        style = common.GraphThresholdsStyleConfig().mode(options.GraphThresholdsStyleMode.DASHED)
        panel.thresholds_style(style)
    if stacked:
        panel.stacking(common.StackingConfig().mode(options.StackingMode.NORMAL).group("A"))
    for letter in dashed:
        panel.override_by_query(
            letter,
            [
                DynamicConfigValue("custom.lineStyle", {"fill": "dash", "dash": [8, 6]}),
                DynamicConfigValue("custom.fillOpacity", 0),
                DynamicConfigValue("color", {"mode": "fixed", "fixedColor": limits.RED}),
            ],
        )
    for code, name in (say.codes(codes) if codes else {}).items():
        panel.override_by_name(code, [DynamicConfigValue("displayName", name)])
    if link:
        panel.data_links([as_builder(link)])
    if from_zero:
        panel.min(0)
    return panel.build()


def bars(
    say: Words,
    key: str,
    expression: str,
    legend: str,
    unit: str,
    colours: list[Threshold],
    *,
    width: int = QUARTER,
    largest: float | None = None,
    leads_to: str = "",
    label: str = "",
) -> Panel:
    """The worst of many, one bar each; a bar leads to the dashboard of what it is about."""
    panel = begun(bargauge.Panel(), say, key, [at_end(expression, legend)], unit, colours, width)
    panel.orientation(options.VizOrientation.HORIZONTAL).display_mode(options.BarGaugeDisplayMode.BASIC)
    panel.value_mode(options.BarGaugeValueMode.COLOR).show_unfilled(True).min(0)
    panel.reduce_options(common.ReduceDataOptions().calcs(list(LAST)).values(False))
    if largest is not None:
        panel.max(largest)
    if leads_to:
        panel.data_links([as_builder(drill(say, leads_to, f"${{__field.labels.{label or leads_to}}}"))])
    return panel.build()


def named(say: Words, states: Mapping[str, tuple[str, str]]) -> ValueMapping:
    """Words and colours for values, in the order given."""
    return ValueMap(
        {
            value: ValueMappingResult(text=say(word), color=colour, index=index)
            for index, (value, (word, colour)) in enumerate(states.items())
        }
    )
