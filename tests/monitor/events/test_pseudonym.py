"""Pseudonyms: nothing that names a person goes through, and the same person stays the same."""

from __future__ import annotations

import hmac
import subprocess
import sys
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from monitor.errors import UsageProblem
from monitor.events import pseudonym
from monitor.events.pseudonym import WITHHELD, Pseudonyms, is_pseudonym
from monitor.settings import load_settings
from tests.monitor.events.security_bodies import event

KEY = "0123456789abcdef"

ARRIVED_AS_PSEUDONYMS = [
    "a91f77b0a91f77b0",
    "A91F77B0A91F77B0",
    "0000000000000000f",
    "1" * 32,
    "f" * 64,
    "hmac:a91f77b0a91f77b0",
    "HMAC-SHA256:1234567890123456",
    "hmac:" + "Ab3/" * 8 + "==",
]
PEOPLE = [
    "Trần Văn Bình",
    "officer-17",
    "xrd",
    "officer@moh.example",
    "001090012345",  # an identity card
    "0912345678",  # a telephone
    "1" * 16,  # digits alone are a number of something
    "1" * 31,
    "a91f77b0",  # too short to be a digest
    "a91f77b0a91f77bg",
    "hmac:tranvanbinh",
    "hmac:TranVanBinhTranVanBinhTranVan",
    "sha256:officer",
    "f" * 200,
]


@pytest.mark.parametrize("value", ARRIVED_AS_PSEUDONYMS)
def test_what_arrives_as_a_pseudonym_stays(value: str) -> None:
    """With and without a key."""
    assert Pseudonyms(KEY).of_value(value) == Pseudonyms(None).of_value(value) == value


@pytest.mark.parametrize("value", PEOPLE)
def test_what_is_none_becomes_one(value: str) -> None:
    """HMAC-SHA256 under the key, 32 digits of it, and the same again when it is one already."""
    made = Pseudonyms(KEY).of_value(value)
    assert made is not None
    assert made != value
    assert is_pseudonym(made)
    assert Pseudonyms(KEY).of_value(made) == made
    assert Pseudonyms("another key of 16").of_value(value) != made


def test_the_pseudonym_is_that_of_the_standard() -> None:
    """Anyone with the key can make the same one."""
    expected = hmac.new(KEY.encode(), b"officer-17", sha256).hexdigest()[:32]
    assert Pseudonyms(KEY).of_value("officer-17") == expected


def test_pseudonyms_survive_restarts() -> None:
    """Another process with the same key makes the same ones."""
    program = f"from monitor.events.pseudonym import Pseudonyms; print(Pseudonyms({KEY!r}).of_value('xrd'))"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert printed.stdout.strip() == Pseudonyms(KEY).of_value("xrd")


def test_the_same_person_typed_otherwise_is_the_same() -> None:
    """Case, blanks around it, and how a letter is composed."""
    pseudonyms = Pseudonyms(KEY)
    forms = ("Trần Bình", " trần bình ", "TRẦN BÌNH", "Tra\u0302\u0300n Bi\u0300nh")
    assert len({pseudonyms.of_value(form) for form in forms}) == 1


@pytest.mark.parametrize("value", [None, "", "  "])
def test_nobody_is_nobody(value: str | None) -> None:
    """No pseudonym of nothing."""
    assert Pseudonyms(KEY).of_value(value) is None


def test_without_a_key_people_are_withheld_and_that_is_said_once() -> None:
    """A key by lot would give other pseudonyms after each restart."""
    with capture_logs() as logs:
        pseudonyms = Pseudonyms(None)
        assert [pseudonyms.of_value(one) for one in PEOPLE] == [WITHHELD] * len(PEOPLE)
    assert pseudonyms.withheld == len(PEOPLE)
    (said,) = logs
    assert "MONITOR_PSEUDONYM_KEY" in said["event"]
    assert Pseudonyms("").of_value("xrd") == WITHHELD  # a variable that is set to nothing is no key


def test_a_short_key_is_refused() -> None:
    """It could be guessed, and then every name."""
    with pytest.raises(UsageProblem, match=r"MONITOR_PSEUDONYM_KEY.*16"):
        Pseudonyms("short")
    with pytest.raises(UsageProblem):
        Pseudonyms.of(load_settings(pseudonym_key="short"))
    assert Pseudonyms.of(load_settings(pseudonym_key=KEY)).of_value("xrd") == Pseudonyms(KEY).of_value("xrd")


