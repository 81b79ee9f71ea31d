"""The form of a message on the topic `dead-letters`: the original, where it stood, and why it was set aside.

| part | what it holds |
|---|---|
| key | `<source topic>/<partition>/<offset>`: a letter written again after a crash has the same one |
| value | the original bytes, empty where there were none |
| `reason`, `detail` | a word, and a sentence |
| `source_topic`, `source_partition`, `source_offset`, `source_timestamp` | where it stood; milliseconds |
| `source_key` | the original key, absent where there was none |
| `h.<name>` | each original header, in order |
| `source_null` = "1" | the original had no value (not an empty one) |
| `truncated` = "1" | the original did not fit and was cut: it cannot be replayed |

`monitor dead-letters replay` adds messages with a letter's key and no value, whose one header is a mark:
`replaying` (about to be sent), `replayed` (the source topic has it) or `not_replayed` (it was refused). A
letter whose last mark is `replaying` is in doubt. Each holds the time in milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from streams.topics import DEAD_LETTER_BYTES

# Left for the names of headers, lengths and the batch around the record.
_OVERHEAD_BYTES = 64 * 1024
LETTER_BYTES = DEAD_LETTER_BYTES - _OVERHEAD_BYTES
"""What key, value and headers of one message may hold together."""
# A sentence; a detail that repeats a whole body would keep what was cut.
_DETAIL_CHARACTERS = 1000
# Of each original header and of the key, where together they would push the body out.
_CUT_BYTES = 1024
_CUT_HEADERS = 100
_ORIGINAL = "h."

Header = tuple[str, bytes | None]
Mark = Literal["replaying", "replayed", "not_replayed"]
_MARKS: tuple[Mark, ...] = ("replayed", "not_replayed", "replaying")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message that could not be counted, with its original bytes, and why.

    `timestamp_ms` is when the original was sent, in milliseconds since 1970.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int | None
    reason: str
    detail: str
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[Header, ...] = ()
    truncated: bool = False

    @property
    def id(self) -> str:
        """The message's key, as text: `<topic>/<partition>/<offset>`."""
        return f"{self.topic}/{self.partition}/{self.offset}"


def to_record(letter: DeadLetter) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of the message for a letter; what does not fit is cut and marked."""
    kept = _fitted(letter)
    headers = [
        ("reason", kept.reason.encode()),
        ("detail", kept.detail[:_DETAIL_CHARACTERS].encode("utf-8", "replace")),
        ("source_topic", kept.topic.encode()),
        ("source_partition", b"%d" % kept.partition),
        ("source_offset", b"%d" % kept.offset),
    ]
    if kept.timestamp_ms is not None:
        headers.append(("source_timestamp", b"%d" % kept.timestamp_ms))
    if kept.key is not None:
        headers.append(("source_key", kept.key))
    if kept.value is None:
        headers.append(("source_null", b"1"))
    if kept.truncated:
        headers.append(("truncated", b"1"))
    # A header without a value becomes an empty one: nothing that reads these topics tells them apart.
    headers += [(f"{_ORIGINAL}{name}", value or b"") for name, value in kept.headers]
    return kept.id.encode(), kept.value or b"", headers


def from_record(
    key: bytes | None, value: bytes | None, headers: Iterable[tuple[str, bytes | None]]
) -> DeadLetter | None:
    """The letter that a message holds; None when the message is no letter (a mark, or a stranger's)."""
    own: dict[str, bytes] = {}
    original: list[Header] = []
    for name, held in headers:
        if name.startswith(_ORIGINAL):
            original.append((name.removeprefix(_ORIGINAL), held))
        elif held is not None:
            own[name] = held
    try:
        letter = DeadLetter(
            topic=own["source_topic"].decode(),
            partition=int(own["source_partition"]),
            offset=int(own["source_offset"]),
            timestamp_ms=int(own["source_timestamp"]) if "source_timestamp" in own else None,
            reason=own["reason"].decode(),
            detail=own.get("detail", b"").decode("utf-8", "replace"),
            key=own.get("source_key"),
            value=None if "source_null" in own else value or b"",
            headers=tuple(original),
            truncated="truncated" in own,
        )
    except (KeyError, ValueError):
        return None
    return letter if key == letter.id.encode() else None


def mark_record(letter_id: str, mark: Mark, at_ms: int) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    """Key, value and headers of the message that notes how far a letter's replay has come."""
    return letter_id.encode(), b"", [(mark, b"%d" % at_ms)]


def mark_of(headers: Sequence[tuple[str, bytes | None]]) -> Mark | None:
    """What a message notes about a replay, if that is what it is for."""
    names = {name for name, _ in headers}
    if "source_topic" in names:
        return None
    return next((mark for mark in _MARKS if mark in names), None)


def _fitted(letter: DeadLetter) -> DeadLetter:
    """The letter itself, or one cut to LETTER_BYTES: first the body, and heavy headers before it."""
    body = len(letter.value or b"")
    if _frame_bytes(letter) + body <= LETTER_BYTES:
        return letter
    key, headers = letter.key, letter.headers
    if _frame_bytes(letter) > LETTER_BYTES // 2:
        key = None if key is None else key[:_CUT_BYTES]
        headers = tuple(
            (name[:_CUT_BYTES], held and held[:_CUT_BYTES]) for name, held in headers[:_CUT_HEADERS]
        )
    cut = replace(letter, key=key, headers=headers, truncated=True)
    room = max(LETTER_BYTES - _frame_bytes(cut), 0)
    return replace(cut, value=letter.value and letter.value[:room])


def _frame_bytes(letter: DeadLetter) -> int:
    """Bytes of everything but the body, each header with the few bytes that say how long it is."""
    lengths = 12
    headers = sum(len(name.encode()) + len(held or b"") + lengths for name, held in letter.headers)
    return len(letter.key or b"") + headers + 4 * _DETAIL_CHARACTERS
