"""Says in words that need no knowledge of pydantic what is wrong with a field of a record."""

from __future__ import annotations

import difflib
from functools import cache
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

_SHOWN = 60  # characters of a wrong value that a message repeats


def reason_for(kind: type[BaseModel], error: ErrorDetails) -> str:
    """One reason without a full stop, to stand behind the name of the field."""
    held = error["input"]
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    match error["type"]:
        case "missing":
            return "is missing"
        case "extra_forbidden":
            known = _fields_at(kind, error["loc"][:-1])
            near = difflib.get_close_matches(str(error["loc"][-1]), known, n=1)
            return (
                f"is not a field; did you mean {near[0]}?"
                if near
                else f"is not a field; accepted: {', '.join(known)}"
            )
        case "value_error":
            return message if isinstance(held, dict) else f"{shown(held)} is not accepted: {message}"
        case "string_pattern_mismatch":
            return f"{shown(held)} is not accepted: {_description(kind, error['loc']) or message}"
        case "too_short":
            return "must not be empty"
        case wrong_type if wrong_type in _EXPECTED:
            return f"expected {_EXPECTED[wrong_type]}, found {shown(held)}"
        case _:
            return f"{shown(held)} is not accepted: expected {message}"


_EXPECTED = {
    "model_type": "a mapping",
    "tuple_type": "a list",
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "date_type": "a date such as 2026-10-01",
    "date_parsing": "a date such as 2026-10-01",
    "time_type": 'a time such as "07:30"',
    "time_delta_type": "a duration such as P30D",
}


def shown(value: Any) -> str:
    """A value as a message repeats it: text in quotes, collections by their kind only."""
    if value is None:
        return "nothing"
    if isinstance(value, dict | list):
        return "a mapping" if isinstance(value, dict) else "a list"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    text = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    return f"'{text}'" if isinstance(value, str) else text


def _model_at(kind: type[BaseModel], path: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model that a path leads to, or None where it leads to a plain value."""
    here: type[BaseModel] | None = kind
    for part in path:
        if isinstance(part, int) or here is None:
            continue
        named = {field.alias or name: field for name, field in here.model_fields.items()}
        if part not in named:
            return None
        types = (named[part].annotation, *get_args(named[part].annotation))
        here = next((each for each in types if isinstance(each, type) and issubclass(each, BaseModel)), None)
    return here


def _fields_at(kind: type[BaseModel], path: tuple[int | str, ...]) -> list[str]:
    model = _model_at(kind, path)
    return [field.alias or name for name, field in model.model_fields.items()] if model else []


def _description(kind: type[BaseModel], path: tuple[int | str, ...]) -> str | None:
    """What the model says about the form of the text at a path."""
    schema: Any = _schema(kind)
    here: Any = schema
    for part in path:
        while "$ref" in here:
            here = schema["$defs"][here["$ref"].rpartition("/")[2]]
        options = here.get("anyOf", [here])
        here = next(
            (each for each in options if "items" in each or "properties" in each or "$ref" in each), here
        )
        while "$ref" in here:
            here = schema["$defs"][here["$ref"].rpartition("/")[2]]
        here = here.get("items", {}) if isinstance(part, int) else here.get("properties", {}).get(part, {})
    options = [here, *here.get("anyOf", ())]
    form: dict[str, Any] = next((each for each in options if "pattern" in each), {})
    found = form.get("description")
    return str(found) if found else None


@cache
def _schema(kind: type[BaseModel]) -> dict[str, Any]:
    return kind.model_json_schema()
