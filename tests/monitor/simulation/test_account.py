"""The account equals a recount of the bytes, survives a file, and adds up."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest

from monitor.errors import MonitorError
from monitor.simulation import Account, Sent, Shares, simulate
from tests.monitor.simulation.reading import Checker, members, moment
from tests.monitor.simulation.world import MONDAY_MORNING, ZONE, world

SHARES = Shares(breach=0.1, late=0.05, duplicate=0.05, malformed=0.02)


@pytest.fixture(scope="module")
def events() -> list[Sent]:
    """Two hours with plenty of everything that goes wrong."""
    return list(
        simulate(world(), seed=6, start=MONDAY_MORNING, zone=ZONE, rate=1, count=12_000, shares=SHARES)
    )


@pytest.fixture
def account(events: list[Sent]) -> Account:
    """The account of those events."""
    account = Account()
    for sent in events:
        account.add(sent)
    return account


def test_it_equals_an_independent_recount(events: list[Sent], account: Account) -> None:
    """Every cell, from the bytes alone: names unknown to the registry fold, repeated ids count once."""
    registry = world()
    checker = Checker(registry, ZONE)
    cells: dict[tuple[object, ...], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for sent in events:
        if sent.kind == "malformed":
            continue
        one = members(sent)
        provider, consumer, service = one["provider"], one["consumer"], one["service"]
        offered = service in registry.services and registry.services[service].provider == provider
        hour = int(moment(one).timestamp()) // 3600 * 3600
        cell = cells[
            hour,
            provider if provider in registry.agencies else "unregistered",
            consumer if consumer in registry.agencies else "unregistered",
            service if offered else "unregistered",
        ]
        breaches = checker.breaches(one)
        for breach in breaches:
            cell[breach] += 1
        if "duplicate_id" in breaches:
            cell["duplicates"] += 1
            continue
        cell["exchanges"] += 1
        cell[one["outcome"]] += 1
        cell["duration_us"] += int(one["duration_ms"] * 1000 + 0.5)
        for count in ("records", "request_bytes", "response_bytes"):
            cell[count] += one[count]
    assert {key: _nonzero(dict(cell)) for key, cell in cells.items()} == {
        key: _nonzero(
            {
                "exchanges": cell.exchanges,
                "records": cell.records,
                "request_bytes": cell.request_bytes,
                "response_bytes": cell.response_bytes,
                "duration_us": cell.duration_us,
                "duplicates": cell.duplicates,
                **cell.outcomes,
                **cell.breaches,
            }
        )
        for key, cell in account.cells.items()
    }
    assert any("unregistered" in key for key in account.cells)


def test_its_totals_are_those_of_the_stream(events: list[Sent], account: Account) -> None:
    """Sent, late, malformed by reason; and every sent event is one of three things."""
    assert account.sent == len(events)
    assert account.late == sum(sent.kind == "late" for sent in events)
    assert sum(account.malformed.values()) == sum(sent.kind == "malformed" for sent in events)
    total = account.total()
    assert account.sent == total.exchanges + total.duplicates + sum(account.malformed.values())
    assert total.breaches["duplicate_id"] == total.duplicates


def test_it_is_read_as_it_was_written(account: Account, tmp_path: Path) -> None:
    """The file holds everything, and writing leaves nothing else behind."""
    path = tmp_path / "account.json"
    path.write_text("an older one")
    account.write(path)
    read = Account.read(path)
    assert (read.cells, read.sent, read.late, read.malformed) == (
        account.cells,
        account.sent,
        account.late,
        account.malformed,
    )
    assert [one.name for one in tmp_path.iterdir()] == ["account.json"]


def test_accounts_of_parts_add_up_to_the_account_of_the_whole(events: list[Sent], account: Account) -> None:
    """Merging is what two simulators need to be compared with one monitor."""
    halves = Account(), Account()
    for position, sent in enumerate(events):
        halves[position % 2].add(sent)
    halves[0].merge(halves[1])
    assert halves[0].cells == account.cells
    assert (halves[0].sent, halves[0].late, halves[0].malformed) == (
        account.sent,
        account.late,
        account.malformed,
    )


def test_merging_leaves_the_other_account_alone(events: list[Sent]) -> None:
    """The sums of the merged one are copied, not shared."""
    first, second = Account(), Account()
    clean = next(sent for sent in events if sent.kind == "clean")
    second.add(clean)
    first.merge(second)
    first.add(clean)
    assert second.total().exchanges == 1


def test_a_folder_that_does_not_exist_is_said(account: Account, tmp_path: Path) -> None:
    """With the path, as one sentence."""
    with pytest.raises(MonitorError, match="missing"):
        account.write(tmp_path / "missing" / "account.json")


@pytest.mark.parametrize("content", [b"", b"{}", b'{"sent": "many"}', b"\xff"])
def test_a_file_that_is_no_account_is_refused(content: bytes, tmp_path: Path) -> None:
    """Instead of counting as an empty one."""
    path = tmp_path / "account.json"
    path.write_bytes(content)
    with pytest.raises(MonitorError, match=r"account\.json"):
        Account.read(path)


def _nonzero(sums: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in sums.items() if count}
