"""The fields that a rule names: found in their source, or refused with the nearest name."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from alerts.fields import SOURCES, FieldKind, Source
from alerts.sigma.problems import Refused

PRODUCT = "data-exchange"
MAX_NAME = 200  # characters of an open field's name


class Named(NamedTuple):
    """A field by its name. `kind` is None for an open field: its values are texts, numbers or booleans."""

    name: str
    kind: FieldKind | None
    read: Callable[[Any], Any]


def find_field(source: Source, name: str) -> Named:
    """The field of a source; raises Refused with what was probably meant."""
    found = source.fields.get(name)
    if found is not None:
        return Named(name, found.kind, found.read)
    rest = name.removeprefix(source.open_prefix)
    if source.open_prefix and source.read_open is not None and name.startswith(source.open_prefix) and rest:
        if len(name) > MAX_NAME:
            raise Refused(f"the field's name is longer than {MAX_NAME} characters")
        return Named(name, None, source.read_open(rest))
    told = suggestion(name, source.fields)
    extra = f" and {source.open_prefix}NAME" if source.open_prefix and not told.endswith("?") else ""
    raise Refused(f"{source.name} has no field {name}; {told}{extra}")


def suggestion(name: str, known: Iterable[str]) -> str:
    """`did you mean X?`, or else everything that there is."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1) or difflib.get_close_matches(name.lower(), names, n=1)
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"


def find_source(logsource: dict[str, Any]) -> Source:
    """The source that a rule's `logsource` names; raises Refused."""
    product, service = logsource.get("product"), logsource.get("service")
    told = ", ".join(f"{key} {value}" for key, value in logsource.items() if key != "definition") or "nothing"
    expected = f"product {PRODUCT} with service {' or '.join(SOURCES)}"
    if product != PRODUCT:
        raise Refused(f"names {told}; these events are not collected here, only {expected}")
    if service not in SOURCES:
        raise Refused(f"names {told}; expected {expected}")
    unknown = sorted(set(logsource) - {"product", "service", "definition"})
    if unknown:
        raise Refused(f"names {told}; expected {expected}, without {', '.join(unknown)}")
    return SOURCES[str(service)]
