"""The judge: one exchange against the terms in force at its time. Plain values in, breaches out."""

from __future__ import annotations

from monitor.events.exchange import Exchange
from monitor.events.fields import ABSENT, Fields
from monitor.judging.breach import Breach
from monitor.judging.terms import Terms, Usage

Breaches = tuple[Breach, ...]
_NONE: Breaches = ()


def judge(exchange: Exchange, fields: Fields, terms: Terms, seconds: float, usage: Usage | None) -> Breaches:
    """Return every way in which an exchange departs from its terms; empty when it keeps them all.

    `fields` are those that the exchange asks for;
    `seconds` is the exchange's time after the start of its hour (only read when `terms.opening` is set);
    `usage` counts the day's calls of the pair and is given when the agreement limits them. The call is
    counted whatever its outcome: a ceiling limits asking, not being answered.
    """
    if terms.standing is not None:
        return (terms.standing,)
    breaches = _NONE
    if terms.purposes is not None and exchange.purpose not in terms.purposes:
        breaches += (Breach.PURPOSE_NOT_PERMITTED if exchange.purpose else Breach.PURPOSE_MISSING,)
    if terms.fields is not None and not fields <= terms.fields:
        breaches += (Breach.FIELDS_EXCEEDED,)
    if terms.records_per_call is not None and exchange.records > terms.records_per_call:
        breaches += (Breach.RECORDS_EXCEEDED,)
    if terms.opening is not None and not terms.opening.covers(seconds):
        breaches += (Breach.OUTSIDE_HOURS,)
    if usage is not None:
        usage.calls += 1
        if terms.calls_per_day is not None and usage.calls > terms.calls_per_day:
            breaches += (Breach.QUOTA_EXCEEDED,)
    if terms.case_required and bytes(exchange.case) in ABSENT:
        breaches += (Breach.CASE_MISSING,)
    if terms.signature_required and exchange.signed is not True:
        breaches += (Breach.UNSIGNED,)
    return breaches
