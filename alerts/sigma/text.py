"""Tests of one text: Sigma's strings with wildcards, and regular expressions in linear time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import re2
from sigma.policy import SigmaPolicy
from sigma.policy.regex_engine import RegexEngine, RegexPattern
from sigma.types import (
    SigmaCasedString,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SpecialChars,
)

from alerts.sigma.problems import Refused
from alerts.sigma.term import CHEAP, DEAR, MIDDLING

MAX_PATTERN = 1_000  # characters of a regular expression; public Sigma rules have at most a few hundred
MAX_PROGRAM = 1_000  # instructions it compiles to: matching takes at most so many steps a byte of text
MAX_MEMORY = 1 << 20  # bytes for one expression and its cache; 100 of them fit into a worker
MAX_TEXT = 4_000  # characters of a text in a rule

_MANY = SpecialChars.WILDCARD_MULTI
_FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: "i",
    SigmaRegularExpressionFlag.MULTILINE: "m",
    SigmaRegularExpressionFlag.DOTALL: "s",
}
# How RE2 names what it cannot do because it would need backtracking.
_BACKTRACKING = (b"invalid perl operator: (?=", b"invalid perl operator: (?!", b"invalid perl operator: (?<")


class TextTest(NamedTuple):
    """A test of one text. `folded` says that it expects the text case-folded; `values`, where it is plain
    equality, holds what the text may be."""

    holds: Callable[[str], bool]
    folded: bool
    cost: int
    values: frozenset[str] | None = None


def text_tests(values: Sequence[SigmaString]) -> list[TextTest]:
    """Tests one of which holds for a text exactly when one of the values matches it.

    Upper and lower case are the same unless the value is cased. `?` is one character of the case-folded text.
    Raises Refused.
    """
    tests: list[TextTest] = []
    for cased in (False, True):
        equal: set[str] = set()
        begins: list[str] = []
        ends: list[str] = []
        holds: list[str] = []
        for value in values:
            if isinstance(value, SigmaCasedString) is not cased:
                continue
            parts = [_part(part, cased) for part in value.s]
            if sum(len(part) for part in parts if isinstance(part, str)) > MAX_TEXT:
                raise Refused(f"is longer than {MAX_TEXT:,} characters")
            match parts:
                case []:
                    equal.add("")
                case [str(text)]:
                    equal.add(text)
                case [SpecialChars.WILDCARD_MULTI]:
                    tests.append(TextTest(lambda _text: True, False, CHEAP))
                case [str(text), SpecialChars.WILDCARD_MULTI]:
                    begins.append(text)
                case [SpecialChars.WILDCARD_MULTI, str(text)]:
                    ends.append(text)
                case [SpecialChars.WILDCARD_MULTI, str(text), SpecialChars.WILDCARD_MULTI]:
                    holds.append(text)
                case _:
                    tests.append(TextTest(_wildcards(parts), not cased, DEAR))
        if equal:
            wanted = frozenset(equal)
            tests.append(TextTest(wanted.__contains__, not cased, CHEAP, wanted))
        if begins:
            tests.append(TextTest(_begins(tuple(begins)), not cased, MIDDLING))
        if ends:
            tests.append(TextTest(_ends(tuple(ends)), not cased, MIDDLING))
        if holds:
            tests.append(TextTest(_holds(tuple(holds)), not cased, MIDDLING))
    return tests


def _part(part: Any, cased: bool) -> str | SpecialChars:
    if isinstance(part, SpecialChars):
        return part
    if isinstance(part, str):
        return part if cased else part.casefold()
    raise Refused("placeholders (%name%) are not filled in here; write the values out")


def _begins(texts: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda text: text.startswith(texts)


def _ends(texts: tuple[str, ...]) -> Callable[[str], bool]:
    return lambda text: text.endswith(texts)


def _holds(texts: tuple[str, ...]) -> Callable[[str], bool]:
    if len(texts) == 1:
        wanted = texts[0]
        return lambda text: wanted in text

    def holds(text: str) -> bool:
        for wanted in texts:  # noqa: SIM110  # any() over a generator takes twice the time
            if wanted in text:
                return True
        return False

    return holds


def _wildcards(parts: Sequence[str | SpecialChars]) -> Callable[[str], bool]:
    pattern = "".join(
        (".*" if part is _MANY else ".") if isinstance(part, SpecialChars) else re2.escape(part)
        for part in parts
    )
    return _compiled(rf"(?s)\A(?:{pattern})\z", "this text with wildcards")


def regex_test(value: SigmaRegularExpression) -> TextTest:
    """A test that searches a text for a regular expression, in time linear in the text.

    Upper and lower case differ unless it has the flag i. Raises Refused, with RE2's reason.
    """
    pattern = str(value.regexp)
    if len(pattern) > MAX_PATTERN:
        raise Refused(
            f"the regular expression has {len(pattern):,} characters; at most {MAX_PATTERN:,} are taken"
        )
    flags = "".join(sorted(_FLAGS[flag] for flag in value.flags))
    return TextTest(
        _compiled(f"(?{flags}){pattern}" if flags else pattern, "the regular expression"), False, DEAR
    )


def _compiled(pattern: str, what: str) -> Callable[[str], bool]:
    options = re2.Options()
    options.log_errors = False  # it would write to standard error by itself
    options.never_capture = True  # whether it matches is all that is asked
    options.max_mem = MAX_MEMORY
    try:
        found = re2.compile(pattern.encode("utf-8", "replace"), options)
    except re2.error as why:
        raise Refused(f"{what} cannot be used: {_told(why)}") from why
    if found.programsize > MAX_PROGRAM:
        raise Refused(
            f"{what} is too large: it compiles to {found.programsize:,} steps; "
            f"at most {MAX_PROGRAM:,} are taken"
        )
    search = found.search
    # Bytes, because for text RE2's binding also counts the characters before every match.
    return lambda text: search(text.encode("utf-8", "replace")) is not None


def _told(why: Exception) -> str:
    said = why.args[0] if why.args and isinstance(why.args[0], bytes) else str(why).encode()
    if said.startswith(_BACKTRACKING):
        return "look-around is not supported, as it would make matching time unbounded"
    if said.startswith(b"invalid escape sequence: \\") and said[-1:].isdigit():
        return "back-references are not supported, as they would make matching time unbounded"
    return said.decode("utf-8", "replace")


class _Unchecked(RegexEngine):
    """Lets pySigma build its values without compiling them: `regex_test` compiles them under our limits."""

    def compile(self, pattern: str, flags: int = 0) -> RegexPattern:  # noqa: ARG002  # pySigma's signature
        return re2.compile("")  # type: ignore[no-any-return]

    @property
    def error(self) -> type[Exception]:
        return re2.error  # type: ignore[no-any-return]


POLICY = SigmaPolicy(regex_engine=_Unchecked())
