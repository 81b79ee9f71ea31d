"""The score of risk: decay, diminishing repeats, bounds, and what it is made of."""

from __future__ import annotations

import math
import random
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerts.risk.score import FULL_SCORE, HALF_LIVES, Risk, Weighed, points, score_of
from tests.builders import MOMENT

DAY = timedelta(days=1)
HALF_LIFE = DAY


def weighed(
    weight: int = 40, events: int = 1, last: datetime = MOMENT, rule: str = "r", agency: str = "MOH"
) -> Weighed:
    """What one rule detected on one day."""
    return Weighed(agency, rule, weight, events, last)


rows = st.builds(
    weighed,
    weight=st.integers(0, 100),
    events=st.integers(0, 10**9),
    last=st.integers(-20 * 86_400, 600).map(lambda s: MOMENT + timedelta(seconds=s)),
    rule=st.sampled_from("abc"),
    agency=st.sampled_from(["MOH", "VSS"]),
)


def test_one_fresh_detection_counts_its_weight() -> None:
    """And a half-life later, half of it."""
    assert points(weighed(85), MOMENT, HALF_LIFE) == 85
    assert points(weighed(85), MOMENT + HALF_LIFE, HALF_LIFE) == pytest.approx(42.5)
    assert points(weighed(85), MOMENT + 2 * HALF_LIFE, HALF_LIFE) == pytest.approx(21.25)
    assert points(weighed(85), MOMENT + DAY, 2 * DAY) == pytest.approx(85 / math.sqrt(2))


@pytest.mark.parametrize(("events", "times"), [(0, 0), (1, 1), (10, 2), (100, 3), (101, 3), (10**12, 3)])
def test_repeats_count_ever_less(events: int, times: int) -> None:
    """Ten times in a day twice, a hundred times or more three times."""
    assert points(weighed(20, events), MOMENT, HALF_LIFE) == pytest.approx(20 * times)


def test_an_event_ahead_of_the_clock_counts_as_of_now() -> None:
    """Clocks of agencies run up to five minutes ahead: that must not make more of it."""
    assert points(weighed(50, last=MOMENT + timedelta(minutes=5)), MOMENT, HALF_LIFE) == 50


def test_what_is_long_over_is_nothing() -> None:
    """After ten half-lives the row need not be read any more."""
    after = MOMENT + HALF_LIVES * HALF_LIFE
    assert 0 < points(weighed(100), after, HALF_LIFE) < 0.1
    assert points(weighed(100), after + timedelta(seconds=1), HALF_LIFE) == 0


def test_one_noisy_rule_of_low_risk_stays_below_two_critical_ones() -> None:
    """However loud it is and however long it goes on: nine times its weight at the very most."""
    midnight = MOMENT.replace(hour=0, minute=0, second=0, microsecond=0)
    noise = [weighed(20, 10**9, midnight - day * DAY) for day in range(20)]
    loud = Risk.of([*noise, weighed(20, 10**9, midnight)], HALF_LIFE)
    (only,) = loud.explain("MOH", midnight)
    assert only.points < 9 * 20
    two = Risk.of([weighed(95, rule="a"), weighed(95, rule="b")], HALF_LIFE)
    assert loud.score("MOH", midnight) < two.score("MOH", MOMENT)


def test_the_scale_is_as_documented() -> None:
    """63 at a hundred points, 57 for one fresh detection of weight 85."""
    assert score_of(100) == pytest.approx(63.2, abs=0.05)
    assert score_of(85) == pytest.approx(57.3, abs=0.05)
    assert score_of(0) == 0


@given(st.floats(0, 1e12), st.floats(0, 1e12))
def test_the_score_is_bounded_and_grows_with_the_points(one: float, other: float) -> None:
    """0 is included and 100 is not, also where floating point would round."""
    low, high = sorted((one, other))
    assert 0 <= score_of(low) <= score_of(high) < FULL_SCORE


@given(st.lists(rows, max_size=12), st.integers(0, 2**32))
def test_the_order_of_rows_changes_nothing(given_rows: list[Weighed], seed: int) -> None:
    """To the last bit: two workers show the same figure."""
    shuffled = list(given_rows)
    random.Random(seed).shuffle(shuffled)
    one, other = Risk.of(given_rows, HALF_LIFE), Risk.of(shuffled, HALF_LIFE)
    at = MOMENT + timedelta(hours=7)
    assert one.scores(at) == other.scores(at)
    assert one.explain("MOH", at) == other.explain("MOH", at)


@given(st.lists(rows, max_size=12), st.integers(600, 10**6), st.integers(0, 10**6))
def test_without_anything_new_a_score_only_falls(given_rows: list[Weighed], first: int, more: int) -> None:
    """From the last event on."""
    risk = Risk.of(given_rows, HALF_LIFE)
    early, late = MOMENT + timedelta(seconds=first), MOMENT + timedelta(seconds=first + more)
    for agency, score in risk.scores(late).items():
        assert 0 <= score <= risk.score(agency, early) + 1e-9


@given(st.lists(rows, max_size=12), rows)
def test_a_detection_more_never_lowers_a_score(given_rows: list[Weighed], more: Weighed) -> None:
    """Neither its agency's nor another's."""
    before, after = Risk.of(given_rows, HALF_LIFE), Risk.of([*given_rows, more], HALF_LIFE)
    for agency, score in before.scores(MOMENT).items():
        assert after.score(agency, MOMENT) >= score - 1e-9


@given(st.lists(rows, max_size=12))
def test_the_explanation_adds_up_to_the_score(given_rows: list[Weighed]) -> None:
    """Rules by what they add, the most first; what adds nothing is left out."""
    risk = Risk.of(given_rows, HALF_LIFE)
    for agency in risk.by_agency:
        parts = risk.explain(agency, MOMENT)
        assert score_of(sum(part.points for part in parts)) == pytest.approx(risk.score(agency, MOMENT))
        assert [part.points for part in parts] == sorted((part.points for part in parts), reverse=True)
        assert all(part.points > 0 for part in parts)
        assert len({part.rule for part in parts}) == len(parts)


def test_an_agency_of_which_nothing_is_known_has_no_risk() -> None:
    """It is not an error to ask."""
    risk = Risk.of([], HALF_LIFE)
    assert (risk.score("MOH", MOMENT), risk.explain("MOH", MOMENT), risk.scores(MOMENT)) == (0, [], {})
