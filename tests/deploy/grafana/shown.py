"""The committed dashboards as Grafana reads them, and a little of what Grafana does with them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "grafana" / "dashboards"
FILES = sorted(path.name for path in FOLDER.glob("*.json"))
Json = dict[str, Any]

# Names that Grafana itself gives; `__value`, `__field` and `__data` only within links.
BUILT_IN = re.compile(r"__\w+")
# $name, ${name} and ${name:format}; what begins with a digit is no name: `label_replace` has $1.
VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*)|\{(\w+)(?:\.[^}:]*)?(?::(\w+))?\})")


class Query(NamedTuple):
    """One query of one panel of one file."""

    file: str
    panel: str
    ref: str
    text: str
    target: Json

    def __str__(self) -> str:
        return f"{self.file}: {self.panel}: {self.ref}"


@cache
def dashboard(file: str) -> Json:
    """A committed dashboard."""
    content = json.loads((FOLDER / file).read_text(encoding="utf-8"))
    assert isinstance(content, dict)
    return content


def panels(file: str) -> list[Json]:
    """Its panels, without headings of rows."""
    return [each for each in dashboard(file)["panels"] if each["type"] != "row"]


def queries(field: str, files: list[str] = FILES) -> Iterator[Query]:
    """Every query that has a field: `expr` for PromQL, `rawSql` for SQL."""
    for file in files:
        for panel in panels(file):
            for target in panel["targets"]:
                if field in target:
                    yield Query(file, panel["title"], target["refId"], target[field], target)


ENGLISH = [file for file in FILES if file.endswith(".en.json")]


def promql(file: str) -> list[Query]:
    """A dashboard's PromQL queries; those of the Vietnamese files are the same, which a test shows."""
    return list(queries("expr", [file]))


def statements() -> list[Query]:
    """Every SQL statement, of panels and of annotations, in both languages."""
    notes = [
        Query(file, note["name"], note["target"]["refId"], note["target"]["rawSql"], note["target"])
        for file in FILES
        for note in dashboard(file)["annotations"]["list"]
    ]
    return [*queries("rawSql"), *notes]


def links(node: Any) -> Iterator[Json]:
    """Every link in a dashboard, wherever it is: those with an address or tags."""
    if isinstance(node, dict):
        if "targetBlank" in node:
            yield node
        for value in node.values():
            yield from links(value)
    elif isinstance(node, list):
        for value in node:
            yield from links(value)


def named_variables(text: str) -> set[str]:
    """The variables that a text names, without Grafana's own."""
    found = {plain or braced for plain, braced, _ in VARIABLE.findall(text)}
    return {name for name in found if not BUILT_IN.fullmatch(name)}


def filled(text: str, values: Mapping[str, str]) -> str:
    """A text with its variables replaced, as far as the dashboards need it.

    `sqlstring` puts a value between quotes and doubles those within it; `regex` leaves codes as they are.
    Raises KeyError for a variable without a value.
    """

    def value(found: re.Match[str]) -> str:
        plain, braced, form = found.groups()
        text = values[plain or braced]
        return "'" + text.replace("'", "''") + "'" if form == "sqlstring" else text

    return VARIABLE.sub(value, text)


def as_grafana(statement: str, values: Mapping[str, str], since: datetime, until: datetime) -> str:
    """A statement with its macros and variables replaced as Grafana replaces them."""
    macros = {
        "$__unixEpochFrom()": str(int(since.timestamp())),
        "$__unixEpochTo()": str(int(until.timestamp())),
    }
    for macro, value in macros.items():
        statement = statement.replace(macro, value)
    assert "$__" not in statement, "a macro that this helper does not know"
    return filled(statement, values)
