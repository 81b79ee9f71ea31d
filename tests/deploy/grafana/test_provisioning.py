"""Provisioning: what Grafana reads when it starts fits the dashboards, and holds no secret."""

from __future__ import annotations

import re
from typing import Any

import yaml

from deploy.grafana.builder.queries import POSTGRES_TYPE
from deploy.grafana.builder.variables import PROVISIONED
from tests.deploy.grafana.shown import FILES, ROOT, dashboard

GRAFANA = ROOT / "deploy" / "grafana"
SOURCES = GRAFANA / "provisioning" / "datasources" / "sources.yaml"
BOARDS = GRAFANA / "provisioning" / "dashboards" / "boards.yaml"
README = (GRAFANA / "README.md").read_text(encoding="utf-8")


def sources() -> dict[str, dict[str, Any]]:
    """The data sources by their uid."""
    content = yaml.safe_load(SOURCES.read_text(encoding="utf-8"))
    assert content["apiVersion"] == 1
    return {each["uid"]: each for each in content["datasources"]}


def test_the_dashboards_choose_the_sources_that_are_provisioned() -> None:
    """The uid that a dashboard begins with is that of a source of its kind."""
    kinds = {uid: source["type"] for uid, source in sources().items()}
    assert kinds == {PROVISIONED["prometheus"]: "prometheus", PROVISIONED["postgres"]: POSTGRES_TYPE}
    for file in FILES:
        for variable in dashboard(file)["templating"]["list"]:
            if variable["type"] == "datasource":
                assert kinds[variable["current"]["value"]] == variable["query"], file


def test_addresses_and_secrets_come_from_the_environment() -> None:
    """Neither is written down; the password is where Grafana encrypts it."""
    postgres = sources()[PROVISIONED["postgres"]]
    assert postgres["secureJsonData"] == {"password": "$GRAFANA_POSTGRES_PASSWORD"}
    assert "password" not in postgres["jsonData"]
    given = [
        postgres["url"],
        postgres["user"],
        postgres["jsonData"]["database"],
        postgres["jsonData"]["sslmode"],
    ]
    given += [sources()[PROVISIONED["prometheus"]]["url"]]
    assert all(re.fullmatch(r"\$GRAFANA_[A-Z_]+", each) for each in given), given


def test_every_variable_of_the_environment_is_explained() -> None:
    """The README names each that provisioning takes, and no other."""
    taken = set()
    for path in (SOURCES, BOARDS):
        bare = re.sub(r"^\s*#.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        taken |= set(re.findall(r"\$(GRAFANA_[A-Z_]+)", bare))
    assert taken == set(re.findall(r"^\| `(GRAFANA_[A-Z_]+)`", README, re.MULTILINE))


def test_dashboards_are_read_from_files_and_not_changed_by_hand() -> None:
    """What is saved by hand would be gone with the next version."""
    (provider,) = yaml.safe_load(BOARDS.read_text(encoding="utf-8"))["providers"]
    assert provider["type"] == "file"
    assert provider["allowUiUpdates"] is False
    assert provider["options"]["path"] == "$GRAFANA_DASHBOARDS"
