"""One document of a rule file: its values with their lines, and the problems found in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from alerts.sigma.problems import RuleProblem
from monitor.registry.documents import Mapping, Sequence, Unreadable, read_documents
from monitor.registry.records import line_of, written
from monitor.registry.wording import shown

SUFFIXES = (".yml", ".yaml")
MAX_FILE_BYTES = 256 * 1024  # the largest public Sigma rules have 60 KiB
MAX_FILES = 5_000  # all public Sigma rules are some 4 thousand files
MAX_DOCUMENTS = 10_000

DocumentKind = Literal["rule", "correlation", "filter"]


@dataclass(slots=True)
class Document:
    """A rule, a correlation or a filter as it stands in its file; `problems` collects what is wrong."""

    file: str
    values: Mapping
    problems: list[RuleProblem] = field(default_factory=list)

    @property
    def kind(self) -> DocumentKind:
        """What the document is, told by its keys as Sigma does."""
        if "correlation" in self.values:
            return "correlation"
        return "filter" if "filter" in self.values else "rule"

    @property
    def label(self) -> str:
        """The title, or else the id: how a person recognises the rule."""
        found = self.values.get("title") or self.values.get("id") or ""
        return found if isinstance(found, str) else ""

    def problem(self, reason: str, *path: int | str) -> None:
        """Note a problem with the value at a path: "detection", "selection", "records|gt"."""
        line = line_of(self.values, path)
        self.problems.append(RuleProblem(self.file, line, self.label, written(path), reason))


def read_folder(folder: Path) -> tuple[list[Document], list[RuleProblem]]:
    """Read every document of the *.yml and *.yaml files in a folder and the folders inside it, in order.

    Files and folders whose name starts with `_` or `.` are left out.
    """
    documents: list[Document] = []
    problems: list[RuleProblem] = []
    if not folder.is_dir():
        what = "is not a folder" if folder.exists() else "does not exist"
        return [], [RuleProblem(str(folder), None, "", "", f"{what}; expected a folder of rules")]
    files = list(_files(folder, problems))
    if not files:
        problems.append(RuleProblem(str(folder), None, "", "", "holds no rules: no *.yml and no *.yaml"))
    for path in files:
        file = path.relative_to(folder).as_posix()
        try:
            values = read_documents(path, MAX_FILE_BYTES)
        except Unreadable as why:
            problems.append(RuleProblem(file, why.line, "", "", why.reason))
            continue
        for each in values:
            if isinstance(each, Mapping):
                documents.append(Document(file, each))
            elif each is not None:
                line = each.line if isinstance(each, Sequence) else 1
                reason = f"expected a rule, a mapping that begins with title: …; found {shown(each)}"
                problems.append(RuleProblem(file, line, "", "", reason))
        if len(documents) > MAX_DOCUMENTS:
            problems.append(
                RuleProblem(file, None, "", "", f"more than {MAX_DOCUMENTS:,} rules are not read")
            )
            break
    return documents, problems


def _files(folder: Path, problems: list[RuleProblem]) -> Iterator[Path]:
    count = 0

    def unreadable(why: OSError) -> None:
        problems.append(RuleProblem(str(why.filename), None, "", "", f"cannot be read: {why.strerror}"))

    for place, folders, names in os.walk(folder, onerror=unreadable):  # links to folders are not followed
        folders[:] = sorted(name for name in folders if not name.startswith(("_", ".")))
        for name in sorted(names):
            if name.startswith(("_", ".")) or not name.lower().endswith(SUFFIXES):
                continue
            count += 1
            if count > MAX_FILES:
                problems.append(
                    RuleProblem(str(folder), None, "", "", f"more than {MAX_FILES:,} files are not read")
                )
                return
            yield Path(place) / name


def plain(value: Any) -> Any:
    """The same values as plain dicts and lists, which other libraries may copy."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value
