"""Loads a registry folder as a whole, or says everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from monitor.registry.check import crosscheck
from monitor.registry.documents import Unreadable, read_document
from monitor.registry.problems import Problem, RegistryProblems
from monitor.registry.records import Records
from monitor.registry.registry import Registry

__all__ = ["Problem", "Registry", "RegistryProblems", "load_registry"]

SUFFIXES = (".yaml", ".yml")


def load_registry(folder: Path) -> Registry:
    """Load the agencies, services and agreements of a folder.

    They stand in `agencies/`, `services/` and `agreements/`, each file a record or a list of records.
    Files whose name starts with `_` or `.` are left out. Nothing is half loaded:
    raises RegistryProblems with every problem of every file.
    """
    records = Records()
    problems: list[Problem] = []
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        reason = f"{what}; expected a folder that holds agencies/, services/ and agreements/"
        raise RegistryProblems([Problem(str(folder), None, "", reason)])
    for name, part in records.parts():
        files = list(_files(folder / name, problems, name))
        if not files:
            part.complete = False
            reason = (
                f"no {name}/*.yaml here; where there is nothing to record, say so in a file that holds []"
            )
            problems.append(Problem(f"{name}/", None, "", reason))
        for path in files:
            file = f"{name}/{path.name}"
            try:
                problems.extend(part.read(read_document(path), file))
            except Unreadable as why:
                part.complete = False
                problems.append(Problem(file, why.line, "", why.reason))
    problems.extend(crosscheck(records))
    if problems:
        raise RegistryProblems(problems, str(folder))
    return Registry.of_checked(records)


def _files(folder: Path, problems: list[Problem], name: str) -> Iterator[Path]:
    """The files of one part in order of name; a folder inside is a problem, as it would go unread."""
    try:
        entries = sorted(folder.iterdir()) if folder.is_dir() else []
    except OSError as why:
        problems.append(Problem(f"{name}/", None, "", f"cannot be read: {why.strerror}"))
        return
    for path in entries:
        if path.name.startswith(("_", ".")):
            continue
        if path.suffix.lower() in SUFFIXES:
            yield path
        elif path.is_dir():
            reason = f"folders inside {name}/ are not read; move its files up, or begin its name with _"
            problems.append(Problem(f"{name}/{path.name}/", None, "", reason))
