"""`monitor simulate`: sends a seeded picture of the national platform to Kafka."""

from __future__ import annotations

import re
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import datetime
from itertools import islice, repeat, takewhile
from pathlib import Path
from typing import Any

import click

from monitor.errors import MonitorError, UsageProblem
from monitor.judging.breach import Breach
from monitor.registry.load import load_registry
from monitor.settings import Settings, load_settings
from monitor.simulation import (
    INCIDENTS,
    Account,
    DossierSent,
    DossierSimulation,
    Incident,
    SecuritySent,
    SecuritySimulation,
    Sent,
    Shares,
    Simulation,
    XroadSent,
    XroadSimulation,
)
from monitor.simulation.breaches import KINDS
from monitor.simulation.generate import JITTER, PLATFORM_RATE
from monitor.simulation.rhythm import arrivals
from monitor.simulation.security import SHARE
from streams.pacing import paced

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86_400}
Event = Sent | SecuritySent | DossierSent | XroadSent
_SHARES = {field.name: field.default for field in fields(Shares)}


class Seconds(click.ParamType):
    """A length of time: 90, 90s, 15m, 8h or 2d."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        if isinstance(value, int | float):
            return float(value)
        match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", value)
        if match is None or not float(match[1]):
            self.fail(f"{value!r} is no length of time; write 90, 90s, 15m, 8h or 2d", param, ctx)
        return float(match[1]) * _SECONDS[match[2]]


class Instant(click.ParamType):
    """An RFC 3339 time with an offset."""

    name = "rfc3339"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return epoch seconds."""
        if isinstance(value, int | float):
            return float(value)
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail(f"{value!r} is no time with an offset, such as 2026-10-05T08:00:00+07:00", param, ctx)
        return moment.timestamp()


class Injected(click.ParamType):
    """An incident and when it happens: leak@2m, or stuffing:MOH@30s for one at a certain agency."""

    name = "incident"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Incident:
        """Return the incident; whether there is such an agency is known once the registry is read."""
        if isinstance(value, Incident):
            return value
        what, at, after = str(value).partition("@")
        name, _, agency = what.partition(":")
        if not at:
            self.fail(f"{value!r} does not say when; write {name or 'leak'}@30s", param, ctx)
        if name not in INCIDENTS:
            self.fail(f"no incident {name!r}: one of {', '.join(INCIDENTS)}", param, ctx)
        return Incident(name, Seconds().convert(after, param, ctx), agency or None)


class Latest:
    """Passes times on, and remembers the last."""

    def __init__(self, times: Iterator[float]) -> None:
        self._times = times
        self.time = 0.0

    def __iter__(self) -> Iterator[float]:
        for time_ in self._times:
            self.time = time_
            yield time_


