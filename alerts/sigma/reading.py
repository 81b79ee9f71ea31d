"""Open fields hold whatever an event brings: their values as text, as conditions compare them."""

from __future__ import annotations

from typing import Any


def as_text(value: Any) -> str:
    """A value as JSON writes it: `true`, `5`, `0.5`; a whole float as the whole number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
