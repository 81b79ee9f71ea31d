"""What Grafana's own linter and ours ask of a dashboard: places, units, texts, links, sources."""

from __future__ import annotations

import itertools
import re
from urllib.parse import parse_qs, urlsplit

import pytest
from grafana_foundation_sdk.models import units

from deploy.grafana.builder.queries import POSTGRES_TYPE
from tests.deploy.grafana.shown import ENGLISH, FILES, Json, dashboard, links, panels

EVERY_FILE = pytest.mark.parametrize("file", FILES)
WIDTH = 24
UNITS = {value for name, value in vars(units).items() if isinstance(value, str) and not name.startswith("_")}
PROMETHEUS = {"type": "prometheus", "uid": "${prometheus_datasource}"}
POSTGRES = {"type": POSTGRES_TYPE, "uid": "${postgres_datasource}"}
UIDS = {file: dashboard(file)["uid"] for file in FILES}
WHEN_RED = {"en": "**When it is red:**", "vi": "**Khi chuyển đỏ:**"}


def language(file: str) -> str:
    """The language of a file: national.en.json -> en."""
    return file.split(".")[1]


def place(panel: Json) -> tuple[int, int, int, int]:
    """Left, right, top and bottom of a panel; right and bottom are outside it."""
    at = panel["gridPos"]
    return at["x"], at["x"] + at["w"], at["y"], at["y"] + at["h"]


# The dashboard as a whole


def test_uids_are_unique_and_short_enough() -> None:
    """A uid is a dashboard's address: at most 40 characters, and no two alike."""
    assert len(set(UIDS.values())) == len(FILES)
    assert all(re.fullmatch(r"[a-z-]{8,40}", each) for each in UIDS.values())


@EVERY_FILE
def test_a_dashboard_cannot_be_edited_and_says_what_it_is_for(file: str) -> None:
    """What is provisioned is changed in the code; title, description and language are given."""
    board = dashboard(file)
    assert board["editable"] is False
    assert board["title"]
    assert board["description"]
    assert board["tags"] == ["data-sharing", f"data-sharing-{language(file)}"]
    assert "id" not in board, "numbers are each Grafana's own"
    assert re.fullmatch(r"now-\d+[hd]", board["time"]["from"])
    assert board["refresh"]


@EVERY_FILE
def test_panels_lie_beside_each_other_and_fill_their_lines(file: str) -> None:
    """None is wider than the screen or lies over another, and no line has a gap."""
    every = dashboard(file)["panels"]
    assert [panel["id"] for panel in every] == list(range(1, len(every) + 1))
    for one, other in itertools.combinations(every, 2):
        left, right, top, bottom = place(one)
        left_2, right_2, top_2, bottom_2 = place(other)
        apart = right <= left_2 or right_2 <= left or bottom <= top_2 or bottom_2 <= top
        assert apart, f"{one['title']} and {other['title']}"
    area = sum(panel["gridPos"]["w"] * panel["gridPos"]["h"] for panel in every)
    assert area == WIDTH * max(place(panel)[3] for panel in every), "a line is not full"


@EVERY_FILE
def test_sources_are_chosen_by_variables(file: str) -> None:
    """One variable for each kind of source that is used, named and labelled as Grafana's linter wants it."""
    board = dashboard(file)
    sources = {each["name"]: each for each in board["templating"]["list"] if each["type"] == "datasource"}
    assert sources["prometheus_datasource"]["query"] == "prometheus"
    if language(file) == "en":
        assert sources["prometheus_datasource"]["label"] == "Prometheus data source"
    # The linter would have the plugin's whole name in the variable's, which its hyphens forbid.
    asks_sql = any(panel["datasource"] == POSTGRES for panel in panels(file)) or board["annotations"]["list"]
    assert ("postgres_datasource" in sources) == bool(asks_sql)
    assert set(sources) <= {"prometheus_datasource", "postgres_datasource"}


# Each panel


@EVERY_FILE
def test_every_panel_says_what_it_shows_and_what_to_do(file: str) -> None:
    """Title, description with what to do when it is red, and a text for when there is no value."""
    titles = [panel["title"] for panel in panels(file)]
    for panel in panels(file):
        assert panel["title"], panel["id"]
        shows, _, act = panel["description"].partition(WHEN_RED[language(file)])
        assert len(shows) > 20, panel["title"]
        assert len(act) > 20, panel["title"]
        assert panel["fieldConfig"]["defaults"]["noValue"], panel["title"]
    of_rows = [panel["title"] for panel in dashboard(file)["panels"] if panel["type"] == "row"]
    assert len(set(of_rows)) == len(of_rows)
    assert len(titles) > 10


@EVERY_FILE
def test_every_panel_has_a_unit_that_grafana_knows(file: str) -> None:
    """On the panel itself, and on each column that has one of its own."""
    for panel in panels(file):
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS, panel["title"]
        for override in panel["fieldConfig"]["overrides"]:
            for each in override["properties"]:
                if each["id"] == "unit":
                    assert each["value"] in UNITS, panel["title"]


