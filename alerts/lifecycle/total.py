"""What adds up in an alert: how often, from when to when, and which events show it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from heapq import nlargest, nsmallest
from typing import Self

from alerts.model import EVIDENCE, Detection, Evidence

Facts = Mapping[str, float | int | str]

# A column holds less than 2**63; no count comes near, but a false one must not make a transaction fail.
LARGEST_COUNT = 2**53
LONGEST_NAME = 200  # of the columns that hold names
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def moment(time_ms: int) -> datetime:
    """The time that is so many milliseconds after 1970."""
    return _EPOCH + timedelta(milliseconds=time_ms)


def milliseconds(time: datetime) -> int:
    """Whole milliseconds since 1970."""
    return (time - _EPOCH) // _MILLISECOND


def storable(name: str) -> str:
    """A name from outside as every database takes it: no NUL, which PostgreSQL refuses, and not too long."""
    return name.replace("\0", "?")[:LONGEST_NAME].encode("utf-8", "replace").decode()


def plain_facts(facts: Facts) -> str:
    """Facts as text that is equal where they are: how they are stored, and how of two the one is chosen."""
    return json.dumps(dict(facts), sort_keys=True, separators=(",", ":"), default=str)


@dataclass(frozen=True, slots=True)
class Total:
    """The sum of detections of one rule, agency and group. Times are milliseconds since 1970.

    Adding is commutative and associative. `earliest` and `latest` are the first and the last EVIDENCE events
    of all that were named. `facts` are those of the detection which ends last; of equals, the larger text.
    """

    first_ms: int
    last_ms: int
    count: int
    earliest: tuple[Evidence, ...] = ()
    latest: tuple[Evidence, ...] = ()
    facts: Facts = field(default_factory=dict)

    @classmethod
    def of(cls, detection: Detection) -> Self:
        """One detection as a sum."""
        named = sorted(set(detection.evidence))
        return cls(
            min(detection.first_ms, detection.last_ms),
            max(detection.first_ms, detection.last_ms),
            min(detection.count, LARGEST_COUNT),
            tuple(named[:EVIDENCE]),
            tuple(named[-EVIDENCE:]),
            detection.facts,
        )

    def plus(self, other: Total) -> Total:
        """Both together."""
        return summed((self, other))


def summed(totals: Sequence[Total]) -> Total:
    """All of them together; at least one."""
    if len(totals) == 1:
        return totals[0]
    last_ms = max(one.last_ms for one in totals)
    ends_last = [one.facts for one in totals if one.last_ms == last_ms]
    return Total(
        min(one.first_ms for one in totals),
        last_ms,
        min(sum(one.count for one in totals), LARGEST_COUNT),
        tuple(nsmallest(EVIDENCE, {event for one in totals for event in one.earliest})),
        tuple(nlargest(EVIDENCE, {event for one in totals for event in one.latest})[::-1]),
        max(ends_last, key=plain_facts) if len(ends_last) > 1 else ends_last[0],
    )


def clusters(totals: Iterable[Total], quiet_s: int) -> list[Total]:
    """Sums with no more than `quiet_s` seconds between one and the next, added up; in order of time."""
    quiet_ms = quiet_s * 1000
    together: list[list[Total]] = []
    until_ms = 0
    for total in sorted(totals, key=lambda one: (one.first_ms, one.last_ms)):
        if together and total.first_ms <= until_ms:
            together[-1].append(total)
            until_ms = max(until_ms, total.last_ms + quiet_ms)
        else:
            together.append([total])
            until_ms = total.last_ms + quiet_ms
    return [summed(each) for each in together]
