"""The stream as a whole: reproducible, in the stated shares, with ids that are never used twice."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise

import pytest

from monitor.errors import UsageProblem
from monitor.events.rejection import Reason
from monitor.simulation import Sent, Shares, Simulation, simulate
from monitor.simulation.shares import CLEAN
from tests.monitor.simulation.reading import members, moment
from tests.monitor.simulation.world import MONDAY_MORNING, ZONE, world

COUNT = 20_000
DIGEST = """
import hashlib
from monitor.simulation import simulate
from tests.monitor.simulation.world import MONDAY_MORNING, ZONE, world
digest = hashlib.sha256()
for sent in simulate(world(), seed=11, start=MONDAY_MORNING, zone=ZONE, count=3000):
    digest.update(repr(sent).encode())
print(digest.hexdigest())
"""


@pytest.fixture(scope="module")
def events() -> list[Sent]:
    """A stream with the default shares."""
    return list(simulate(world(), seed=1, start=MONDAY_MORNING, zone=ZONE, rate=100, count=COUNT))


def test_a_seed_gives_the_same_bytes_in_every_process() -> None:
    """Neither the process nor its hash seed changes anything in what is sent; another seed does."""
    digests = set()
    for hash_seed in ("1", "2"):
        ran = subprocess.run(
            [sys.executable, "-c", DIGEST],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            text=True,
            check=True,
        )
        digests.add(ran.stdout.strip())
    here = hashlib.sha256()
    for sent in simulate(world(), seed=11, start=MONDAY_MORNING, zone=ZONE, count=3000):
        here.update(repr(sent).encode())
    assert digests == {here.hexdigest()}
    other = next(simulate(world(), seed=12, start=MONDAY_MORNING, zone=ZONE))
    assert other.value != next(simulate(world(), seed=11, start=MONDAY_MORNING, zone=ZONE)).value


def test_a_shorter_stream_is_the_beginning_of_a_longer_one(events: list[Sent]) -> None:
    """The count ends the stream and changes nothing before its end."""
    assert (
        list(simulate(world(), seed=1, start=MONDAY_MORNING, zone=ZONE, rate=100, count=500)) == events[:500]
    )


def test_ids_look_like_ulids_of_the_events_time_and_are_never_used_twice(events: list[Sent]) -> None:
    """Only duplicates repeat an id; the first ten characters are the event's milliseconds in base 32."""
    ids = [sent.id for sent in events if sent.kind != "duplicate"]
    assert len(set(ids)) == len(ids)
    alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    for sent in events[:1000]:
        assert re.fullmatch(rf"[{alphabet}]{{26}}", sent.id)
        milliseconds = 0
        for letter in sent.id[:10]:
            milliseconds = milliseconds * 32 + alphabet.index(letter)
        assert milliseconds == round(sent.time * 1000)


def test_ids_of_other_seeds_differ() -> None:
    """Two simulations side by side do not send the same ids."""
    streams = [
        {sent.id for sent in simulate(world(), seed=seed, start=MONDAY_MORNING, zone=ZONE, count=2000)}
        for seed in (1, 2)
    ]
    assert not streams[0] & streams[1]


@pytest.mark.parametrize(
    ("kind", "share"), [("breach", 0.01), ("late", 0.005), ("duplicate", 0.003), ("malformed", 0.001)]
)
def test_default_shares_are_met(events: list[Sent], kind: str, share: float) -> None:
    """Within five standard deviations of a fair draw."""
    expected = share * COUNT
    assert abs(sum(sent.kind == kind for sent in events) - expected) < 5 * expected**0.5


@pytest.mark.parametrize(("outcome", "share"), [("fault", 0.01), ("denied", 0.005), ("timeout", 0.003)])
def test_failures_are_met(events: list[Sent], outcome: str, share: float) -> None:
    """Outcomes other than ok come in their shares, answer no records, and only a fault names a code."""
    failed = [members(sent) for sent in events if sent.outcome == outcome]
    expected = share * COUNT
    assert abs(len(failed) - expected) < 5 * expected**0.5
    assert all(one["records"] == 0 and ("fault_code" in one) == (outcome == "fault") for one in failed)


