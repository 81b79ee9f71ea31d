"""Reads one YAML file into plain values that know their lines, and refuses what a registry has no use for.

The parser's events are read one by one instead of letting PyYAML build objects, because that
- knows the line of every key, so that each problem can name one;
- is iterative, so that a file of ten thousand brackets is a problem and not a crash;
- resolves plain values as YAML 1.2 does: in YAML 1.1 `13:30` is the number 810 and `NO` is false.
Anchors, aliases, tags, merge keys and repeated keys are refused: each hides what a line says.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

MAX_BYTES = 16 * 1024 * 1024  # 15 thousand agreements in one file; a registry has a few hundred
MAX_DEPTH = 12  # a record nests four deep

# The C parser is ten times as fast; it is in every wheel, but not in every distribution's package.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NUMBER = re.compile(
    r"[-+]?(?:[0-9]{1,18}|(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)"
)
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Mapping(dict[str, Any]):
    """A YAML mapping, with the line it starts on and the line of each key."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class Sequence(list[Any]):
    """A YAML sequence, with the line it starts on and the line of each item."""

    __slots__ = ("line", "lines")

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


class Unreadable(Exception):
    """A file that cannot be read as a registry file: the reason, and the line if there is one.

    It never leaves this package: the loader makes a Problem of it.
    """

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line


def read_document(path: Path) -> Any:
    """Read the one YAML document of a file: a Mapping, a Sequence or a plain value.

    Raises Unreadable.
    """
    return parse_document(_text(path, MAX_BYTES))


def read_documents(path: Path, max_bytes: int = MAX_BYTES) -> list[Any]:
    """Read all YAML documents of a file, separated by `---`; one without content is None.

    Raises Unreadable.
    """
    return parse_documents(_text(path, max_bytes))


def _text(path: Path, max_bytes: int) -> str:
    try:
        if not path.is_file():
            raise Unreadable("is not a file")
        size = path.stat().st_size
        if size > max_bytes:
            raise Unreadable(f"is {size:,} bytes long; more than {max_bytes:,} are not read")
        raw = path.read_bytes()
    except OSError as why:
        raise Unreadable(f"cannot be read: {why.strerror}") from why
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as why:
        raise Unreadable(
            f"is not UTF-8: byte {why.start} is {raw[why.start]:#04x}", raw.count(b"\n", 0, why.start) + 1
        ) from why
    # Vietnamese letters can be written composed or decomposed; one form, so that equal names are equal.
    return unicodedata.normalize("NFC", text)


def parse_document(text: str) -> Any:
    """Build the values of one YAML document; the keys of a Mapping are strings.

    Raises Unreadable.
    """
    built = parse_documents(text, several=False)
    if not built:
        raise Unreadable("is empty; write [] where there is nothing to record")
    return built[0]


def parse_documents(text: str, several: bool = True) -> list[Any]:
    """Build the values of every YAML document in a text; with `several` False a second one is refused.

    Raises Unreadable.
    """
    try:
        return _build(text, several)
    except yaml.MarkedYAMLError as why:
        mark = why.problem_mark or why.context_mark
        said = " ".join(part for part in (why.context, why.problem) if part)
        raise Unreadable(f"is not YAML: {said}", mark.line + 1 if mark else None) from why
    except yaml.reader.ReaderError as why:
        at = text.count("\n", 0, why.position) + 1 if isinstance(why.position, int) else None
        raise Unreadable(f"is not YAML: {why.reason}", at) from why
    except yaml.YAMLError as why:
        raise Unreadable(f"is not YAML: {why}") from why


def _build(text: str, several: bool) -> list[Any]:
    root: list[Any] = []
    stack: list[tuple[Any, str | None]] = []  # open collections, each with the key it will stand under
    here: Any = root
    key: str | None = None  # the key of `here` that waits for its value
    events: Iterator[Any] = yaml.parse(text, Loader=_LOADER)  # the stubs leave marks and anchors open
    for event in events:
        kind = type(event)
        if kind is yaml.ScalarEvent:
            value = _scalar(event)
        elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
            line = event.start_mark.line + 1
            _no_extras(event, line)
            if len(stack) >= MAX_DEPTH:
                raise Unreadable(f"nests deeper than {MAX_DEPTH} levels", line)
            if type(here) is Mapping and key is None:
                raise Unreadable("a key must be plain text", line)
            stack.append((here, key))
            here, key = (Mapping if kind is yaml.MappingStartEvent else Sequence)(line), None
            continue
        elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
            value = here
            here, key = stack.pop()
        elif kind is yaml.AliasEvent:
            raise Unreadable(
                f"uses the alias *{event.anchor}; write the value out", event.start_mark.line + 1
            )
        elif kind is yaml.DocumentStartEvent and root and not several:
            raise Unreadable("holds a second document (---); write a list", event.start_mark.line + 1)
        else:
            continue
        if type(here) is not Mapping:
            here.append(value)
            if here is not root:
                here.lines.append(
                    value.line if isinstance(value, Mapping | Sequence) else event.start_mark.line + 1
                )
        elif key is None:
            key = _key(event, value, here)
        else:
            here[key] = value
            key = None
    return root


def _key(event: Any, value: Any, mapping: Mapping) -> str:
    line: int = event.start_mark.line + 1
    key: str = event.value
    if key == "<<":
        raise Unreadable("uses the merge key <<; write the values out", line)
    if key in mapping:
        raise Unreadable(
            f"has the key {key!r} twice in one mapping (first in line {mapping.lines[key]})", line
        )
    del value  # `null:` and `1:` are keys by their text; no record has such a field, and that is said later
    mapping.lines[key] = line
    return key


def _scalar(event: Any) -> Any:
    if event.anchor is not None or event.tag is not None:
        _no_extras(event, event.start_mark.line + 1)
    text = event.value
    if not event.implicit[0]:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if text[0] in "+-.0123456789" and _NUMBER.fullmatch(text):
        try:
            return int(text)
        except ValueError:
            return float(text)
    return text


def _no_extras(event: Any, line: int) -> None:
    if event.anchor is not None:
        raise Unreadable(f"uses the anchor &{event.anchor}; write the value out where it is needed", line)
    if event.tag is not None:
        raise Unreadable(f"uses the tag {event.tag}; plain values need none", line)
