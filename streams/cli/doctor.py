"""`monitor doctor`: checks everything around the monitor and says what is wrong and what to do."""

from __future__ import annotations

import json
import logging
import os
import textwrap
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.settings import load_settings

if TYPE_CHECKING:
    from streams.doctor.finding import Finding

SAMPLE = 200  # per partition: enough to meet every sender of a busy partition, read in a moment
SECONDS = 15.0
_STYLES = {"ok": "green", "warning": "yellow", "problem": "red", "not checked": "cyan"}
_STATE_WIDTH = max(map(len, _STYLES))
_NAME_WIDTH = 20


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.option(
    "--sample",
    type=click.IntRange(1, 100_000),
    default=SAMPLE,
    show_default=True,
    help="The newest so many exchanges of each partition are looked at.",
)
@click.option(
    "--timeout",
    "seconds",
    type=click.FloatRange(1, 600),
    default=SECONDS,
    show_default=True,
    help="Seconds that each check may take.",
)
@click.pass_context
def doctor(ctx: click.Context, *, as_json: bool, sample: int, seconds: float) -> None:
    """Check settings, registry, database, report folder, broker, topics, workers, offsets, keys and clocks.

    Reads what the MONITOR_* settings name and changes nothing: the one row it writes to the database and the
    one file it writes to the folder of scheduled reports are taken back. Prints one line a check (ok,
    warning, problem, not checked), then what to do about each. Shows no secret, no body of an event, and no
    name that the registry does not hold.

    Exit status: 0 no problem (there may be warnings), 1 problems, 2 wrong use.
    """
    from streams.doctor.examination import Options, examine

    # Without a handler of its own, the client library's view of each attempt would go to the terminal.
    logging.getLogger("kafka").addHandler(logging.NullHandler())
    settings = load_settings()
    findings = []
    for finding in examine(settings, Options(sample, seconds), os.environ, Path()):
        findings.append(finding)
        if not as_json:
            click.echo(_line(finding))
    if as_json:
        click.echo(json.dumps(_report(findings), ensure_ascii=False, indent=2))
    else:
        _print_remedies(findings)
    ctx.exit(1 if any(finding.state == "problem" for finding in findings) else 0)


def _line(finding: Finding) -> str:
    state = click.style(finding.state.ljust(_STATE_WIDTH), fg=_STYLES[finding.state])
    return f"{state}  {finding.name.ljust(_NAME_WIDTH)}  {_printable(finding.what)}"


def _print_remedies(findings: Sequence[Finding]) -> None:
    todo = [finding for finding in findings if finding.remedy]
    if todo:
        click.echo("\nWhat to do, problems first:")
    for finding in sorted(todo, key=lambda one: one.state != "problem"):
        text = f"{finding.name}: {_printable(finding.remedy)}"
        click.echo(
            textwrap.fill(
                text, 100, initial_indent="- ", subsequent_indent="  ", break_long_words=False,
                break_on_hyphens=False,
            )
        )  # fmt: skip
    counts = Counter(str(finding.state) for finding in findings)
    click.echo("\n" + ", ".join(f"{counts[state]} {state}" for state in _STYLES if counts[state]))


def _report(findings: Sequence[Finding]) -> dict[str, object]:
    counts = Counter(str(finding.state) for finding in findings)
    return {
        "findings": [asdict(finding) for finding in findings],
        "counts": {state: counts[state] for state in _STYLES},
    }


def _printable(text: str) -> str:
    """Text that cannot steer a terminal: names of files and servers' answers come from elsewhere."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
