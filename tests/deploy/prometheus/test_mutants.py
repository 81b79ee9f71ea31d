"""The cases hold the rules: whatever number of a rule is changed, some case fails."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.prometheus.mutants import Mutant, mutants, noticed

ALL = list(mutants())
BURN = [each for each in ALL if each.group.startswith("objectives-")]
# Of every factor and window of the burn rates one of its two changes. Both numbers of a ratio have the same
# window, so that changing that of the bad events is enough here; and a twentieth of everything else. The rest
# is for the drill.
QUICK = [each for each in BURN if each.what == "factor" or (each.what == "range" and "bad" in each.rule)][
    ::2
] + [each for each in ALL if each not in BURN and each.group != "feed" and ":" not in each.rule][::20]


@pytest.mark.parametrize("mutant", QUICK, ids=lambda mutant: mutant.id)
def test_a_changed_number_of_a_rule_is_noticed(mutant: Mutant, tmp_path: Path) -> None:
    """A factor, a window or a threshold, a tenth or a half away from what it should be."""
    assert noticed(mutant, tmp_path)


@pytest.mark.drill
@pytest.mark.timeout(1800)
def test_every_changed_number_of_every_rule_is_noticed(tmp_path: Path) -> None:
    """One at a time: ranges, offsets, factors, thresholds, conditions, and how long a beginning takes."""
    survivors = [each.id for each in ALL if not noticed(each, tmp_path)]
    assert not survivors


def test_there_is_something_to_change_in_every_file() -> None:
    """Or the tests above would prove nothing: no two changes are the same, and none is no change."""
    assert {each.file.name for each in ALL} == {
        "objectives.yml", "feed.yml", "duties.yml", "security.yml", "platform.yml", "xroad.yml",
    }  # fmt: skip
    assert len({each.id for each in ALL}) == len(ALL)
    assert sum(each.what == "factor" for each in BURN) == 8
    assert sum(each.what == "range" for each in BURN) == 28
    assert sum(each.what == "clause" for each in BURN) == 12
