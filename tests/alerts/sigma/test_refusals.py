"""What cannot be compiled, and the exact words that say so."""

from __future__ import annotations

from typing import Any

import pytest

from alerts.sigma.selection import MAX_VALUES
from alerts.sigma.text import MAX_PATTERN, MAX_TEXT
from tests.alerts.sigma.writing import drafted, selecting

EXCHANGES: list[tuple[str, Any, str]] = [
    # fields
    ("outcom", "ok", "exchanges has no field outcom; did you mean outcome?"),
    ("Consumer", "ok", "exchanges has no field Consumer; did you mean consumer?"),
    (
        "detail.x",
        "ok",
        "exchanges has no field detail.x; there are actor, agency, breach, consumer, duration_ms, "
        "fields, id, outcome, provider, purpose, records, request_bytes, requested_provider, "
        "requested_service, response_bytes, service, signed, subject",
    ),
    # values of another kind
    ("purpose", 5, "is text and is compared with the number 5; write it in quotes"),
    ("breach", 5, "is a list of texts and is compared with the number 5; write it in quotes"),
    (
        "records",
        "5",
        "is a number and cannot be compared with text such as '5'; compare it with numbers, also by "
        "|lt, |lte, |gt, |gte",
    ),
    (
        "records",
        "*",
        "is a number and cannot be compared with text such as '*'; compare it with numbers, also by "
        "|lt, |lte, |gt, |gte",
    ),
    ("records", True, "is a number and cannot be compared with true"),
    ("outcome", True, "is text and cannot be compared with true"),
    (
        "signed",
        "true",
        "is true or false and cannot be compared with text such as 'true'; compare it with true or "
        "false, without quotes",
    ),
    (
        "signed",
        1,
        "is true or false and cannot be compared with the number 1; compare it with true or false, "
        "without quotes",
    ),
    ("outcome|gt", 5, "is text and cannot be compared as a number"),
    (
        "signed|lt",
        5,
        "is true or false and cannot be compared as a number; compare it with true or false, without quotes",
    ),
    (
        "records|re",
        "5.*",
        "is a number and cannot be searched by a regular expression; compare it with numbers, "
        "also by |lt, |lte, |gt, |gte",
    ),
    ("records|cidr", "10.0.0.0/8", "is a number and has no network; |cidr is for addresses"),
    ("purpose|cidr", "10.0.0.0/8", "is text and has no network; |cidr is for addresses"),
    ("records|fieldref", "purpose", "is a number and cannot be compared with purpose, which is text"),
    ("purpose|fieldref", "breach", "is text and cannot be compared with breach, which is a list of texts"),
    ("purpose|fieldref", "purpos", "exchanges has no field purpos; did you mean purpose?"),
    ("records|fieldref|contains", "request_bytes", "parts can be compared of texts only"),
    # modifiers
    ("outcome|containz", "x", "containz is no modifier; did you mean contains?"),
    (
        "outcome|base64",
        "x",
        "the modifier base64 looks for encoded text, which no event of these sources holds",
    ),
    ("outcome|wide", "x", "the modifier wide looks for encoded text, which no event of these sources holds"),
    (
        "outcome|utf16|base64offset|contains",
        "x",
        "the modifier utf16 looks for encoded text, which no event of these sources holds",
    ),
    (
        "outcome|windash",
        "-x",
        "the modifier windash is for Windows command lines, which no event of these sources holds",
    ),
    ("outcome|expand", "%x%", "the modifier expand needs a list from outside the rule; write the values out"),
    (
        "duration_ms|hour",
        5,
        "the modifier hour takes a time apart, and these sources have no field that holds one",
    ),
    ("outcome|contains|contains", "x", "has the same modifier twice"),
    ("outcome|contains|startswith", "x", "takes one of contains, startswith and endswith"),
    (
        "outcome|re|contains",
        "x",
        "a regular expression is searched in the whole text; write ^ or $ instead of a modifier",
    ),
    ("outcome|i", "x", "the modifier i goes with re only"),
    ("outcome|re|cased", "x", "the modifier cased goes with plain text only; re has the flag i"),
    ("records|lt|gt", 5, "the modifiers lt and gt do not go together"),
    ("records|gt", "5", "the modifier gt is incompatible to value type of '5'"),
    ("records|contains", 5, "the modifier contains is incompatible to value type of '5'"),
    ("purpose|exists", "yes", "the modifier exists is incompatible to value type of 'yes'"),
    # values
    ("outcome", [], "has an empty list of values; to ask for an absent field write null"),
    ("outcome", {"a": 1}, "expected a value or a list of values, found a mapping"),
    ("outcome", [["a"]], "expected a list of values, found a collection inside it"),
    ("outcome", ["a"] * (MAX_VALUES + 1), "has 10,001 values; at most 10,000 are taken"),
    ("outcome", "a" * (MAX_TEXT + 1), "is longer than 4,000 characters"),
    # keywords
    ("", "x", "looks for words in no field; events here are not text: write field: value"),
    ("|contains", "x", "looks for words in no field; events here are not text: write field: value"),
    # regular expressions
    (
        "purpose|re",
        "(?=a)b",
        "the regular expression cannot be used: look-around is not supported, as it would make "
        "matching time unbounded",
    ),
    (
        "purpose|re",
        "(?<!a)b",
        "the regular expression cannot be used: look-around is not supported, as it would "
        "make matching time unbounded",
    ),
    (
        "purpose|re",
        r"(a)\1",
        "the regular expression cannot be used: back-references are not supported, as they "
        "would make matching time unbounded",
    ),
    ("purpose|re", "(a", "the regular expression cannot be used: missing ): (a"),
    ("purpose|re", "a{1001}", "the regular expression cannot be used: invalid repetition size: {1001}"),
    (
        "purpose|re",
        "a" * (MAX_PATTERN + 1),
        "the regular expression has 1,001 characters; at most 1,000 are taken",
    ),
    (
        "purpose|re",
        r"\w{1,300}",
        "the regular expression is too large: it compiles to 1,203 steps; at most 1,000 are taken",
    ),
]

