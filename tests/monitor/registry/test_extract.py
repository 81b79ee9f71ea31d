"""The public extract: what everybody may know of agreements, and nothing that they should not."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

from monitor.registry.extract import COLUMNS, as_csv, as_html, rows
from monitor.registry.load import load_registry
from tests.monitor.registry.test_command import run
from tests.monitor.registry.test_odcs import FULL, SYNCED
from tests.monitor.registry.writing import agreement, write_folder

HOSTILE = '=HYPERLINK("http://evil.example") <script>'


def test_public_fields_are_there_and_inner_ones_are_not(tmp_path: Path) -> None:
    """Parties by name, legal basis, purposes, dates; no mailbox, certificate, hour or ceiling."""
    found = rows(load_registry(write_folder(tmp_path, services=SYNCED, agreements=[FULL])), "vi")
    (row,) = csv.DictReader(io.StringIO(as_csv(found).removeprefix("\ufeff")))
    assert row["id"] == "AGR-2026-0012"
    assert row["provider"] == "Tên (MPS)"
    assert row["legal_basis"] == "Some act, article 1"
    assert row["end"] == "2026-06-30"
    assert row["status"] == "chấm dứt"
    assert row["latency"] == "≤ 350.5 ms (99%)"
    text = as_csv(found) + as_html(found, "vi", date(2026, 10, 5))
    for inner in ("office@", "moh-esb", "07:30", "1000", "SC-9"):
        assert inner not in text


def test_drafts_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    """A draft binds nobody yet."""
    registry = load_registry(
        write_folder(tmp_path, agreements=[agreement("AGR-1"), agreement("AGR-2", status="draft")])
    )
    assert [row[0] for row in rows(registry, "en")] == ["AGR-1"]
    assert len(rows(registry, "en", drafts=True)) == 2


def test_words_of_agreements_are_neither_formulas_nor_markup(tmp_path: Path) -> None:
    """A cell that begins like a formula gets an apostrophe; the page escapes."""
    hostile = agreement(title={"en": HOSTILE, "vi": HOSTILE})
    found = rows(load_registry(write_folder(tmp_path, agreements=[hostile])), "en")
    (row,) = csv.DictReader(io.StringIO(as_csv(found).removeprefix("\ufeff")))
    assert row["title"] == f"'{HOSTILE}"
    page = as_html(found, "en", date(2026, 10, 5))
    assert "<script" not in page
    assert page.count('scope="col"') == len(COLUMNS)
    assert '<html lang="en">' in page


def test_the_command_writes_a_whole_file_or_none(tmp_path: Path) -> None:
    """CSV with a mark that Excel needs, HTML, and a sentence for a folder in the way."""
    write_folder(tmp_path / "reg", services=SYNCED, agreements=[FULL])
    done = run(tmp_path, "extract", "--format", "csv", "--out", "out/a.csv", MONITOR_REGISTRY="reg")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "a.csv").read_bytes().startswith(b"\xef\xbb\xbfid,version")
    done = run(tmp_path, "extract", "--format", "html", "--out", "reg/x/y.html", MONITOR_REGISTRY="reg")
    assert done.returncode == 0, done.stderr
    done = run(tmp_path, "extract", "--out", "out/a.csv/b.csv", MONITOR_REGISTRY="reg")
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.csv"]
