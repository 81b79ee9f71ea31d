"""Links: from figures to what lies behind it, with the time that is shown and the sources in use."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

from deploy.grafana.builder.words import LANGUAGES, Language, Words

TAG: Final = "data-sharing"
# What a link may take with it: the name of the variable on the other dashboard.
TARGETS: Final = {
    "agency": "agency",
    "duties": "agency",
    "security": "agency",
    "service": "service",
    "agreement": "agreement",
}


def uid(board: str, language: Language) -> str:
    """A dashboard's identity; English has the plain one."""
    return f"datashare-{board}" if language == "en" else f"datashare-{board}-{language}"


def drill(say: Words, board: str, value: str = "") -> dict[str, object]:
    """A data link to another dashboard in the same language.

    `value` is what it takes along, as Grafana's expression: `${__field.labels.agency}` on a series,
    `${__data.fields.agency}` in a table.
    """
    chosen = f"&var-{TARGETS[board]}={value}" if value else ""
    return {
        "title": say(f"open_{board}"),
        "url": f"/d/{uid(board, say.language)}?${{__url_time_range}}"
        f"&${{prometheus_datasource:queryparam}}{chosen}",
        "targetBlank": False,
    }


def as_builder(link: dict[str, object]) -> DashboardLink:
    """A data link in the form in which the library takes it for all fields of a panel."""
    return DashboardLink(str(link["title"])).url(str(link["url"]))


def of_board(say: Words, board: str) -> list[DashboardLink]:
    """The links above a dashboard: all others in its language, and itself in the other one."""
    (other,) = (language for language in LANGUAGES if language != say.language)
    return [
        DashboardLink(say("all_boards"))
        .type(DashboardLinkType.DASHBOARDS)
        .tags([f"{TAG}-{say.language}"])
        .as_dropdown(True)
        .icon("external link")
        .include_vars(True)
        .keep_time(True),
        DashboardLink(say("other_language"))
        .type(DashboardLinkType.LINK)
        .url(f"/d/{uid(board, other)}")
        .icon("external link")
        .include_vars(True)
        .keep_time(True),
    ]
