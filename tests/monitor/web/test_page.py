"""The page as a file: whole, closed to the outside, and saying everything in both languages."""

from __future__ import annotations

import base64
import hashlib
import re

import pytest

from alerts.model import Level
from monitor.events.rejection import Reason
from monitor.judging.breach import Breach
from monitor.web.page import PARTS, overview_page

TEXTS = (PARTS / "texts.js").read_text(encoding="utf-8")
ENGLISH, VIETNAMESE = TEXTS.split("  vi: {")
LEVELS = [level.word for level in Level]
KEY = re.compile(r'\b([a-z]\w*): "')


def test_every_text_exists_in_both_languages() -> None:
    """A key that one language lacks would show as `undefined`."""
    assert sorted(KEY.findall(ENGLISH)) == sorted(KEY.findall(VIETNAMESE))


@pytest.mark.parametrize("name", [*Breach, *Reason, *LEVELS])
def test_every_breach_reason_and_level_has_a_name(name: str) -> None:
    """The closed sets of the contract are told in words, not in codes."""
    assert f'{name}: "' in ENGLISH
    assert f'{name}: "' in VIETNAMESE


def test_every_text_that_the_page_asks_for_exists() -> None:
    """Texts named in the page and the script are there; none is left over."""
    script = (PARTS / "script.js").read_text(encoding="utf-8")
    html = (PARTS / "page.html").read_text(encoding="utf-8")
    asked = {*re.findall(r'data-[tl]="(\w+)"', html), *re.findall(r'\bt\("(\w+)"', script)}
    asked |= {f"state_{state}" for state in ("live", "waiting", "quiet", "stalled", "unreachable", "loading")}
    asked |= set(re.findall(r'\["(\w+)", (?:number|part|within|age)\(', script))
    codes = {*Breach, *Reason, *LEVELS}
    assert asked == {key for key in KEY.findall(ENGLISH) if key not in codes}


def test_the_page_loads_nothing_from_anywhere() -> None:
    """No address in it but its own routes and the namespace of its drawings."""
    text = overview_page().body.decode()
    addresses = set(re.findall(r"https?://[^\s\"')]+", text))
    assert addresses == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"<(?:script|link|img|iframe)[^>]*\s(?:src|href)=\"(?!data:)", text)


def test_the_policy_allows_exactly_this_style_and_script() -> None:
    """Change a byte of the page and a browser runs nothing."""
    page = overview_page()
    text = page.body.decode()
    for element in ("style", "script"):
        found = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
        assert len(found) == 1
        digest = base64.b64encode(hashlib.sha256(found[0].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in page.policy
    assert "unsafe" not in page.policy
    for demand in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
        assert demand in page.policy


def test_the_script_never_assigns_markup() -> None:
    """Names enter as text; the browser is told to refuse the rest as well."""
    script = (PARTS / "script.js").read_text(encoding="utf-8")
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "new Function"):
        assert way not in script
    assert "require-trusted-types-for 'script'" in overview_page().policy
