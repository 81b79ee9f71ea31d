"""Templates: all that can be known of an exchange before it happens, one for each version of an agreement."""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import exp
from random import Random
from statistics import NormalDist

from monitor.registry.model import Agreement, Method, Service

# Powers of two, so that a few random bits choose an entry without rounding.
VARIANTS = 16
OFFICERS = 64
LATENCIES = 4096
RECORDS = 64

# Median answer of a service that has no agreed limit, milliseconds; invented, in believable proportion.
_MEDIAN_MS: dict[Method, float] = {"query": 80.0, "sync": 900.0, "sync-general": 1500.0, "package": 4000.0}
# A service with a limit answers at the median in this part of it, so that most meet their objective.
_PART_OF_LIMIT = (0.12, 0.40)
_SIGMA = 0.45  # of the logarithm of latency: p95 is twice the median
_TAIL_SHARE, _TAIL_FACTOR = 0.004, 12.0  # now and then an answer waits for something else
_MOST_RECORDS: dict[Method, int] = {"query": 3, "sync": 500, "sync-general": 2000, "package": 10_000}
_REQUEST_BYTES, _RESPONSE_BYTES, _FIELD_BYTES = 380, 420, 24
_OFFICERS_AT_A_DESK = 24  # of one consumer; a few of them do most of the work


def _latency_quantiles() -> tuple[float, ...]:
    normal = NormalDist()
    tail_from = int(LATENCIES * (1 - _TAIL_SHARE))
    return tuple(
        exp(_SIGMA * normal.inv_cdf((i + 0.5) / LATENCIES)) * (_TAIL_FACTOR if i >= tail_from else 1.0)
        for i in range(LATENCIES)
    )


LATENCY = _latency_quantiles()
"""Quantiles of latency relative to the median: log-normal with a heavy tail."""


@dataclass(frozen=True, slots=True)
class Template:
    """One version of an agreement, ready to be turned into exchanges that keep it."""

    agreement: Agreement
    service: Service
    provider: str
    consumer: str
    key: bytes
    heads: tuple[str, ...]  # provider, consumer, service and purpose
    tails: tuple[str, ...]  # agreement, fields and signature
    officers: tuple[str, ...]
    records: tuple[int, ...]
    bytes_per_record: int
    tenths_of_median: float  # of a millisecond: durations are written with one decimal
    has_case: bool
    has_subject: bool


def officers_of(consumer: str, seed: int) -> tuple[str, ...]:
    """Pseudonyms of the officers of one consumer; the first ones come up far more often."""
    rng = Random(f"{seed}:officers:{consumer}")
    desk = [f"{rng.getrandbits(64):016x}" for _ in range(_OFFICERS_AT_A_DESK)]
    weights = [1 / rank for rank in range(1, _OFFICERS_AT_A_DESK + 1)]
    return tuple(rng.choices(desk, weights, k=OFFICERS))


def median_ms(service: Service, seed: int) -> float:
    """The median answer time of a service, milliseconds: a part of its agreed limit where it has one."""
    rng = Random(f"{seed}:latency:{service.id}")
    limit = service.objectives.latency
    if limit is not None:
        return limit.limit_ms * rng.uniform(*_PART_OF_LIMIT)
    return _MEDIAN_MS[service.method] * rng.uniform(0.6, 1.6)


def template(agreement: Agreement, service: Service, seed: int) -> Template:
    """Prepare one version of an agreement; the same for the same seed."""
    rng = Random(f"{seed}:{agreement.id}:{agreement.version}")
    most = min(
        _MOST_RECORDS[service.method], agreement.ceilings.records_per_call or _MOST_RECORDS[service.method]
    )
    query = service.method == "query"
    # A query finds one record nine times in ten; a transfer fills its call, more or less.
    records = tuple(
        (1 if rng.random() < 0.9 else rng.randint(0, most)) if query else rng.randint(max(1, most // 4), most)
        for _ in range(RECORDS)
    )
    return Template(
        agreement=agreement,
        service=service,
        provider=agreement.provider,
        consumer=agreement.consumer,
        key=agreement.consumer.encode(),
        heads=tuple(_head(agreement, rng) for _ in range(VARIANTS)),
        tails=tuple(_tail(agreement, service, rng) for _ in range(VARIANTS)),
        officers=officers_of(agreement.consumer, seed),
        records=records,
        bytes_per_record=_FIELD_BYTES * max(1, len(agreement.fields or service.fields)),
        tenths_of_median=median_ms(service, seed) * 10,
        has_case=agreement.case_required,
        has_subject=query and service.personal_data != "none",
    )


def sizes(chosen: Template, records: int, spread: int) -> tuple[int, int]:
    """Bytes of a request and of an answer with `records` records; `spread` (0 to 255) varies both."""
    return _REQUEST_BYTES + spread, _RESPONSE_BYTES + spread + records * chosen.bytes_per_record


def _head(agreement: Agreement, rng: Random) -> str:
    return _members(
        provider=agreement.provider,
        consumer=agreement.consumer,
        service=agreement.service,
        purpose=rng.choice(agreement.purposes),
    )


def _tail(agreement: Agreement, service: Service, rng: Random) -> str:
    members: dict[str, object] = {"agreement": agreement.id}
    permitted = agreement.fields or service.fields
    # Some systems leave out what they need not say.
    if permitted and rng.random() < 0.95:
        members["fields"] = sorted(rng.sample(permitted, rng.randint(1, len(permitted))), key=permitted.index)
    if agreement.signature_required or rng.random() < 0.5:
        members["signed"] = True
    elif rng.random() < 0.5:
        members["signed"] = False
    return _members(**members)


def _members(**members: object) -> str:
    """JSON members without the braces: `"a":1,"b":2`."""
    return json.dumps(members, separators=(",", ":"))[1:-1]
