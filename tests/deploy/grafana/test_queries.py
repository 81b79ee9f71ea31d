"""Every PromQL query can be read, names what the code exports, and adds workers up as it must."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import promql_parser as promql
import pytest

from tests.deploy.grafana.metrics import exported
from tests.deploy.grafana.shown import ENGLISH, FILES, dashboard, filled, links, named_variables, panels
from tests.deploy.grafana.shown import promql as queries_of

RATE_INTERVAL, RANGE = "4m", "31m"  # unlike each other and unlike anything that is written out
VALUES = {"__rate_interval": RATE_INTERVAL, "__range": RANGE} | dict.fromkeys(
    ("agency", "service", "agreement", "provider", "consumer"), "X"
)
# Labels that Prometheus gives each series; a query may join workers by them but never ask for one of them.
TARGET_LABELS = {"job", "instance"}
# A gauge that says how many of a worker's own there are, or which it is: added, counted or shown one by one.
OF_EACH_WORKER = {
    "datashare_build_info",
    "datashare_rules_loaded",
    "datashare_rules_reload_failed",
    "process_resident_memory_bytes",
}


@cache
def parsed(text: str) -> promql.Expr:
    """The query's tree; raises ValueError."""
    return promql.parse(filled(text, VALUES))


def nodes(tree: promql.Expr) -> Iterator[tuple[promql.Expr, list[promql.Expr]]]:
    """Every node with those above it, the nearest last."""
    found: list[tuple[promql.Expr, list[promql.Expr]]] = []
    above: list[promql.Expr] = []

    def enter(node: promql.Expr) -> bool:
        found.append((node, list(above)))
        above.append(node)
        return True

    def leave(_: promql.Expr) -> bool:
        above.pop()
        return True

    promql.walk(tree, pre_visit=enter, post_visit=leave)
    return iter(found)


def selectors(tree: promql.Expr) -> Iterator[tuple[promql.VectorSelector, list[promql.Expr]]]:
    """Every selection of series, with what is above it; a range counts as above."""
    for node, above in nodes(tree):
        if isinstance(node, promql.VectorSelector):
            yield node, above
        elif isinstance(node, promql.MatrixSelector):
            yield node.vector_selector, [*above, node]


def kept_labels(text: str) -> set[str]:
    """The labels that a query groups by or takes over; workers' own where it joins them one by one."""
    groups = re.findall(r"\b(?:by|group_left) \(([\w, ]*)\)", text)
    kept = {label for group in groups for label in group.split(", ") if label}
    return kept | TARGET_LABELS if "* on (job, instance)" in text else kept


@pytest.mark.parametrize("file", ENGLISH)
def test_a_query_names_what_the_code_exports(file: str) -> None:
    """Every metric exists under that name, with every label that the query asks for."""
    for query in queries_of(file):
        for selector, _ in selectors(parsed(query.text)):
            name = selector.name
            assert name in exported(), f"{query}: {name}"
            asked = {matcher.name for matcher in selector.matchers.matchers}
            assert asked <= set(exported()[name].labels), f"{query}: {name} has no {asked}"


@pytest.mark.parametrize("file", ENGLISH)
def test_a_query_groups_by_labels_that_its_metrics_have(file: str) -> None:
    """`by (…)` and `on (…)` name labels of the metrics within, or one that the query makes itself."""
    for query in queries_of(file):
        tree = parsed(query.text)
        known = set(TARGET_LABELS)
        for selector, _ in selectors(tree):
            known |= set(exported()[selector.name or ""].labels)
        known |= set(re.findall(r'label_replace\(.*?, "(\w+)", "\$1"', query.text))
        for group in re.findall(r"\b(?:by|on|group_left|ignoring) \(([\w, ]*)\)", query.text):
            assert set(filter(None, group.split(", "))) <= known, f"{query}: {group}"


@pytest.mark.parametrize("file", ENGLISH)
def test_a_query_takes_counters_by_their_growth(file: str) -> None:
    """A counter starts from zero with each worker: only its rate or increase means anything."""
    for query in queries_of(file):
        for selector, above in selectors(parsed(query.text)):
            if exported()[selector.name or ""].type in ("counter", "histogram"):
                call = above[-2] if len(above) > 1 else None
                assert isinstance(call, promql.Call), f"{query}: {selector.name}"
                assert call.func.name in ("rate", "increase"), f"{query}: {selector.name}"