def test_every_event_is_what_its_record_says(events: list[Sent]) -> None:
    """Body, key and figures agree; in a CloudEvent, so do its attributes."""
    wrapped: Counter[str] = Counter()
    for sent in events:
        if sent.kind == "malformed":
            continue
        one, headers = members(sent), dict(sent.headers)
        assert moment(one).timestamp() == pytest.approx(sent.time, abs=1e-4)
        assert one["id"] == sent.id
        assert sent.key == one["consumer"].encode()
        assert one["outcome"] == sent.outcome
        assert one["records"] == sent.records
        assert one["request_bytes"] == sent.request_bytes
        assert one["response_bytes"] == sent.response_bytes
        assert int(one["duration_ms"] * 1000 + 0.5) == sent.duration_us
        if "ce_id" in headers:
            wrapped["binary"] += 1
            assert headers["ce_id"].decode() == sent.id
            assert headers["ce_specversion"] == b"1.0"
        elif headers:
            wrapped["structured"] += 1
            assert headers["content-type"] == b"application/cloudevents+json"
            outer = json.loads(sent.value)
            assert (outer["specversion"], outer["id"]) == ("1.0", sent.id)
    for mode in ("binary", "structured"):
        assert abs(wrapped[mode] - 0.05 * COUNT) < 5 * (0.05 * COUNT) ** 0.5


def test_times_are_written_in_all_three_forms(events: list[Sent]) -> None:
    """Mostly UTC, some local with an offset, some epoch milliseconds."""
    forms: Counter[str] = Counter()
    for sent in events:
        if sent.kind != "malformed":
            written = members(sent)["time"]
            forms["ms" if isinstance(written, int) else "utc" if written.endswith("Z") else written[-6:]] += 1
    assert set(forms) == {"ms", "utc", "+07:00"}
    assert forms["utc"] > 0.8 * COUNT


def test_only_late_events_lag_and_they_lag_by_hours(events: list[Sent]) -> None:
    """Others are at most the jitter behind the newest, and none is ahead of the time it was asked for."""
    newest = MONDAY_MORNING
    for sent in events:
        lag = newest - sent.time
        if sent.kind == "late":
            assert 2 * 3600 - 5 <= lag <= 26 * 3600 + 5
        elif sent.kind != "duplicate":
            assert lag < 3
            newest = max(newest, sent.time)


def test_without_jitter_events_have_the_times_they_were_asked_for() -> None:
    """Nothing moves an event but the rounding to milliseconds."""
    times = [MONDAY_MORNING + tenth / 10 for tenth in range(50)]
    simulation = Simulation(world(), 1, ZONE, CLEAN, jitter=0)
    assert [sent.time for sent in simulation.events(times)] == pytest.approx(times, abs=0.0011)


def test_duplicates_repeat_a_recent_event_byte_for_byte() -> None:
    """The original is at most 60 s and some hundreds of events back, and never malformed or late."""
    shares = Shares(duplicate=0.1, malformed=0.1, late=0.1)
    stream = list(simulate(world(), seed=2, start=MONDAY_MORNING, zone=ZONE, count=5000, shares=shares))
    place = {sent.id: (position, sent) for position, sent in enumerate(stream) if sent.kind != "duplicate"}
    duplicates = [(position, sent) for position, sent in enumerate(stream) if sent.kind == "duplicate"]
    assert len(duplicates) > 400
    for position, sent in duplicates:
        before, original = place[sent.id]
        assert 0 < position - before < 500
        assert original.kind in ("clean", "breach")
        assert (sent.value, sent.key, sent.headers) == (original.value, original.key, original.headers)
        assert stream[position - 1].time - original.time < 63 or stream[position - 1].kind == "late"


def test_every_way_of_being_malformed_occurs_and_is_truly_malformed() -> None:
    """Each intended reason, and nothing that plain rules of the contract would accept."""
    shares = Shares(malformed=1, breach=0, late=0, duplicate=0)
    stream = list(simulate(world(), seed=3, start=MONDAY_MORNING, zone=ZONE, count=2000, shares=shares))
    assert {sent.reason for sent in stream} == {
        reason.value
        for reason in Reason
        if reason
        not in (Reason.OVERSIZED, Reason.INVALID_FIELD, Reason.INVALID_TIME, Reason.INVALID_CLOUD_EVENT)
    }
    for sent in stream:
        assert not _acceptable(sent.value), sent


