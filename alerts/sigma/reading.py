"""Open fields hold whatever an event brings: their values as text and as numbers."""

from __future__ import annotations

import math
from typing import Any

LONGEST_NUMBER = 32  # characters; a longer text is no number anyone wrote


def as_text(value: Any) -> str:
    """A value as JSON writes it: `true`, `5`, `0.5`; a whole float as the whole number."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def as_number(value: Any) -> float | None:
    """A number, or a text that is one; None for everything else."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or len(value) > LONGEST_NUMBER:
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
