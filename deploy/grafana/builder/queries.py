"""Queries: PromQL over any number of workers, and SQL on the monitor's PostgreSQL.

Counters are each worker's own, so they are added. Gauges that every worker reads from the same registry or
database are alike on all of them, so the largest is taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.builders import prometheus as builders
from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import prometheus
from grafana_foundation_sdk.models.dashboard import DataSourceRef

PREFIX: Final = "datashare_"
PROMETHEUS: Final = DataSourceRef("prometheus", "${prometheus_datasource}")
POSTGRES_TYPE: Final = "grafana-postgresql-datasource"
POSTGRES: Final = DataSourceRef(POSTGRES_TYPE, "${postgres_datasource}")
SQL: Final = Path(__file__).resolve().parent / "sql"


def statement(name: str) -> str:
    """A statement of `sql/`. Times in the database are whole microseconds since 1970, hours whole seconds."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8")


def selected(metric: str, where: str = "") -> str:
    """A metric of ours, under its name without the prefix."""
    return f"{PREFIX}{metric}{{{where}}}" if where else f"{PREFIX}{metric}"


def _grouped(function: str, by: str) -> str:
    return f"{function} by ({by}) " if by else function


def rate(metric: str, where: str = "", by: str = "") -> str:
    """A counter's rate a second, added over workers and whatever `by` does not name."""
    return f"{_grouped('sum', by)}(rate({selected(metric, where)}[$__rate_interval]))"


def increase(metric: str, where: str = "", by: str = "") -> str:
    """What a counter grew by in the time that is shown, added likewise.

    Prometheus sees no growth from nothing to a series' first sample, so a first event alone shows as none.
    """
    return f"{_grouped('sum', by)}(increase({selected(metric, where)}[$__range]))"


def same(metric: str, where: str = "", by: str = "") -> str:
    """A gauge that all workers show alike, once."""
    return f"{_grouped('max', by)}({selected(metric, where)})"


def quantile(share: float, metric: str, where: str = "", by: str = "") -> str:
    """A quantile of a histogram over all workers."""
    labels = f"le, {by}" if by else "le"
    return f"histogram_quantile({share:g}, {rate(metric + '_bucket', where, labels)})"


def ratio(part: str, whole: str) -> str:
    """A share, and nothing where there is nothing to be a share of."""
    return f"{part} / ({whole} > 0)"


def failed_share(where: str = "", by: str = "") -> str:
    """Faults and timeouts among exchanges, without denials: as availability counts."""
    both = ", ".join(filter(None, ('outcome=~"fault|timeout"', where)))
    denied = ", ".join(filter(None, ('outcome="denied"', where)))
    return ratio(
        rate("exchange_failures_total", both, by),
        f"({rate('exchanges_total', where, by)} - {rate('exchange_failures_total', denied, by)})",
    )


def breaches_per_thousand(where: str = "", by: str = "") -> str:
    """Breaches for each thousand exchanges; one exchange can have several."""
    return "1000 * " + ratio(rate("breaches_total", where, by), rate("exchanges_total", where, by))


def renamed(expression: str, source: str, target: str = "agency") -> str:
    """The same series with one label, under another name: a provider or consumer as the agency it is."""
    copied = f'label_replace({expression}, "{target}", "$1", "{source}", "(.+)")'
    return f"sum by ({target}) ({copied})"


def or_zero(expression: str) -> str:
    """Zero where nothing matches; only for what has no labels."""
    return f"({expression}) or vector(0)"


@dataclass(slots=True)
class Sql(Dataquery):
    """A query of Grafana's PostgreSQL source; the library has no type for it."""

    sql: str
    ref_id: str = "A"

    def to_json(self) -> dict[str, object]:
        """As Grafana writes it for a query that was typed as code."""
        return {
            "datasource": POSTGRES,
            "editorMode": "code",
            "format": "table",
            "rawQuery": True,
            "rawSql": self.sql,
            "refId": self.ref_id,
        }


def over_time(expression: str, legend: str, ref_id: str = "A") -> prometheus.Dataquery:
    """A query whose course is drawn; the legend may name labels: `{{service}}`."""
    return (
        builders.Dataquery()
        .expr(expression)
        .range()
        .legend_format(legend)
        .ref_id(ref_id)
        .editor_mode(prometheus.QueryEditorMode.CODE)
        .datasource(PROMETHEUS)
        .build()
    )


def at_end(expression: str, legend: str, ref_id: str = "A", table: bool = False) -> prometheus.Dataquery:
    """A query of which only the value at the end of the shown time counts."""
    form = prometheus.PromQueryFormat.TABLE if table else prometheus.PromQueryFormat.TIME_SERIES
    return (
        builders.Dataquery()
        .expr(expression)
        .instant()
        .format(form)
        .legend_format(legend)
        .ref_id(ref_id)
        .editor_mode(prometheus.QueryEditorMode.CODE)
        .datasource(PROMETHEUS)
        .build()
    )
