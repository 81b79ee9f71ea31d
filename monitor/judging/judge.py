"""The judge: one exchange against the terms in force at its time. Plain values in, breaches out.

What an exchange says (purpose, fields, signature) has few different values, and is judged once for each of
them; how much it asked for, and when, is judged for every exchange.
"""

from __future__ import annotations

from typing import TypeVar

from monitor.events.exchange import Exchange
from monitor.events.fields import ABSENT, FIELD_LISTS
from monitor.judging.breach import Breach
from monitor.judging.terms import Breaches, Said, Terms, Usage

VERDICTS = 4_000  # verdicts remembered for one agreement; a flood of different fields begins anew
LONGEST_PURPOSE = 200  # characters of one in a verdict that is remembered
_NONE: Breaches = ()
LONGEST_ABSENT = max(map(len, ABSENT))  # of a case that may be missing; any longer one is there

T = TypeVar("T", str, bytes)


class _Shared(dict[T, T]):
    """One object for equal texts: of what all agreements' verdicts share there is one copy in the cache."""

    LIMIT = 20_000  # as of field lists; a flood of others begins anew

    def __missing__(self, text: T) -> T:
        if len(self) >= self.LIMIT:
            self.clear()
        self[text] = text
        return text


_purposes, _texts = _Shared[str](), _Shared[bytes]()


def judge(exchange: Exchange, terms: Terms, seconds: float, usage: Usage | None) -> Breaches | None:
    """Return every way in which an exchange departs from its terms; empty when it keeps them all.

    None when its `fields` are no list of names, so that it cannot be judged. The ledger calls the two parts
    itself, as it looks up the first.
    """
    said = (exchange.purpose, bytes(exchange.fields), exchange.signed)
    breaches = judge_said(said, terms)
    if breaches is None or not terms.metered:
        return breaches
    calls = 0
    if usage is not None:
        calls = usage.calls = usage.calls + 1
    return breaches + judge_done(exchange, terms, seconds, calls)


def judge_said(said: Said, terms: Terms) -> Breaches | None:
    """Judge what an exchange says, and remember the verdict with the terms.

    `said` is its purpose, its fields as JSON text, and whether it was signed. None when the text is no list
    of names. Where the agreement's standing is a breach nothing else is looked at.
    """
    purpose, fields_text, signed = said
    fields = FIELD_LISTS[fields_text]
    if fields is None:
        return None
    breaches = _NONE
    if terms.standing is not None:
        breaches = (terms.standing,)
    else:
        if terms.purposes is not None and purpose not in terms.purposes:
            breaches += (Breach.PURPOSE_NOT_PERMITTED if purpose else Breach.PURPOSE_MISSING,)
        if terms.fields is not None and not fields <= terms.fields:
            breaches += (Breach.FIELDS_EXCEEDED,)
        if terms.signature_required and signed is not True:
            breaches += (Breach.UNSIGNED,)
    if len(fields_text) <= FIELD_LISTS.LONGEST and (purpose is None or len(purpose) <= LONGEST_PURPOSE):
        if len(terms.verdicts) >= VERDICTS:
            terms.verdicts.clear()
        shared = None if purpose is None else _purposes[purpose]
        terms.verdicts[shared, _texts[fields_text], signed] = breaches
    return breaches


def judge_done(exchange: Exchange, terms: Terms, seconds: float, calls: int) -> Breaches:
    """Judge how much an exchange asked for, when, and for which case; only needed for metered terms.

    `seconds` is the exchange's time after the start of its hour (only read when `terms.opening` is set);
    `calls` are the pair's calls of the day with this one (only read when the agreement limits them). A call
    counts whatever its outcome: a ceiling limits asking, not being answered.
    """
    breaches = _NONE
    if terms.records_per_call is not None and exchange.records > terms.records_per_call:
        breaches += (Breach.RECORDS_EXCEEDED,)
    if terms.opening is not None and not terms.opening.covers(seconds):
        breaches += (Breach.OUTSIDE_HOURS,)
    if terms.calls_per_day is not None and calls > terms.calls_per_day:
        breaches += (Breach.QUOTA_EXCEEDED,)
    if terms.case_required and bytes(exchange.case) in ABSENT:
        breaches += (Breach.CASE_MISSING,)
    return breaches
