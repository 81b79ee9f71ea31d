"""JSON and CSV: what programs read. The fields of JSON are held by a file, so that none goes unnoticed."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import jsonschema
import msgspec
import pytest

from monitor.reports.model import SCHEMA, Report
from monitor.reports.texts import Texts
from monitor.reports.writers.csv import write, write_plain
from monitor.reports.writers.json import schema
from monitor.reports.writers.json import write as write_json
from tests.monitor.reports.example import example

FIELDS = Path(__file__).parent / "fields.txt"
TEXTS = Texts("vi")


def fields() -> list[str]:
    """Every field of every struct of the schema, with the types that JSON allows."""
    return sorted(
        f"{name}.{field}: {json.dumps(each, sort_keys=True)}"
        for name, struct in schema()["$defs"].items()
        for field, each in struct["properties"].items()
    )


def test_the_fields_of_json_are_those_that_were_promised() -> None:
    """New ones are added to the file; one that goes or changes also raises SCHEMA."""
    promised = FIELDS.read_text(encoding="utf-8").splitlines()
    assert promised[0] == f"schema {SCHEMA}"
    assert promised[1:] == fields()


@pytest.mark.parametrize("agency", [None, "MOH", "QUANGTRI"])
def test_json_is_the_model_with_whole_numbers(agency: str | None, tmp_path: Path) -> None:
    """It validates against its schema, reads back as the same report, and has diacritics as they are."""
    report = example(agency)
    (path,) = write_json(report, TEXTS, tmp_path)
    text = path.read_text(encoding="utf-8")
    plain = json.loads(text)
    jsonschema.validate(plain, schema())
    assert msgspec.json.decode(text, type=Report) == report
    assert isinstance(plain["volume"]["total"]["response_bytes"], int)
    assert plain["ranking"]["agencies"][0]["name"]["vi"] == "Thành phố Hà Nội"
    assert "Thành phố Hà Nội" in text


def table(archive: Path, name: str) -> list[dict[str, str]]:
    """A table of an archive."""
    with zipfile.ZipFile(archive) as held:
        return list(csv.DictReader(io.StringIO(held.read(f"{name}.csv").decode("utf-8-sig"))))


def test_csv_has_a_table_for_each_list_that_adds_up(tmp_path: Path) -> None:
    """Rows are those of the report, numbers as they are, shares with both counts."""
    report = example()
    (path,) = write(report, TEXTS, tmp_path)
    pairs = table(path, "pairs")
    assert len(pairs) == len(report.pairs)
    assert sum(int(row["volume_exchanges"]) for row in pairs) == report.volume.total.exchanges
    first = report.pairs[0]
    assert float(pairs[0]["availability_ratio"]) == first.availability.ratio
    assert int(pairs[0]["availability_numerator"]) == first.availability.numerator
    (missing,) = [row for row in table(path, "agencies") if row["agency"] == "QUANGTRI"]
    assert (missing["rank"], missing["unranked"]) == ("", "not_connected")
    assert missing["indicators_connection_scored"] == "false"
    groups = table(path, "procedure_groups")
    assert [row["group"] for row in groups] == ["land", "civil-status", "labour"]
    assert (groups[0]["on_time_numerator"], groups[0]["on_time_denominator"]) == ("1604", "2431")
    assert (groups[2]["on_time_ratio"], groups[2]["on_time_reason"]) == ("", "none_completed")
    assert [row["key"] for row in table(path, "indicators")][:2] == ["availability", "denied"]
    assert {row["name"]: row["value"] for row in table(path, "about")}["period"] == "2026-10"


def test_csv_begins_with_a_mark_for_excel_unless_it_is_plain(tmp_path: Path) -> None:
    """Every table of the archive."""
    for writer, mark in ((write, b"\xef\xbb\xbf"), (write_plain, b"")):
        (path,) = writer(example(), TEXTS, tmp_path)
        with zipfile.ZipFile(path) as held:
            for name in held.namelist():
                assert held.read(name).startswith(b"\xef\xbb\xbf") == bool(mark), name


def test_equal_reports_make_equal_archives(tmp_path: Path) -> None:
    """No time of writing is in them."""
    first, second = tmp_path / "1", tmp_path / "2"
    first.mkdir()
    second.mkdir()
    assert write(example(), TEXTS, first)[0].read_bytes() == write(example(), TEXTS, second)[0].read_bytes()


def test_text_that_looks_like_a_formula_is_text(tmp_path: Path) -> None:
    """What people or machines wrote is not run by a spreadsheet; numbers stay numbers."""
    report = example()
    assert report.security is not None
    incident = msgspec.structs.replace(report.security.incidents[0], what="=HYPERLINK(1)")
    security = msgspec.structs.replace(report.security, incidents=(incident,))
    (path,) = write(msgspec.structs.replace(report, security=security), TEXTS, tmp_path)
    assert table(path, "incidents")[0]["what"] == "'=HYPERLINK(1)"
    assert table(path, "duties")[0]["days"] == "-16"
