"""Template variables: which sources, and which agency, service or agreement a dashboard is about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableModel,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from deploy.grafana.builder.queries import POSTGRES_TYPE, PREFIX, PROMETHEUS
from deploy.grafana.builder.words import Words

# The uids that provisioning/datasources gives; another source can be chosen.
PROVISIONED: Final = {"prometheus": "datashare-prometheus", "postgres": "datashare-postgres"}
Variable = Callable[[Words], VariableModel]


def source(name: str, plugin: str) -> Variable:
    """Which data source of a kind: `<name>_datasource`."""

    def build(say: Words) -> VariableModel:
        return (
            DatasourceVariable(f"{name}_datasource")
            .label(say(f"{name}_source"))
            .type(plugin)
            .current(VariableOption(text=say(f"{name}_source"), value=PROVISIONED[name]))
            .build()
        )

    return build


PROMETHEUS_SOURCE: Final = source("prometheus", "prometheus")
POSTGRES_SOURCE: Final = source("postgres", POSTGRES_TYPE)


def _query(name: str, expression: str) -> QueryVariable:
    # Reloaded with the time: what was there last month must be there to choose.
    return (
        QueryVariable(name)
        .datasource(PROMETHEUS)
        .query({"query": expression, "refId": f"variable-{name}", "qryType": 5})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
    )


def chosen(name: str, metric: str, where: str = "") -> Variable:
    """One value of a label, from the series of a metric."""
    selected = f"{PREFIX}{metric}{{{where}}}" if where else f"{PREFIX}{metric}"

    def build(say: Words) -> VariableModel:
        return (
            _query(name, f"label_values({selected}, {name})").label(say(name)).multi(False).include_all(False)
        ).build()

    return build


def several(name: str, metric: str) -> Variable:
    """Any number of values of a label, all at first."""

    def build(say: Words) -> VariableModel:
        return (
            _query(name, f"label_values({PREFIX}{metric}, {name})")
            .label(say(name))
            .multi(True)
            .include_all(True)
            .all_value(".*")
            .current(VariableOption(text=["All"], value=["$__all"]))
        ).build()

    return build


def derived(name: str, metric: str, where: str) -> Variable:
    """A value that follows from what was chosen, and is not shown."""

    def build(say: Words) -> VariableModel:
        expression = f"label_values({PREFIX}{metric}{{{where}}}, {name})"
        return _query(name, expression).label(say(name)).hide(VariableHide.HIDE_VARIABLE).build()

    return build


AGENCY: Final = chosen("agency", "connection_state")
AGENCIES: Final = several("agency", "connection_state")
SERVICE: Final = chosen("service", "exchanges_total")
AGREEMENT: Final = chosen("agreement", "agreement_info")
