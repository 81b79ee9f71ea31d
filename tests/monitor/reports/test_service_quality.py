"""The report's part on public services: from dossiers in the ledger, national and of one agency."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.event import listen, remove

from monitor.calendar.working import WorkingDays
from monitor.dossiers.judge import QualityTerms
from monitor.dossiers.rules import OTHER, QualityRules
from monitor.dossiers.sums import ByGroup, Sums
from monitor.reports.figures import Share, Text
from monitor.reports.gather.procedure_groups import procedure_groups
from monitor.reports.layout.blocks import Missing
from monitor.reports.layout.document import lay_out
from tests.builders import MOMENT, ZONE
from tests.monitor.dossiers.parts import REGISTRY, Owner, dossier
from tests.monitor.reports.example import example
from tests.monitor.reports.ledgers import NOW, Event, count, database, report_on
from tests.monitor.reports.writers.drawn import texts

TERMS = QualityTerms(QualityRules(), WorkingDays(), ZONE)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A ledger with an exchange, on either database."""
    with database(request.param, request, tmp_path) as engine:
        count(engine, REGISTRY, [Event("x", MOMENT)])
        yield engine


def told(engine: Engine) -> None:
    """Two dossiers of October at one agency, one at another, and one of September."""
    owner = Owner(engine, terms=TERMS)
    given = (("MOH", 0, 3), ("MOH", 0, 20), ("MPS", 1, 2), ("MOH", -30, -29))
    for number, (agency, received, done) in enumerate(given):
        begin, end = MOMENT + timedelta(days=received), MOMENT + timedelta(days=done)
        promised = str((begin + timedelta(days=7)).date())
        whose = {"agency": agency, "dossier": f"H-{number}"}
        owner.fold(
            dossier(time=begin, id=f"r{number}", promised=promised, online=True, **whose),
            dossier("completed", end, id=f"c{number}", **whose),
            at=MOMENT + timedelta(days=21),
        )
    owner.commit()


def test_the_national_index_is_of_sums_over_agencies(engine: Engine) -> None:
    """Counts are added, never ratios; each item says its target, its source, and whether it is confirmed."""
    told(engine)
    part = report_on(engine, REGISTRY).service_quality
    assert part is not None
    items = {one.key: one for one in part.items}
    on_time = items["on_time"]
    assert (on_time.indicator.numerator, on_time.indicator.denominator) == (2, 3)
    assert on_time.indicator.before == Share(numerator=1, denominator=1)
    assert on_time.points == pytest.approx(20 * (2 / 3) / 0.8)
    assert (on_time.confirmed, items["filed_online"].confirmed) == (True, False)
    assert items["filed_online"].points == 12
    assert items["satisfaction"].points is None
    assert items["satisfaction"].indicator.reason == "no_dossiers"
    assert items["digitised"].points == 0
    assert (part.dossiers, part.handled, part.handling_days) == (3, 3, 3 + 14 + 1)
    assert part.mean_handling_days == 6
    assert (part.scored, part.most) == (20 + 12 + 8 + 8 + 6, 100)
    assert part.points == pytest.approx(sum(one.points or 0 for one in part.items))
    assert {code: rows[0].indicator.denominator for code, rows in part.agencies.items()} == {
        "MOH": 2,
        "MPS": 1,
    }


def test_an_agency_s_report_has_its_own_index(engine: Engine) -> None:
    """And one without dossiers has none: it is not scored, which is not zero."""
    told(engine)
    part = report_on(engine, REGISTRY, agency="MPS").service_quality
    assert part is not None
    assert (part.dossiers, part.items[0].points, part.agencies) == (1, 20, {})
    assert report_on(engine, REGISTRY, agency="VSS").service_quality is None


def test_without_dossiers_there_is_no_such_part(engine: Engine) -> None:
    """As for a platform whose agencies send none."""
    assert report_on(engine, REGISTRY).service_quality is None


def test_a_running_period_counts_what_has_lapsed_so_far(engine: Engine) -> None:
    """The last day of a dossier counts as a whole; the period before is compared up to the same day."""
    told(engine)
    due = MOMENT + timedelta(days=7)
    early = report_on(engine, REGISTRY, now=due).service_quality
    later = report_on(engine, REGISTRY, now=due + timedelta(days=1)).service_quality
    assert early is not None
    assert later is not None
    assert (early.items[0].indicator.denominator, later.items[0].indicator.denominator) == (2, 3)
    assert due < NOW


