"""The page: one file, nothing asked from outside, and readable by those who do not see it."""

from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest

from monitor.reports.figures import Language
from monitor.reports.writers import html
from tests.monitor.reports.example import example
from tests.monitor.reports.writers.drawn import HOSTILE, hostile, quiet, texts, words_of_html


def page(agency: str | None = None, language: Language = "vi") -> str:
    return html.render(example(agency, language), texts(language))


@pytest.mark.parametrize("agency", [None, "MOH"])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_nothing_is_asked_from_outside(agency: str | None, language: Language) -> None:
    """No address but names of XML vocabularies, no script, and a policy that forbids both."""
    made = page(agency, language)
    assert set(re.findall(r"https?://[^\"'\s<]+", made)) == {"http://www.w3.org/2000/svg"}
    assert "<script" not in made
    assert "default-src 'none'" in made
    assert not re.search(r"\bsrc=|@import|url\((?!#)", made)


def test_the_page_says_its_language_and_leads_to_each_section() -> None:
    """lang, title, landmarks, a link past the head, and contents that match the headings in order."""
    made = page()
    assert '<html lang="vi-VN">' in made
    assert "<title>Báo cáo chia sẻ dữ liệu giữa các cơ quan nhà nước, tháng 10 năm 2026</title>" in made
    assert made.index('class="skip"') < made.index('<main id="content"')
    links = re.findall(r'<li><a href="#([^"]+)">([^<]+)</a>', made)
    headings = re.findall(r'<h2 id="([^"]+)">([^<]+)</h2>', made)
    assert links == [each for each in headings if each[0] != "contents"]
    assert len(links) > 10
    assert len(re.findall("<h1", made)) == 1
    ids = re.findall(r'\bid="([^"]+)"', made)
    assert len(ids) == len(set(ids))


def test_headings_go_down_one_level_at_a_time() -> None:
    """No heading is more than one level below the one before it."""
    levels = [int(level) for level in re.findall(r"<h([1-6])", page("MOH"))]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_tables_have_captions_and_cells_have_heads() -> None:
    """Each table has a caption, a head for every column, and one for every row."""
    for made in re.findall(r"<table.*?</table>", page(), re.S):
        assert made.count("<caption") == 1
        assert made.count('scope="col"') == len(re.findall("<th ", made.split("</thead>")[0]))
        assert made.count('scope="row"') == made.count("<tr") - 1


def test_charts_can_be_read_without_being_seen() -> None:
    """Each drawing is well-formed and has a title and a description with figures in it."""
    found = re.findall(r"<svg.*?</svg>", page(), re.S)
    assert len(found) >= 12  # each for wide and for narrow screens
    for each in found:
        tree = ElementTree.fromstring(each)  # noqa: S314
        space = "{http://www.w3.org/2000/svg}"
        assert tree.findtext(f"{space}title")
        assert re.search(r"\d", tree.findtext(f"{space}desc") or "")


def test_harmful_words_stay_words() -> None:
    """What people and other systems write is shown, never read as markup."""
    made = html.render(hostile(), texts("en"))
    assert "<script" not in made
    assert any(HOSTILE[:20] in words for words in words_of_html(made))


def test_a_period_without_anything_is_a_page_without_empty_charts() -> None:
    """No drawing, no table without rows in the body, and zeros where counts are."""
    made = html.render(quiet(), texts("vi"))
    assert "<svg" not in made
    assert "Không phát sinh trong kỳ." in made
