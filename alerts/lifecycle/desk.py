"""Who acknowledges, and why: a desk and a reason, and no person in either."""

from __future__ import annotations

import re

from monitor.errors import UsageProblem

LONGEST_DESK = 60
LONGEST_REASON = 500
# `soc` or an agency's code in capitals; then, where an office has several, words in small letters.
_DESK = re.compile(r"(soc|[A-Z][A-Z0-9]*(-[A-Z0-9]+)*)([/-][a-z][a-z0-9]*)*")
_MAIL = re.compile(r"[^\s@]@[^\s@]")


def desk(who: str) -> str:
    """The desk as it is stored: `soc`, `soc/night`, `MOH`, `MOH/data-office`.

    A desk is named by its office first, so that neither a login name, nor a name of a person, nor an e-mail
    address passes for one (D11). Raises UsageProblem that says so.
    """
    if len(who) > LONGEST_DESK or not _DESK.fullmatch(who):
        raise UsageProblem(
            f"{_shown(who)} names no desk: expected soc or an agency's code, and then, after / or -, "
            "words in small letters: soc/night, MOH/data-office. Names of persons are not kept."
        )
    return who


def reason(why: str) -> str:
    """The reason as it is stored: one line of at most LONGEST_REASON characters.

    Raises UsageProblem where there is none, where it is longer, or where it holds an e-mail address.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in why).split())
    if not line:
        raise UsageProblem("an acknowledgement needs a reason: what is done about the alert")
    if len(line) > LONGEST_REASON:
        raise UsageProblem(f"the reason has {len(line)} characters; {LONGEST_REASON} are kept")
    if _MAIL.search(line):
        raise UsageProblem("the reason holds an e-mail address; name the desk instead, persons are not kept")
    return line


def _shown(text: str) -> str:
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return repr(printable if len(printable) <= LONGEST_DESK else printable[:LONGEST_DESK] + "…")