def test_the_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of names costs time, not memory."""
    monkeypatch.setattr(pseudonym, "REMEMBERED", 10)
    pseudonyms = Pseudonyms(KEY)
    made = [pseudonyms.of_value(f"officer-{number}") for number in range(100)]
    assert len(pseudonyms._known) <= 10
    assert [pseudonyms.of_value(f"officer-{number}") for number in range(100)] == made


@pytest.mark.parametrize(
    "name",
    ["user", "userName", "full_name", "fullName", "e_mail", "email", "owner.email", "HO_TEN", "cccd", "actor",
     "login", "phone_number", "user_id", "accountName", "name"],
)  # fmt: skip
def test_details_whose_name_says_a_person_are_made_pseudonyms(name: str) -> None:
    """Whatever case the words are in."""
    for value in ("officer-17", 1090012345):
        kept = Pseudonyms(KEY).of_detail({name: value})
        assert kept is not None
        assert kept[name] == Pseudonyms(KEY).of_value(str(value))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("item", "audit-log.enabled"),
        ("system", "moh-his-gateway"),
        ("certificate_agency", "MOJ"),
        ("service_name", "population.verify-identity"),
        ("certificate_subject", "CN=ss1.moh"),
        ("case", "HS-2026-1188"),
        ("age_seconds", 86_400),
        ("failed_accounts", 60),
        ("user_count", 12),
        ("planned", True),
        ("share", 0.25),
        ("is_user", False),
    ],
)
def test_codes_and_numbers_of_things_stay(name: str, value: str | float | bool) -> None:
    """Rules ask for them."""
    assert Pseudonyms(KEY).of_detail({name: value}) == {name: value}


@pytest.mark.parametrize(
    "detail",
    [
        {"message": "x"},
        {"status_message": "x"},
        {"desc": "x"},
        {"url": "/officers/binh"},
        {"why": "Binh did it"},
        {"why": "x" * 201},
        {"Tran Van Binh": True},
        {"tên": "x"},
    ],
)
def test_prose_is_dropped(detail: dict[str, str | int | float | bool]) -> None:
    """Nobody can tell whom it names; how much was dropped is counted."""
    pseudonyms = Pseudonyms(KEY)
    assert pseudonyms.of_detail(detail) is None
    assert pseudonyms.dropped == 1


@pytest.mark.parametrize("value", ["Bình", "binh@moh.example", "001090012345", "+84912345678"])
def test_texts_that_are_no_codes_become_pseudonyms(value: str) -> None:
    """Under any name."""
    assert Pseudonyms(KEY).of_detail({"why": value}) == {"why": Pseudonyms(KEY).of_value(value)}


@given(st.text(max_size=60), st.text(max_size=60))
def test_it_always_ends_in_a_pseudonym_or_nobody(actor: str, why: str) -> None:
    """Whatever the text; and doing it twice changes nothing."""
    pseudonyms = Pseudonyms(KEY)
    made = pseudonyms.of_value(actor)
    assert made is None or is_pseudonym(made)
    assert pseudonyms.of_value(made) == made
    kept = pseudonyms.of_detail({"user": actor, "why": why})
    assert pseudonyms.of_detail(kept) == kept


def test_an_event_loses_its_people_and_nothing_else() -> None:
    """Actor, subject and detail."""
    given_ = event(actor="binh", subject="001090012345", service="x.y", detail={"user": "binh", "item": "a"})
    made = Pseudonyms(KEY).of_event(given_)
    of_binh = Pseudonyms(KEY).of_value("binh")
    assert (made.actor, made.detail) == (of_binh, {"user": of_binh, "item": "a"})
    assert (made.id, made.service, made.kind) == (given_.id, given_.service, given_.kind)
    plain = event()
    assert Pseudonyms(KEY).of_event(plain) is plain


@pytest.mark.parametrize("raw", [b'"N\xe9e"', b'"\xff\xfe"'])
def test_what_is_no_utf8_is_a_pseudonym_too(raw: bytes) -> None:
    """One sender that writes Latin-1 must not stop whoever looks at its exchanges."""
    one = Pseudonyms(KEY).of_json(raw)
    assert one is not None
    assert is_pseudonym(one)
    assert Pseudonyms(KEY).of_json(raw) == one
