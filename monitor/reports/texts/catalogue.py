"""Every message of reports, by key: the words of several modules in one place.

A module of words has one mapping, `WORDS`, of keys to (English, Vietnamese). Keys are unique over all.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from monitor.reports.figures import Text
from monitor.reports.texts import clauses, kinds, layout, obstacles, procedures, sentences, terms, xroad

_MODULES: tuple[Mapping[str, tuple[str, str]], ...] = (
    terms.WORDS,
    kinds.WORDS,
    clauses.WORDS,
    sentences.WORDS,
    obstacles.WORDS,
    layout.WORDS,
    xroad.WORDS,
    procedures.WORDS,
)


def _together() -> dict[str, Text]:
    found: dict[str, Text] = {}
    for words in _MODULES:
        for key, (english, vietnamese) in words.items():
            if key in found:
                raise ValueError(f"the message {key} is there twice")
            found[key] = Text(en=english, vi=vietnamese)
    return found


CATALOGUE: Mapping[str, Text] = MappingProxyType(_together())
