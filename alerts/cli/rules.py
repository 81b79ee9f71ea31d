"""`monitor rules`: checks a folder of rules, lists them, runs their cases, writes their schema."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitor.errors import MonitorError, UsageProblem
from monitor.settings import load_settings

if TYPE_CHECKING:
    from alerts.rule import EventRule, MemoryRule, RuleSet
    from alerts.sigma.load import Loaded

_FOLDER = click.option(
    "--folder", type=click.Path(path_type=Path), help="Folder of rules [default: MONITOR_RULES]."
)
_LENIENT = click.option(
    "--lenient", is_flag=True, help="Ask for what Sigma asks for only: for rules from elsewhere."
)


@click.group()
def rules() -> None:
    """Detection rules (Sigma): check, list, test; schema for editors."""


@rules.command()
@_FOLDER
@_LENIENT
@click.pass_context
def check(ctx: click.Context, *, folder: Path | None, lenient: bool) -> None:
    """Check a folder of rules as a whole.

    Reads the *.yml and *.yaml files of the folder and of the folders inside it, and writes nothing.
    Prints either every problem, one a line, as file:line key: reason, or how many rules there are.

    Exit status: 0 the rules can be used, 1 they have problems, 2 wrong use.
    """
    from alerts.sigma.load import RuleProblems, load_folder

    folder = folder or load_settings().rules_folder
    try:
        loaded = load_folder(folder, strict=not lenient)
    except RuleProblems as why:
        for problem in why.problems:
            click.echo(str(problem))
        count = len(why.problems)
        click.echo(f"{folder}: {count} problem{'' if count == 1 else 's'}", err=True)
        ctx.exit(1)
    found = loaded.rules
    alerting = sum(rule.alerts for rule in (*found.events, *found.memories))
    click.echo(
        f"{folder}: no problems; {len(found.events)} rules on events, "
        f"{len(found.memories)} with memory, {alerting} of them alert"
    )
    click.echo(f"fingerprint {found.fingerprint}")


@rules.command("list")
@_FOLDER
@_LENIENT
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
def list_(*, folder: Path | None, lenient: bool, as_json: bool) -> None:
    """List the rules, the gravest first.

    Reads the folder and writes nothing.

    Exit status: 0 listed, 1 the rules have problems, 2 wrong use.
    """
    from alerts.sigma.load import load_folder

    loaded = load_folder(folder or load_settings().rules_folder, strict=not lenient)
    found = sorted(_all(loaded.rules), key=lambda rule: (-rule.info.risk_score, rule.info.title))
    if as_json:
        for rule in found:
            click.echo(json.dumps(_object(rule), ensure_ascii=False))
        return
    rows = [
        (
            rule.info.level.word,
            str(rule.info.risk_score),
            _type(rule),
            "alerts" if rule.alerts else "feeds",
            rule.info.title,
            rule.info.source,
        )
        for rule in found
    ]
    _print_table(("LEVEL", "SCORE", "TYPE", "USE", "TITLE", "FILE"), rows)


@rules.command()
@_FOLDER
@_LENIENT
@click.option(
    "--registry",
    "registry_folder",
    type=click.Path(path_type=Path),
    help="Registry whose agreements rules look up [default: MONITOR_REGISTRY].",
)
@click.argument("wanted", metavar="[RULE]...", nargs=-1)
@click.pass_context
def test(
    ctx: click.Context,
    *,
    folder: Path | None,
    lenient: bool,
    registry_folder: Path | None,
    wanted: tuple[str, ...],
) -> None:
    """Run the cases that the rules carry, of all rules or of some.

    Reads the folder, and the registry for rules that look agreements up, and writes nothing.
    RULE is a rule's id, title or file. Prints a table of rules with their cases, and each failure.

    Exit status: 0 every case went as expected, 1 one did not (or the rules have problems), 2 wrong use.
    """
    from alerts.sigma.cases import run_cases
    from alerts.sigma.load import load_folder
    from alerts.sigma.runner import engine_runner

    settings = load_settings()
    loaded = load_folder(folder or settings.rules_folder, strict=not lenient)
    chosen = _chosen(loaded, wanted)
    runner = engine_runner(registry_folder or settings.registry, settings.zone)
    outcomes = list(run_cases(loaded, runner, chosen))
    ran, failed = Counter(one.rule for one in outcomes), Counter(one.rule for one in outcomes if one.failure)
    rows = [
        (rule.info.title, str(ran[rule.info.id]), str(failed[rule.info.id] or ""), rule.info.source)
        for rule in _all(loaded.rules)
        if rule.info.id in ran
    ]
    _print_table(("RULE", "CASES", "FAILED", "FILE"), rows)
    for one in outcomes:
        if one.failure:
            info = loaded.rules.info(one.rule)
            expected = "a match" if one.expect == "match" else "no match"
            click.echo(
                f"{info.source} {info.title}: {one.case}: expected {expected}, {one.failure}", err=True
            )
    click.echo(f"{len(outcomes)} cases of {len(ran)} rules, {failed.total()} failed", err=True)
    ctx.exit(1 if failed else 0)


@rules.command()
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write instead.")
def schema(out: Path | None) -> None:
    """Print the JSON Schema of a rule, for editors.

    Reads nothing. A rule file refers to its schema by its first line:
    # yaml-language-server: $schema=rule.schema.json

    Exit status: 0 written, 1 the file cannot be written, 2 wrong use.
    """
    from alerts.sigma.schema import rule_schema

    text = json.dumps(rule_schema(), indent=2, ensure_ascii=False) + "\n"
    if out is None:
        click.echo(text, nl=False)
        return
    try:
        out.write_text(text, encoding="utf-8")
    except OSError as why:
        raise MonitorError(f"cannot write the schema to {out}: {why.strerror}") from why
    click.echo(str(out))


def _all(found: RuleSet) -> list[EventRule | MemoryRule]:
    return [*found.events, *found.memories]


def _type(rule: EventRule | MemoryRule) -> str:
    from alerts.rule import Correlation, EventRule

    if isinstance(rule, EventRule):
        return rule.source.name
    return rule.type if isinstance(rule, Correlation) else type(rule).__name__.lower()


def _object(rule: EventRule | MemoryRule) -> dict[str, object]:
    info = rule.info
    return {
        "id": info.id,
        "title": info.title,
        "title_vi": info.title_vi,
        "level": info.level.word,
        "risk_score": info.risk_score,
        "type": _type(rule),
        "alerts": rule.alerts,
        "owner": info.owner,
        "tags": list(info.tags),
        "file": info.source,
    }


def _chosen(loaded: Loaded, wanted: Sequence[str]) -> set[str] | None:
    """The ids of the rules that were named; None for all. Raises UsageProblem for a name of no rule."""
    if not wanted:
        return None
    chosen: set[str] = set()
    for name in wanted:
        found = {
            rule.info.id
            for rule in _all(loaded.rules)
            if name.lower() in (rule.info.id, rule.info.title.lower())
            or name in (rule.info.source, Path(rule.info.source).name, Path(rule.info.source).stem)
        }
        if not found:
            raise UsageProblem(f"no rule has the id, the title or the file {name}: see `monitor rules list`")
        chosen |= found
    return chosen


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table on a terminal; elsewhere one line a row, fields separated by tabs."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        for row in (header, *rows):
            click.echo("\t".join(row))
        return
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for name in header:
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(*(Text(text) for text in row))  # a title may hold what looks like markup
    console.print(table)