@dataclass(frozen=True, slots=True)
class Plan:
    """What is sent, and when: `start` is None when the clock is followed, a rate or speed of 0 is unpaced."""

    rate: float
    speed: float
    start: float | None
    rhythm: bool
    jitter: float
    count: int | None
    duration: float | None
    seed: int
    shares: Shares
    kinds: tuple[Breach, ...]
    security_share: float
    incidents: tuple[Incident, ...]
    dossier_share: float = 0.0
    xroad_share: float = 0.0

    @property
    def security(self) -> bool:
        """Whether there are security events in it."""
        return bool(self.security_share or self.incidents)

    def events(self, settings: Settings, stop: threading.Event) -> Iterator[Event]:
        """The events, each when it is due. Raises UsageProblem for an incident at an unknown agency."""
        registry = load_registry(settings.registry)
        simulation = Simulation(
            registry,
            self.seed,
            settings.zone,
            self.shares,
            kinds=self.kinds,
            jitter=self.jitter,
            live=self.start is None,
        )
        times = Latest(self._times(settings, stop))
        events: Iterator[Event]
        events = exchanges = islice(simulation.events(times), self.count)
        if self.security:
            beside = SecuritySimulation(
                registry, self.seed, settings.zone, self.security_share, self.incidents
            )
            events = beside.between(exchanges, lambda: times.time)
        if self.dossier_share:
            dossiers = DossierSimulation(registry, self.seed, settings.zone, self.dossier_share)
            events = dossiers.between(events, lambda: times.time)
        if self.xroad_share:
            calls = XroadSimulation(registry, self.seed, self.xroad_share)
            events = calls.between(events, lambda: times.time)
        return events

    def _times(self, settings: Settings, stop: threading.Event) -> Iterator[float]:
        start = time.time() if self.start is None else self.start
        if self.start is None and not self.rate:
            times: Iterator[float] = (time.time() for _ in repeat(None))
        else:
            zone = settings.zone if self.rhythm else None
            times = arrivals(start, self.rate or PLATFORM_RATE, self.seed, zone)
        if self.duration is not None:
            end = start + self.duration
            times = takewhile(lambda moment: moment < end, times)
        if not self.rate or not self.speed:
            return times
        return paced(
            times, start, self.speed, leave_out=self.start is None, clock=time.monotonic, wait=stop.wait
        )


def _share_options(command: Callable[..., None]) -> Callable[..., None]:
    for name, default in reversed(_SHARES.items()):
        option = click.option(f"--{name}", type=float, default=default, show_default=True, metavar="SHARE")
        command = option(command)
    return command


@click.command()
@click.option(
    "--rate",
    type=click.FloatRange(min=0),
    default=32.0,
    show_default=True,
    help="Events a second of event time; 0: as fast as possible.",
)
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many events.")
@click.option("--duration", type=Seconds(), help="Stop after so much event time, e.g. 90s, 15m, 8h.")
@click.option("--seed", type=int, help="The same seed and start give the same bytes. Default: by lot.")
@click.option(
    "--start", type=Instant(), help="Time of the first event. Default: now, and the clock is followed."
)
@click.option(
    "--follow-clock", is_flag=True, help="Event times are the clock's; the default without --start."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=0),
    default=1.0,
    show_default=True,
    help="With --start: seconds of event time a second; 0: as fast as possible.",
)
@click.option(
    "--rhythm/--no-rhythm",
    default=None,
    help="Follow the hours of the day and the week, --rate on average. Default: with --start.",
)
@click.option(
    "--jitter",
    type=click.FloatRange(0, 60),
    help="Seconds between an event and its sending, at the most. Default: 1 with --start, else 0.",
)
@_share_options
@click.option(
    "--breach-kind",
    "kinds",
    multiple=True,
    metavar="BREACH",
    help="Commit only this breach; may be repeated.",
)
@click.option(
    "--security-share",
    type=click.FloatRange(0, 1),
    default=SHARE,
    show_default=True,
    metavar="SHARE",
    help="Everyday security events for each exchange, to the topic security-events.",
)
@click.option(
    "--dossier-share",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="Dossiers of public services for each exchange, some five steps each, to the topic dossiers.",
)
@click.option(
    "--xroad-share",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    metavar="SHARE",
    help="Calls over X-Road for each exchange, most of two halves, to the topic xroad-records.",
)
@click.option(
    "--incident",
    "incidents",
    type=Injected(),
    multiple=True,
    metavar="NAME[:AGENCY]@AFTER",
    help=f"Let this happen so long after the start, e.g. leak@2m; repeatable. {', '.join(INCIDENTS)}.",
)
@click.option(
    "--account",
    "account_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write down here what was sent.",
)
def simulate(
    *,
    rate: float,
    count: int | None,
    duration: float | None,
    seed: int | None,
    start: float | None,
    follow_clock: bool,
    speed: float,
    rhythm: bool | None,
    jitter: float | None,
    kinds: tuple[str, ...],
    security_share: float,
    dossier_share: float,
    xroad_share: float,
    incidents: tuple[Incident, ...],
    account_file: Path | None,
    **shares: float,
) -> None:
    """Send simulated exchanges to the topic `exchanges`, and what happens beside them to `security-events`.

    Reads the registry (MONITOR_REGISTRY) and makes exchanges that keep its agreements, but for the SHAREs
    that commit one breach each, fail, come late (2 to 26 hours), are sent twice, cannot be read, exceed
    1 MiB, or arrive as CloudEvents. A share is a part of 1.

    Between the exchanges come sign-ins, certificates at work, changes of settings and the like, as agencies
    have them by day and by night; --count and --rate count exchanges alone, which are the same with and
    without them. With --dossier-share come dossiers, each told with the days behind it, and with
    --xroad-share calls over X-Road between those whose names there the registry knows, each as both security
    servers record it: some failed, some in one log only, one clock wrong.

    Writes to Kafka and, with --account, what was acknowledged: exchanges, outcomes, sums and breaches by
    hour, provider, consumer and service, security events by hour, agency, kind and severity, steps of
    dossiers by agency, and halves of calls by agency and side, as JSON.
    Shows its progress on standard error. Ctrl-C or SIGTERM ends it in order: what was sent is acknowledged
    and in the account.

    One process sends 10 to 13 thousand events a second (kafka-python, two cores shared with the broker).

    Exit status: 0 all sent, 1 no broker, no topic or an event lost, 2 wrong use.
    """
    if start is not None and follow_clock:
        raise UsageProblem("--start and --follow-clock exclude each other")
    if start is None and speed != 1:
        raise UsageProblem("--speed needs --start: a clock that is followed has its own speed")
    if wrong := [kind for kind in kinds if kind not in KINDS]:
        raise UsageProblem(f"--breach-kind {wrong[0]}: one of {', '.join(KINDS)}")
    follow = start is None
    plan = Plan(
        rate=rate,
        speed=speed,
        start=start,
        rhythm=rhythm if rhythm is not None else not follow,
        jitter=jitter if jitter is not None else (0.0 if follow else JITTER),
        count=count,
        duration=duration,
        seed=secrets.randbits(32) if seed is None else seed,
        shares=Shares(**shares),
        kinds=tuple(Breach(kind) for kind in kinds) or KINDS,
        security_share=security_share,
        incidents=incidents,
        dossier_share=dossier_share,
        xroad_share=xroad_share,
    )
    _run(plan, account_file)


