"""History comes to exactly what is in the file, however often the backfill is killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.exactness import differences
from tests.e2e.history import (
    HARSH,
    BackfillProcess,
    history_settings,
    kill_at_random,
    stage_of,
    write_history,
)

SMALL, SMALL_KILLS, SMALL_CHUNK = 50_000, 3, 4_000
FULL, FULL_KILLS, FULL_SECONDS = 10_000_000, 20, 1800


def _prove(
    database_url: str, folder: Path, *, lines: int, kills: int, chunk: int | None, seconds: float
) -> None:
    path = folder / "history.ndjson"
    stage = stage_of(
        history_settings(database_url), folder, write_history(path, lines, seed=lines, shares=HARSH)
    )
    backfill = BackfillProcess(stage, path, chunk)
    try:
        killed_at = kill_at_random(backfill, kills=kills, seed=lines, seconds=seconds)
        print(f"{lines} lines, killed when {killed_at} were committed")  # noqa: T201  # shown by make drill
        assert differences(stage) == []
        backfill.start()
        assert backfill.wait(seconds) == 0  # nothing to add, and so nothing to reject
        assert differences(stage) == []
        assert backfill.counted() == lines
    finally:
        backfill.kill()


def test_a_backfill_is_killed_three_times(tmp_path: Path) -> None:
    """Fifty thousand lines, some again, late, malformed or in breach: every total is that of the file."""
    _prove(
        f"sqlite:///{tmp_path}/monitor.db", tmp_path,
        lines=SMALL, kills=SMALL_KILLS, chunk=SMALL_CHUNK, seconds=120,
    )  # fmt: skip


def test_a_backfill_into_postgresql_is_killed_three_times(tmp_path: Path, postgres_url: str) -> None:
    """The same on the other database."""
    _prove(postgres_url, tmp_path, lines=SMALL, kills=SMALL_KILLS, chunk=SMALL_CHUNK, seconds=120)


@pytest.mark.drill
@pytest.mark.timeout(FULL_SECONDS + 900)  # writing the file takes five minutes
def test_drill_ten_million_lines_are_killed_twenty_times(tmp_path: Path) -> None:
    """As it is run, with transactions of its own size."""
    _prove(
        f"sqlite:///{tmp_path}/monitor.db", tmp_path,
        lines=FULL, kills=FULL_KILLS, chunk=None, seconds=FULL_SECONDS,
    )  # fmt: skip
