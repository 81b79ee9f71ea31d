"""Reads the topic `dead-letters` up to its present end, and sends letters back to where they came from."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Self

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, KafkaTimeoutError

from monitor.errors import MonitorError
from monitor.settings import Settings
from streams.administration import BOOTSTRAP_MS
from streams.clients import client_arguments
from streams.dead_letters import DeadLetter, Mark, from_record, mark_record
from streams.letter_index import LetterIndex, Message
from streams.topics import DEAD_LETTER_BYTES

REPLAYED_FROM = "replayed_from"
POLL_MS = 500
# Nothing at all for half a minute from a broker that says it has more: a person waits.
SILENT_POLLS = 60
SEND_SECONDS = 60.0
# Letters whose fate is open at any moment: few, because each is in doubt if this process dies; and not
# their bodies beyond what a client may reasonably hold.
BATCH_LETTERS = 200
BATCH_BYTES = 16 * 1024 * 1024


class LetterTopic:
    """Reads from the beginning to the end that the topic had when this was made, as often as asked."""

    def __init__(self, settings: Settings) -> None:
        self.name = settings.topic("dead-letters")
        self._consumer = KafkaConsumer(
            **client_arguments(settings),
            bootstrap_timeout_ms=BOOTSTRAP_MS,
            group_id=None,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            max_partition_fetch_bytes=2 * DEAD_LETTER_BYTES,
        )
        numbers = self._consumer.partitions_for_topic(self.name)
        if not numbers:
            self._consumer.close()
            raise MonitorError(f"there is no topic {self.name}: `monitor topics create` makes it")
        self._partitions = [TopicPartition(self.name, number) for number in sorted(numbers)]
        self._ends: dict[TopicPartition, int] = dict(self._consumer.end_offsets(self._partitions))
        self._settled: set[TopicPartition] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._consumer.close()

    def messages(self) -> Iterator[Message]:
        """Every message up to the end, in order within a partition."""
        starts = self._consumer.beginning_offsets(self._partitions)
        left = [tp for tp in self._partitions if starts[tp] < self._ends[tp]]
        self._consumer.assign(left)
        if left:
            self._consumer.seek_to_beginning(*left)
        silent = 0
        while left:
            batches = self._consumer.poll(POLL_MS)
            silent = 0 if batches else silent + 1
            if silent > SILENT_POLLS:
                raise MonitorError(f"{self.name}: the broker sends nothing more, though it has more")
            for tp, records in batches.items():
                self._settle(tp)
                yield from (record for record in records if record.offset < self._ends[tp])
            # Positions, not offsets: the last entries can be transaction marks, which are never delivered.
            left = [tp for tp in left if self._consumer.position(tp) < self._ends[tp]]

    def _settle(self, tp: TopicPartition) -> None:
        """Take the end from the first answer that carries records, and keep it.

        Asked for the end alone, the embedded broker tells the one after the first record of the last batch.
        """
        if tp not in self._settled:
            self._settled.add(tp)
            self._ends[tp] = max(self._ends[tp], self._consumer.highwater(tp) or 0)

    def index(self, prefix_bytes: int = 0) -> LetterIndex:
        """Read the topic into an index that keeps so much of each body."""
        index = LetterIndex(prefix_bytes)
        for message in self.messages():
            index.add(message)
        return index

    def chosen(self, index: LetterIndex) -> Iterator[DeadLetter]:
        """The letters chosen in an index, with their bodies, in the topic's order."""
        for message in self.messages():
            if index.is_chosen(message):
                letter = from_record(message.key, message.value, message.headers)
                if letter is not None:
                    yield letter


@dataclass
class Outcome:
    """How many letters their topics have again; which were refused, and of which it is not known, and why."""

    replayed: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    doubtful: list[tuple[str, str]] = field(default_factory=list)