@EVERY_FILE
def test_every_panel_asks_the_chosen_source(file: str) -> None:
    """The panel and each of its queries name the same variable; no panel is without a query."""
    for panel in panels(file):
        assert panel["datasource"] in (PROMETHEUS, POSTGRES), panel["title"]
        assert panel["targets"], panel["title"]
        for target in panel["targets"]:
            assert target["datasource"] == panel["datasource"], panel["title"]
            assert ("expr" in target) == (panel["datasource"] == PROMETHEUS), panel["title"]
        names = [target["refId"] for target in panel["targets"]]
        assert len(set(names)) == len(names), panel["title"]


@EVERY_FILE
def test_limits_rise_and_begin_at_the_bottom(file: str) -> None:
    """The first step has no value, the others rise: else Grafana colours at random."""
    for panel in panels(file):
        found = [panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        for override in panel["fieldConfig"]["overrides"]:
            found += [each["value"]["steps"] for each in override["properties"] if each["id"] == "thresholds"]
        for steps in found:
            values = [step["value"] for step in steps]
            assert values[0] is None, panel["title"]
            assert values[1:] == sorted(values[1:]), panel["title"]


@EVERY_FILE
def test_every_series_on_a_curve_or_bar_has_a_legend(file: str) -> None:
    """Without one Grafana shows the whole series with all its labels."""
    for panel in panels(file):
        if panel["type"] in ("timeseries", "bargauge"):
            legends = [target["legendFormat"] for target in panel["targets"]]
            assert all(legends), panel["title"]
            assert len(set(legends)) == len(legends), panel["title"]
        if panel["type"] == "timeseries":
            assert panel["options"]["legend"]["showLegend"], panel["title"]


@EVERY_FILE
def test_tables_rename_and_sort_columns_that_they_have(file: str) -> None:
    """Every column is renamed from one that the queries give, and the worst come first."""
    for panel in panels(file):
        if panel["type"] != "table":
            continue
        (organised,) = (each for each in panel["transformations"] if each["id"] == "organize")
        renamed = organised["options"]["renameByName"]
        assert len(set(renamed.values())) == len(renamed), f"{panel['title']}: two columns of one name"
        (order,) = panel["options"]["sortBy"]
        assert order["displayName"] in renamed.values(), panel["title"]
        for override in panel["fieldConfig"]["overrides"]:
            assert override["matcher"]["options"] in renamed.values(), panel["title"]
        for target in panel["targets"]:
            if "expr" in target:
                values = f"Value #{target['refId']}" if len(panel["targets"]) > 1 else "Value"
                assert values in renamed, f"{panel['title']}: {values}"
            else:
                for column in renamed:
                    assert re.search(rf"\b{column}\b", target["rawSql"]), f"{panel['title']}: {column}"


# Links


@EVERY_FILE
def test_links_keep_the_time_and_the_source(file: str) -> None:
    """Whoever follows a link sees the same hours of the same source."""
    found = list(links(dashboard(file)))
    assert found
    for link in found:
        if "keepTime" in link and "__url_time_range" not in str(link.get("url")):
            assert link["keepTime"], link["title"]
            assert link["includeVars"], link["title"]
        else:
            assert "${__url_time_range}" in link["url"], link["title"]
            assert "${prometheus_datasource:queryparam}" in link["url"], link["title"]


@EVERY_FILE
def test_links_lead_to_dashboards_that_take_what_they_bring(file: str) -> None:
    """The other dashboard exists, has the variable, and, but for one link, speaks the same language."""
    by_uid = {uid: name for name, uid in UIDS.items()}
    languages = []
    for link in links(dashboard(file)):
        if link.get("type") == "dashboards":
            assert link["tags"] == [f"data-sharing-{language(file)}"]
            continue
        address = urlsplit(link["url"])
        other = by_uid[address.path.removeprefix("/d/")]
        languages.append(language(other))
        there = {each["name"] for each in dashboard(other)["templating"]["list"]}
        for name in parse_qs(address.query):
            if name.startswith("var-"):
                assert name.removeprefix("var-") in there, link["url"]
    assert [each for each in languages if each != language(file)] == [
        "vi" if language(file) == "en" else "en"
    ]


def test_every_dashboard_is_led_to() -> None:
    """From the overview one comes to every dashboard by links on figures, without the menu."""
    by_uid = {uid: name for name, uid in UIDS.items()}
    reached, ahead = set(), ["national.en.json"]
    while ahead:
        file = ahead.pop()
        if file in reached:
            continue
        reached.add(file)
        found = [link for panel in panels(file) for link in links(panel)]
        ahead += [by_uid[urlsplit(link["url"]).path.removeprefix("/d/")] for link in found]
    assert reached == set(ENGLISH)