def test_oversized_events_come_only_when_asked_for() -> None:
    """They are over 1 MiB and right in everything else."""
    shares = Shares(malformed=0, oversized=1, breach=0, late=0, duplicate=0)
    sent = next(simulate(world(), seed=3, start=MONDAY_MORNING, zone=ZONE, shares=shares))
    assert sent.reason == "oversized"
    assert len(sent.value) > 1024 * 1024
    assert json.loads(sent.value)["id"] == sent.id


def test_live_malformed_times_are_only_just_in_the_future() -> None:
    """Someone's clock may be a day ahead; it is not in another millennium."""
    simulation = Simulation(world(), 1, ZONE, Shares(malformed=1, breach=0, late=0, duplicate=0), live=True)
    times = [MONDAY_MORNING] * 300
    ahead = [
        json.loads(sent.value)["time"] / 1000 - MONDAY_MORNING
        for sent in simulation.events(times)
        if sent.reason == "in_future"
    ]
    assert ahead
    assert all(5 * 60 < seconds <= 24 * 3600 for seconds in ahead)


def test_a_few_pairs_and_consumers_make_most_of_the_exchanges(events: list[Sent]) -> None:
    """Skew like Zipf's: the first of about thirty pairs has a tenth at least, all the lower half less."""
    pairs = Counter((sent.consumer, sent.service) for sent in events if sent.kind == "clean")
    counts = sorted(pairs.values(), reverse=True)
    assert counts[0] > 0.1 * sum(counts)
    assert sum(counts[len(counts) // 2 :]) < 0.1 * sum(counts)
    assert min(counts) > 0


def test_latency_has_a_middle_and_a_tail(events: list[Sent]) -> None:
    """Of one service: the 95th percentile is about twice the median, the slowest far above both."""
    durations = sorted(
        sent.duration_us
        for sent in events
        if sent.service == "population.verify-identity" and sent.outcome == "ok"
    )
    median, p95 = durations[len(durations) // 2], durations[len(durations) * 95 // 100]
    assert 1.7 < p95 / median < 2.7
    assert durations[-1] > 8 * median


def test_officers_and_subjects_are_pseudonyms(events: list[Sent]) -> None:
    """Hexadecimal, few officers per consumer, subjects only where the service has personal data."""
    officers: Counter[tuple[str, str]] = Counter()
    for sent in events:
        if sent.kind == "clean":
            one = members(sent)
            assert re.fullmatch("[0-9a-f]{16}", one["actor"])
            officers[one["consumer"], one["actor"]] += 1
            assert ("subject" in one) == (
                one["service"] in ("population.verify-identity", "land.lookup-parcel")
            )
    consumers = {consumer for consumer, _ in officers}
    assert len(officers) <= 24 * len(consumers)


def test_arrivals_stop_at_the_end_of_the_duration() -> None:
    """A duration is event time; the rate is kept when there is no rhythm."""
    stream = list(
        simulate(world(), seed=1, start=MONDAY_MORNING, zone=ZONE, rate=200, duration=20, rhythm=False)
    )
    assert abs(len(stream) - 4000) < 5 * 4000**0.5
    regular = [sent.time for sent in stream if sent.kind == "clean"]
    assert max(regular) < MONDAY_MORNING + 20
    assert all(after - before > -2 for before, after in pairwise(regular))


@pytest.mark.parametrize(
    ("shares", "named"),
    [
        ({"breach": -0.1}, "breach"),
        ({"late": 1.1}, "late"),
        ({"denied": float("nan")}, "denied"),
        ({"breach": 0.6, "late": 0.6}, "breach, late"),
        ({"fault": 0.6, "timeout": 0.6}, "fault"),
        ({"binary": 0.6, "structured": 0.6}, "binary"),
    ],
)
def test_impossible_shares_are_refused(shares: dict[str, float], named: str) -> None:
    """A share outside 0 to 1, or a group that adds up to more than 1, is named."""
    with pytest.raises(UsageProblem, match=named):
        Shares(**shares)


def _acceptable(body: bytes) -> bool:
    """Whether a body would pass: the contract's rules in plain words."""
    try:
        one = json.loads(body)
    except ValueError:
        return False
    required = {"id", "time", "provider", "consumer", "service", "outcome", "duration_ms"}
    if not required <= set(one) or one["outcome"] not in ("ok", "fault", "denied", "timeout"):
        return False
    if min(one["records"], one["request_bytes"], one["response_bytes"]) < 0:
        return False
    return abs(moment(one).timestamp() - MONDAY_MORNING) < 90 * 86_400
