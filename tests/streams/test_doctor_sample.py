"""The doctor's reading of a sample with a client that refuses records: a stand-in for it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.errors import CorruptRecordError

from monitor.settings import load_settings
from streams.doctor.finding import Finding
from streams.doctor.sample import Sample, Unreadable, check_reading, read_sample

NOW_MS = int(time.time() * 1000)
LIMIT = load_settings().max_event_age


@dataclass(frozen=True)
class Record:
    """A record as the client hands it over; its body is no exchange, which is all the same here."""

    partition: int
    offset: int
    key: bytes | None = None
    value: bytes = b"{}"
    headers: Sequence[tuple[str, bytes]] = ()
    timestamp: int = NOW_MS
    timestamp_type: int = 0


@dataclass
class Log:
    """A partition: how many records a batch has, how many there are, and which are refused, and how."""

    batch: int
    end: int
    refused: Mapping[int, Exception] = field(default_factory=dict)


def misnamed() -> Exception:
    """The client's error for a header's name that is not UTF-8."""
    refusal: Exception = CorruptRecordError("Found invalid record structure")
    refusal.__context__ = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte")
    return refusal


class Client:
    """Reads like the client: a batch from its beginning, whatever the position; lost after an error."""

    def __init__(self, logs: Mapping[int, Log]) -> None:
        self._logs = logs
        self._positions: dict[Any, int] = {}
        self._paused: set[Any] = set()
        self._lost: dict[Any, int] = {}
        self._fetched: set[Any] = set()

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return set(self._logs)

    def beginning_offsets(self, partitions: Sequence[Any]) -> dict[Any, int]:
        return dict.fromkeys(partitions, 0)

    def end_offsets(self, partitions: Sequence[Any]) -> dict[Any, int]:
        return {tp: self._logs[tp.partition].end for tp in partitions}

    def assign(self, partitions: Sequence[Any]) -> None:
        self._positions = dict.fromkeys(partitions, 0)

    def seek(self, tp: Any, offset: int) -> None:
        self._positions[tp] = offset

    def pause(self, tp: Any) -> None:
        self._paused.add(tp)

    def position(self, tp: Any) -> int:
        return self._positions[tp]

    def highwater(self, tp: Any) -> int | None:
        return self._logs[tp.partition].end if tp in self._fetched else None

    def close(self, *, autocommit: bool) -> None:
        assert not autocommit

    def poll(self, _timeout_ms: int) -> dict[Any, list[Record]]:
        found: dict[Any, list[Record]] = {}
        for tp, position in self._positions.items():
            assert self._lost.get(tp) != position, "the real client would loop without end here"
            log = self._logs[tp.partition]
            self._fetched.add(tp)
            if tp in self._paused or position >= log.end:
                continue
            begin = position - position % log.batch
            for offset in range(begin, min(begin + log.batch, log.end)):
                if offset in log.refused:
                    if tp in found:
                        break
                    self._lost[tp] = position
                    raise log.refused[offset]
                if offset >= position:
                    found.setdefault(tp, []).append(Record(tp.partition, offset))
                    self._positions[tp] = offset + 1
            if tp in found:
                return found  # one fetch at a time
        return found


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Sample]:
    """`read(log, log, …, size=…)`: the sample of a topic of these partitions."""

    def reading(*logs: Log, size: int = 100) -> Sample:
        monkeypatch.setattr("streams.doctor.sample.KafkaConsumer", lambda **_: Client(dict(enumerate(logs))))
        return read_sample(load_settings(), size, 20.0, LIMIT)

    return reading


def by_partition(sample: Sample) -> list[int]:
    """How many records of each partition were read."""
    numbers = [seen.partition for seen in sample.seen]
    return [numbers.count(number) for number in sample.bounds]


def test_a_refused_record_costs_no_other_partition_anything(read: Callable[..., Sample]) -> None:
    """Partitions before and after it are read to their ends, and so is its own where it stands alone."""
    sample = read(Log(10, 50), Log(1, 30, {7: misnamed(), 20: misnamed()}), Log(5, 40))
    assert by_partition(sample) == [50, 28, 40]
    assert sample.unreadable == [Unreadable(1, 7, True, 1), Unreadable(1, 20, True, 1)]
    assert sample.complete


def test_what_is_stored_with_it_is_left_out_and_counted(read: Callable[..., Sample]) -> None:
    """All of its batch after it, and a few more, as nothing tells where the batch ends."""
    sample = read(Log(20, 200, {43: misnamed(), 143: misnamed()}))  # of which the newest hundred are read
    (refused,) = sample.unreadable
    assert (refused.partition, refused.offset) == (0, 143)
    assert 160 - 143 <= refused.left_out <= 2 * (160 - 143)
    assert by_partition(sample) == [100 - refused.left_out]
    assert sample.complete


@pytest.mark.parametrize("refused", [{99}, {0, 1, 99}, set(range(100))])
def test_refused_records_at_the_ends_or_everywhere_come_to_an_end(
    read: Callable[..., Sample], refused: set[int]
) -> None:
    """Every offset is either read or left out, once."""
    sample = read(Log(1, 100, dict.fromkeys(refused, misnamed())))
    assert sample.complete
    assert len(sample.seen) + sum(each.left_out for each in sample.unreadable) == 100
    assert sample.unreadable[0].offset == min(refused)


def test_a_record_that_the_worker_cannot_read_either_is_a_problem(read: Callable[..., Sample]) -> None:
    """A header's name is a warning; a damaged record is not."""
    odd = check_reading(read(Log(1, 5, {2: misnamed()})), 15.0)
    assert (odd.state, "exchanges/0 at offset 2" in odd.what) == ("warning", True)
    bare = check_reading(read(Log(1, 5, {2: UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no")})), 15.0)
    assert bare == odd
    damaged = check_reading(read(Log(1, 5, {2: misnamed(), 4: CorruptRecordError("failed crc")})), 15.0)
    assert damaged.state == "problem"
    assert "exchanges/0 at offset 2, exchanges/0 at offset 4: 1 record is damaged" in damaged.what


def test_many_refused_records_are_counted_and_the_first_shown() -> None:
    """With what was left out beside them; and that time ran out, if it did."""
    sample = Sample(unreadable=[Unreadable(0, offset, True, 3) for offset in range(9)], complete=False)
    finding: Finding = check_reading(sample, 15.0)
    assert finding.state == "warning"
    assert "only 0 records" in finding.what
    assert "and 4 more (and left out 18 after them)" in finding.what
    assert "--timeout" in finding.remedy


def test_the_stand_in_reads_as_the_client_does() -> None:
    """What is before a refused record in its batch is handed over, then it raises."""
    client = Client({0: Log(10, 20, {13: misnamed()})})
    tp = TopicPartition("exchanges", 0)
    client.assign([tp])
    client.seek(tp, 11)
    assert [record.offset for record in client.poll(0)[tp]] == [11, 12]
    with pytest.raises(CorruptRecordError):
        client.poll(0)
