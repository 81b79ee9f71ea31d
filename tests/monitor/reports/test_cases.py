"""Reports on months that are unlike others: empty, running, with a leap day, with a late event, renamed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.errors import MonitorError, UsageProblem
from monitor.reports import runs
from monitor.reports.model import Report
from monitor.reports.narrative import Written
from tests.builders import agency, agreement, made, service
from tests.monitor.reports.ledgers import NOW, Event, count, database, report_on
from tests.monitor.reports.recount import local

REGISTRY = made(agreement(dates={"review": "2026-10-15"}))


@pytest.fixture
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Engine]:
    """An empty ledger."""
    with database("sqlite", request, tmp_path) as held:
        yield held


def at(*times: str) -> list[Event]:
    """One exchange at each local time."""
    return [Event(f"E-{time}", local(time)) for time in times]


def said(report: Report) -> str:
    """The summary and the notes, in English."""
    return "\n".join(text.en for text in (*report.summary, *report.notes))


def test_a_month_without_exchanges_is_reported_with_zeros_and_nothing_scored(engine: Engine) -> None:
    """The worker was there before and after: that nothing happened is known, and said."""
    count(engine, REGISTRY, at("2026-09-30T08:00", "2026-11-01T08:00"))
    report = report_on(engine, REGISTRY)
    assert report.volume.total.exchanges == 0
    assert len(report.volume.days) == 31
    assert not report.quality.availability.scored
    assert report.quality.availability.reason == "no_exchanges"
    assert report.quality.durations.p95_us is None
    assert report.pairs == ()
    assert "There were no exchanges in October 2026." in said(report)
    assert report.volume.before is not None
    assert report.volume.before.exchanges == 1
    card = report_on(engine, REGISTRY, agency="MOH").card
    assert card is not None
    assert card.as_consumer.partners == ()


def test_an_agency_with_one_exchange_has_it_everywhere(engine: Engine) -> None:
    """As provider or as consumer, in its days, its partner and the ranking; the other side sees the same."""
    count(engine, REGISTRY, at("2026-09-30T08:00", "2026-10-05T08:00", "2026-11-01T08:00"))
    asked, answered = report_on(engine, REGISTRY, agency="MOH"), report_on(engine, REGISTRY, agency="MPS")
    for report in (asked, answered):
        assert report.volume.total.exchanges == 1
        assert [day.day.day for day in report.volume.days if day.exchanges] == [5]
        assert len(report.pairs) == 1
    assert asked.card is not None
    assert answered.card is not None
    assert [p.agency for p in asked.card.as_consumer.partners] == ["MPS"]
    assert [p.agency for p in answered.card.as_provider.partners] == ["MOH"]
    assert answered.card.row.rank == 1
    assert asked.card.row.rank is None
    assert asked.card.row.unranked == "nothing_offered"
    assert report_on(engine, REGISTRY, agency="VSS").volume.total.exchanges == 0


def test_an_agency_that_changed_its_code_keeps_its_figures(engine: Engine) -> None:
    """What was counted under the former code, before the registry knew the new one, counts as the same."""
    before = made(agreement(consumer="OLD-M"), agencies=(agency("MPS"), agency("OLD-M"), agency("VSS")))
    count(engine, before, [Event("E1", local("2026-10-05T08:00"), consumer="OLD-M")])
    after = made(
        agreement(), agencies=(agency("MPS"), agency("MOH", previous_codes=["OLD-M"]), agency("VSS"))
    )
    count(engine, after, [Event("E2", local("2026-10-20T08:00"), consumer="OLD-M")])
    count(engine, after, [Event("E3", local("2026-11-01T08:00"), consumer="MOH")])
    report = report_on(engine, after)
    assert [(pair.consumer, pair.volume.exchanges) for pair in report.pairs] == [("MOH", 2)]
    row = report.row("MOH")
    assert row is not None
    assert row.consumed.now == 2
    assert report.compliance.under_agreement.numerator == 2


def test_a_leap_day_is_a_day(engine: Engine) -> None:
    """February 2028 has 29 days, and is compared with 31 of January."""
    now = datetime(2028, 3, 2, 3, tzinfo=UTC)
    registry = made(agreement(end="2028-12-31"))
    count(
        engine,
        registry,
        at("2028-01-31T09:00", "2028-02-29T09:00", "2028-02-29T23:59:59", "2028-03-01T00:00"),
    )
    report = report_on(engine, registry, "2028-02", now=now)
    assert len(report.volume.days) == 29
    assert report.volume.days[-1].exchanges == 2
    assert report.volume.total.exchanges == 2
    assert report.volume.before is not None
    assert report.volume.before.exchanges == 1


def test_a_late_event_after_signing_is_told_figure_by_figure(engine: Engine) -> None:
    """The report that was signed stays; the next says what came, and where each figure moved."""
    count(engine, REGISTRY, at("2026-09-30T08:00", "2026-10-05T08:00", "2026-11-01T08:00"))
    first = report_on(engine, REGISTRY, record=True)
    assert first.run is not None
    with engine.begin() as connection:
        runs.sign(connection, first.run, "Ministry office", NOW)
    same = report_on(engine, REGISTRY)
    assert same.reissue is not None
    assert same.reissue.changes == ()
    assert same.reissue.reasons == ()
    count(engine, REGISTRY, [Event("late", local("2026-10-06T10:00"), outcome="fault")])
    again = report_on(engine, REGISTRY, record=True)
    assert again.reissue is not None
    assert again.reissue.signed_run == first.run
    assert again.reissue.reasons == ("offsets", "ledger")
    moved = {change.figure: (change.before, change.now) for change in again.reissue.changes}
    assert moved["volume.total.exchanges"] == (1, 2)
    assert moved["volume.total.late"] == (0, 1)
    assert moved["volume.days[2026-10-06].exchanges"] == (0, 1)
    assert moved["pairs[MPS/MOH/population.verify-identity].volume.fault"] == (0, 1)
    assert not any(figure.startswith("volume.days[2026-10-05]") for figure in moved)
    with engine.connect() as connection:
        _, kept = runs.load(connection, first.run)
    assert kept.volume.total.exchanges == 1
    assert kept.state == "signed"


def test_the_record_is_kept_on_postgresql_too(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """Numbers are given in turn, drafts beyond the fifth go, a signed report is found and compared with."""
    with database("postgresql", request, tmp_path) as postgres:
        count(postgres, REGISTRY, at("2026-09-30T08:00", "2026-10-05T08:00", "2026-11-01T08:00"))
        first = report_on(postgres, REGISTRY, record=True)
        assert first.run == 1
        with postgres.begin() as connection:
            assert runs.sign(connection, 1, "Ministry office", NOW).state == "signed"
        for _ in range(runs.KEPT_DRAFTS + 1):
            last = report_on(postgres, REGISTRY, record=True)
        assert last.reissue is not None
        assert (last.reissue.signed_run, last.reissue.changes) == (1, ())
        with postgres.connect() as connection:
            assert [run.id for run in runs.all_runs(connection, 50)] == [7, 6, 5, 4, 3, 1]
            assert runs.load(connection, 7)[1] == last


def test_a_running_period_is_to_date_and_compared_with_as_many_hours(engine: Engine) -> None:
    """Ten days of October against ten of September; what came after the tenth counts in neither."""
    now = local("2026-10-11T00:00")
    count(
        engine, REGISTRY, at("2026-08-31T08:00", "2026-09-05T08:00", "2026-09-20T08:00", "2026-10-05T08:00")
    )
    report = report_on(engine, REGISTRY, now=now, record=True)
    assert report.period.to_date
    assert report.before is not None
    assert report.before.to_date
    assert report.volume.before is not None
    assert (report.volume.total.exchanges, report.volume.before.exchanges) == (1, 1)
    assert len(report.volume.days) == 10
    assert "still running" in said(report)
    assert report.run is not None
    with engine.begin() as connection, pytest.raises(UsageProblem, match="to date"):
        runs.sign(connection, report.run, "Ministry office", now)


def test_what_the_ledger_does_not_reach_is_not_compared(engine: Engine) -> None:
    """A ledger that begins within a month says so, and has neither a month before nor a year ago."""
    count(engine, REGISTRY, at("2026-10-05T08:00", "2026-11-01T08:00"))
    report = report_on(engine, REGISTRY)
    assert report.before is None
    assert report.year_ago is None
    assert report.volume.before is None
    assert report.period.ledger_from == local("2026-10-05T08:00")
    row = report.row("MPS")
    assert row is not None
    assert row.rank_before is None
    assert "The ledger begins at 08:00 on 5 October 2026" in said(report)


def test_a_year_ago_is_compared_too(engine: Engine) -> None:
    """Volume, breaches and coverage have three columns."""
    registry = made(agreement(start="2025-01-01"))
    count(
        engine, registry, at("2025-10-05T08:00", "2025-10-06T08:00", "2026-10-05T08:00", "2026-11-01T08:00")
    )
    report = report_on(engine, registry)
    assert report.volume.year_ago is not None
    assert report.volume.year_ago.exchanges == 2
    assert report.volume.before is not None
    assert report.volume.before.exchanges == 0
    assert report.quality.availability.year_ago is not None
    assert report.quality.availability.year_ago.denominator == 2


@pytest.mark.parametrize(
    ("period", "events", "message"),
    [
        ("2026-10", [], "the ledger is empty"),
        ("2026-08", ["2026-10-05T08:00"], "the ledger begins on 2026-10-05"),
        ("2026-10", ["2026-09-05T08:00"], "the newest event that was read is of 2026-09-05"),
    ],
)
def test_a_period_of_which_nothing_is_known_is_refused(
    engine: Engine, period: str, events: list[str], message: str
) -> None:
    """Zeros would claim that nothing happened, where nobody looked."""
    if events:
        count(engine, REGISTRY, at(*events))
    with pytest.raises(MonitorError, match=message):
        report_on(engine, REGISTRY, period)


def test_a_period_that_has_not_begun_is_wrong_use(engine: Engine) -> None:
    """Reports are about what has happened."""
    with pytest.raises(UsageProblem, match="begins on 2026-12-01"):
        report_on(engine, REGISTRY, "2026-12")


def test_what_is_overdue_becomes_an_obstacle_in_the_form_of_six_clear(engine: Engine) -> None:
    """A review that was due on the 15th; people may put it in other words, which are kept and marked."""
    count(engine, REGISTRY, at("2026-09-30T08:00", "2026-10-05T08:00", "2026-11-01T08:00"))
    report = report_on(engine, REGISTRY)
    (review,) = [each for each in report.compliance.duties if each.duty == "review"]
    assert (review.standing, review.days) == ("overdue", -16)
    (obstacle,) = [each for each in report.obstacles if each.kind == "review"]
    assert obstacle.id == "OB-review-MPS-AGR-1"
    assert obstacle.time.vi == "đã đến hạn ngày 15/10/2026"
    assert all((obstacle.who.vi, obstacle.work.vi, obstacle.responsibility.vi, obstacle.authority.vi))
    words = Written(obstacles={obstacle.id: {"time": "trước ngày 15/11/2026"}})
    edited = report_on(engine, REGISTRY, written=words, record=True)
    (changed,) = [each for each in edited.obstacles if each.kind == "review"]
    assert (changed.edited, changed.time.vi, changed.work) == (True, "trước ngày 15/11/2026", obstacle.work)


def test_a_broken_objective_becomes_an_obstacle_of_its_provider(engine: Engine) -> None:
    """Half of the exchanges failed where 95 % were to be answered."""
    registry = made(agreement(objectives={"availability": 0.95}))
    events = [
        Event(f"E{n}", local("2026-10-05T08:00") + timedelta(minutes=n), outcome="fault" if n % 2 else "ok")
        for n in range(40)
    ]
    count(engine, registry, [*at("2026-09-30T08:00"), *events, *at("2026-11-01T08:00")])
    report = report_on(engine, registry)
    (obstacle,) = [each for each in report.obstacles if each.kind == "availability"]
    assert (obstacle.agency, obstacle.subject) == ("MPS", "population.verify-identity")
    assert "50.0% attained, 95.0% agreed" in obstacle.work.en
    assert "đạt 50,0%, thỏa thuận 95,0%" in obstacle.work.vi
    consumer = report_on(engine, registry, agency="MOH")
    assert not [each for each in consumer.obstacles if each.kind == "availability"]
    card = report_on(engine, registry, agency="MPS").card
    assert card is not None


def test_narratives_are_carried_over_until_something_else_is_written(engine: Engine) -> None:
    """From issue to issue of one report in one language; an empty text takes one away."""
    count(engine, REGISTRY, at("2026-10-05T08:00", "2026-11-01T08:00"))
    report_on(engine, REGISTRY, written=Written({"summary": "Một.", "next": "Hai."}), record=True)
    second = report_on(engine, REGISTRY, written=Written({"summary": "Ba."}), record=True)
    assert {(each.slot, each.text, each.carried) for each in second.narratives} == {
        ("summary", "Ba.", False),
        ("next", "Hai.", True),
    }
    third = report_on(engine, REGISTRY, written=Written({"next": ""}), record=True)
    assert [each.slot for each in third.narratives] == ["summary"]
    assert report_on(engine, REGISTRY, language="en").narratives == ()
    assert report_on(engine, REGISTRY, agency="MOH").narratives == ()


def test_an_agency_that_is_not_connected_is_not_scored(engine: Engine) -> None:
    """Neither ranked nor zero: its indicators say why, and lower the coverage."""
    registry = made(
        agreement(),
        agencies=(
            agency("MPS"),
            agency("MOH"),
            agency("VSS", connection={"state": "not-connected"}),
        ),
        services=(service(), service("insurance.verify-insured", provider="VSS")),
    )
    count(engine, registry, at("2026-09-30T08:00", "2026-10-05T08:00", "2026-11-01T08:00"))
    row = report_on(engine, registry).row("VSS")
    assert row is not None
    assert (row.rank, row.unranked, row.composite, row.connected) == (None, "not_connected", None, False)
    assert {each.reason for each in row.indicators} == {"not_connected"}
    assert not any(each.scored for each in row.indicators)


def test_breaches_are_counted_under_the_agreement_that_was_broken(engine: Engine) -> None:
    """Where one replaced another within the period, each has its own, and the finding names the last."""
    old = agreement("AGR-OLD", end="2026-10-15")
    new = agreement("AGR-NEW", start="2026-10-16", end="2027-12-31")
    registry = made(old, new)
    bad = [Event(f"A{day}", local(f"2026-10-{day:02}T08:00"), purpose="nonsense") for day in range(1, 21)]
    count(engine, registry, [*bad, *at("2026-11-01T08:00")])
    report = report_on(engine, registry)
    assert {each.agreement: each.breached for each in report.compliance.agreements} == {
        "AGR-OLD": 15, "AGR-NEW": 5,
    }  # fmt: skip
    assert [(each.agreement, each.count) for each in report.compliance.findings] == [("AGR-NEW", 20)]


def test_objectives_of_the_period_before_are_those_of_its_own_report(engine: Engine) -> None:
    """Also of an agreement that has ended since: leaving it out would flatter what was."""
    offered = service(objectives={"availability": 0.99})
    ended = agreement("AGR-1", end="2026-09-30")
    goes_on = agreement("AGR-2", consumer="VSS", end="2027-12-31")
    registry = made(ended, goes_on, services=(offered,))
    events = [Event(f"C{day}", local(f"2026-09-{day:02}T08:00"), outcome="fault") for day in range(1, 21)]
    for month in (9, 10):
        times = (f"2026-{month:02}-{day:02}T09:00" for day in range(1, 21))
        events += [Event(f"D{time}", local(time), consumer="VSS") for time in times]
    count(engine, registry, [*events, *at("2026-11-01T08:00")])
    then = report_on(engine, registry, "2026-09").quality.objectives_met
    assert (then.numerator, then.denominator) == (1, 2)
    now = report_on(engine, registry, "2026-10").quality.objectives_met
    assert (now.numerator, now.denominator) == (1, 1)
    assert now.before is not None
    assert (now.before.numerator, now.before.denominator) == (1, 2)
    ours = report_on(engine, registry, "2026-10", agency="VSS").quality.objectives_met.before
    assert ours is not None
    assert (ours.numerator, ours.denominator) == (1, 1)