@pytest.mark.parametrize("file", ENGLISH)
def test_a_query_adds_counters_and_takes_the_largest_of_gauges(file: str) -> None:
    """Counters are each worker's own; gauges of the registry and the database are alike on all of them."""
    for query in queries_of(file):
        for selector, above in selectors(parsed(query.text)):
            name = selector.name or ""
            if name in OF_EACH_WORKER:
                continue
            nearest = next((node for node in reversed(above) if isinstance(node, promql.AggregateExpr)), None)
            assert nearest is not None, f"{query}: {name} shows each worker apart"
            wanted = "max" if exported()[name].type == "gauge" else "sum"
            assert str(nearest.op) == wanted, f"{query}: {name}: {nearest.op}, not {wanted}"


@pytest.mark.parametrize("file", ENGLISH)
def test_a_query_rates_over_grafana_s_interval(file: str) -> None:
    """`rate` takes $__rate_interval, which fits the scrapes and the screen; `increase` what is shown."""
    for query in queries_of(file):
        for node, above in nodes(parsed(query.text)):
            if isinstance(node, promql.MatrixSelector):
                call = above[-1]
                assert isinstance(call, promql.Call)
                wanted = {"rate": RATE_INTERVAL, "increase": RANGE}[call.func.name]
                assert node.range == promql.parse_duration(wanted), f"{query}: {node.range}"


@pytest.mark.parametrize("file", ENGLISH)
def test_a_query_asks_for_no_worker_by_name(file: str) -> None:
    """Workers come and go: no query selects an instance or a job."""
    for query in queries_of(file):
        for selector, _ in selectors(parsed(query.text)):
            assert not {matcher.name for matcher in selector.matchers.matchers} & TARGET_LABELS


@pytest.mark.parametrize("file", ENGLISH)
def test_a_legend_names_labels_that_the_query_keeps(file: str) -> None:
    """`{{label}}` in a legend is a label that the outermost grouping keeps, or it would stay empty."""
    for query in queries_of(file):
        named = set(re.findall(r"\{\{(\w+)\}\}", query.target.get("legendFormat", "")))
        assert named <= kept_labels(query.text), query


@pytest.mark.parametrize("file", ENGLISH)
def test_a_link_takes_along_labels_that_the_query_keeps(file: str) -> None:
    """`${__field.labels.agency}` of a series without that label would open a dashboard of nothing."""
    for panel in panels(file):
        for link in links(panel):
            taken = set(re.findall(r"\$\{__field\.labels\.(\w+)\}", link["url"]))
            for target in panel["targets"]:
                assert taken <= kept_labels(target["expr"] if taken else ""), panel["title"]


@pytest.mark.parametrize("file", FILES)
def test_variables_ask_for_labels_that_exist(file: str) -> None:
    """`label_values(metric{…}, label)`: all three exist, and it is reloaded when the time changes."""
    for variable in dashboard(file)["templating"]["list"]:
        if variable["type"] != "query":
            continue
        asked = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["query"]["query"])
        assert asked, variable["name"]
        selector, label = parsed(asked[1]), asked[2]
        assert isinstance(selector, promql.VectorSelector)
        known = exported()[selector.name or ""].labels
        assert {label, *(each.name for each in selector.matchers.matchers)} <= set(known)
        assert label == variable["name"]
        assert variable["refresh"] == 2, "on time range change"


@pytest.mark.parametrize("file", FILES)
def test_every_variable_that_is_used_exists_and_every_other_is_used(file: str) -> None:
    """No text, query or link names a variable that the dashboard lacks, and none is there for nothing."""
    board = dashboard(file)
    there = {variable["name"] for variable in board["templating"]["list"]}
    used: set[str] = set()
    for text in texts(board):
        used |= named_variables(text)
    assert used == there


def texts(node: object) -> Iterator[str]:
    """Every text in a dashboard."""
    if isinstance(node, dict):
        for value in node.values():
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)
    elif isinstance(node, str):
        yield node
