"""Every total equals what was sent, however often workers are killed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.exactness import WorkerProcess, differences, fill, kill_while_counting, running, stage_settings

SMALL, SMALL_KILLS, SMALL_DEADLINE_S = 100_000, 5, 180
FULL, FULL_KILLS, FULL_DEADLINE_S = 1_000_000, 20, 1200


def _prove(
    settings: object, folder: Path, *, events: int, kills: int, workers: int, deadline_s: float
) -> None:
    stage = fill(settings, folder, events=events, partitions=8, seed=events + workers)  # type: ignore[arg-type]
    crew = [WorkerProcess(stage, f"worker-{number}", keeps_name=workers == 1) for number in range(workers)]
    with running(crew):
        killed_at = kill_while_counting(stage, crew, kills=kills, seed=events, deadline_s=deadline_s)
    print(f"{stage.records} records, killed when {killed_at} were read")  # noqa: T201  # shown by make drill
    assert differences(stage) == []
    assert stage.account.sent == events
    assert stage.account.total().exchanges > 0.9 * events


def test_one_worker_on_sqlite_is_killed_five_times(
    kafka_broker: str, tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """100 thousand exchanges over 8 partitions, some repeated, late or malformed: all totals are exact."""
    settings = stage_settings(kafka_broker, f"sqlite:///{tmp_path}/monitor.db", topic_prefix, consumer_group)
    _prove(settings, tmp_path, events=SMALL, kills=SMALL_KILLS, workers=1, deadline_s=SMALL_DEADLINE_S)


def test_two_workers_on_postgresql_are_killed_in_turn(
    kafka_broker: str, postgres_url: str, tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """Partitions move between two workers as one is killed and comes back: all totals are exact."""
    settings = stage_settings(kafka_broker, postgres_url, topic_prefix, consumer_group)
    _prove(settings, tmp_path, events=SMALL, kills=SMALL_KILLS, workers=2, deadline_s=SMALL_DEADLINE_S)


@pytest.mark.drill
@pytest.mark.timeout(FULL_DEADLINE_S + 120)
def test_drill_one_worker_on_sqlite_is_killed_twenty_times(
    kafka_broker: str, tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """One million exchanges, twenty kills."""
    settings = stage_settings(kafka_broker, f"sqlite:///{tmp_path}/monitor.db", topic_prefix, consumer_group)
    _prove(settings, tmp_path, events=FULL, kills=FULL_KILLS, workers=1, deadline_s=FULL_DEADLINE_S)


@pytest.mark.drill
@pytest.mark.timeout(FULL_DEADLINE_S + 120)
def test_drill_two_workers_on_postgresql_are_killed_twenty_times(
    kafka_broker: str, postgres_url: str, tmp_path: Path, topic_prefix: str, consumer_group: str
) -> None:
    """One million exchanges, twenty kills, partitions moving each time."""
    settings = stage_settings(kafka_broker, postgres_url, topic_prefix, consumer_group)
    _prove(settings, tmp_path, events=FULL, kills=FULL_KILLS, workers=2, deadline_s=FULL_DEADLINE_S)
