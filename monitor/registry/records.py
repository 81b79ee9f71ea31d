"""Turns the values of registry files into records that remember where they were written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import TypeAdapter, ValidationError

from monitor.registry.documents import Mapping, Sequence
from monitor.registry.model import Agency, Agreement, Service
from monitor.registry.problems import Problem
from monitor.registry.wording import reason_for, shown

R = TypeVar("R", Agency, Service, Agreement)
Path = tuple[int | str, ...]


@dataclass(frozen=True, slots=True)
class Located(Generic[R]):
    """A record and where it was written; a record that came from no file has neither file nor values."""

    record: R
    file: str = ""
    values: Mapping | None = None

    @property
    def name(self) -> str:
        """Its code or id."""
        return self.record.code if isinstance(self.record, Agency) else self.record.id

    @property
    def place(self) -> str:
        """File and line, to point at from a problem elsewhere; empty for a record from no file."""
        return f"{self.file}:{self.values.line}" if self.values is not None else ""

    def problem(self, reason: str, *path: int | str) -> Problem:
        """A problem with the field at a path of this record: "fields", 2; without a path, with all of it."""
        return Problem(self.file, line_of(self.values, path), written(path), reason, self.name)


@dataclass(slots=True)
class Part(Generic[R]):
    """The records of one kind, with what others may refer to although it could not be read."""

    kind: type[R]
    named_by: str
    located: list[Located[R]] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)  # names of records that were refused
    complete: bool = True  # False where a whole file is missing: what is unknown may stand in it
    reader: TypeAdapter[R] = field(init=False)

    def __post_init__(self) -> None:
        self.reader = TypeAdapter(self.kind)

    def excuses(self, name: str) -> bool:
        """Whether an unknown name may be no more than the consequence of another problem."""
        return not self.complete or name in self.refused

    def names(self) -> list[str]:
        """Every name that is accepted for a record of this kind."""
        names = [each.name for each in self.located]
        for each in self.located:
            if isinstance(each.record, Agency):
                names.extend(each.record.previous_codes)
        return names

    def read(self, document: Any, file: str) -> Iterator[Problem]:
        """Take in the records of one file, a mapping or a list of mappings; yields what is wrong."""
        for values, line in _mappings(document):
            if not isinstance(values, Mapping):
                what = (
                    f"expected a record, a mapping that begins with {self.named_by}: …; found {shown(values)}"
                )
                yield Problem(file, line, "", what)
                continue
            try:
                # JSON, because only there strict is strict: text for dates, lists for tuples, no "5" for 5.
                record = self.reader.validate_json(json.dumps(values, ensure_ascii=False), strict=True)
            except ValidationError as why:
                name = values.get(self.named_by)
                name = name if isinstance(name, str) else ""
                self.refused.add(name)
                errors = why.errors(include_url=False)
                blamed = {error["loc"][:-1] for error in errors}
                for error in errors:
                    path = error["loc"]
                    if error["type"] == "too_short" and path in blamed:
                        continue  # a list is short only because its wrong items were left out
                    reason = reason_for(self.kind, error)
                    yield Problem(file, line_of(values, path), written(path), reason, name)
            else:
                self.located.append(Located(record, file, values))


@dataclass(slots=True)
class Records:
    """Everything read so far, by kind; the names of the fields are the names of the folders."""

    agencies: Part[Agency] = field(default_factory=lambda: Part(Agency, "code"))
    services: Part[Service] = field(default_factory=lambda: Part(Service, "id"))
    agreements: Part[Agreement] = field(default_factory=lambda: Part(Agreement, "id"))

    def parts(self) -> tuple[tuple[str, Part[Agency] | Part[Service] | Part[Agreement]], ...]:
        """Each part with the name of its folder."""
        return ("agencies", self.agencies), ("services", self.services), ("agreements", self.agreements)


def _mappings(document: Any) -> Iterator[tuple[Any, int]]:
    if isinstance(document, Sequence):
        yield from zip(document, document.lines, strict=True)
    else:
        yield document, getattr(document, "line", 1)


def line_of(values: Mapping | None, path: Path) -> int | None:
    """The line of the deepest part of a path that is written in the file; None for values from no file."""
    if values is None:
        return None
    line = values.line
    here: Any = values
    part: Any
    for part in path:
        if not (
            (isinstance(here, Mapping) and part in here)
            or (isinstance(here, Sequence) and isinstance(part, int) and part < len(here))
        ):
            break
        line, here = here.lines[part], here[part]
    return line


def written(path: Path) -> str:
    """A path as people write it: ("fields", 2) is fields[2]."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")
