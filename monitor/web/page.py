"""The overview page as it is sent: one file, and the policy that lets a browser run nothing else."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

PARTS = Path(__file__).parent / "assets"
# For everything that is not the page: nothing in it may load, run or be framed.
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Page(NamedTuple):
    """The page's bytes and its Content-Security-Policy."""

    body: bytes
    policy: str


@cache
def overview_page() -> Page:
    """Put the page's parts into one file, and allow its style and script by their hashes: no other can run.

    Source of the hashes: Content Security Policy Level 3, section 2.3.1 (SHA-256 of the element's text).
    """
    style = _part("style.css")
    script = _part("texts.js") + _part("script.js")
    html = _part("page.html")
    for element, content in (("style", style), ("script", script)):
        empty = f"<{element}></{element}>"
        assert html.count(empty) == 1, f"page.html has no place for its {element}"  # noqa: S101  # packaging error
        html = html.replace(empty, f"<{element}>{content}</{element}>")
    sources = {
        "script-src": _hash(script),
        "style-src": _hash(style),
        "connect-src": "'self'",
        "img-src": "data:",  # its icon
        # Assigning markup from a string is refused, so a hostile name stays text whatever the script does.
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    policy = "; ".join([NOTHING, *(f"{name} {allowed}" for name, allowed in sources.items())])
    return Page(html.encode(), policy)


def _part(name: str) -> str:
    return (PARTS / name).read_text(encoding="utf-8")


def _hash(content: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()}'"
