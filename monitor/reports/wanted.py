"""Which reports are asked for, as people write it: agencies by code, `national`, `all`; languages."""

from __future__ import annotations

from typing import Final

from monitor.errors import UsageProblem
from monitor.registry.registry import Registry
from monitor.reports.figures import LANGUAGES, Language

NATIONAL: Final = "national"
ALL: Final = "all"


def agencies_named(text: str, registry: Registry, where: str) -> tuple[str | None, ...]:
    """Present codes, each once, and None for the national report, in the order in which they are named.

    Codes are in capitals, so neither word is one. Raises UsageProblem, which begins with `where`.
    """
    found: list[str | None] = []
    for name in _parts(text):
        if name == NATIONAL:
            found.append(None)
        elif name == ALL:
            found += sorted(registry.agencies)
        else:
            agency = registry.agency(name)
            if agency is None:
                raise UsageProblem(f"{where} {name}: no agency of the registry has that code")
            found.append(agency.code)
    if not found:
        raise UsageProblem(f"{where} {text!r}: expected {NATIONAL}, {ALL}, or agencies' codes")
    return tuple(dict.fromkeys(found))


def languages_named(text: str) -> tuple[Language, ...]:
    """Languages, each once. Raises UsageProblem."""
    names = _parts(text)
    found = tuple(language for language in LANGUAGES if language in names)
    if not found or len(found) < len(set(names)):
        raise UsageProblem(f"--lang {text}: accepted are {', '.join(LANGUAGES)}")
    return found


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]
