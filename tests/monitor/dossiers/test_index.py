"""The index: points on capped lines, over what could be scored."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.dossiers.index import index_of
from monitor.dossiers.items import ITEMS, KEYS
from monitor.dossiers.rules import OTHER, QualityProblems, QualityRules, read_quality_rules

ROOT = Path(__file__).resolve().parents[3]
RULES = QualityRules()


def test_an_item_has_its_points_by_rate_and_target() -> None:
    """Half of the target, half of the points; all of them from the target on, and never more."""
    for on_time, points in ((0, 0.0), (40, 10.0), (80, 20.0), (100, 20.0)):
        index = index_of({"on_time": on_time, "lapsed": 100 - on_time}, RULES)
        one = index.items[0]
        assert (one.key, one.numerator, one.denominator, one.points) == ("on_time", on_time, 100, points)
        assert (index.points, index.scored) == (points, 20.0)
        assert index.scaled == points * 5


def test_a_target_reached_exactly_is_reached() -> None:
    """0.8 of 5 is 4, which the float nearest to 0.8 would miss."""
    assert index_of({"on_time": 4, "late": 1}, RULES).items[0].points == 20


def test_what_has_no_denominator_is_not_scored_and_costs_nothing() -> None:
    """It lowers the coverage instead; so does what dossiers cannot measure."""
    nothing = index_of({}, RULES)
    assert nothing.scaled is None
    assert nothing.coverage == 0
    assert all(one.points is None and one.rate is None for one in nothing.items)
    filed = index_of({"received": 10, "online": 5, "handled": 4, "handling_days": 10}, RULES)
    assert (filed.points, filed.scored, filed.most, filed.scaled) == (12.0, 12.0, 100.0, 100.0)
    assert filed.coverage == 0.12
    assert filed.mean_handling_days == 2.5


def test_what_could_not_be_measured_is_eligible() -> None:
    """Completed without a promise: neither on time nor late."""
    one = index_of({"on_time": 3, "late": 1, "unmeasured": 6}, RULES).items[0]
    assert (one.numerator, one.denominator, one.eligible) == (3, 4, 10)


MEASURES = sorted({name for item in ITEMS.values() for name in (*item.denominator, *item.beside)})


@given(st.dictionaries(st.sampled_from(MEASURES), st.integers(0, 1000)))
def test_points_stay_within_what_is_at_stake(sums: dict[str, int]) -> None:
    """For any counts; more on time never costs points."""
    index = index_of(sums, RULES)
    assert 0 <= index.points <= index.scored <= index.most == 100
    better = index_of({**sums, "on_time": sums.get("on_time", 0) + 1}, RULES)
    if index.items[0].points is not None:
        assert (better.items[0].points or 0) >= index.items[0].points


def test_the_file_that_is_shipped_says_what_the_monitor_does_without_one() -> None:
    """Every value of it."""
    assert read_quality_rules(ROOT / "deploy" / "service-quality.yaml") == RULES == read_quality_rules(None)


def test_only_what_the_decision_is_known_to_say_is_confirmed() -> None:
    """100 points in all; the split of the 44 and of the 18 is configuration, and so is every target."""
    assert RULES.most == 100
    assert {key for key, one in RULES.items.items() if one.confirmed} == {"on_time"}
    assert {name for name, part in RULES.parts.items() if not part.confirmed} == {"services"}
    assert not any(one.target_confirmed for one in RULES.items.values())
    assert tuple(RULES.items) == KEYS == tuple(ITEMS)
    assert sum(one.points for one in RULES.items.values()) == 82


def test_procedures_belong_to_the_first_group_that_fits() -> None:
    """What fits none is under other."""
    rules = QualityRules(groups={"birth": ("1.001*",), "civil-status": ("1.*", "2.000635")})
    named = {code: rules.group(code) for code in ("1.001193", "1.004", "2.000635", "2.1")}
    assert named == {
        "1.001193": "birth", "1.004": "civil-status", "2.000635": "civil-status", "2.1": OTHER,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("- 1\n", 1, "expected items"),
        ("window_days: 0\n", 1, "window_days"),
        ("complaint_days: 15\nwindows: 3\n", 2, "windows"),
        ("items: {}\n", 1, "lacks on_time"),
        ("groups:\n  Birth: ['1']\n", 2, "groups.Birth"),
        ("parts:\n  progress: {points: 1, confirmed: true, source: x}\n", 1, "part"),
        ("group_names:\n  birth: {en: Births, vi: Khai sinh}\n", 1, "not under groups"),
        ("groups: {birth: ['1']}\ngroup_names:\n  birth: {en: Births}\n", 3, "group_names.birth"),
        ("satisfied_from: [\n", 2, ""),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_place(
    tmp_path: Path, text: str, line: int, said: str
) -> None:
    """The file, the line, and what is expected."""
    path = tmp_path / "quality.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(QualityProblems) as refused:
        read_quality_rules(path)
    assert str(path) in str(refused.value)
    assert said in str(refused.value)
    assert refused.value.problems[0].line in (line, None)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    """Not a traceback."""
    with pytest.raises(QualityProblems, match="cannot be used"):
        read_quality_rules(tmp_path / "none.yaml")


def test_items_may_not_have_more_points_than_their_part(tmp_path: Path) -> None:
    """The message names both."""
    text = (ROOT / "deploy" / "service-quality.yaml").read_text(encoding="utf-8")
    path = tmp_path / "quality.yaml"
    path.write_text(text.replace("    points: 12\n", "    points: 13\n"), encoding="utf-8")
    with pytest.raises(QualityProblems, match="part satisfaction have 19 points; the part has 18"):
        read_quality_rules(path)
