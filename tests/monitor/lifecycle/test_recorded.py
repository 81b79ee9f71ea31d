"""Which lifecycle events are read back: those that matter, under present codes, so many at the most."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from monitor.lifecycle.recorded import Read, Recorded, read_lifecycle
from monitor.lifecycle.store import prune_requests
from tests.builders import MOMENT
from tests.monitor.duties.ledgers import database, write_events
from tests.monitor.lifecycle.parts import REGISTRY

SINCE = MOMENT - timedelta(days=30)


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of either kind."""
    with database(str(request.param), request, tmp_path) as engine:
        yield engine


def ago(days: float) -> datetime:
    """So many days before MOMENT."""
    return MOMENT - timedelta(days=days)


def read(engine: Engine, most: int = 1000) -> Read:
    """What is read at MOMENT."""
    with engine.connect() as connection:
        return read_lifecycle(connection, REGISTRY, MOMENT, SINCE, most)


def about(number: str, *kinds: tuple[str, float]) -> list[Recorded]:
    """Events of one request of MOH, so many days ago each."""
    return [Recorded(ago(days), "MOH", kind, request=number) for kind, days in kinds]


def test_events_come_back_by_time_as_they_were_written(engine: Engine) -> None:
    """With all their fields, from every partition; those of later are left out."""
    late = Recorded(ago(1), "MOH", "reviewed", "AGR-1", None, None, MOMENT.date())
    early = Recorded(ago(2), "MPS", "went_live", None, "x.y", None, None)
    asked = Recorded(ago(1.5), "VSS", "requested", request="YC-1", due=MOMENT.date(), limit="simple")
    coming = Recorded(ago(-0.001), "MPS", "suspended")
    write_events(engine, [late, coming])
    write_events(engine, [early, asked], partition=1)
    assert read(engine) == Read([early, asked, late], 0)


def test_an_agency_with_another_code_since_counts_under_its_present_one(engine: Engine) -> None:
    """And events of agencies that the registry does not hold are nobody's."""
    write_events(
        engine, [Recorded(ago(1), code, "cleared") for code in ("GOV-M5", "MOH", "unregistered", "X")]
    )
    assert [each.agency for each in read(engine).events] == ["MOH", "MOH"]


def test_of_old_requests_only_those_still_open_or_settled_lately_are_read(engine: Engine) -> None:
    """However long ago they were made; everything else is read whatever its age."""
    write_events(
        engine,
        [
            *about("closed long ago", ("requested", 300), ("answered", 290)),
            *about("open", ("requested", 301)),
            *about("answered lately", ("requested", 300), ("answered", 10)),
            *about("corrected lately", ("requested", 299), ("corrected", 9)),
            *about("new", ("requested", 5), ("answered", 1)),
            Recorded(ago(290), "MPS", "answered", request="open"),  # another agency's
            Recorded(ago(900), "MOH", "went_live"),
        ],
    )
    found = [(each.request, each.kind) for each in read(engine).events]
    assert found == [
        (None, "went_live"),
        ("open", "requested"),
        ("answered lately", "requested"),
        ("corrected lately", "requested"),
        ("answered lately", "answered"),
        ("corrected lately", "corrected"),
        ("new", "requested"),
        ("new", "answered"),
    ]


def test_what_is_beyond_the_bound_is_counted_and_is_the_oldest(engine: Engine) -> None:
    """A flood of requests cannot push out the states of connections."""
    write_events(engine, [Recorded(ago(25 - day), "MOH", "cleared") for day in range(5)])
    write_events(
        engine,
        [Recorded(ago(20 - day), "MOH", "requested", request=f"YC-{day}") for day in range(7)],
        partition=1,
    )
    found = read(engine, most=4)
    assert found.unread == 1 + 3
    assert [each.kind for each in found.events] == ["cleared"] * 4 + ["requested"] * 4
    assert found.events[0].time == ago(24)
    assert [each.request for each in found.events[4:]] == ["YC-3", "YC-4", "YC-5", "YC-6"]


def test_settled_requests_are_pruned_whole_and_nothing_else(engine: Engine) -> None:
    """Whatever is open, was heard of since, or is no request stays; so many at a time."""
    write_events(
        engine,
        [
            *about("settled", ("requested", 300), ("answered", 290)),
            *about("settled too", ("requested", 300), ("answered", 290), ("corrected", 280)),
            *about("open", ("requested", 301)),
            *about("asked again", ("requested", 299), ("answered", 290), ("requested", 10)),
            *about("settled since", ("requested", 298), ("answered", 20)),
            Recorded(ago(900), "MOH", "went_live"),
        ],
    )
    deleted = []
    for _ in range(3):
        with engine.begin() as connection:
            deleted.append(prune_requests(connection, ago(100), 1))
    assert sorted(deleted) == [0, 2, 3]
    assert {each.request for each in read(engine).events} == {None, "open", "settled since", "asked again"}
