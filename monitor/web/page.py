"""The overview page as it is sent: one file, and the policy that lets a browser run nothing else."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

PAGE = Path(__file__).with_name("page.html")
# For everything that is not the page: nothing in it may load, run or be framed.
NOTHING = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


class Page(NamedTuple):
    """The page's bytes and its Content-Security-Policy."""

    body: bytes
    policy: str


@cache
def overview_page() -> Page:
    """Read the page and name its own style and script by their hashes: no other can run.

    Source of the hashes: Content Security Policy Level 3, section 2.3.1 (SHA-256 of the element's text).
    """
    text = PAGE.read_text(encoding="utf-8")
    sources = {
        "script-src": _hashes(text, "script"),
        "style-src": _hashes(text, "style"),
        "connect-src": "'self'",
        "img-src": "data:",  # its icon
        # Assigning markup from a string is refused, so a hostile name stays text whatever the script does.
        "require-trusted-types-for": "'script'",
        "trusted-types": "'none'",
    }
    policy = "; ".join([NOTHING, *(f"{name} {allowed}" for name, allowed in sources.items())])
    return Page(text.encode(), policy)


def _hashes(text: str, element: str) -> str:
    found = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
    assert found, f"{PAGE.name} has no <{element}>"  # noqa: S101  # packaging error
    digests = (hashlib.sha256(content.encode()).digest() for content in found)
    return " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
