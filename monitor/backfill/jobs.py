"""Several files at once, each in a process of its own; or one after the other, in this one."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from queue import Empty
from typing import Any

from monitor.backfill.run import Outcome, Wishes, backfill
from monitor.backfill.session import session
from monitor.settings import Settings

Told = Callable[[int, int, int], None]
"""Which of the files, its bytes that were read, and records of this run."""

_LOOK_S = 0.2  # how often the progress of other processes is looked at


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be counted, and how."""

    paths: Sequence[Path]
    wishes: Wishes
    settings: Settings
    max_age: timedelta
    jobs: int = 1


def outcomes(plan: Plan, told: Told) -> Iterator[Outcome]:
    """Count the files and yield what became of each, as each is done.

    Raises UsageProblem, RegistryProblems, SchemaError and MonitorError where no file could be counted.
    """
    if plan.jobs > 1 and len(plan.paths) > 1:
        yield from _side_by_side(plan, told)
        return
    with session(plan.settings, plan.max_age) as (engine, kinds):
        for index, path in enumerate(plan.paths):
            yield backfill(
                path,
                plan.wishes,
                kinds,
                engine,
                _clock,
                lambda read, records, index=index: told(index, read, records),  # type: ignore[misc]
            )


def _side_by_side(plan: Plan, told: Told) -> Iterator[Outcome]:
    context = multiprocessing.get_context("spawn")  # a fork would share the database's connections
    progress = context.Queue()
    with (
        session(plan.settings, plan.max_age),  # what is wrong with all of them is said once, here
        ProcessPoolExecutor(plan.jobs, context, _begin, (progress,)) as pool,
    ):
        waiting = {pool.submit(_alone, plan, index) for index in range(len(plan.paths))}
        while waiting:
            done, waiting = wait(waiting, _LOOK_S, FIRST_COMPLETED)
            _pass_on(progress, told)
            for each in done:
                yield each.result()


def _pass_on(progress: Any, told: Told) -> None:
    while True:
        try:
            told(*progress.get_nowait())
        except Empty:
            return


_progress: Any = None  # of this process, when it is one of several


def _begin(progress: Any) -> None:
    global _progress  # noqa: PLW0603  # a queue can only be given to a process as it begins
    _progress = progress


def _alone(plan: Plan, index: int) -> Outcome:
    with session(plan.settings, plan.max_age) as (engine, kinds):
        return backfill(
            plan.paths[index],
            plan.wishes,
            kinds,
            engine,
            _clock,
            lambda read, records: _progress.put((index, read, records)),
        )


def _clock() -> datetime:
    return datetime.now(UTC)
