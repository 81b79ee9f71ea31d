"""The file of duties: what it may say, and that the shipped one says what the monitor does."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from monitor.duties.rules import DutyProblems, DutyRules, read_rules
from monitor.events.lifecycle_event import LIMITS
from monitor.indicators.agencies import INDICATORS

SHIPPED = Path(__file__).resolve().parents[3] / "deploy" / "duties.yaml"


def test_the_shipped_file_is_what_holds_without_one() -> None:
    """In every value; so it can be read to know what holds."""
    assert read_rules(SHIPPED) == read_rules(None) == DutyRules()


def test_every_stand_in_is_marked() -> None:
    """No limit for answers may look like law."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert text.count("UNVERIFIED") >= 9
    assert "UNVERIFIED, all of them: no answer limits" in text


def test_every_limit_and_every_indicator_has_a_value() -> None:
    """The names of events and of labels are names in the file."""
    rules = DutyRules()
    assert [rules.answer.days(limit) for limit in LIMITS] == [3, 5, 20, 35, 5, 10, 15]
    assert set(INDICATORS) == set(type(rules.indicators.targets).model_fields)


def test_what_is_left_out_stays_as_it_is(tmp_path: Path) -> None:
    """A file may say one thing alone."""
    path = tmp_path / "duties.yaml"
    path.write_text("connect: {deadline: 2027-01-31, deadlines: {MOH: 2027-06-30}}\n", encoding="utf-8")
    rules = read_rules(path)
    assert rules.connect.deadline == date(2027, 1, 31)
    assert rules.connect.deadlines == {"MOH": date(2027, 6, 30)}
    assert rules.answer == DutyRules().answer


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("connect:\n  dedline: 2026-12-31\n", "duties.yaml:2 connect.dedline"),
        ("answer:\n  simple: 0\n", "duties.yaml:2 answer.simple"),
        ("answer: {otherwise: soon}\n", "answer.otherwise"),
        ("expiry: {notice_days: [7, 30]}\n", "must fall"),
        ("expiry: {notice_days: []}\n", "expiry.notice_days"),
        ("review: {responsible: both}\n", "review.responsible"),
        ("indicators: {targets: {connection: 80}}\n", "indicators.targets.connection"),
        ("connect: {deadline: soon}\n", "connect.deadline"),
        ("[]\n", "expected a mapping"),
        ("a: [\n", "duties.yaml:"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, text: str, said: str) -> None:
    """And nothing of the file is used."""
    path = tmp_path / "duties.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DutyProblems) as why:
        read_rules(path)
    assert said in str(why.value)


def test_a_file_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    """The default is for whoever names none."""
    with pytest.raises(DutyProblems, match=r"none\.yaml"):
        read_rules(tmp_path / "none.yaml")
