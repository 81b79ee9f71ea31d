"""Fingerprints of rules: one tells that anything changed, one by rule that what it remembers is void."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from alerts.sigma.catalogue import Catalogue
from alerts.sigma.detections import Filter
from alerts.sigma.document import Document, plain

# What decides which events a rule takes in and what it remembers of them. Texts for people are not among it:
# a better runbook must not cost a baseline the weeks it has learnt.
_DECIDING = ("logsource", "detection", "correlation", "filter")
_DECIDING_OURS = ("agency", "group-by")


def whole_fingerprint(documents: Iterable[Document]) -> str:
    """Changes with any value of any document, and with nothing else; the order of files does not matter."""
    return _hashed(sorted(_hashed(plain(document.values)) for document in documents))


def fingerprints(catalogue: Catalogue, filtered: Mapping[str, list[Filter]]) -> dict[str, str]:
    """By id of a rule: changes when what it matches does, also through filters and what it takes in."""
    known: dict[str, str] = {}

    def of(key: str, above: frozenset[str]) -> str:
        if key in known:
            return known[key]
        if key in above:  # a circle, which is a problem of its own
            return ""
        held = plain(catalogue.checked()[key].document.values)
        block = held.get("monitor")
        ours = block if isinstance(block, dict) else {}
        known[key] = _hashed(
            [
                {name: held.get(name) for name in _DECIDING},
                {name: ours.get(name) for name in _DECIDING_OURS},
                sorted(_hashed(_deciding(each)) for each in filtered.get(key, ())),
                [of(part, above | {key}) for part in catalogue.uses(key)],
            ]
        )
        return known[key]

    return {key: of(key, frozenset()) for key in catalogue.checked() if catalogue.kind(key) != "filter"}


def _deciding(one: Filter) -> Any:
    values = plain(one.checked.document.values)
    return {name: values.get(name) for name in _DECIDING}


def _hashed(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=16).hexdigest()
