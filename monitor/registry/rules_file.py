"""Files of rules that people write beside the registry: read as strictly, and refused with every reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from monitor.errors import MonitorError
from monitor.registry.documents import Mapping, Unreadable, read_document
from monitor.registry.model import Record
from monitor.registry.problems import Problem
from monitor.registry.records import line_of, written
from monitor.registry.wording import reason_for, shown

R = TypeVar("R", bound=Record)


def read_rules_file(
    path: Path, kind: type[R], expected: str, refuse: Callable[[list[Problem]], MonitorError]
) -> R:
    """Read a file as a record; `expected` says what it should hold. Raises what `refuse` makes of all that
    is wrong with it."""
    try:
        values = read_document(path)
    except Unreadable as why:
        raise refuse([Problem(str(path), why.line, "", why.reason)]) from why
    if not isinstance(values, Mapping):
        raise refuse([Problem(str(path), 1, "", f"expected {expected}; found {shown(values)}")])
    try:
        # JSON, because only there strict is strict: text for dates, lists for tuples.
        return kind.model_validate_json(json.dumps(values), strict=True)
    except ValidationError as why:
        raise refuse(
            [
                Problem(
                    str(path),
                    line_of(values, error["loc"]),
                    written(error["loc"]),
                    error["msg"].removeprefix("Value error, ")
                    if error["type"] == "value_error"
                    else reason_for(kind, error),
                )
                for error in why.errors(include_url=False)
            ]
        ) from why
