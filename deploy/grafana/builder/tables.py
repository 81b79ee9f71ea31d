"""Tables: one row a thing, columns from several queries or from SQL, the worst row first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
    Panel,
    Threshold,
    ValueMap,
    ValueMappingResult,
)

from deploy.grafana.builder import limits
from deploy.grafana.builder.links import drill
from deploy.grafana.builder.panels import FULL, begun, named
from deploy.grafana.builder.queries import Sql, at_end
from deploy.grafana.builder.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table.

    `source` is a label, a column of SQL, or with `expression` the name of its query. `word` is the key of its
    heading. `leads_to` is the dashboard that its cells open. `states` shows values as words, as in
    `deploy.grafana.builder.panels.figure`; `codes` is a label whose values have names.
    """

    source: str
    word: str
    expression: str = ""
    unit: str = ""
    colours: list[Threshold] | None = None
    leads_to: str = ""
    states: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    codes: str = ""
    decimals: int | None = None
    width: int | None = None


def rows(
    say: Words,
    key: str,
    columns: Sequence[Column],
    *,
    worst: str,
    rising: bool = False,
    sql: str = "",
    width: int = FULL,
) -> Panel:
    """A table sorted by the column whose source is `worst`, largest first unless `rising`.

    With `sql` its columns are those of one statement; else each column with an expression is a query, and
    rows are joined on the labels that the queries share.
    """
    queries: list[Dataquery] = (
        [Sql(sql)]
        if sql
        else [at_end(each.expression, "", each.source, table=True) for each in columns if each.expression]
    )
    headings = {each.source: say(each.word) for each in columns}
    panel = begun(table.Panel(), say, key, queries, "short", limits.NO_LIMIT, width)
    panel.filterable(True).cell_height(options.TableCellHeight.SM).show_header(True)
    panel.sort_by([common.TableSortByFieldState().display_name(headings[worst]).desc(not rising)])
    if not sql:
        panel.with_transformation(DataTransformerConfig("merge", options={}))
    fields = [_field(each, bool(sql), len(queries)) for each in columns]
    panel.with_transformation(
        DataTransformerConfig(
            "organize",
            options={
                "excludeByName": {} if sql else {"Time": True},
                "indexByName": {name: index for index, name in enumerate(fields)},
                "renameByName": dict(zip(fields, headings.values(), strict=True)),
            },
        )
    )
    for each in columns:
        if properties := _properties(say, each):
            panel.override_by_name(headings[each.source], properties)
    return panel.build()


def _field(column: Column, sql: bool, queries: int) -> str:
    """What Grafana calls the column before it is renamed: one query's values have no letter."""
    if sql or not column.expression:
        return column.source
    return f"Value #{column.source}" if queries > 1 else "Value"


def _properties(say: Words, column: Column) -> list[DynamicConfigValue]:
    found: list[DynamicConfigValue] = []
    if column.unit:
        found.append(DynamicConfigValue("unit", column.unit))
    if column.decimals is not None:
        found.append(DynamicConfigValue("decimals", column.decimals))
    if column.width is not None:
        found.append(DynamicConfigValue("custom.width", column.width))
    if column.colours:
        found.append(DynamicConfigValue("thresholds", limits.as_builder(column.colours).build()))
    if column.states:
        found.append(DynamicConfigValue("mappings", [named(say, column.states)]))
    if column.codes:
        names = {code: ValueMappingResult(text=name) for code, name in say.codes(column.codes).items()}
        found.append(DynamicConfigValue("mappings", [ValueMap(names)]))
    if column.colours or column.states:
        found.append(DynamicConfigValue("custom.cellOptions", {"type": "color-background", "mode": "basic"}))
    if column.leads_to:
        found.append(DynamicConfigValue("links", [drill(say, column.leads_to, "${__value.raw}")]))
    return found
