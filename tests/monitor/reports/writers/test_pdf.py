"""The PDF: bookmarks, language, tags, page numbers, repeated heads, embedded fonts, and nothing run in it."""

from __future__ import annotations

import io
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pypdf import PdfReader

from monitor.errors import MonitorError
from monitor.reports.figures import Language
from monitor.reports.writers import pdf, typst_child
from monitor.reports.writers.typesetting import Refused, typeset
from monitor.reports.writers.typst_child import Job
from tests.monitor.reports.example import example
from tests.monitor.reports.writers.drawn import HOSTILE, hostile, quiet, texts, words_of_pdf


@cache
def made(agency: str | None = None, language: Language = "vi") -> bytes:
    return pdf.render(example(agency, language), texts(language))


def reader(agency: str | None = None, language: Language = "vi") -> PdfReader:
    return PdfReader(io.BytesIO(made(agency, language)))


@pytest.mark.parametrize(("agency", "language"), [(None, "vi"), ("MOH", "en"), ("QUANGTRI", "vi")])
def test_it_is_a_tagged_document_with_language_and_title(agency: str | None, language: Language) -> None:
    """Marked as tagged, says its language and its title, and claims PDF/UA."""
    found = reader(agency, language)
    root: Any = found.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert str(root["/Lang"]).startswith(language)
    assert found.metadata is not None
    assert ("October 2026" if language == "en" else "tháng 10 năm 2026") in str(found.metadata.title)
    assert b"pdfuaid" in root["/Metadata"].get_data()


def test_bookmarks_lead_to_every_section() -> None:
    """Bookmarks are the headings, in order, annexes among them."""
    titles = [str(each.title) for each in reader().outline if not isinstance(each, list)]
    assert titles[0] == "I. Tóm tắt"
    assert titles[-1].startswith("Phụ lục I")
    assert len(titles) > 10


def test_every_font_is_in_the_file() -> None:
    """No page relies on fonts of the reader's computer."""
    fonts: dict[str, Any] = {}
    for page in reader().pages:
        resources: Any = page["/Resources"]
        fonts |= {name: font.get_object() for name, font in resources["/Font"].items()}
    names = {str(font["/BaseFont"]).split("+")[1] for font in fonts.values()}
    assert any(name.startswith("IBMPlexSans") for name in names)
    assert any(name.startswith("LibertinusSerif") for name in names)
    for font in fonts.values():
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(descriptor)


def test_the_form_of_an_administrative_document_is_there() -> None:
    """Nation and motto, issuer, place for number and date, recipients, signature without a name, DRAFT."""
    said = "\n".join(words_of_pdf(made()))
    for words in (
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "CỤC CHUYỂN ĐỔI SỐ QUỐC GIA",
        "Số: ",
        "tháng 11 năm 2026",
        "Nơi nhận:",
        "THỦ TRƯỞNG CƠ QUAN",
        "DỰ THẢO",
    ):
        assert words in said


def test_pages_are_numbered_from_the_second_and_annexes_are_turned() -> None:
    """The first page has no number, as the form asks; the last one's is the count of pages."""
    pages = reader().pages
    assert 6 <= len(pages) <= 20
    first, second = (page.extract_text().split() for page in (pages[0], pages[1]))
    assert "2" in second[:4]
    assert "1" not in first[:4]
    box = pages[-1].mediabox
    assert box.width > box.height


def test_heads_of_long_tables_are_on_every_page() -> None:
    """An annex of several pages repeats its head."""
    report = example(None, "vi")
    long = msgspec.structs.replace(report, pairs=report.pairs * 6)
    pages = PdfReader(io.BytesIO(pdf.render(long, texts("vi")))).pages
    annex = [page.extract_text() for page in pages if page.mediabox.width > page.mediabox.height]
    assert len(annex) > 3
    assert all("Có thỏa thuận" in text for text in annex)


def test_a_signed_report_has_no_marking() -> None:
    """Neither the word over the page nor the note of a draft."""
    signed = msgspec.structs.replace(example(None, "vi"), state="signed")
    assert "DỰ THẢO" not in "\n".join(words_of_pdf(pdf.render(signed, texts("vi"))))


def test_harmful_words_stay_words() -> None:
    """Nothing that people write is read as a command of the typesetter."""
    said = "".join(words_of_pdf(pdf.render(hostile(), texts("en")))).replace(" ", "")
    assert HOSTILE[:40].replace(" ", "") in said
    assert "#panic()" in said


def test_letters_that_no_typeface_has_do_not_stop_it() -> None:
    """A box is shown for them, and the document does without the claim of PDF/UA."""
    report = example("QUANGTRI", "vi")
    odd = msgspec.structs.replace(report, issuer="Cơ quan 汉字 😀")
    found = PdfReader(io.BytesIO(pdf.render(odd, texts("vi"))))
    root: Any = found.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid" not in root["/Metadata"].get_data()


def test_a_period_without_anything_has_its_document() -> None:
    """Nothing to count is no reason to fail."""
    assert len(PdfReader(io.BytesIO(pdf.render(quiet(), texts("vi")))).pages) >= 3


def test_a_report_is_made_at_any_moment() -> None:
    """Clocks have microseconds, and a PDF's times have none."""
    report = quiet()
    exact = msgspec.structs.replace(report, made_at=report.made_at.replace(microsecond=123_456))
    assert pdf.render(exact, texts("vi")).startswith(b"%PDF")


def test_the_same_report_gives_the_same_file() -> None:
    """Two issues can be compared byte by byte."""
    report = example("QUANGTRI", "vi")
    assert pdf.render(report, texts("vi")) == pdf.render(report, texts("vi"))


def test_one_that_takes_too_long_is_ended_and_says_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The sentence says how long it had."""
    slow = tmp_path / "slow.py"
    slow.write_text("import time; time.sleep(120)")
    monkeypatch.setattr(typst_child, "__file__", str(slow))
    job = Job(sources={"main.typ": b""}, format="pdf", font_paths=[])
    with pytest.raises(MonitorError, match=r"more than 0\.5 s for a pdf"):
        typeset(job, longest_s=0.5)


def test_one_that_is_killed_says_what_may_be_short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As the system does where memory runs out; this program goes on."""
    killed = tmp_path / "killed.py"
    killed.write_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
    monkeypatch.setattr(typst_child, "__file__", str(killed))
    with pytest.raises(MonitorError, match="memory runs out"):
        pdf.render(quiet(), texts("vi"))


def test_what_cannot_be_set_is_told_in_its_words() -> None:
    """A fault of the template is not taken for a lack of memory."""
    with pytest.raises(Refused, match=r"cannot set the pdf: .*missing"):
        typeset(Job(sources={"main.typ": b'#include "missing.typ"'}, format="pdf", font_paths=[]))


def test_this_process_never_loads_the_typesetter() -> None:
    """What it takes is the child's, and ends with it."""
    code = (
        "import sys; from monitor.reports.writers import docx, pdf;"
        "from tests.monitor.reports.writers.drawn import quiet, texts;"
        "assert pdf.render(quiet(), texts('vi')).startswith(b'%PDF'); assert 'typst' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_without_the_extra_the_reason_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sentence says what to install."""
    monkeypatch.setitem(sys.modules, "typst", None)
    with pytest.raises(MonitorError, match=r"data-sharing-monitor\[reports\]"):
        pdf.render(example(), texts("vi"))
