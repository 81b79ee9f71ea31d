"""The examination: every check in its order, none of them for longer than its time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from kafka.errors import KafkaError
from sqlalchemy.exc import SQLAlchemyError

from monitor.errors import MonitorError
from monitor.settings import Settings
from streams.doctor import database, offsets, records, reports
from streams.doctor.addresses import Advertised, check_address
from streams.doctor.cluster import check_brokers, check_topics
from streams.doctor.finding import Finding, State, brief, not_checked, problem
from streams.doctor.group import check_group
from streams.doctor.registry import check_registry
from streams.doctor.sample import Sample, check_reading, read_sample
from streams.doctor.settings import addresses, check_settings

T = TypeVar("T")
# Of a check's time, what its network calls get: their own errors say more than "no answer".
_NETWORK_SHARE = 0.4
_OF_EXCHANGES = ("workers", *offsets.NAMES, *records.NAMES)


@dataclass(frozen=True, slots=True)
class Options:
    """What the examination is given: records looked at per partition, seconds a check may take."""

    sample: int
    seconds: float


class Outcome:
    """What a bounded call came to: its result, or a finding in its place."""

    def __init__(self) -> None:
        self.result: object = None
        self.failure: BaseException | None = None
        self.done = threading.Event()


def examine(
    settings: Settings, options: Options, environ: Mapping[str, str], folder: Path
) -> Iterator[Finding]:
    """Run all checks, yielding each finding as it is made; `folder` is where settings files are looked for.

    Takes at most nine times `options.seconds`: registry, database, report folder, addresses, brokers, topics,
    exchanges, workers and offsets each have that long, and what follows from them none.
    """
    network = options.seconds * _NETWORK_SHARE
    yield from check_settings(settings, environ, folder)
    today = datetime.now(settings.zone).date()
    finding, registry = bounded(
        "registry", options, lambda: check_registry(settings, today), lambda one: (one, None)
    )
    yield finding
    stored = bounded(
        "database", options, lambda: database.check_database(settings, _now, network), database.unreached
    )
    yield from stored
    yield from bounded(
        reports.NAME, options, lambda: reports.check_report_folder(settings), lambda one: [one]
    )
    advertised: set[tuple[str, int]] = set()
    answers = list(_addresses(settings, options, network))
    for _, told in answers:
        advertised |= told
    for finding, _ in answers:
        # One address is enough to find the others.
        yield replace(finding, state=State.WARNING) if advertised and finding.remedy else finding
    if not advertised:
        names: tuple[str, ...] = ("brokers", "topics", "exchanges", *_OF_EXCHANGES)
        yield from (not_checked(name, "no broker can be reached") for name in names)
        return
    brokers = frozenset(advertised)
    yield bounded("brokers", options, lambda: check_brokers(settings, brokers, network), _itself)
    yield bounded("topics", options, lambda: check_topics(settings, network), _itself)
    sample = bounded("exchanges", options, lambda: _sample(settings, options, network), _itself)
    if isinstance(sample, Finding):
        yield sample
        yield from (not_checked(name, "the exchanges cannot be read") for name in _OF_EXCHANGES)
        return
    yield check_reading(sample, options.seconds)
    partitions = len(sample.bounds)
    yield bounded("workers", options, lambda: check_group(settings, partitions, network), _itself)
    if all(one.state is not State.PROBLEM for one in stored[:2]):
        yield from bounded("offsets", options, lambda: _progress(settings, sample), lambda one: [one])
    else:
        yield from (not_checked(name, "the database comes first") for name in offsets.NAMES)
    yield records.check_keys(sample.seen, partitions, registry)
    yield records.check_bodies(sample.seen)
    yield records.check_names(sample.seen, registry)
    yield records.check_clock(sample.seen, _now())


def bounded(name: str, options: Options, check: Callable[[], T], instead: Callable[[Finding], T], /) -> T:
    """Run a check in a thread for at most `options.seconds`; `instead` turns a finding into its result.

    A thread that is still at work then is left behind: it ends with the process.
    """
    return _await(name, options, _started(check), instead)


def _addresses(settings: Settings, options: Options, network: float) -> Iterator[tuple[Finding, Advertised]]:
    """All bootstrap addresses at once: a cluster of which most are away must not take minutes."""
    running = {
        address: _started(lambda address=address: check_address(settings, address, network))  # type: ignore[misc]
        for address in addresses(settings)
    }
    for address, outcome in running.items():
        yield _await(f"broker {address}", options, outcome, lambda one: (one, frozenset()))


def _started(check: Callable[[], object]) -> Outcome:
    outcome = Outcome()

    def work() -> None:
        try:
            outcome.result = check()
        except BaseException as why:  # noqa: BLE001  # told by the thread that waits
            outcome.failure = why
        finally:
            outcome.done.set()

    threading.Thread(target=work, name="doctor", daemon=True).start()
    return outcome


def _await(name: str, options: Options, outcome: Outcome, instead: Callable[[Finding], T]) -> T:
    if not outcome.done.wait(options.seconds):
        return instead(
            problem(
                name,
                f"no answer within {options.seconds:g} s",
                "What is asked may be overloaded; --timeout gives it more time.",
            )
        )
    match outcome.failure:
        case None:
            return outcome.result  # type: ignore[return-value]  # made by the check itself
        case KafkaError() | SQLAlchemyError() | MonitorError() | OSError() as why:
            return instead(problem(name, brief(why), "Look at the log of what was asked."))
        case why:
            # A doctor who falls silent at the first surprise helps nobody.
            return instead(
                problem(name, f"the check failed: {type(why).__name__}: {brief(why)}", "Report this fault.")
            )


def _sample(settings: Settings, options: Options, network: float) -> Sample | Finding:
    try:
        return read_sample(settings, options.sample, network, settings.max_event_age)
    except MonitorError as why:
        return problem("exchanges", str(why), "`monitor topics create` makes it.")


def _progress(settings: Settings, sample: Sample) -> list[Finding]:
    progress = offsets.read_progress(settings)
    patience = timedelta(seconds=settings.stall_timeout)
    return [
        offsets.check_offsets(settings.topic("exchanges"), progress, sample.bounds),
        offsets.check_lag(progress, sample.bounds, _now(), patience),
    ]


def _itself(finding: Finding) -> Finding:
    return finding


def _now() -> datetime:
    return datetime.now(UTC)
