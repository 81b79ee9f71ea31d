"""The document to edit: whole parts, real headings, repeated heads, places to write in."""

from __future__ import annotations

import re
import sys
import zipfile
from pathlib import Path
from xml.etree import ElementTree

import docx as reader
import pytest
from docx.oxml.ns import qn

from monitor.errors import MonitorError
from monitor.reports.figures import Language
from monitor.reports.narrative import SLOTS
from monitor.reports.writers import docx
from tests.monitor.reports.example import example
from tests.monitor.reports.writers.drawn import HOSTILE, hostile, quiet, texts, words_of_docx


@pytest.mark.parametrize(("agency", "language"), [(None, "vi"), ("MOH", "en")])
def test_every_part_is_whole_and_known(agency: str | None, language: Language, tmp_path: Path) -> None:
    """Each XML part parses, and each relationship leads to a part that is there."""
    (path,) = docx.write(example(agency, language), texts(language), tmp_path)
    with zipfile.ZipFile(path) as package:
        names = set(package.namelist())
        for name in names:
            if name.endswith((".xml", ".rels", ".svg")):
                ElementTree.fromstring(package.read(name))  # noqa: S314
        used = set(re.findall(r'r:(?:embed|id)="(rId\d+)"', package.read("word/document.xml").decode()))
        links = package.read("word/_rels/document.xml.rels").decode()
        assert used <= set(re.findall(r'Id="(rId\d+)"', links))
        assert not re.search(r'TargetMode="External"', links)
        assert (
            sum(name.endswith(".svg") for name in names) == sum(name.endswith(".png") for name in names) > 3
        )
        marks = package.read("word/document.xml").decode()
        anchors = set(re.findall(r'w:anchor="([^"]+)"', marks))
        assert anchors <= set(re.findall(r'bookmarkStart w:id="\d+" w:name="([^"]+)"', marks))


@pytest.mark.parametrize("language", ["vi", "en"])
def test_language_title_and_headings(language: Language, tmp_path: Path) -> None:
    """Programs that check spelling and read aloud know the language; headings are styles."""
    (path,) = docx.write(example(None, language), texts(language), tmp_path)
    found = reader.Document(str(path))
    tag = "vi-VN" if language == "vi" else "en-GB"
    assert found.core_properties.language == tag
    assert {each.get(qn("w:val")) for each in found.styles.element.iter(qn("w:lang"))} == {tag}
    heads = [p.text for p in found.paragraphs if p.style is not None and p.style.name == "Heading 1"]
    assert len(heads) > 10
    assert heads[0] == ("I. Tóm tắt" if language == "vi" else "I. Summary")


def test_heads_of_tables_repeat_and_captions_count(tmp_path: Path) -> None:
    """Every table of figures has a head that repeats, and a caption with a field that counts."""
    (path,) = docx.write(example(None, "vi"), texts("vi"), tmp_path)
    body = reader.Document(str(path)).element.body
    tables = [t for t in body.iter(qn("w:tbl")) if t.find(f".//{qn('w:tblCaption')}") is not None]
    assert len(tables) > 20
    assert all(t.find(f".//{qn('w:tblHeader')}") is not None for t in tables)
    fields = [f.get(qn("w:instr")) for f in body.iter(qn("w:fldSimple"))]
    assert sum("SEQ Bảng" in str(field) for field in fields) == len(tables)


def test_there_is_a_place_to_write_for_every_slot(tmp_path: Path) -> None:
    """Slots are controls with their names; what was written is in them, the others say so."""
    (path,) = docx.write(example(None, "vi"), texts("vi"), tmp_path)
    body = reader.Document(str(path)).element.body
    controls = {
        str(s.find(f".//{qn('w:tag')}").get(qn("w:val"))): "".join(t.text for t in s.iter(qn("w:t")))
        for s in body.iter(qn("w:sdt"))
    }
    assert set(controls) == {f"slot.{slot}" for slot in SLOTS}
    assert "hai lần" in controls["slot.summary"]
    assert "bổ sung" in controls["slot.volume"]


def test_annexes_are_on_turned_pages_with_page_numbers(tmp_path: Path) -> None:
    """The last section is landscape; the header has a field for the page's number."""
    (path,) = docx.write(example(None, "vi"), texts("vi"), tmp_path)
    found = reader.Document(str(path))
    widths = [(s.page_width or 0) > (s.page_height or 0) for s in found.sections]
    assert widths == [False, True]
    header = found.sections[0].header._element
    assert [f.get(qn("w:instr")) for f in header.iter(qn("w:fldSimple"))] == [" PAGE "]


def test_harmful_words_stay_words(tmp_path: Path) -> None:
    """Words are text whatever is in them; what XML cannot hold is replaced."""
    (path,) = docx.write(hostile(), texts("en"), tmp_path)
    assert any(HOSTILE[:30] in words for words in words_of_docx(path))


def test_a_period_without_anything_has_its_document(tmp_path: Path) -> None:
    """Nothing to count and no chart is no reason to fail."""
    assert words_of_docx(docx.write(quiet(), texts("vi"), tmp_path)[0])


def test_without_the_extra_the_reason_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to install."""
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(MonitorError, match=r"data-sharing-monitor\[reports\]"):
        docx.write(example(), texts("vi"), tmp_path)
