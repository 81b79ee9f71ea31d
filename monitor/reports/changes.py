"""What changed since the report that was signed: figure by figure, rows matched by what they are about."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import msgspec

from monitor.reports.figures import Text
from monitor.reports.model import Change, Reissue, Report
from monitor.reports.texts.catalogue import CATALOGUE

MOST_CHANGES: Final = 200  # listed; a reader of more wants to compare the two JSON files
PARTS: Final = (
    "volume",
    "quality",
    "compliance",
    "security",
    "connection",
    "service_quality",
    "xroad",
    "ranking",
    "card",
    "pairs",
)
"""What is compared, in the order in which changes are listed: totals before rows."""

# By what rows of a list are told apart: the first of these sets of fields that a row has.
_IDENTITIES: Final = (
    ("breach", "provider", "consumer", "service"),
    ("agreement", "slo"),
    ("agency", "duty", "subject"),
    ("agreement",),
    ("measure", "provider", "consumer", "service"),
    ("provider", "consumer", "service"),
    ("provider", "service"),
    ("kind", "severity"),
    ("alert",),
    ("incident",),
    ("indicator",),
    ("group",),
    ("breach",),
    ("duty",),
    ("level",),
    ("agency",),
    ("day",),
    ("key", "subject"),
    ("key",),
)
# Lines of a chart: what changed in other periods is told by their sums.
_DRAWN: Final = ("volume.days_before", "volume.days_year_ago")
_GROUPS: Final = "service_quality.groups"
Scalar = int | float | str | bool | None


def compare(now: Report, signed: Report, run: int, signed_at: Any) -> Reissue:
    """What differs between two reports on the same period and agency."""
    latest, earlier = _figures(now), _figures(signed)
    if signed.service_quality is not None and not signed.service_quality.groups:
        # It was signed before groups of procedures were told: that they are there now is no correction.
        for path in [each for each in (*latest, *earlier) if each.startswith(_GROUPS)]:
            latest.pop(path, None)
            earlier.pop(path, None)
    changes = [
        Change(figure=path, label=_label(path), before=earlier.get(path), now=latest.get(path))
        for path in dict.fromkeys((*latest, *earlier))
        if latest.get(path) != earlier.get(path)
    ]
    order = {part: place for place, part in enumerate(PARTS)}
    changes.sort(key=lambda change: order[change.figure.split(".")[0].split("[")[0]])
    reasons = ("registry", "offsets", "ledger", "narrative")
    return Reissue(
        signed_run=run,
        signed_at=signed_at,
        reasons=tuple(name for name in reasons if getattr(now.inputs, name) != getattr(signed.inputs, name)),
        changes=tuple(changes[:MOST_CHANGES]),
        more=max(len(changes) - MOST_CHANGES, 0),
    )


def _figures(report: Report) -> dict[str, Scalar]:
    plain = msgspec.to_builtins(report)
    found: dict[str, Scalar] = {}
    for part in PARTS:
        found.update(leaves(plain[part], part))
    for path in _DRAWN:
        found.pop(path, None)
    return found


def leaves(value: Any, path: str) -> Iterator[tuple[str, Scalar]]:
    """Every number and word below a value; what things are called is no figure."""
    if isinstance(value, dict):
        if value.keys() != {"en", "vi"}:
            for name, each in value.items():
                yield from leaves(each, f"{path}.{name}")
    elif isinstance(value, list | tuple):
        if value and isinstance(value[0], dict):
            for each in value:
                yield from leaves(each, f"{path}[{_identity(each)}]")
        else:
            yield path, ", ".join(map(str, value))
    else:
        yield path, value


def _identity(row: dict[str, Any]) -> str:
    for fields in _IDENTITIES:
        # What an item of an index counts is under the name by which points say whose they are.
        if all(field in row and not isinstance(row[field], dict) for field in fields):
            return "/".join(str(row[field]) for field in fields)
    raise AssertionError(f"rows with {', '.join(row)} have no identity")  # a test goes through all


def _label(path: str) -> Text:
    name = path.rpartition(".")[2].split("[")[0]
    for key in (f"figure.{name}", f"indicator.{path.split('.')[-2]}" if "." in path else ""):
        if key in CATALOGUE:
            return CATALOGUE[key]
    return Text(en=name.replace("_", " "), vi=name.replace("_", " "))