def _run(plan: Plan, account_file: Path | None) -> None:
    from streams.simulator import send_all  # kafka-python is not needed for --help

    settings = load_settings()
    account = Account()
    click.echo(f"seed {plan.seed}; sending to {settings.kafka_bootstrap}", err=True)
    with _stopping() as stop:
        events = plan.events(settings, stop)
        try:
            result = send_all(
                settings,
                events,
                account,
                stop=stop,
                security=plan.security,
                dossiers=bool(plan.dossier_share),
                xroad=bool(plan.xroad_share),
                report=_report,
            )
        except BaseException:
            if account_file is not None and (
                account.sent or account.security
            ):  # what could not begin leaves an older account alone
                account.write(account_file)
            raise
    if account_file is not None:
        account.write(account_file)
    speed = result.acknowledged / result.seconds if result.seconds else 0.0
    click.echo(
        f"{result.acknowledged:,} events acknowledged in {result.seconds:.1f} s ({speed:,.0f}/s)", err=True
    )
    if result.lost:
        raise MonitorError(
            f"{result.lost:,} events may not have been delivered and are not in the account: {result.reason}"
        )


def _report(sent: int, rate: float) -> None:
    click.echo(f"{sent:,} events, {rate:,.0f}/s", err=True)


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that Ctrl-C and SIGTERM set; the former handlers come back afterwards."""
    stop = threading.Event()
    former = {
        number: signal.signal(number, lambda *_: stop.set()) for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield stop
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