class Replayer:
    """Sends letters back to their source topics. Raises MonitorError when marks cannot be written."""

    def __init__(self, settings: Settings) -> None:
        self._letters = settings.topic("dead-letters")
        self._unreachable: dict[str, str] = {}
        self._producer = KafkaProducer(
            **client_arguments(settings),
            bootstrap_timeout_ms=BOOTSTRAP_MS,
            acks="all",
            # The embedded broker cannot do it; there a lost acknowledgement may send a letter twice.
            enable_idempotence=settings.kafka_profile == "kafka",
            max_request_size=2 * DEAD_LETTER_BYTES,
            # What was compressed when it came may only fit compressed; gzip needs no extra library.
            compression_type="gzip",
            # A source topic that is gone shall be said soon.
            max_block_ms=10_000,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._producer.close(timeout=SEND_SECONDS)

    def replay(self, letters: Iterable[DeadLetter], clock_ms: Callable[[], int]) -> Outcome:
        """Send letters with their original bytes, key and headers, to the partition they came from.

        For each batch: 1. mark them `replaying`; 2. send them; 3. mark each `replayed` or `not_replayed`.
        A process that dies between 1 and 3 leaves letters in doubt, which are only sent again on request:
        an event is never counted twice because of a crash here, and never silently lost.
        """
        outcome = Outcome()
        for batch in _batches(letters):
            self._mark([(letter.id, "replaying") for letter in batch], clock_ms())
            refused, doubtful = self._send(batch)
            known = [letter.id for letter in batch if letter.id not in doubtful]
            self._mark([(id_, "not_replayed" if id_ in refused else "replayed") for id_ in known], clock_ms())
            outcome.replayed += len(known) - len(refused)
            outcome.refused += refused.items()
            outcome.doubtful += doubtful.items()
        return outcome

    def _send(self, batch: list[DeadLetter]) -> tuple[dict[str, str], dict[str, str]]:
        """Send a batch and wait; letters refused for certain, and letters of which nothing is known."""
        waiting: list[tuple[str, Any]] = []
        refused: dict[str, str] = {}
        doubtful: dict[str, str] = {}
        for letter in batch:
            if problem := self._unreachable.get(letter.topic):
                refused[letter.id] = problem
                continue
            headers = [(name, held or b"") for name, held in letter.headers if name != REPLAYED_FROM]
            headers.append((REPLAYED_FROM, letter.id.encode()))
            try:
                # Where it stood before, which keeps its key together; elsewhere if the topic was made anew.
                there = letter.partition in (self._producer.partitions_for(letter.topic) or ())
                # With the time of now: under its own, an old one could be deleted before it is read.
                promise = self._producer.send(
                    letter.topic, letter.value, letter.key, headers, letter.partition if there else None
                )
            except KafkaTimeoutError:
                refused[letter.id] = self._unreachable[letter.topic] = f"there is no topic {letter.topic}"
            except KafkaError as why:
                refused[letter.id] = _brief(why)
            except (ValueError, TypeError) as why:
                # No client sends it: with neither key nor value, or to a topic of an odd name.
                refused[letter.id] = str(why)
            else:
                waiting.append((letter.id, promise))
        for letter_id, problem_of_it in self._problems(waiting):
            # After a time-out or a lost connection the broker may have it all the same.
            unknown = isinstance(problem_of_it, KafkaTimeoutError) or problem_of_it.retriable
            (doubtful if unknown else refused)[letter_id] = _brief(problem_of_it)
        return refused, doubtful

    def _mark(self, marks: list[tuple[str, Mark]], at_ms: int) -> None:
        waiting = []
        for letter_id, mark in marks:
            key, value, headers = mark_record(letter_id, mark, at_ms)
            waiting.append((letter_id, self._producer.send(self._letters, value, key, headers)))
        if problems := self._problems(waiting):
            raise MonitorError(
                f"{self._letters}: {len(problems)} marks could not be written ({_brief(problems[0][1])}); "
                "those letters are in doubt: see `monitor dead-letters list`"
            )

    @staticmethod
    def _problems(waiting: list[tuple[str, Any]]) -> list[tuple[str, KafkaError]]:
        problems = []
        for letter_id, promise in waiting:
            try:
                promise.get(timeout=SEND_SECONDS)
            except KafkaError as why:
                problems.append((letter_id, why))
        return problems


def now_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def _batches(letters: Iterable[DeadLetter]) -> Iterator[list[DeadLetter]]:
    batch: list[DeadLetter] = []
    size = 0
    for letter in letters:
        batch.append(letter)
        size += len(letter.value or b"")
        if len(batch) >= BATCH_LETTERS or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _brief(why: KafkaError) -> str:
    first = str(why).partition("\n")[0][:200]
    return f"{type(why).__name__}: {first}" if first else type(why).__name__
