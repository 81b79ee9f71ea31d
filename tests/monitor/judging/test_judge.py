"""The judge: each way in which an exchange departs from terms that are in force."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.judging.breach import Breach
from monitor.judging.hours import Opening
from monitor.judging.judge import LONGEST_PURPOSE, VERDICTS, judge
from monitor.judging.terms import Terms, Usage
from tests.builders import PAIR, exchange

STANDINGS = (
    Breach.NO_AGREEMENT,
    Breach.AGREEMENT_INACTIVE,
    Breach.AGREEMENT_EXPIRED,
    Breach.AGREEMENT_NOT_STARTED,
    Breach.UNKNOWN_AGENCY,
    Breach.UNKNOWN_SERVICE,
)


def judged(
    terms: dict[str, Any], seconds: float = 0.0, usage: Usage | None = None, **changes: Any
) -> set[Breach]:
    """The breaches of an exchange; each is named once."""
    one = exchange(**changes)
    breaches = judge(one, Terms(PAIR, **terms), seconds, usage)
    assert breaches is not None
    assert len(breaches) == len(set(breaches))
    return set(breaches)


def test_without_limits_nothing_is_a_breach() -> None:
    """An absent clause permits everything."""
    assert judged({}, purpose=None, fields=["anything"], records=2**53) == set()


@pytest.mark.parametrize("standing", STANDINGS)
def test_without_an_agreement_in_force_that_alone_is_the_breach(standing: Breach) -> None:
    """No other clause is looked at, and no call counts against a quota."""
    usage = Usage()
    terms = {"standing": standing, "purposes": frozenset({"x"}), "case_required": True, "calls_per_day": 1}
    assert judged(terms, usage=usage) == {standing}
    assert usage.calls == 0


@pytest.mark.parametrize(
    ("purpose", "expected"),
    [
        ("health-insurance", set()),
        ("tax-refund", {Breach.PURPOSE_NOT_PERMITTED}),
        ("Health-Insurance", {Breach.PURPOSE_NOT_PERMITTED}),
        (None, {Breach.PURPOSE_MISSING}),
        ("", {Breach.PURPOSE_MISSING}),
    ],
)
def test_a_purpose_is_one_of_those_agreed(purpose: str | None, expected: set[Breach]) -> None:
    """Missing is another breach than a wrong one."""
    assert judged({"purposes": frozenset({"health-insurance"})}, purpose=purpose) == expected


@pytest.mark.parametrize(
    ("fields", "exceeded"),
    [
        (None, False),
        ([], False),
        (["full_name"], False),
        (["full_name", "full_name"], False),
        (["full_name", "sex"], True),
        (["FULL_NAME"], True),
        ([""], True),
    ],
)
def test_fields_are_among_those_agreed(fields: list[str] | None, *, exceeded: bool) -> None:
    """An exchange that names none exceeds none."""
    terms = {"fields": frozenset({"full_name", "date_of_birth"})}
    assert judged(terms, fields=fields) == ({Breach.FIELDS_EXCEEDED} if exceeded else set())


def test_records_may_reach_the_ceiling() -> None:
    """Exactly at it is kept, one more is not."""
    assert judged({"records_per_call": 5}, records=5) == set()
    assert judged({"records_per_call": 5}, records=6) == {Breach.RECORDS_EXCEEDED}


@pytest.mark.parametrize(
    ("seconds", "outside"), [(599.999, True), (600.0, False), (1199.999, False), (1200.0, True)]
)
def test_hours_begin_at_their_first_moment_and_end_before_their_last(
    seconds: float, *, outside: bool
) -> None:
    """`until` is exclusive."""
    terms = {"opening": Opening(600.0, 1200.0)}
    assert judged(terms, seconds) == ({Breach.OUTSIDE_HOURS} if outside else set())


@given(st.integers(1, 20), st.integers(0, 30))
def test_the_quota_may_be_used_up(ceiling: int, calls: int) -> None:
    """The calls up to the ceiling are kept; each one more is a breach of its own."""
    usage = Usage()
    broken = [judged({"calls_per_day": ceiling}, usage=usage) for _ in range(calls)]
    assert broken == [set()] * min(calls, ceiling) + [{Breach.QUOTA_EXCEEDED}] * max(calls - ceiling, 0)
    assert usage.calls == calls


@pytest.mark.parametrize("outcome", ["ok", "fault", "denied", "timeout"])
def test_a_call_counts_whatever_its_outcome(outcome: str) -> None:
    """A ceiling limits asking."""
    usage = Usage(9)
    assert judged({"calls_per_day": 10}, usage=usage, outcome=outcome) == set()
    assert judged({"calls_per_day": 10}, usage=usage, outcome=outcome) == {Breach.QUOTA_EXCEEDED}


@pytest.mark.parametrize(("case", "missing"), [("HS-2026-1188", False), ("", True), (None, True)])
def test_a_case_is_named_where_it_must_be(case: str | None, *, missing: bool) -> None:
    """Which case is not judged."""
    assert judged({"case_required": True}, case=case) == ({Breach.CASE_MISSING} if missing else set())


@pytest.mark.parametrize(("signed", "unsigned"), [(True, False), (False, True), (None, True)])
def test_a_signature_is_there_where_it_must_be(signed: bool | None, *, unsigned: bool) -> None:
    """Not saying counts as unsigned."""
    assert judged({"signature_required": True}, signed=signed) == ({Breach.UNSIGNED} if unsigned else set())


def test_every_clause_is_judged() -> None:
    """One exchange can break all of them; none hides another."""
    terms: dict[str, Any] = {
        "purposes": frozenset({"health-insurance"}),
        "fields": frozenset({"full_name"}),
        "records_per_call": 1,
        "calls_per_day": 1,
        "opening": Opening(0.0, 0.0),
        "case_required": True,
        "signature_required": True,
    }
    wrong: dict[str, Any] = {"purpose": "other", "fields": ["sex"], "records": 2}
    assert judged(terms, usage=Usage(1), **wrong) == {
        Breach.PURPOSE_NOT_PERMITTED,
        Breach.FIELDS_EXCEEDED,
        Breach.RECORDS_EXCEEDED,
        Breach.OUTSIDE_HOURS,
        Breach.QUOTA_EXCEEDED,
        Breach.CASE_MISSING,
        Breach.UNSIGNED,
    }


def test_the_breaches_are_those_of_the_contract() -> None:
    """Other systems read these words."""
    assert [str(breach) for breach in Breach] == [
        "no_agreement", "agreement_inactive", "agreement_expired", "agreement_not_started", "purpose_missing",
        "purpose_not_permitted", "fields_exceeded", "records_exceeded", "outside_hours", "quota_exceeded",
        "case_missing", "unsigned", "unknown_agency", "unknown_service", "duplicate_id",
    ]  # fmt: skip


def test_what_exchanges_say_is_judged_alike_when_it_is_not_remembered() -> None:
    """A flood of different purposes, or of long ones, takes bounded memory and changes no verdict."""
    terms = Terms(PAIR, purposes=frozenset({"tax-refund"}))
    refused = (Breach.PURPOSE_NOT_PERMITTED,)
    for number in range(VERDICTS + 10):
        assert judge(exchange(purpose=f"purpose-{number}"), terms, 0.0, None) == refused
        assert judge(exchange(purpose="tax-refund"), terms, 0.0, None) == ()
    assert 0 < len(terms.verdicts) <= VERDICTS
    terms.verdicts.clear()
    for length in (LONGEST_PURPOSE, LONGEST_PURPOSE + 1):
        for _ in range(2):
            assert judge(exchange(purpose="p" * length), terms, 0.0, None) == refused
    assert {len(purpose or "") for purpose, _, _ in terms.verdicts} == {LONGEST_PURPOSE}


@pytest.mark.parametrize("absent", ["", "null", '""'])
def test_a_case_is_missing_only_where_nothing_is_given(absent: str) -> None:
    """However short a case is, it is one."""
    terms = Terms(PAIR, case_required=True)
    for text, expected in ((absent, (Breach.CASE_MISSING,)), ('"1"', ()), ("1", ()), ('"A-2031/7"', ())):
        one = exchange()
        one.case = msgspec.Raw(text.encode())
        assert judge(one, terms, 0.0, None) == expected
