"""What changed since a signed report: rows are matched by what they are about."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from monitor.reports.changes import MOST_CHANGES, PARTS, compare, leaves
from tests.monitor.reports.example import example

AT = datetime(2026, 11, 1, tzinfo=UTC)


@pytest.mark.parametrize("agency", [None, "MOH", "MPS"])
def test_every_row_has_an_identity_of_its_own(agency: str | None) -> None:
    """No two figures stand under one path, in any list of the report."""
    plain = msgspec.to_builtins(example(agency))
    paths = [path for part in PARTS for path, _ in leaves(plain[part], part)]
    assert len(paths) == len(set(paths))


def test_a_report_equals_itself() -> None:
    """Nothing changed."""
    reissue = compare(example(), example(language="en"), 7, AT)
    assert (reissue.changes, reissue.more, reissue.reasons, reissue.signed_run) == ((), 0, (), 7)


def test_rows_that_moved_did_not_change() -> None:
    """Another order of rows is no change; a row that came or went is."""
    now = example()
    signed = msgspec.structs.replace(now, pairs=tuple(reversed(now.pairs[1:])))
    reissue = compare(now, signed, 7, AT)
    pair = now.pairs[0]
    name = f"pairs[{pair.provider}/{pair.consumer}/{pair.service}]"
    assert {change.figure.split("]")[0] + "]" for change in reissue.changes} == {name}
    assert all(change.before is None for change in reissue.changes)


def test_an_item_whose_counts_changed_is_the_same_item() -> None:
    """One change, of the count; the item is neither gone nor new."""
    now = example()
    assert now.service_quality is not None
    first, *others = now.service_quality.items
    fewer = msgspec.structs.replace(first, indicator=msgspec.structs.replace(first.indicator, numerator=1))
    part = msgspec.structs.replace(now.service_quality, items=(fewer, *others))
    reissue = compare(now, msgspec.structs.replace(now, service_quality=part), 7, AT)
    assert [(change.figure, change.before, change.now) for change in reissue.changes] == [
        ("service_quality.items[on_time].indicator.numerator", 1, first.indicator.numerator)
    ]


def test_groups_of_procedures_change_by_their_name() -> None:
    """In whatever order they stand."""
    now = example()
    assert now.service_quality is not None
    first, *others = now.service_quality.groups
    fewer = msgspec.structs.replace(first, received=1)
    part = msgspec.structs.replace(now.service_quality, groups=(*others, fewer))
    reissue = compare(now, msgspec.structs.replace(now, service_quality=part), 7, AT)
    assert [(change.figure, change.before, change.now) for change in reissue.changes] == [
        ("service_quality.groups[land].received", 1, first.received)
    ]
    assert reissue.changes[0].label.vi == "Tiếp nhận"


def test_what_was_not_told_when_it_was_signed_is_no_change() -> None:
    """A report that was signed before groups of procedures were told is not made again for them."""
    now = example()
    assert now.service_quality is not None
    part = msgspec.structs.replace(now.service_quality, groups=())
    assert compare(now, msgspec.structs.replace(now, service_quality=part), 7, AT).changes == ()


def test_more_changes_than_are_listed_are_counted() -> None:
    """Totals come first; the others are a number."""
    now = example()
    signed = msgspec.structs.replace(
        now, pairs=(), volume=msgspec.structs.replace(now.volume, connection_points=1)
    )
    reissue = compare(now, signed, 7, AT)
    assert len(reissue.changes) == MOST_CHANGES
    assert reissue.more > 0
    assert reissue.changes[0].figure == "volume.connection_points"
    assert (reissue.changes[0].before, reissue.changes[0].now) == (1, 37)
