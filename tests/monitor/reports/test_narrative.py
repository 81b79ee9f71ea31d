"""What people write into reports: which of it is for which report, and what is refused with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from monitor.errors import UsageProblem
from monitor.reports.narrative import MOST_CHARACTERS, NarrativeProblems, Written, read_narrative
from monitor.reports.period import Period

OCTOBER = Period.parse("2026-10")
TEXT = """\
period: 2026-10
agency: MOH
language: vi
slots:
  summary: |
    Trong tháng, Tổ công tác đã họp **hai lần**.
obstacles:
  OB-review-MOH-AGR-1:
    time: trước ngày 15/11/2026
---
period: 2026-10
slots: {next: For the national report in both languages.}
"""


def test_each_report_gets_what_was_written_for_it(tmp_path: Path) -> None:
    """By period, agency and language; a document without a language is for both."""
    file = tmp_path / "october.yaml"
    file.write_text(TEXT, encoding="utf-8")
    ours = read_narrative(file, OCTOBER, "MOH", "vi")
    assert ours.slots == {"summary": "Trong tháng, Tổ công tác đã họp **hai lần**."}
    assert ours.obstacles == {"OB-review-MOH-AGR-1": {"time": "trước ngày 15/11/2026"}}
    for language in ("vi", "en"):
        national = read_narrative(file, OCTOBER, None, language)
        assert national.slots == {"next": "For the national report in both languages."}


@pytest.mark.parametrize("folder", [False, True])
def test_an_empty_text_in_a_file_takes_an_earlier_issues_away(tmp_path: Path, folder: bool) -> None:
    """As it does within the files, where a later one empties what an earlier one has."""
    file = tmp_path / "october.yaml"
    file.write_text('period: 2026-10\nslots: {summary: ""}\n', encoding="utf-8")
    found = read_narrative(tmp_path if folder else file, OCTOBER, None, "vi")
    assert found.over(Written({"summary": "wrong", "next": "right"})).slots == {"next": "right"}
    (tmp_path / "a.yaml").write_text("period: 2026-10\nslots: {summary: wrong}\n", encoding="utf-8")
    assert read_narrative(tmp_path, OCTOBER, None, "vi").over(Written()).slots == {}


def test_a_folder_holds_files_of_several_reports(tmp_path: Path) -> None:
    """Later names win; Markdown files are one slot each; what is for other reports is left alone."""
    (tmp_path / "a.yaml").write_text(TEXT, encoding="utf-8")
    (tmp_path / "b.yml").write_text(
        "period: 2026-10\nagency: MOH\nslots: {summary: Mới hơn.}\n", encoding="utf-8"
    )
    (tmp_path / "2026-10.MOH.vi.next.md").write_text("Kế hoạch.\n", encoding="utf-8")
    (tmp_path / "2026-10.MOH.closing.md").write_text("Trân trọng.", encoding="utf-8")
    (tmp_path / "2026-09.MOH.vi.next.md").write_text("Tháng trước.", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("not read")
    found = read_narrative(tmp_path, OCTOBER, "MOH", "vi")
    assert found.slots == {"summary": "Mới hơn.", "next": "Kế hoạch.", "closing": "Trân trọng."}
    assert read_narrative(tmp_path, OCTOBER, "MOH", "en").slots == {
        "summary": "Mới hơn.",
        "closing": "Trân trọng.",
    }
    assert read_narrative(tmp_path, Period.parse("2026-08"), None, "vi") == Written()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("period: 2026-10\nslots: {sumary: a}\n", ":2 slots.sumary: is no slot; accepted: summary, "),
        ("period: 2026-10\nslots: {summary: 5}\n", ":2 slots.summary: expected text, found 5"),
        ("period: 2026-10\nslots: [a]\n", ":2 slots: expected a mapping, found a list"),
        ("period: 2026-13\nslots: {}\n", ":1 period: period '2026-13': expected a month"),
        ("slots: {}\n", "period: period 'None': expected a month"),
        (
            "period: 2026-10\nslot: {}\n",
            ":2 slot: is not a field; accepted: period, agency, language, slots, obst",
        ),
        ("period: 2026-10\nlanguage: fr\n", ":2 language: 'fr' is not accepted: vi or en"),
        ("period: 2026-10\nagency: [MOH]\n", ":2 agency: expected an agency's code, found a list"),
        (
            "period: 2026-10\nobstacles: {OB-1: {when: a}}\n",
            ":2 obstacles.OB-1.when: is not accepted: who, work",
        ),
        ("period: 2026-10\nobstacles: {OB-1: {time: 5}}\n", ":2 obstacles.OB-1.time: expected text"),
        ("- a\n", "expected period: and slots:; found a list"),
        ("period: 2026-10\nslots: {summary: *a}\n", ":2: "),
        (f"period: 2026-10\nslots: {{summary: {'a' * (MOST_CHARACTERS + 1)}}}\n", "has 20001 characters"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_with_the_place(
    tmp_path: Path, text: str, problem: str
) -> None:
    """Also where the mistake is in another report's document: somebody meant something by it."""
    file = tmp_path / "bad.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(NarrativeProblems) as raised:
        read_narrative(file, OCTOBER, None, "vi")
    assert problem in str(raised.value)
    assert str(file) in str(raised.value)


def test_a_markdown_file_must_name_a_slot(tmp_path: Path) -> None:
    """One for this report whose name ends in none is a mistake, not silence."""
    (tmp_path / "2026-10.national.sumary.md").write_text("a", encoding="utf-8")
    with pytest.raises(
        NarrativeProblems, match=r"2026-10\.national\.sumary\.md: the name must end in a slot"
    ):
        read_narrative(tmp_path, OCTOBER, None, "vi")


def test_a_file_that_holds_nothing_for_the_report_is_wrong_use(tmp_path: Path) -> None:
    """Somebody named it for this report; so is a path that is not there."""
    file = tmp_path / "october.yaml"
    file.write_text(TEXT, encoding="utf-8")
    with pytest.raises(UsageProblem, match="holds nothing for 2026-10, VSS, language vi"):
        read_narrative(file, OCTOBER, "VSS", "vi")
    with pytest.raises(UsageProblem, match="there is no such file or folder"):
        read_narrative(tmp_path / "absent.yaml", OCTOBER, None, "vi")
