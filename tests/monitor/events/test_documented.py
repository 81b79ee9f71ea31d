"""The page on security events says what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from monitor.events.kinds import SEVERITIES, USUAL_SEVERITY
from monitor.events.pseudonym import is_pseudonym
from monitor.events.security import SecurityEvent, decode_one_security

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "security-events.md").read_text(encoding="utf-8")


def test_the_page_lists_every_kind_with_its_severity() -> None:
    """In the order of the code, and no other."""
    listed = re.findall(r"^\| `([a-z_]+)` \| ([a-z]+) \|", PAGE, re.MULTILINE)
    assert listed == [(kind, SEVERITIES[severity - 1]) for kind, severity in USUAL_SEVERITY.items()]


def test_the_page_s_event_is_accepted() -> None:
    """With pseudonyms that stay."""
    (text,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    event = decode_one_security(text.encode(), ())
    assert isinstance(event, SecurityEvent)
    assert event.actor is not None
    assert event.subject is not None
    assert is_pseudonym(event.actor)
    assert is_pseudonym(event.subject)
