"""Loading a folder: what is read, what is refused, and that a refusal names file, line, field and reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from monitor.registry.load import load_registry
from monitor.registry.problems import Problem
from tests.monitor.registry.writing import (
    AGENCIES,
    SERVICES,
    agency,
    agreement,
    dump,
    problems_of,
    service,
    write_folder,
)


def test_files_hold_one_record_or_a_list(tmp_path: Path) -> None:
    """Files are joined, whatever their names and whether they end in .yaml or .yml."""
    write_folder(tmp_path, agencies=list(AGENCIES), agreements=agreement())
    (tmp_path / "agencies" / "more.yml").write_text(dump(agency("MOJ")))
    (tmp_path / "services" / "none.yaml").write_text("[]")
    registry = load_registry(tmp_path)
    assert list(registry.agencies) == ["MOH", "MOJ", "MPS", "VSS"]
    assert [one.id for one in registry.agreements] == ["AGR-1"]


@pytest.mark.parametrize("name", ["_draft.yaml", ".hidden.yaml", "notes.txt", "README.md"])
def test_other_files_are_left_out(tmp_path: Path, name: str) -> None:
    """Files set aside with _ or ., and files of other kinds, are not read."""
    write_folder(tmp_path)
    (tmp_path / "agencies" / name).write_text("[broken")
    assert len(load_registry(tmp_path).agencies) == len(AGENCIES)


def test_a_missing_folder_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    """The message names the folder and its parts."""
    (problem,) = problems_of(tmp_path / "nowhere")
    assert problem.file == str(tmp_path / "nowhere")
    assert "does not exist" in problem.reason
    assert "agreements/" in problem.reason


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """The registry is a folder."""
    (tmp_path / "file").write_text("")
    (problem,) = problems_of(tmp_path / "file")
    assert "is not a folder" in problem.reason


def test_an_empty_folder_is_refused_part_by_part(tmp_path: Path) -> None:
    """A wrong mount must not look like a country without agreements."""
    assert [problem.file for problem in problems_of(tmp_path)] == ["agencies/", "agreements/", "services/"]


def test_nothing_to_record_can_be_said_with_an_empty_list(tmp_path: Path) -> None:
    """A registry at its beginning: agencies, but no services and no agreements yet."""
    registry = load_registry(write_folder(tmp_path, services="[]", agreements="[]"))
    assert (len(registry.agencies), len(registry.services), registry.agreements) == (3, 0, ())


def test_a_folder_inside_a_part_is_refused(tmp_path: Path) -> None:
    """Agreements sorted into folders by year would go unread without a word."""
    write_folder(tmp_path)
    (tmp_path / "agreements" / "2026").mkdir()
    (problem,) = problems_of(tmp_path)
    assert problem.file == "agreements/2026/"


@pytest.mark.parametrize("text", ["just words", "- just\n- words", "7", "- 7\n- [8]"])
def test_a_file_that_holds_no_records_is_refused(tmp_path: Path, text: str) -> None:
    """What is not a mapping is named with its line."""
    problems = problems_of(write_folder(tmp_path, services=text, agreements="[]"))
    assert [problem.line for problem in problems] == list(range(1, len(text.splitlines()) + 1))
    assert all("expected a record" in problem.reason for problem in problems)


@pytest.mark.parametrize(
    ("changes", "field", "reason"),
    [
        ({"titel": "x"}, "titel", "is not a field; did you mean title?"),
        ({"ceilings": {"calls": 5}}, "ceilings.calls", "is not a field"),
        ({"hours": {"form": "07:00"}}, "hours.form", "did you mean from?"),
        ({"status": "live"}, "status", "'draft', 'registered', 'active', 'suspended' or 'terminated'"),
        ({"provider": "mps"}, "provider", "'mps' is not accepted: capitals"),
        (
            {"purposes": ["Health"]},
            "purposes[0]",
            "'Health' is not accepted: small letters, digits and hyphens",
        ),
        ({"purposes": []}, "purposes", "must not be empty"),
        ({"purposes": "health"}, "purposes", "expected a list, found 'health'"),
        ({"title": "x"}, "title", "expected a mapping, found 'x'"),
        ({"title": None}, "title", "expected a mapping, found nothing"),
        ({"version": "1"}, "version", "expected a whole number, found '1'"),
        ({"version": 1.0}, "version", "expected a whole number"),
        ({"version": 0}, "version", "0 is not accepted"),
        ({"start": 2026}, "start", "expected a date such as 2026-10-01, found 2026"),
        ({"start": "2026-02-30"}, "start", "expected a date such as 2026-10-01, found '2026-02-30'"),
        ({"start": "01/10/2026"}, "start", "expected a date"),
        ({"end": "9999-12-31"}, "end", "less than or equal to 2999-12-31"),
        ({"start": "0206-01-01"}, "start", "greater than or equal to 1900-01-01"),
        ({"version": 202610050830}, "version", "less than or equal to 2147483647"),
        (
            {"objectives": {"errorRate": 1e-10}},
            "objectives.errorRate",
            "greater than or equal to 0.000000001",
        ),
        ({"case_required": "yes"}, "case_required", "expected true or false, found 'yes'"),
        ({"case_required": 1}, "case_required", "expected true or false, found 1"),
        ({"hours": {"from": 700}}, "hours.from", "expected a time such as"),
        ({"hours": {"from": "7:00"}}, "hours.from", "write it as HH:MM"),
        ({"hours": {"from": "07:00Z"}}, "hours.from", "write it as HH:MM"),
        ({"hours": {"from": "18:00", "until": "07:00"}}, "hours", "until 07:00 is not after from 18:00"),
        ({"hours": {"days": ["monday"]}}, "hours.days[0]", "'mon'"),
        ({"ceilings": {"calls_per_day": 0}}, "ceilings.calls_per_day", "greater than 0"),
        ({"objectives": {"availability": 1.0}}, "objectives.availability", "less than 1"),
        ({"objectives": {"availability": 99.5}}, "objectives.availability", "less than 1"),
        ({"objectives": {"availability": 0}}, "objectives.availability", "greater than 0"),
        ({"objectives": {"latency": {"limit_ms": 0}}}, "objectives.latency.limit_ms", "greater than 0"),
        ({"objectives": {"latency": {"limit_ms": -1}}}, "objectives.latency.limit_ms", "greater than 0"),
        ({"objectives": {"latency": {"limit_ms": 5, "ratio": 1}}}, "objectives.latency.ratio", "less than 1"),
        (
            {"objectives": {"availability": 0.99, "errorRate": 0.001}},
            "objectives",
            "errorRate 0.001 allows fewer failures than availability 0.99 does",
        ),
        ({"objectives": {"retention": 30}}, "objectives.retention", "expected a duration such as P30D"),
        ({"objectives": {"retention": "30 days"}}, "objectives.retention", "for instance P30D"),
        ({"objectives": {"frequency": "P0D"}}, "objectives.frequency", "greater than 0"),
        ({"contact_provider": "somebody"}, "contact_provider", "a unit's mailbox"),
        ({"end": "2025-12-31"}, "", "end 2025-12-31 is before start 2026-01-01"),
        ({"ended": "2027-06-30"}, "", "ended 2027-06-30 is not between"),
        ({"dates": {"review": "2031-01-02"}}, "", "more than 5 years after start"),
    ],
)
def test_a_wrong_field_is_named_with_its_reason(
    tmp_path: Path, changes: dict[str, Any], field: str, reason: str
) -> None:
    """One wrong field is one problem, in words that need no knowledge of the code."""
    (problem,) = problems_of(write_folder(tmp_path, agreements=agreement(**changes)))
    assert (problem.file, problem.field, problem.record) == ("agreements/all.yaml", field, "AGR-1")
    assert reason in problem.reason


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    """Where a field is missing, the line is that of the record."""
    values = agreement()
    del values["legal_basis"]
    problems = problems_of(write_folder(tmp_path, agreements=[agreement("AGR-0", consumer="VSS"), values]))
    line = dump([agreement("AGR-0", consumer="VSS")]).count("\n") + 1
    assert problems == [Problem("agreements/all.yaml", line, "legal_basis", "is missing", "AGR-1")]


def test_lines_point_at_the_wrong_value(tmp_path: Path) -> None:
    """A wrong item of a list in the second record of a file is found by its line."""
    text = dump([agreement("AGR-0", consumer="VSS"), agreement(fields=["sex", "Wrong"])])
    (problem,) = problems_of(write_folder(tmp_path, agreements=text))
    assert problem.line is not None
    assert "Wrong" in text.splitlines()[problem.line - 1]


def test_every_problem_of_every_file_is_listed_at_once(tmp_path: Path) -> None:
    """Nobody should have to correct, run, correct, run: all kinds of problems come together."""
    write_folder(
        tmp_path,
        agencies=[*AGENCIES, agency("MOJ", kind="club")],
        services=[*SERVICES, service("tax.lookup-code", provider="TAX")],
        agreements=[agreement(status="on", versoin=1), agreement("AGR-2", fields=["shoe_size"])],
    )
    (tmp_path / "services" / "broken.yaml").write_text("id: [")
    assert [(problem.file, problem.field) for problem in problems_of(tmp_path)] == [
        ("agencies/all.yaml", "kind"),
        ("agreements/all.yaml", "status"),
        ("agreements/all.yaml", "versoin"),
        ("agreements/all.yaml", "fields[0]"),
        ("services/all.yaml", "provider"),
        ("services/broken.yaml", ""),
    ]


def test_a_refused_record_does_not_make_others_wrong(tmp_path: Path) -> None:
    """Services of an agency whose record has a mistake are not told that the agency is unknown."""
    wrong = [agency("MPS", kind="club"), agency("MOH"), agency("VSS")]
    (problem,) = problems_of(write_folder(tmp_path, agencies=wrong))
    assert problem.field == "kind"


def test_an_unreadable_file_does_not_make_others_wrong(tmp_path: Path) -> None:
    """What a broken file may hold is not called unknown."""
    (problem,) = problems_of(write_folder(tmp_path, agencies="- code: MPS\n  name: ["))
    assert problem.file == "agencies/all.yaml"


def test_a_problem_reads_as_file_line_field_reason() -> None:
    """One line a problem, beginning with a place that editors can open."""
    problem = Problem("agreements/mps.yaml", 12, "fields[2]", "shoe_size is not a field", "AGR-1")
    assert str(problem) == "agreements/mps.yaml:12 fields[2]: shoe_size is not a field (in AGR-1)"
