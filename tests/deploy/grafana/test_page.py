"""docs/dashboards.md holds a row for every panel that can be red, under its dashboard, and leads on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.deploy.grafana.shown import ENGLISH, dashboard, panels
from tests.test_docs import anchors

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "dashboards.md").read_text(encoding="utf-8")
RUNBOOKS = ROOT / "docs" / "runbooks.md"
HEADINGS = {
    "national.en.json": "National overview",
    "agency.en.json": "Agency",
    "service.en.json": "Service",
    "agreement.en.json": "Agreement",
    "security.en.json": "Security",
    "duties.en.json": "Duties and progress",
    "pipeline.en.json": "Pipeline health",
}


def rows(heading: str) -> list[list[str]]:
    """The cells of the rows below a heading."""
    section = PAGE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    table = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in table]


def red(file: str) -> list[str]:
    """The titles of a dashboard's panels that have red in them, each once, from the top."""
    found = (panel["title"] for panel in panels(file) if '"red"' in json.dumps(panel["fieldConfig"]))
    return list(dict.fromkeys(found))


def test_the_page_has_a_section_for_every_dashboard() -> None:
    """In the order in which people go down through them, and under the name that the dashboard has."""
    assert sorted(HEADINGS) == sorted(ENGLISH)
    written = re.findall(r"^## (.+)$", PAGE, re.MULTILINE)
    assert written == list(HEADINGS.values())
    for file, heading in HEADINGS.items():
        assert dashboard(file)["title"].lower().endswith(heading.lower())


@pytest.mark.parametrize("file", ENGLISH)
def test_every_panel_that_can_be_red_is_explained_and_no_other(file: str) -> None:
    """By its title, in the dashboard's own order."""
    assert [cells[0] for cells in rows(HEADINGS[file])] == red(file)


@pytest.mark.parametrize("file", ENGLISH)
def test_every_row_says_what_to_do_and_where_to_go_on(file: str) -> None:
    """What red means, what to do first, and a runbook that exists, a command, or a panel above."""
    known = anchors(RUNBOOKS)
    for title, means, first, onward in rows(HEADINGS[file]):
        assert len(means) > 2, title
        assert len(first) > 2, title
        linked = set(re.findall(r"runbooks\.md#(\w+)", onward))
        assert linked <= known, title
        assert linked or "monitor " in onward or "above" in onward, title
