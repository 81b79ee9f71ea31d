"""The report's part on public services: from dossiers in the ledger, national and of one agency."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.calendar.working import WorkingDays
from monitor.dossiers.judge import QualityTerms
from monitor.dossiers.rules import QualityRules
from monitor.reports.figures import Share
from tests.builders import MOMENT, ZONE
from tests.monitor.dossiers.parts import REGISTRY, Owner, dossier
from tests.monitor.reports.ledgers import NOW, Event, count, database, report_on

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