SECURITY: list[tuple[str, Any, str]] = [
    ("sevrity", 1, "security-events has no field sevrity; did you mean severity?"),
    (
        "detail.",
        1,
        "security-events has no field detail.; there are actor, agency, bytes, count, id, kind, service, "
        "severity, source_ip, subject and detail.NAME",
    ),
    (
        "source_ip",
        "10.0.0.*",
        "is an address, and '10.0.0.*' is none; parts of networks are compared by |cidr",
    ),
    ("source_ip", "gateway", "is an address, and 'gateway' is none; parts of networks are compared by |cidr"),
    (
        "source_ip|startswith",
        "10.",
        "is an address, and '10.*' is none; parts of networks are compared by |cidr",
    ),
    (
        "source_ip|re",
        "^10",
        "is an address and cannot be searched by a regular expression; compare it with whole "
        "addresses or by |cidr",
    ),
    ("source_ip|cidr", "10.0.0.1/8", "invalid CIDR expression: 10.0.0.1/8 has host bits set"),
    (
        "source_ip|gt",
        5,
        "is an address and cannot be compared as a number; compare it with whole addresses or by |cidr",
    ),
    (
        "severity",
        "high",
        "is a number and cannot be compared with text such as 'high'; compare it with numbers, "
        "also by |lt, |lte, |gt, |gte",
    ),
]


@pytest.mark.parametrize(("key", "value", "reason"), EXCHANGES, ids=lambda each: str(each)[:40])
def test_what_makes_no_sense_on_exchanges_is_refused(key: str, value: Any, reason: str) -> None:
    """It is no silent no-match: the reason says what is wrong and what to write."""
    assert drafted(selecting({key: value})) == [f"selection.{key}: {reason}"]


@pytest.mark.parametrize(("key", "value", "reason"), SECURITY, ids=lambda each: str(each)[:40])
def test_what_makes_no_sense_on_security_events_is_refused(key: str, value: Any, reason: str) -> None:
    """It is no silent no-match: the reason says what is wrong and what to write."""
    assert drafted(selecting({key: value}), "security-events") == [f"selection.{key}: {reason}"]


@pytest.mark.parametrize("selection", ["word", ["a", "b"], None, 5], ids=repr)
def test_words_without_a_field_are_refused(selection: object) -> None:
    """Events have fields and no text to search words in."""
    assert drafted(selecting(selection)) == [
        "selection: looks for words in no field; events here are not text: write field: value"
    ]


def test_an_empty_selection_is_refused() -> None:
    """It would match everything."""
    assert drafted(selecting({})) == ["selection: is empty"]


def test_a_timeframe_is_refused() -> None:
    """It was Sigma's once, and would be taken for a selection."""
    detection = {"selection": {"outcome": "ok"}, "timeframe": "5m", "condition": "selection"}
    assert drafted(detection) == [
        "timeframe: belongs to conditions that Sigma dropped; write a correlation with a timespan"
    ]


def test_every_problem_of_a_detection_is_told_at_once() -> None:
    """Nobody wants to correct a rule ten times."""
    found = drafted({"a": {"outcom": "ok", "records": "x"}, "b": [{"signed": 1}], "condition": "a and c"})
    assert isinstance(found, list)
    assert [each.split(":")[0] for each in found] == ["a.outcom", "a.records", "b[0].signed", "condition"]
