"""Every query of every dashboard asked of a running Prometheus and PostgreSQL, as Grafana would ask it."""

from __future__ import annotations

import json
import math
import re
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

import psycopg

from tests.deploy.grafana.shown import Json, Query, as_grafana, dashboard, filled, queries, statements

Values = dict[str, str]
Connection = psycopg.Connection[tuple[Any, ...]]
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


@dataclass(frozen=True)
class Sources:
    """Where dashboards read from: `prometheus` an address, `postgres` the URL for Grafana's own role.

    `scrape` is how often Prometheus scrapes, in seconds, which Grafana is told too.
    """

    prometheus: str
    postgres: str
    scrape: float

    def ask(self, path: str, **parameters: str) -> Any:
        """What Prometheus answers, as data. Raises AssertionError with its reason where it refuses."""
        address = f"{self.prometheus}/api/v1/{path}?{urlencode(parameters)}"
        try:
            with urllib.request.urlopen(address, timeout=30) as answer:  # noqa: S310  # loopback
                return json.load(answer)["data"]
        except HTTPError as refused:
            raise AssertionError(f"{parameters}: {refused.read().decode()}") from refused


def empty_queries(sources: Sources, file: str) -> list[str]:
    """The queries of a dashboard that give nothing, whichever values its variables have.

    No service has everything: one that answers questions has no age of data, and one that synchronises is
    asked once an hour. So each query is to have something to show for some choice that a person can make.
    """
    empty = every(file)
    tried: Values | None = None
    with psycopg.connect(sources.postgres, autocommit=True) as database:
        for tried in choices(sources, file):
            empty = [query for query in empty if not answered(sources, database, query, tried)]
            if not empty:
                return []
    if tried is None:
        return [f"{file}: its variables have no values"]  # nothing was scraped yet
    return [str(query) for query in empty]


def every(file: str) -> list[Query]:
    """All queries of a dashboard: PromQL and SQL, of panels and of notes on curves."""
    return [*queries("expr", [file]), *(each for each in statements() if each.file == file)]


def choices(sources: Sources, file: str) -> Iterator[Values]:
    """The values that its variables can have, as Grafana looks them up one after the other."""
    yield from _chosen(sources, dashboard(file)["templating"]["list"], {})


def _chosen(sources: Sources, variables: list[Json], so_far: Values) -> Iterator[Values]:
    if not variables:
        yield so_far
        return
    first, *rest = variables
    if first["type"] != "query":
        yield from _chosen(sources, rest, so_far)
        return
    values = [first["allValue"]] if first.get("includeAll") else _values(sources, first, so_far)
    for value in values:
        yield from _chosen(sources, rest, {**so_far, first["name"]: value})


def _values(sources: Sources, variable: Json, so_far: Values) -> list[str]:
    asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
    assert asked, variable["name"]
    found = sources.ask(f"label/{asked[2]}/values", **{"match[]": filled(asked[1], so_far)})
    return [str(value) for value in found]


def answered(sources: Sources, database: Connection, query: Query, chosen: Values) -> bool:
    """Whether a query gives something in the time that the dashboard shows at first."""
    shown = _shown(query.file)
    if "rawSql" in query.target:
        return _rows(database, query.text, chosen, shown)
    text = filled(query.text, {**chosen, **_intervals(sources, shown)})
    now = time.time()
    if query.target.get("range"):
        since = now - min(shown.total_seconds(), 600)
        step = str(max(1, int(sources.scrape)))
        found = sources.ask("query_range", query=text, start=str(since), end=str(now), step=step)
        values = [value for series in found["result"] for _, value in series["values"]]
    else:
        found = sources.ask("query", query=text, time=str(now))
        if found["resultType"] == "scalar":
            values = [found["result"][1]]
        else:
            values = [series["value"][1] for series in found["result"]]
    return any(not math.isnan(float(value)) for value in values)


def _intervals(sources: Sources, shown: timedelta) -> Mapping[str, str]:
    """Grafana's own: at least four scrapes to rate over, and the time that is shown."""
    return {"__rate_interval": f"{4 * sources.scrape:g}s", "__range": f"{shown.total_seconds():.0f}s"}


def _shown(file: str) -> timedelta:
    since = re.fullmatch(r"now-(\d+)([mhd])", dashboard(file)["time"]["from"])
    assert since, file
    return timedelta(**{_UNITS[since[2]]: int(since[1])})


def _rows(database: Connection, statement: str, chosen: Values, shown: timedelta) -> bool:
    now = datetime.now(UTC)
    asked = as_grafana(statement, chosen, now - shown, now)
    return database.execute(asked.encode()).fetchone() is not None
