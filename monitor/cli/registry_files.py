"""`monitor registry extract`, `export-odcs`, `import-odcs`: agreements as files for others."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import click
import yaml

from monitor.errors import MonitorError, UsageProblem
from monitor.registry.documents import Unreadable, read_document
from monitor.registry.load import load_registry
from monitor.registry.odcs import from_odcs, to_odcs
from monitor.settings import load_settings

_REGISTRY = click.option(
    "--registry",
    "folder",
    type=click.Path(path_type=Path),
    help="Registry folder [default: MONITOR_REGISTRY].",
)
_MOST_BYTES: Final = 4 * 2**20  # of a data contract: more is no contract


@click.command()
@_REGISTRY
@click.option("--format", "kind", type=click.Choice(["csv", "html"]), default="csv", show_default=True)
@click.option("--lang", "language", type=click.Choice(["vi", "en"]), default="vi", show_default=True)
@click.option("--drafts", is_flag=True, help="With agreements that are drafts.")
@click.option("--out", required=True, type=click.Path(path_type=Path, dir_okay=False), help="File to write.")
def extract(folder: Path | None, kind: str, language: Literal["vi", "en"], drafts: bool, out: Path) -> None:
    """Write the public extract of the agreements register.

    Reads the registry. Writes one file: every version of every agreement with its parties, service, fields,
    legal basis, purposes, objectives, dates and status. Mailboxes, permitted systems, hours, ceilings and
    security levels are left out.

    Exit status: 0 written, 1 the registry has problems or the file cannot be written, 2 wrong use.
    """
    from monitor.registry.extract import as_csv, as_html, rows

    settings = load_settings()
    found = rows(load_registry(folder or settings.registry), language, drafts=drafts)
    today = datetime.now(settings.zone).date()
    write_whole(out, as_csv(found) if kind == "csv" else as_html(found, language, today))
    click.echo(f"{out}: {len(found)} agreements")


@click.command("export-odcs")
@click.argument("name", metavar="[AGREEMENT]", required=False)
@_REGISTRY
@click.option(
    "--out", required=True, type=click.Path(path_type=Path, file_okay=False), help="Folder to write to."
)
def export_odcs(name: str | None, folder: Path | None, out: Path) -> None:
    """Write agreements as data contracts of the Open Data Contract Standard, v3.0.2.

    Reads the registry. Writes ID-vVERSION.odcs.yaml into the folder for each version of AGREEMENT, or of all.

    Exit status: 0 written, 1 the registry has problems or a file cannot be written, 2 there is no such
    agreement.
    """
    found = load_registry(folder or load_settings().registry)
    chosen = [each for each in found.agreements if name in (None, each.id)]
    if name is not None and not chosen:
        raise UsageProblem(f"no agreement of this registry is called {name}")
    for each in chosen:
        contract = to_odcs(each, found.services.get(each.service))
        text = yaml.safe_dump(contract, allow_unicode=True, sort_keys=False, width=100)
        write_whole(out / f"{each.id}-v{each.version}.odcs.yaml", text)
    click.echo(f"{out}: {len(chosen)} data contracts")


@click.command("import-odcs")
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@click.option(
    "--out",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File of agreements to write.",
)
@click.pass_context
def import_odcs(ctx: click.Context, files: tuple[Path, ...], out: Path) -> None:
    """Write data contracts (ODCS v3) as agreements, to be put into a registry's agreements/.

    Reads FILES. Writes one YAML file with an agreement for each; what a contract does not tell is marked
    FILL-IN, which `monitor registry check` refuses. What has no place in an agreement is told on standard
    error.

    Exit status: 0 all was understood, 1 something is missing or was left out, or a file is no data contract
    (then nothing is written), 2 wrong use.
    """
    agreements, problems, notes = [], [], []
    for path in files:
        try:
            if path.stat().st_size > _MOST_BYTES:
                raise ValueError(f"is larger than {_MOST_BYTES} bytes")
            imported = from_odcs(read_document(path))
        except (Unreadable, ValueError) as why:
            line = f":{why.line}" if isinstance(why, Unreadable) and why.line else ""
            problems.append(f"{path}{line}: {why.reason if isinstance(why, Unreadable) else why}")
            continue
        agreements.append(imported.agreement)
        notes += [f"{path}: {each} is missing: FILL-IN" for each in imported.missing]
        notes += [f"{path}: {each}" for each in imported.unread]
    if problems:
        raise MonitorError("nothing was imported\n  " + "\n  ".join(problems))
    write_whole(out, yaml.safe_dump(agreements, allow_unicode=True, sort_keys=False, width=100))
    for note in notes:
        click.echo(note, err=True)
    click.echo(f"{out}: {len(agreements)} agreements")
    ctx.exit(1 if notes else 0)


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is there whole or not at all. Raises MonitorError where it cannot be."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(text, encoding="utf-8", newline="")
        beside.replace(path)
    except OSError as why:
        with suppress(OSError):
            beside.unlink()
        raise MonitorError(f"{path}: cannot be written: {why.strerror}") from why
