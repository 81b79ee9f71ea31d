"""Pseudonyms instead of people: nothing that names an officer or a citizen goes further than this.

What is kept as it came: what already is a pseudonym, that is at least 16 hexadecimal digits of which one is a
letter, or at least 32, or `hmac:`, `hmac-sha256:`, `hmac-sha512:`, `pseudonym:` or `pid:` before such digits
or before at least 22 characters of base64 with small and capital letters and digits.
Everything else becomes HMAC-SHA256 under MONITOR_PSEUDONYM_KEY, 32 hexadecimal digits of it. Without a key it
becomes `withheld`: a key made at start would make other pseudonyms after each restart, and rules that count
people would count each of them twice.

Of `detail`, values under names that say a person become pseudonyms; texts under names that say prose or
addresses, and texts with blanks, are left out (both lists: monitor.events.personal); texts that are no codes
(letters beyond ASCII, an `@`, nothing but 9 to 14 digits as in an identity card or a telephone number) become
pseudonyms.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Mapping

import msgspec
import structlog

from monitor.errors import UsageProblem
from monitor.events.personal import is_code, says_count, says_person, says_prose
from monitor.events.security_event import Detail, Scalar, SecurityEvent
from monitor.settings import Settings

WITHHELD = "withheld"
SHORTEST_KEY = 16  # bytes; HMAC is no stronger than its key, and names can be guessed
PSEUDONYM_DIGITS = 32  # 128 bits: no two of a country's people share one
LONGEST_PSEUDONYM = 160  # of one that came: SHA-512 has 128 digits, and a prefix before them
REMEMBERED = 20_000  # values whose pseudonym is kept at hand: some 5 MB
LONGEST_CODE = 200
LARGEST_COUNT = 100_000_000  # of persons: as many as a country has; numbers of cards are longer

_PSEUDONYM = re.compile(
    r"(?=[0-9]*[a-f])[0-9a-f]{16,31}|[0-9a-f]{32,128}"
    r"|(?:hmac|hmac-sha256|hmac-sha512|pseudonym|pid):[0-9a-f]{16,128}",
    re.IGNORECASE,
)
_BASE64 = re.compile(
    r"(?:hmac|hmac-sha256|hmac-sha512|pseudonym|pid):"
    r"(?=[^a-z]*[a-z])(?=[^A-Z]*[A-Z])(?=[^0-9]*[0-9])[A-Za-z0-9+/_-]{22,88}={0,2}"
)
_HEX = b"0123456789abcdef"
_QUOTE = ord('"')
_SHORTEST_HASH, _SURE_HASH, _LONGEST_HASH = 16 + 2, 32 + 2, 128 + 2  # digits, and quotes around them
_text = msgspec.json.Decoder(str)
_CODE = re.compile(r"[\x21-\x3f\x41-\x7e]*")  # printable ASCII without blanks and without @
_NUMBER_OF_A_PERSON = re.compile(r"\+?\d{9,14}")


class Pseudonyms:
    """Makes the same pseudonym of the same value, for as long as the key is the same. For one thread.

    `withheld` and `dropped` count values replaced for want of a key, and values of `detail` left out.
    """

    def __init__(self, key: str | bytes | None) -> None:
        """Raises UsageProblem when a key is shorter than 16 bytes."""
        if isinstance(key, str):
            key = key.encode()
        if key and len(key) < SHORTEST_KEY:
            raise UsageProblem(
                f"MONITOR_PSEUDONYM_KEY has {len(key)} bytes: at least {SHORTEST_KEY} are needed, by lot"
            )
        self._key = key or None
        self._known: dict[str, str] = {}
        self._warned = False
        self.withheld = 0
        self.dropped = 0

    @classmethod
    def of(cls, settings: Settings) -> Pseudonyms:
        """With the key that is set. Raises UsageProblem when it is too short."""
        secret = settings.pseudonym_key
        return cls(secret.get_secret_value() if secret is not None else None)

    def of_value(self, value: str | None) -> str | None:
        """The pseudonym of an actor or a subject; None and blank texts are nobody."""
        if value is None or not value.strip():
            return None
        if is_pseudonym(value) or value == WITHHELD:
            return value
        if self._key is None:
            self._withhold()
            return WITHHELD
        made = self._known.get(value)
        if made is None:
            # The same name typed in another case or composition is the same person.
            same = unicodedata.normalize("NFKC", value).casefold().strip().encode("utf-8", "surrogatepass")
            made = hmac.digest(self._key, same, "sha256").hex()[:PSEUDONYM_DIGITS]
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            if len(value) <= LONGEST_CODE:
                self._known[value] = made
        return made

    def of_json(self, raw: bytes) -> str | None:
        """The pseudonym of an `actor` or `subject` as it stands in JSON; what is no scalar is nobody."""
        # Most come as digits of a hash: told by two cheap calls instead of two regular expressions.
        if _SHORTEST_HASH <= len(raw) <= _LONGEST_HASH and raw[0] == _QUOTE:
            digits = raw[1:-1]
            if not digits.strip(_HEX) and (len(raw) >= _SURE_HASH or not digits.isdigit()):
                return digits.decode()
        return self.of_value(_scalar(raw))

    def of_detail(self, detail: Mapping[str, Scalar] | None) -> Detail | None:
        """What of an event's detail may be kept; None when nothing is left."""
        if not detail:
            return None
        kept: Detail = {}
        for name, value in detail.items():
            said = self._of_detail(name, value)
            if said is None:
                self.dropped += 1
            else:
                kept[name] = said
        return kept or None

    def of_event(self, event: SecurityEvent) -> SecurityEvent:
        """The event with pseudonyms instead of people; itself when it names none."""
        if event.actor is None and event.subject is None and event.detail is None:
            return event
        return msgspec.structs.replace(
            event,
            actor=self.of_value(event.actor),
            subject=self.of_value(event.subject),
            detail=self.of_detail(event.detail),
        )

    def of_code(self, text: str) -> str | None:
        """A text that ought to be a code: itself; its pseudonym where it is none; None for prose."""
        if len(text) > LONGEST_CODE or any(map(str.isspace, text)):
            return None
        if is_pseudonym(text) or (_CODE.fullmatch(text) and not _NUMBER_OF_A_PERSON.fullmatch(text)):
            return text
        return self.of_value(text)

    def of_name(self, name: str) -> str:
        """The name of a body: itself, or its pseudonym where it is a mail address or a person's number."""
        if "@" not in name and not _NUMBER_OF_A_PERSON.fullmatch(name):
            return name
        return self.of_value(name) or name

    def _of_detail(self, name: str, value: Scalar) -> Scalar | None:
        if not is_code(name):  # a name can hide there too
            return None
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float):
            counted = says_count(name) and abs(value) < LARGEST_COUNT
            return self.of_value(str(value)) if says_person(name) and not counted else value
        if says_person(name):
            return self.of_value(value)
        return None if says_prose(name) else self.of_code(value)

    def _withhold(self) -> None:
        self.withheld += 1
        if not self._warned:
            self._warned = True
            structlog.get_logger("monitor.events.pseudonym").warning(
                "names of people are withheld: set MONITOR_PSEUDONYM_KEY, and rules can tell them apart"
            )


def _scalar(raw: bytes) -> str | None:
    """A text, or a number as it is written; None for what is neither. What is no UTF-8 in it is replaced:
    nobody has looked at it before."""
    if raw in (b"", b"null", b'""') or raw[0] in b"[{":
        return None
    try:
        return _text.decode(raw) if raw[0] == _QUOTE else raw.decode()
    except UnicodeDecodeError:
        return _text.decode(raw.decode("utf-8", "replace"))


def is_pseudonym(value: str) -> bool:
    """Whether a value already is one, and no name or number of a person."""
    return len(value) <= LONGEST_PSEUDONYM and bool(_PSEUDONYM.fullmatch(value) or _BASE64.fullmatch(value))
