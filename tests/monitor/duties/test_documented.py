"""The page on lifecycle events and duties says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.duties.connection import STATES
from monitor.duties.item import DUTIES
from monitor.events.lifecycle import LifecycleEvent, decode_one_lifecycle
from monitor.events.lifecycle_event import KINDS, LIMITS
from monitor.events.rejection import Reason, Rejection
from monitor.indicators.agencies import INDICATORS
from tests.monitor.lifecycle.parts import lifecycle_json

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "duties.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> list[list[str]]:
    """The rows of the table below a heading: their first two cells."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip(" `") for cell in row.split("|")[1:3]] for row in rows]


def test_the_page_s_event_is_accepted() -> None:
    """As it stands there."""
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    event = decode_one_lifecycle(text.encode(), ())
    assert isinstance(event, LifecycleEvent), event
    assert event.limit in LIMITS


def test_the_page_lists_every_kind_and_what_it_needs() -> None:
    """In the order of the code; without it the event is refused."""
    listed = first_cells("Lifecycle events")
    assert tuple(kind for kind, _ in listed) == KINDS
    for kind, needed in listed:
        refused = decode_one_lifecycle(lifecycle_json(kind=kind), ())
        if needed:
            assert isinstance(refused, Rejection)
            assert refused.reason is Reason.MISSING_FIELD
            assert refused.detail.endswith(f"$.{needed}`")
        else:
            assert isinstance(refused, LifecycleEvent)


def test_the_page_lists_every_limit_state_duty_and_indicator() -> None:
    """In the order of the code."""
    for names in (LIMITS, STATES):
        assert re.search(".*?".join(f"`{name}`" for name in names), PAGE, re.DOTALL), names
    assert tuple(name for name, _ in first_cells("Duties")) == DUTIES
    assert tuple(name for name, _ in first_cells("Indicators")) == INDICATORS


def test_the_fields_of_an_event_are_all_told() -> None:
    """And its docstring is not the only place."""
    told = set(re.findall(r"`(\w+)`", PAGE))
    assert set(LifecycleEvent.__struct_fields__) <= told
