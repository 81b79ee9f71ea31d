"""Names of details that say that a value is a person's, or prose in which anything may stand."""

from __future__ import annotations

import re
from functools import lru_cache

PERSONAL = frozenset({
    "user", "users", "username", "login", "email", "mail", "name", "fullname", "surname", "person", "officer",
    "employee", "staff", "citizen", "subject", "actor", "account", "accounts", "owner", "phone", "mobile",
    "tel", "telephone", "cccd", "cmnd", "passport", "birthday", "birthdate", "dob", "ho", "ten", "hoten",
    "nguoi",
})  # fmt: skip
"""Words in a detail's name: `user`, `fullName`, `owner_email`, `ho_ten`."""

ATTRIBUTES = frozenset({"name", "subject", "owner", "account", "actor"})
"""Of those, the ones that things have too: beside a word of THINGS they say nothing of a person."""

THINGS = frozenset({
    "agency", "api", "app", "application", "certificate", "class", "cluster", "database", "event", "file",
    "host", "key", "kind", "operation", "product", "protocol", "role", "rule", "schema", "server", "service",
    "system", "table", "technique", "topic",
})  # fmt: skip
"""`service_name` and `certificate_subject` are no person's."""

COUNTED = frozenset({"count", "total", "share", "rate", "distinct", "users", "accounts"})
"""A number under a name with one of these says how many there were: `failed_accounts`."""

PROSE = frozenset({
    "message", "msg", "text", "comment", "comments", "note", "notes", "description", "desc", "title",
    "summary", "remark", "content", "body", "raw", "url", "uri", "link", "path", "query", "referer",
    "referrer", "useragent",
})  # fmt: skip
"""Sentences, and addresses with anything in them."""

_CODE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_REMEMBERED = 2_000


def is_code(name: str) -> bool:
    """Whether a detail's name is one that a program would give."""
    return bool(_CODE_NAME.fullmatch(name))


def says_person(name: str) -> bool:
    """Whether a value under this name is a person's."""
    words = _words(name)
    said = words & PERSONAL
    return bool(said) and not (said <= ATTRIBUTES and words & THINGS)


def says_count(name: str) -> bool:
    """Whether a number under this name says how many there were."""
    return bool(_words(name) & COUNTED)


def says_prose(name: str) -> bool:
    """Whether a text under this name may hold anything."""
    return bool(_words(name) & PROSE)


@lru_cache(_REMEMBERED)
def _words(name: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORDS.findall(name))
