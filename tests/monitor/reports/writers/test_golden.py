"""What each format says, word for word, held to files that people read.

After a wanted change: WRITE_GOLDEN=1 pytest tests/monitor/reports/writers/test_golden.py, then read the
difference before it is committed.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from monitor.reports.figures import Language
from monitor.reports.writers import docx, html, pdf, xlsx
from tests.monitor.reports.example import example
from tests.monitor.reports.writers.drawn import (
    texts,
    words_of_docx,
    words_of_html,
    words_of_pdf,
    words_of_xlsx,
)

_GOLDEN = Path(__file__).parent.parent / "golden"
_AGENCY = "QUANGTRI"  # the smallest of the examples: it is not connected


@pytest.mark.parametrize("language", ["vi", "en"])
@pytest.mark.parametrize("kind", ["html", "pdf", "docx", "xlsx"])
def test_the_words_are_those_that_were_read(kind: str, language: Language, tmp_path: Path) -> None:
    """The text of a small score card, taken out of the file that was written."""
    report, words = example(_AGENCY, language), texts(language)
    match kind:
        case "html":
            found = words_of_html(html.render(report, words))
        case "pdf":
            found = words_of_pdf(pdf.render(report, words))
        case "docx":
            found = words_of_docx(docx.write(report, words, tmp_path)[0])
        case _:
            found = words_of_xlsx(xlsx.write(report, words, tmp_path)[0])
    text = "\n".join(found) + "\n"
    path = _GOLDEN / f"card-{language}.{kind}.txt"
    if os.environ.get("WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
