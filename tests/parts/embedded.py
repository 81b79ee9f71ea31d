"""The embedded broker, where its wheel is installed."""

from __future__ import annotations

from monitor.errors import MonitorError
from streams.embedded import REMEDY, embedded_program
from tests.parts import missing_part


def require_embedded() -> None:
    """Skip (fail in CI) where the embedded broker cannot be run."""
    try:
        embedded_program()
    except MonitorError:
        missing_part("the embedded broker", REMEDY)
