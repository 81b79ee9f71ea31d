"""What labels an expression gives, worked out without any data: a wrong one never matches anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

promql = pytest.importorskip("promql_parser", reason="promql-parser is part of the extra `test`")

Labels = frozenset[str]
"""Names of labels. None in place of them: a number without any series."""

SCRAPED: Labels = frozenset({"instance", "job"})
_SETS = {"and", "or", "unless"}
_WITHOUT_SERIES = {"time", "scalar"}
_WITHOUT_LABELS = {"vector", "absent", "absent_over_time"}


class Misread(Exception):
    """An expression that cannot work on the series that there are."""


def result_labels(expression: str, known: Mapping[str, Labels]) -> Labels | None:
    """The labels of what an expression gives, with `known` for the series that it reads.

    Raises Misread for a series nobody knows, for a label that none of the series has, and where two sides
    are matched on all their labels and these are not the same; ValueError for what is no PromQL.
    """
    return _labels(promql.parse(expression), known)


def _labels(node: Any, known: Mapping[str, Labels]) -> Labels | None:
    match type(node).__name__:
        case "NumberLiteral" | "StringLiteral":
            return None
        case "ParenExpr" | "UnaryExpr" | "SubqueryExpr":
            return _labels(node.expr, known)
        case "VectorSelector":
            return _selected(node, known)
        case "MatrixSelector":
            return _selected(node.vector_selector, known)
        case "AggregateExpr":
            return _aggregated(node, known)
        case "Call":
            return _called(node, known)
        case "BinaryExpr":
            return _combined(node, known)
        case other:
            raise Misread(f"unexpected: {other}")


def _selected(node: Any, known: Mapping[str, Labels]) -> Labels:
    if node.name not in known:
        raise Misread(f"no series {node.name}")
    labels = known[node.name]
    _within({matcher.name for matcher in node.matchers.matchers}, labels, node)
    return labels


def _aggregated(node: Any, known: Mapping[str, Labels]) -> Labels:
    labels = _labels(node.expr, known)
    if labels is None:
        raise Misread(f"nothing to add up: {node.prettify()}")
    if node.modifier is None:
        return frozenset()
    _within(node.modifier.labels, labels, node)
    given = frozenset(node.modifier.labels)
    return given if node.modifier.type == promql.AggModifierType.By else labels - given


def _called(node: Any, known: Mapping[str, Labels]) -> Labels | None:
    name = node.func.name
    read = [_labels(argument, known) for argument in node.args]
    if name in _WITHOUT_SERIES:
        return None
    if name in _WITHOUT_LABELS:
        return frozenset()
    labels = next(each for each in read if each is not None)
    return labels | {node.args[1].val} if name == "label_replace" else labels


def _combined(node: Any, known: Mapping[str, Labels]) -> Labels | None:
    left, right = _labels(node.lhs, known), _labels(node.rhs, known)
    if left is None or right is None:
        return right if left is None else left
    matching = node.modifier.matching if node.modifier else None
    if matching is None:
        if left != right:
            raise Misread(f"{sorted(left)} never match {sorted(right)}: {node.prettify()}")
        return left
    if matching.type != promql.LabelModifierType.Include:
        raise Misread(f"say on which labels, not which to ignore: {node.prettify()}")
    on = frozenset(matching.labels)
    _within(on, left & right, node)
    if str(node.op) in _SETS:
        return left
    if node.modifier.card == promql.VectorMatchCardinality.OneToOne:
        return on
    added = frozenset(node.modifier.group_labels or ())
    many, one = (
        (left, right) if node.modifier.card == promql.VectorMatchCardinality.ManyToOne else (right, left)
    )
    _within(added, one, node)
    return many | added


def _within(names: Any, labels: Labels, node: Any) -> None:
    missing = set(names) - labels
    if missing:
        raise Misread(f"no label {sorted(missing)} on {sorted(labels)}: {node.prettify()}")
