"""What a field with its modifiers matches, and what it does not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.alerts.sigma.writing import matches, selecting

Row = tuple[str, Any, dict[str, Any], dict[str, Any]]

# What is written, an event that matches, and one that does not.
EXCHANGES: list[Row] = [
    # equality of texts: upper and lower case are the same, also of Vietnamese letters
    ("outcome", "denied", {"outcome": "denied"}, {"outcome": "ok"}),
    ("consumer", "moh", {"consumer": "MOH"}, {"consumer": "MOHA"}),
    ("purpose", "BẢO HIỂM", {"purpose": "bảo hiểm"}, {"purpose": "bao hiem"}),
    ("purpose", "", {"purpose": ""}, {"purpose": "x"}),
    ("purpose", "x", {"purpose": "x"}, {}),
    ("consumer|cased", "MOH", {"consumer": "MOH"}, {"consumer": "moh"}),
    # lists are alternatives, `all` makes them requirements
    ("outcome", ["denied", "timeout"], {"outcome": "timeout"}, {"outcome": "ok"}),
    ("purpose|contains|all", ["tax", "2026"], {"purpose": "Tax-2026"}, {"purpose": "tax-2025"}),
    (
        "breach|all",
        ["unsigned", "quota_exceeded"],
        {"breach": ["quota_exceeded", "unsigned"]},
        {"breach": ["unsigned"]},
    ),
    # parts of texts
    ("service|contains", "verify", {"service": "population.Verify-identity"}, {"service": "land.lookup"}),
    ("service|contains", ["land", "tax"], {"service": "x.tax-y"}, {"service": "x.y"}),
    ("service|startswith", "population.", {"service": "Population.verify"}, {"service": "x.population."}),
    ("service|startswith", ["a.", "b."], {"service": "b.c"}, {"service": "c.b."}),
    ("service|endswith", "-all", {"service": "x.read-ALL"}, {"service": "x.read-all-of"}),
    ("service|contains|cased", "Verify", {"service": "a.Verify"}, {"service": "a.verify"}),
    # wildcards and their escaping
    ("service", "population.*", {"service": "population.x"}, {"service": "xpopulation.x"}),
    ("service", "*.verify", {"service": "a.verify"}, {"service": "a.verify-b"}),
    ("service", "*verify*", {"service": "a.verify-b"}, {"service": "a.b"}),
    ("service", "a.*.c", {"service": "a.b.c"}, {"service": "a.c"}),
    ("service", "a.?.c", {"service": "A.ấ.C"}, {"service": "a.bb.c"}),
    ("service", "a*b*c", {"service": "a\nb\nc"}, {"service": "acb"}),
    ("purpose", "*", {"purpose": ""}, {}),
    ("purpose", r"a\*b", {"purpose": "a*b"}, {"purpose": "axb"}),
    ("purpose", r"a\?b", {"purpose": "a?b"}, {"purpose": "axb"}),
    ("purpose", r"a\\*", {"purpose": "a\\b"}, {"purpose": "a*"}),
    ("purpose", r"a\b", {"purpose": "a\\b"}, {"purpose": "ab"}),
    ("purpose|contains", r"50\*", {"purpose": "x50*y"}, {"purpose": "x501y"}),
    ("purpose", "a.b(c)*d", {"purpose": "a.b(c)xd"}, {"purpose": "axb(c)xd"}),
    # regular expressions search, and tell upper from lower case
    ("service|re", r"^[a-z]+\.verify", {"service": "a.verify-x"}, {"service": "a.VERIFY"}),
    ("service|re", "erif", {"service": "a.verify"}, {"service": "a.veri"}),
    ("service|re|i", "VERIFY$", {"service": "a.verify"}, {"service": "a.verify-b"}),
    ("purpose|re|m", "^b$", {"purpose": "a\nb\nc"}, {"purpose": "a b c"}),
    ("purpose|re|s", "a.b", {"purpose": "a\nb"}, {"purpose": "ab"}),
    ("purpose|re", "a.b", {"purpose": "axb"}, {"purpose": "a\nb"}),
    ("purpose|re", ["^x", "y$"], {"purpose": "ay"}, {"purpose": "yx"}),
    # numbers
    ("records", 5, {"records": 5}, {"records": 6}),
    ("records", [5, 7], {"records": 7}, {"records": 6}),
    ("duration_ms", 0.5, {"duration_ms": 0.5}, {"duration_ms": 0.25}),
    ("records|lt", 5, {"records": 4}, {"records": 5}),
    ("records|lte", 5, {"records": 5}, {"records": 6}),
    ("records|gt", 5, {"records": 6}, {"records": 5}),
    ("records|gte", 5.5, {"records": 6}, {"records": 5}),
    # true and false, presence
    ("signed", False, {"signed": False}, {}),
    ("signed", True, {"signed": True}, {"signed": False}),
    ("signed", None, {}, {"signed": False}),
    ("purpose", None, {}, {"purpose": ""}),
    ("purpose", [None, "x"], {}, {"purpose": "y"}),
    ("purpose|exists", True, {"purpose": "x"}, {}),
    ("purpose|exists", False, {}, {"purpose": "x"}),
    ("breach", None, {}, {"breach": ["unsigned"]}),
    ("breach|exists", True, {"breach": ["unsigned"]}, {}),
    # lists: any item
    ("breach", "unsigned", {"breach": ["quota_exceeded", "Unsigned"]}, {"breach": ["quota_exceeded"]}),
    ("breach|startswith", "agreement_", {"breach": ["x", "agreement_expired"]}, {"breach": ["no_agreement"]}),
    ("fields|re", "^tax_", {"fields": ["name", "tax_id"]}, {"fields": ["name"]}),
    ("fields|cased", "Name", {"fields": ["Name"]}, {"fields": ["name"]}),
    # negation
    ("outcome|neq", "ok", {"outcome": "denied"}, {"outcome": "ok"}),
    ("outcome|neq", ["ok", "fault"], {"outcome": "denied"}, {"outcome": "fault"}),
    ("purpose|neq", "x", {}, {"purpose": "X"}),
    # another field of the same event
    (
        "provider|fieldref",
        "requested_provider",
        {"provider": "MPS"},
        {"provider": "A", "requested_provider": "B"},
    ),
    (
        "records|fieldref",
        "request_bytes",
        {"records": 7, "request_bytes": 7},
        {"records": 7, "request_bytes": 8},
    ),
    (
        "service|fieldref|startswith",
        "purpose",
        {"service": "tax.x", "purpose": "TAX"},
        {"service": "x.tax", "purpose": "tax"},
    ),
    (
        "service|fieldref|endswith",
        "purpose",
        {"service": "x.tax", "purpose": "TAX"},
        {"service": "tax.x", "purpose": "tax"},
    ),
    (
        "service|fieldref|contains",
        "purpose",
        {"service": "x.tax.y", "purpose": "TAX"},
        {"service": "x.y", "purpose": "tax"},
    ),
    ("fields|fieldref", "purpose", {"fields": ["a", "b"], "purpose": "B"}, {"fields": ["a"], "purpose": "b"}),
    ("purpose|fieldref", "actor", {"purpose": "a", "actor": "a"}, {}),
]

SECURITY: list[Row] = [
    ("source_ip", "10.1.2.3", {"source_ip": "10.1.2.3"}, {"source_ip": "10.1.2.4"}),
    ("source_ip", "2001:DB8::1", {"source_ip": "2001:db8:0::1"}, {"source_ip": "2001:db8::2"}),
    ("source_ip", ["10.1.2.3", "10.1.2.4"], {"source_ip": "::ffff:10.1.2.4"}, {}),
    ("source_ip|cidr", "10.0.0.0/8", {"source_ip": "10.200.1.1"}, {"source_ip": "11.0.0.1"}),
    (
        "source_ip|cidr",
        ["10.0.0.0/8", "2001:db8::/32"],
        {"source_ip": "2001:db8:1::5"},
        {"source_ip": "2001:db9::1"},
    ),
    ("source_ip|cidr", "10.0.0.0/8", {"source_ip": "::ffff:10.1.1.1"}, {}),
    ("source_ip|cidr", "0.0.0.0/0", {"source_ip": "1.2.3.4"}, {"source_ip": "::1"}),
    ("source_ip|exists", True, {"source_ip": "10.0.0.1"}, {}),
    ("severity|gte", 4, {"severity": 4}, {"severity": 3}),
    # open fields hold texts, numbers or booleans, whatever comes
    ("detail.system", "gateway", {"detail": {"system": "Gateway"}}, {"detail": {"system": "x"}}),
    ("detail.system", "gateway", {"detail": {"system": "gateway"}}, {}),
    ("detail.code", 5, {"detail": {"code": 5}}, {"detail": {"code": 6}}),
    ("detail.code", 5, {"detail": {"code": "5"}}, {"detail": {"code": True}}),
    ("detail.code", "5", {"detail": {"code": 5}}, {"detail": {"code": 6}}),
    ("detail.code", "5*", {"detail": {"code": 512}}, {"detail": {"code": 6}}),
    ("detail.age|gte", 21600, {"detail": {"age": 21600}}, {"detail": {"age": "old"}}),
    ("detail.age|gte", 21600, {"detail": {"age": "21600.5"}}, {"detail": {"age": "inf"}}),
    ("detail.flag", True, {"detail": {"flag": True}}, {"detail": {"flag": False}}),
    ("detail.flag", True, {"detail": {"flag": "True"}}, {"detail": {"flag": 1}}),
    ("detail.case|re", ".+", {"detail": {"case": "HS-1"}}, {"detail": {"case": ""}}),
    ("detail.net|cidr", "10.0.0.0/8", {"detail": {"net": "10.1.1.1"}}, {"detail": {"net": 10}}),
    ("detail.a.b|exists", True, {"detail": {"a.b": 1}}, {"detail": {"a": 1}}),
    (
        "agency|fieldref",
        "detail.owner",
        {"agency": "MOH", "detail": {"owner": "moh"}},
        {"agency": "MOH", "detail": {"owner": "MOJ"}},
    ),
    ("count|fieldref", "detail.n", {"count": 5, "detail": {"n": "5"}}, {"count": 5, "detail": {"n": 6}}),
    (
        "source_ip|fieldref",
        "detail.ip",
        {"source_ip": "::1", "detail": {"ip": "0::1"}},
        {"source_ip": "::1", "detail": {"ip": "x"}},
    ),
]


@pytest.mark.parametrize("row", EXCHANGES, ids=lambda row: f"{row[0]}: {row[1]!r}")
def test_fields_of_exchanges(row: Row) -> None:
    """A field matches what is written and nothing else."""
    key, value, positive, negative = row
    detection = selecting({key: value})
    assert matches(detection, positive)
    assert not matches(detection, negative)


@pytest.mark.parametrize("row", SECURITY, ids=lambda row: f"{row[0]}: {row[1]!r}")
def test_fields_of_security_events(row: Row) -> None:
    """A field matches what is written and nothing else, and so do fields that nobody declared."""
    key, value, positive, negative = row
    detection = selecting({key: value})
    assert matches(detection, positive, "security-events")
    assert not matches(detection, negative, "security-events")
