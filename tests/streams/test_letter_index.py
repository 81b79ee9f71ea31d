"""The index of dead letters: one row a letter, its state from the marks, chosen by any condition."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from streams.dead_letters import DeadLetter, Header, Mark, mark_record, to_record
from streams.letter_index import LetterIndex, Wanted


@dataclass
class Written:
    """A message as it was read from the topic."""

    offset: int
    key: bytes | None
    value: bytes | None
    headers: list[Header]
    timestamp: int = 0
    partition: int = field(default=0)


def letter(
    offset: int, reason: str = "not_json", topic: str = "exchanges", value: bytes = b"{"
) -> DeadLetter:
    return DeadLetter(topic, 0, offset, 0, reason, "why", b"MOH", value)


def index_of(*messages: DeadLetter | tuple[DeadLetter, Mark], prefix: int = 0) -> LetterIndex:
    """An index of messages written one a second from 1970 on."""
    index = LetterIndex(prefix)
    for offset, message in enumerate(messages):
        record = (
            to_record(message)
            if isinstance(message, DeadLetter)
            else mark_record(message[0].id, message[1], offset)
        )
        index.add(Written(offset, record[0], record[1], list(record[2]), offset * 1000))
    return index


def test_a_letter_written_again_is_one_row() -> None:
    """After a crash a worker writes a letter again: it keeps its first place."""
    with index_of(letter(1), letter(2), letter(1)) as index:
        assert [(row.id, row.position) for row in index.rows(Wanted())] == [
            ("exchanges/0/1", 0),
            ("exchanges/0/2", 1),
        ]
        index.choose(Wanted())
        assert index.is_chosen(Written(0, None, None, []))
        assert not index.is_chosen(Written(2, None, None, []))


@pytest.mark.parametrize(
    ("marks", "state"),
    [
        ([], "waiting"),
        (["replaying"], "in doubt"),
        (["replaying", "replayed"], "replayed"),
        (["replaying", "not_replayed"], "waiting"),
        (["replaying", "not_replayed", "replaying"], "in doubt"),
        (["replaying", "replayed", "replaying"], "replayed"),
    ],
)
def test_the_last_mark_tells_the_state_and_replayed_is_for_good(marks: list[Mark], state: str) -> None:
    """Whatever is marked later, what the source topic had once it has."""
    one = letter(1)
    with index_of(one, *((one, mark) for mark in marks)) as index:
        assert [row.state for row in index.rows(Wanted())] == [state]


def test_a_cut_letter_is_not_waiting() -> None:
    """It cannot be replayed, so nobody waits for it."""
    with index_of(letter(1, value=b"x" * 9_000_000)) as index:
        assert [row.state for row in index.rows(Wanted())] == ["cut"]


def test_every_condition_holds() -> None:
    """Reason, topic, keys, time and state narrow the choice together."""
    letters = [letter(0), letter(1, "too_old"), letter(2, topic="xroad-records"), letter(3)]
    with index_of(*letters, (letters[3], "replaying")) as index:

        def ids(wanted: Wanted) -> list[str]:
            return [row.id for row in index.rows(wanted)]

        assert ids(Wanted(reason="too_old")) == ["exchanges/0/1"]
        assert ids(Wanted(topic="xroad-records")) == ["xroad-records/0/2"]
        assert ids(Wanted(ids=("exchanges/0/0", "nowhere/0/0"))) == ["exchanges/0/0"]
        assert ids(Wanted(since=datetime.fromtimestamp(2, UTC))) == ["xroad-records/0/2", "exchanges/0/3"]
        assert ids(Wanted(states=("in doubt",))) == ["exchanges/0/3"]
        assert ids(Wanted(reason="too_old", topic="xroad-records")) == []
        assert index.count(Wanted(topic="exchanges")) == {
            ("exchanges", "not_json"): 2,
            ("exchanges", "too_old"): 1,
        }


def test_a_limit_keeps_the_newest_in_order() -> None:
    """The newest letters, oldest of them first."""
    with index_of(*(letter(offset) for offset in range(5))) as index:
        assert [row.position for row in index.rows(Wanted(), 2)] == [3, 4]


def test_bodies_are_not_kept_unless_asked() -> None:
    """They may hold personal data: only as many bytes as are wanted, none by default."""
    with index_of(letter(1, value=b"secret")) as index:
        assert [(row.prefix, row.size) for row in index.rows(Wanted())] == [(b"", 6)]
    with index_of(letter(1, value=b"secret"), prefix=3) as index:
        assert [row.prefix for row in index.rows(Wanted())] == [b"sec"]


def test_a_strangers_message_is_counted_and_passed_over() -> None:
    """Somebody else's message on the topic stops nothing."""
    with index_of(letter(1)) as index:
        index.add(Written(9, None, b"hello", []))
        assert index.strangers == 1
        assert len(list(index.rows(Wanted()))) == 1
