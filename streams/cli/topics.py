"""`monitor topics`: create the topics of the contract, check that they are as planned, list them."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import click

from monitor.errors import MonitorError
from monitor.settings import load_settings
from streams.topics import EXCHANGE_PARTITIONS, SOURCES, Topic, differences, planned, unreported, written

_UNITS = {"d": "days", "h": "hours", "m": "minutes"}


class Retention(click.ParamType):
    """`14d`, `36h`, or for one topic `dead-letters=90d`."""

    name = "[TOPIC=]TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A pair of topic name (None for the source topics) and time."""
        if isinstance(value, tuple):
            return value
        topic, _, text = str(value).rpartition("=")
        match = re.fullmatch(r"([1-9]\d{0,5})([dhm])", text)
        if match is None:
            self.fail(f"{value!r}: expected a time such as 14d or 36h, or TOPIC=TIME", param, ctx)
        return topic or None, timedelta(**{_UNITS[match[2]]: int(match[1])})


def _plan_options(command: Callable[..., None]) -> Callable[..., None]:
    """The options that `create` and `check` share: a plan is checked with what it was created with."""
    command = click.option(
        "--retention",
        "retentions",
        type=Retention(),
        multiple=True,
        help="How long messages are kept, e.g. 30d for the source topics, or dead-letters=90d; repeatable.",
    )(command)
    return click.option(
        "--partitions",
        type=click.IntRange(1, 1000),
        help=f"Partitions of the source topics ({', '.join(SOURCES)}); default {EXCHANGE_PARTITIONS}.",
    )(command)


def _plan(
    prefix: str, partitions: int | None, retentions: tuple[tuple[str | None, timedelta], ...]
) -> tuple[Topic, ...]:
    general = next((kept for name, kept in reversed(retentions) if name is None), None)
    named = {name: kept for name, kept in retentions if name is not None}
    return planned(prefix, partitions, general, named)


@click.group()
def topics() -> None:
    """Create, check and list the topics that the monitor reads and writes.

    Uses MONITOR_KAFKA_* and MONITOR_TOPIC_PREFIX.
    """


@topics.command()
@_plan_options
@click.option(
    "--replication", type=click.IntRange(1, 100), help="Copies of each; default: what the broker does."
)
def create(
    partitions: int | None, retentions: tuple[tuple[str | None, timedelta], ...], replication: int | None
) -> None:
    """Create the topics that are missing; one that exists is left as it is.

    Running it again changes nothing. Exit 0 when all exist, 1 when one could not be made.
    """
    from streams.administration import BROKER_DEFAULT, Administration, kafka_problems

    settings = load_settings()
    plan = _plan(settings.topic_prefix, partitions, retentions)
    with kafka_problems(settings), Administration(settings) as broker:
        before = broker.found(topic.name for topic in plan)
        missing = [topic for topic in plan if topic.name not in before]
        outcomes = broker.create(missing, replication or BROKER_DEFAULT)
        # Made by somebody else meanwhile.
        before |= broker.found(name for name, outcome in outcomes.items() if outcome == "exists")
    failed = []
    for topic in plan:
        outcome = outcomes.get(topic.name, "exists")
        if outcome is None:
            click.echo(f"{topic.name}: created, {_described(topic)}")
        elif outcome == "exists":
            click.echo(f"{topic.name}: exists")
        else:
            failed.append(f"{topic.name}: {outcome}")
    if failed:
        raise MonitorError("could not create every topic\n  " + "\n  ".join(failed))
    if any(differences(topic, before[topic.name]) for topic in plan if topic.name in before):
        click.echo("Some existing topics are not as planned: `monitor topics check` says how.", err=True)


@topics.command()
@_plan_options
@click.pass_context
def check(
    ctx: click.Context, partitions: int | None, retentions: tuple[tuple[str | None, timedelta], ...]
) -> None:
    """Compare the topics with the plan and list every difference.

    Give it the options that `create` was given. Exit 0 when all is as planned, 1 with differences.
    """
    from streams.administration import Administration, kafka_problems

    settings = load_settings()
    plan = _plan(settings.topic_prefix, partitions, retentions)
    with kafka_problems(settings), Administration(settings) as broker:
        found = broker.found(topic.name for topic in plan)
    problems = [problem for topic in plan for problem in differences(topic, found.get(topic.name))]
    for problem in problems:
        click.echo(problem)
    silent = {name for topic in plan if topic.name in found for name in unreported(topic, found[topic.name])}
    if silent:
        click.echo(
            f"Not checked, because this broker does not report it: {', '.join(sorted(silent))}.", err=True
        )
    if not problems:
        click.echo(f"{len(plan)} topics are as planned.")
    ctx.exit(1 if problems else 0)


@topics.command("list")
def list_() -> None:
    """List the topics of the contract as they are on the broker. Exit 0."""
    from streams.administration import Administration, kafka_problems

    settings = load_settings()
    plan = planned(settings.topic_prefix)
    with kafka_problems(settings), Administration(settings) as broker:
        found = broker.found(topic.name for topic in plan)
    width = max(len(topic.name) for topic in plan)
    for topic in plan:
        if (now := found.get(topic.name)) is None:
            click.echo(f"{topic.name:{width}}  missing")
            continue
        kept = now.configs.get("retention.ms")
        shown = f"kept {written(kept)}" if kept else "retention not reported"
        click.echo(f"{topic.name:{width}}  {_partitions(now.partitions)}, {shown}; key: {topic.key}")


def _described(topic: Topic) -> str:
    return f"{_partitions(topic.partitions)}, kept {written(topic.configs['retention.ms'])}"


def _partitions(number: int) -> str:
    return f"{number} partition{'' if number == 1 else 's'}"
