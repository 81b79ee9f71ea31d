"""The committed files are what the code writes, and every text is there in both languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Any, get_args

import pytest

from alerts.incidents.words import KINDS, PERSONAL_DATA, UNSETTLED
from alerts.lifecycle.alert import ChangeKind
from deploy.grafana.builder.board import files
from deploy.grafana.builder.boards import BOARDS
from deploy.grafana.builder.words import FOLDER as TEXTS
from deploy.grafana.builder.words import LANGUAGES, NoSuchText, Words, read
from monitor.dossiers.items import KEYS as QUALITY_ITEMS
from monitor.duties.connection import State
from monitor.duties.item import Duty
from monitor.indicators.agencies import INDICATORS
from monitor.judging.breach import Breach
from monitor.objectives.slo import SLOS
from tests.deploy.grafana.shown import FILES, FOLDER, Json, dashboard

# Letters of Vietnamese that English has not.
DIACRITICS = re.compile(r"[đĐ]|[^\x00-\x7f–—…“”’]")
SHORT = 12  # words such as "p95" or "Prometheus" can be alike in both


def texts_of(node: Any, path: str = "") -> Iterator[tuple[str, Json]]:
    """Every text of a file of words: its path, and what it is in each language."""
    for key, value in node.items():
        here = f"{path}.{key}" if path else str(key)
        if set(value) & set(LANGUAGES):
            yield here, value
        else:
            yield from texts_of(value, here)


def test_the_committed_dashboards_are_what_the_code_writes() -> None:
    """Byte for byte, none missing and none left over: after a change run `make dashboards`."""
    written = files(BOARDS, LANGUAGES)
    assert sorted(written) == FILES
    for name, text in written.items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, name


@pytest.mark.parametrize("file", sorted(path.stem for path in TEXTS.glob("*.yaml")))
def test_every_text_has_both_languages(file: str) -> None:
    """Each text has exactly both, none is empty, and a longer Vietnamese one has its diacritics."""
    for where, text in texts_of(read(file)):
        assert set(text) == set(LANGUAGES), where
        assert all(isinstance(each, str) and each.strip() == each != "" for each in text.values()), where
        # Letters in one piece, as keyboards type them.
        assert text["vi"] == unicodedata.normalize("NFC", text["vi"]), where
        if where == "words.other_language":  # it names the other language, in that language
            continue
        assert not DIACRITICS.search(text["en"]), text["en"]
        if len(text["vi"]) > SHORT:
            assert DIACRITICS.search(text["vi"]), text["vi"]


def test_no_text_is_left_over() -> None:
    """What no dashboard shows is in no file of words."""
    used: set[tuple[str, str]] = set()
    for board in BOARDS:
        for language in LANGUAGES:
            used |= board.build(language)[1].used
    assert used == {
        (path.stem, where) for path in TEXTS.glob("*.yaml") for where, _ in texts_of(read(path.stem))
    }


@pytest.mark.parametrize(
    ("label", "values"),
    [
        ("breach", set(Breach)),
        ("outcome", {"fault", "denied", "timeout"}),
        ("slo", set(SLOS)),
        ("duty", set(get_args(Duty))),
        ("state", set(get_args(State))),
        ("indicator", set(INDICATORS)),
        ("quality_item", set(QUALITY_ITEMS)),
        ("change", set(ChangeKind)),
        ("incident_kind", set(KINDS)),
        ("incident_status", set(UNSETTLED)),
        ("personal_data", set(PERSONAL_DATA)),
    ],
)
def test_every_code_has_a_name(label: str, values: set[str]) -> None:
    """What a label can say in the code is exactly what has a name, in both languages."""
    assert set(read("shared")["codes"][label]) == {str(value) for value in values}


def test_a_missing_text_is_named() -> None:
    """Who forgets a text reads which file lacks which key."""
    say = Words("national", "vi")
    with pytest.raises(NoSuchText, match=r"texts/national\.yaml and texts/shared\.yaml: words\.nothing"):
        say("nothing")
    with pytest.raises(NoSuchText, match=r"texts/national\.yaml: panels\.nothing\.act\.vi"):
        say.panel("nothing")


# What may differ between the two languages of a dashboard; everything else is one definition.
SPOKEN = {"title", "description", "label", "text", "noValue", "displayName", "legendFormat", "name", "tags"}


def without_words(node: Any) -> Any:
    """A dashboard without what it says."""
    if isinstance(node, dict):
        kept = {key: without_words(value) for key, value in node.items() if key not in SPOKEN}
        for key in ("uid", "url", "rawSql"):
            if isinstance(kept.get(key), str):
                kept[key] = re.sub(r"(datashare-\w+)-vi\b", r"\1", kept[key]).replace("title_vi", "title")
        if kept.get("id") == "displayName":
            kept.pop("value")
        if "matcher" in kept:  # columns are found by their headings
            kept["matcher"] = {"id": kept["matcher"]["id"]}
        if "renameByName" in kept:
            kept["renameByName"] = sorted(kept["renameByName"])
        return kept
    return [without_words(each) for each in node] if isinstance(node, list) else node


@pytest.mark.parametrize("board", [board.name for board in BOARDS])
def test_both_languages_show_the_same(board: str) -> None:
    """But for what they say, the two files of a dashboard are alike: the same queries, limits and places."""
    english, vietnamese = (dashboard(f"{board}.{language}.json") for language in LANGUAGES)
    assert without_words(english) == without_words(vietnamese)
    assert english["title"] != vietnamese["title"]
