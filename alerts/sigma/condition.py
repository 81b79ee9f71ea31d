"""Conditions: how the named parts of a detection make one term."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from sigma.conditions import (
    ConditionAND,
    ConditionIdentifier,
    ConditionNOT,
    ConditionOR,
    ConditionSelector,
    SigmaCondition,
)
from sigma.exceptions import SigmaError
from sigma.rule.detection import EmptySigmaDetections

from alerts.sigma.names import suggestion
from alerts.sigma.problems import Refused
from alerts.sigma.term import Not, Term, every, some

MAX_CONDITION = 2_000  # characters
_AT = re.compile(r"\(at char (\d+)\)")
MAX_NESTED = 12  # open parentheses; the parser calls itself some ten times for each


def condition_tree(text: Any) -> Any:
    """pySigma's tree of a condition; raises Refused."""
    if not isinstance(text, str) or not text.strip():
        raise Refused("expected a condition such as: selection and not 1 of filter_*")
    if len(text) > MAX_CONDITION:
        raise Refused(f"is longer than {MAX_CONDITION:,} characters")
    depth = deepest = 0
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        deepest = max(deepest, depth)
    if deepest > MAX_NESTED:
        raise Refused(f"nests deeper than {MAX_NESTED} parentheses")
    try:
        return SigmaCondition(text, EmptySigmaDetections()).parse(postprocess=False)
    except SigmaError as why:
        raise Refused(_reworded(str(why.args[0] if why.args else why))) from why
    except RecursionError:
        raise Refused("nests too deep") from None


def _reworded(said: str) -> str:
    at = _AT.search(said)
    if at is not None:
        expected = "expected words, and, or, not, 1 of x*, all of x*"
        return f"cannot be read from character {int(at[1]) + 1} on; {expected}"
    if "pipe" in said:
        return "pipes (| count() …) belong to conditions that Sigma dropped; write a correlation"
    return f"cannot be read: {said}"


def names_used(tree: Any, known: Mapping[str, Any]) -> set[str]:
    """The names of the parts that a condition takes in; raises Refused for one that there is not."""
    match tree:
        case ConditionIdentifier():
            if tree.identifier not in known:
                raise Refused(
                    f"names {tree.identifier}, which is not defined; {suggestion(tree.identifier, known)}"
                )
            return {tree.identifier}
        case ConditionSelector():
            return set(_selected(tree, known))
        case _:
            return {name for part in tree.args for name in names_used(part, known)}


def term_of(tree: Any, parts: Mapping[str, Term]) -> Term:
    """The term of a condition whose every part is known."""
    match tree:
        case ConditionIdentifier():
            return parts[tree.identifier]
        case ConditionSelector():
            chosen = [parts[name] for name in _selected(tree, parts)]
            return every(chosen) if tree.cond_class is ConditionAND else some(chosen)
        case ConditionNOT():
            return Not(term_of(tree.args[0], parts))
        case ConditionAND():
            return every(term_of(part, parts) for part in tree.args)
        case ConditionOR():
            return some(term_of(part, parts) for part in tree.args)
        case _:
            raise TypeError(f"pySigma made a {type(tree).__name__} of a condition")


def _selected(tree: ConditionSelector, known: Mapping[str, Any]) -> list[str]:
    """The parts that `1 of x*` names; those that begin with _ only when the pattern does, as in Sigma."""
    pattern = "*" if tree.pattern == "them" else tree.pattern
    found = [
        name
        for name in known
        if fnmatchcase(name, pattern) and (pattern.startswith("_") or not name.startswith("_"))
    ]
    if not found:
        raise Refused(f"asks for {tree.args[0]} of {tree.pattern}, and nothing is named so")
    return found


def excludes_only(tree: Any) -> bool:
    """Whether a condition can only take events away: `not …`, or several of these joined by `and`."""
    if isinstance(tree, ConditionAND):
        return all(excludes_only(part) for part in tree.args)
    return isinstance(tree, ConditionNOT)
