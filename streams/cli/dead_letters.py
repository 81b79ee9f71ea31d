"""`monitor dead-letters`: look at the messages that were set aside, and send them again."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from monitor.cli.moments import point_in_time
from monitor.errors import UsageProblem
from monitor.settings import Settings, load_settings
from streams.letter_index import LetterIndex, Row, State, Wanted

if TYPE_CHECKING:
    from streams.letter_topic import Outcome

DEFAULT_LIMIT = 50
PREFIX_BYTES = 200  # enough to see what kind of message it is
SHOWN_PROBLEMS = 20


def _choosing(command: Callable[..., None]) -> Callable[..., None]:
    """The options that say which letters."""
    options = [
        click.option("--reason", help="Only those set aside for this reason, e.g. not_json."),
        click.option("--topic", help="Only those from this source topic, with or without its prefix."),
        click.option(
            "--since",
            metavar="TIME",
            help="Only those set aside since: 2026-10-05, 2026-10-05T08:00, 3h, 2d.",
        ),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@click.group("dead-letters")
def dead_letters() -> None:
    """Look at messages that could not be counted, and send them again once the cause is gone.

    Reads and writes the topic dead-letters. Uses MONITOR_KAFKA_* and MONITOR_TOPIC_PREFIX.
    """


@dead_letters.command("list")
@_choosing
@click.option(
    "--limit",
    type=click.IntRange(0),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="The newest so many; 0 for all.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@click.option(
    "--show-bodies", is_flag=True, help=f"Show the first {PREFIX_BYTES} bytes; they may be personal data."
)
def list_(
    *, reason: str | None, topic: str | None, since: str | None, limit: int, as_json: bool, show_bodies: bool
) -> None:
    """List dead letters, oldest first; one that was set aside twice is listed once.

    STATE is waiting, replayed, in doubt (a replay was cut off: it may have arrived) or cut (too large to
    be kept whole: it cannot be replayed). Exit 0.
    """
    from streams.administration import kafka_problems
    from streams.letter_topic import LetterTopic

    settings = load_settings()
    wanted = _wanted(settings, reason=reason, topic=topic, since=since)
    prefix = PREFIX_BYTES if show_bodies else 0
    with kafka_problems(settings), LetterTopic(settings) as letters:
        index = letters.index(prefix)
    with index:
        total = sum(index.count(wanted).values())
        rows = index.rows(wanted, limit or None)
        if as_json:
            for row in rows:
                click.echo(json.dumps(_object(row, show_bodies), ensure_ascii=False))
        else:
            _table(rows, show_bodies, settings)
    if limit and limit < total:
        click.echo(f"The newest {limit} of {total}; --limit 0 lists all.", err=True)
    if index.strangers:
        click.echo(f"{index.strangers} messages on the topic are no dead letters.", err=True)


@dead_letters.command()
@_choosing
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="KEY",
    help="Only this letter, as `list` shows its key; repeatable.",
)
@click.option("--in-doubt", is_flag=True, help="Also those that an interrupted replay may have sent already.")
@click.option("--dry-run", is_flag=True, help="Say what would be sent and send nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def replay(
    ctx: click.Context,
    *,
    reason: str | None,
    topic: str | None,
    since: str | None,
    keys: tuple[str, ...],
    in_doubt: bool,
    dry_run: bool,
    yes: bool,
) -> None:
    """Send dead letters to the topics they came from, with their original bytes, key and headers.

    Each gets the header replayed_from with its key here. One that was replayed is not sent again.
    Exit 0 when all were sent (or there was none), 1 when one was refused, is in doubt, or is not there.
    """
    from streams.administration import kafka_problems
    from streams.letter_topic import LetterTopic, Replayer, now_ms

    settings = load_settings()
    states: tuple[State, ...] = ("waiting", "in doubt") if in_doubt else ("waiting",)
    wanted = _wanted(settings, reason=reason, topic=topic, since=since, keys=keys, states=states)
    with kafka_problems(settings), LetterTopic(settings) as letters, letters.index() as index:
        problems = _not_sent(index, keys, states)
        for problem in problems:
            click.echo(problem, err=True)
        counts = index.count(wanted)
        for (source, why), number in counts.items():
            click.echo(f"{_printable(source)}  {_printable(why)}  {number}")
        total = sum(counts.values())
        if not total:
            click.echo("Nothing to replay.")
        elif dry_run:
            click.echo(f"{total} would be sent.")
        else:
            _confirm(total, yes)
            index.choose(wanted)
            with Replayer(settings) as replayer:
                outcome = replayer.replay(letters.chosen(index), now_ms)
            click.echo(f"{outcome.replayed} sent.")
            problems += _told(outcome)
    ctx.exit(1 if problems else 0)


def _confirm(total: int, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise UsageProblem("there is nobody to ask: add --yes to send, or --dry-run to look")
    click.confirm(f"Send {total} messages to the topics above?", abort=True)


def _not_sent(index: LetterIndex, keys: tuple[str, ...], states: tuple[State, ...]) -> list[str]:
    """A sentence for each key asked for that will not be sent."""
    problems = []
    for key in keys:
        row = next(index.rows(Wanted(ids=(key,))), None)
        if row is None:
            problems.append(f"{_printable(key)}: there is no such dead letter")
        elif row.state == "replayed":
            click.echo(f"{_printable(key)}: was replayed before", err=True)
        elif row.state == "cut":
            problems.append(f"{_printable(key)}: was cut when it was set aside, and cannot be replayed")
        elif row.state not in states:
            problems.append(f"{_printable(key)}: may have been sent already; --in-doubt sends it (again)")
    return problems


def _told(outcome: Outcome) -> list[str]:
    problems = [f"{_printable(key)}: refused: {why}" for key, why in outcome.refused]
    problems += [f"{_printable(key)}: in doubt: {why}" for key, why in outcome.doubtful]
    for problem in problems[:SHOWN_PROBLEMS]:
        click.echo(problem, err=True)
    if len(problems) > SHOWN_PROBLEMS:
        click.echo(f"… and {len(problems) - SHOWN_PROBLEMS} more", err=True)
    return problems


def _wanted(
    settings: Settings,
    *,
    reason: str | None,
    topic: str | None,
    since: str | None,
    keys: tuple[str, ...] = (),
    states: tuple[State, ...] = (),
) -> Wanted:
    if topic is not None and not topic.startswith(settings.topic_prefix):
        topic = settings.topic(topic)
    time = None if since is None else point_in_time(since, datetime.now(UTC), settings.zone)
    return Wanted(reason=reason, topic=topic, ids=keys, since=time, states=states)


def _printable(text: str) -> str:
    """Text that cannot steer a terminal or break a line: what is not printable is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _body(row: Row) -> str:
    return _printable(row.prefix.decode("utf-8", "backslashreplace"))