def by_group(**groups: dict[str, int]) -> ByGroup:
    """Sums by group of procedures."""
    return {name.replace("_", "-"): Sums(sums) for name, sums in groups.items()}


def test_groups_stand_with_the_worst_share_on_time_first() -> None:
    """Of equal shares that of more dossiers is first; what is not scored is last."""
    now = by_group(
        few={"received": 2, "on_time": 1, "late": 1},
        idle={"received": 9},
        many={"received": 20, "on_time": 5, "lapsed": 5},
        best={"received": 3, "on_time": 3, "completed": 3},
        worst={"received": 1, "lapsed": 1},
    )
    rows = procedure_groups(now, {}, {}, QualityRules())
    assert [row.group for row in rows] == ["worst", "many", "few", "best", "idle"]


def test_a_group_that_lets_dossiers_lapse_is_scored_and_one_that_has_only_begun_is_not() -> None:
    """Nothing completed, nothing lapsed: not scored. Nothing completed, all lapsed: none of them on time."""
    now = by_group(
        begun={"received": 4}, lapsed={"received": 4, "lapsed": 4}, earlier={"completed": 2, "handled": 1}
    )
    rows = {row.group: row for row in procedure_groups(now, {}, {}, QualityRules())}
    assert (rows["begun"].on_time.scored, rows["begun"].on_time.reason) == (False, "none_completed")
    assert (rows["lapsed"].on_time.ratio, rows["lapsed"].on_time.denominator) == (0, 4)
    assert (rows["earlier"].on_time.scored, rows["earlier"].on_time.reason) == (False, "none_decided")
    assert (rows["begun"].mean_handling_days, rows["earlier"].mean_handling_days) == (None, 0)


def test_groups_have_their_names_and_those_of_the_period_before_beside_them() -> None:
    """What the file calls them; the key where it has none; others together under a name of the catalogue."""
    rules = QualityRules.model_validate(
        {
            "groups": {"birth": ["1.*"], "land": ["2.*"]},
            "group_names": {"birth": {"en": "Births", "vi": "Khai sinh"}},
        }
    )
    now = by_group(**{name: {"received": 1, "online": 1} for name in ("birth", "land", OTHER)})
    rows = {row.group: row for row in procedure_groups(now, by_group(land={"received": 2}), {}, rules)}
    assert rows["birth"].name == Text(en="Births", vi="Khai sinh")
    assert rows["land"].name == Text(en="land", vi="land")
    assert rows[OTHER].name == Text(en="Other procedures", vi="Thủ tục khác")
    (alone,) = procedure_groups({OTHER: now[OTHER]}, {}, {}, rules)
    (without,) = procedure_groups({OTHER: now[OTHER]}, {}, {}, QualityRules())
    assert (alone.name.vi, without.name.vi) == ("Thủ tục khác", "Toàn bộ thủ tục")
    assert rows["land"].filed_online.before == Share(numerator=0, denominator=2)
    assert rows["birth"].filed_online.before is None


@pytest.mark.parametrize("agency", [None, "MOH"])
def test_the_page_has_a_dash_where_there_is_no_denominator_and_says_what_is_not_scored(
    agency: str | None,
) -> None:
    """In the national report and in a score card; all groups together stand below, in bold."""
    document = lay_out(example(agency), texts("vi"))
    table = next(each for each in document.tables() if each.key == "procedures")
    labour, total = table.rows[-2:]
    assert labour == (
        "Lao động, việc làm", 20, 0, 0, 0, Missing("không chấm điểm"), None, 0.0, None, None,
    )  # fmt: skip
    assert total[:6] == ("Tổng số", 9_310, 9_100, 7_812, 9_204, 7_812 / 9_204)
    assert table.marked == {len(table.rows) - 1}
    assert table.caption == "Tình hình giải quyết hồ sơ theo nhóm thủ tục"


def test_each_period_is_read_once_and_no_dossier(engine: Engine) -> None:
    """Groups are told from the sums that the index is made of: three periods, three queries of daily sums."""
    told(engine)
    asked: list[str] = []

    def note(*given: object) -> None:
        asked.append(str(given[2]))

    listen(engine, "before_cursor_execute", note)
    part = report_on(engine, REGISTRY).service_quality
    remove(engine, "before_cursor_execute", note)
    assert part is not None
    assert [each.group for each in part.groups] == [OTHER]
    assert sum("dossier_cells" in each for each in asked) == 3
    assert not [each for each in asked if "FROM dossiers" in each]