def _object(row: Row, show_bodies: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "key": row.id,
        "set_aside": datetime.fromtimestamp(row.set_aside_ms / 1000, UTC).isoformat(timespec="milliseconds"),
        "topic": row.topic,
        "reason": row.reason,
        "detail": row.detail,
        "bytes": row.size,
        "state": row.state,
    }
    return shown | {"body": _body(row)} if show_bodies else shown


def _table(rows: Iterable[Row], show_bodies: bool, settings: Settings) -> None:
    """A table in a terminal; in a pipe one line a letter, fields separated by tabs."""
    columns = ["SET ASIDE", "KEY", "REASON", "BYTES", "STATE", "DETAIL"] + (["BODY"] if show_bodies else [])
    lines = (_fields(row, show_bodies, settings) for row in rows)
    if not sys.stdout.isatty():
        click.echo("\t".join(columns))
        for line in lines:
            click.echo("\t".join(line))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column not in ("DETAIL", "BODY"), overflow="fold")
    for line in lines:
        table.add_row(*(Text(field) for field in line))
    Console().print(table)


def _fields(row: Row, show_bodies: bool, settings: Settings) -> list[str]:
    set_aside = datetime.fromtimestamp(row.set_aside_ms / 1000, settings.zone)
    fields = [f"{set_aside:%Y-%m-%d %H:%M:%S}", row.id, row.reason, str(row.size), row.state, row.detail]
    return [_printable(field) for field in fields] + ([_body(row)] if show_bodies else [])
