"""Log-bucket histograms: bounded relative error, merged by adding counts.

Buckets are OpenTelemetry's exponential ones at scale 5: bucket i holds values in (2**(i/32), 2**((i+1)/32)]
microseconds, so any value is known to within 2.2 %, and its bucket's middle to within 1.1 %.
Source: OpenTelemetry metrics data model, ExponentialHistogram.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from functools import cache
from math import ceil, log2

import msgspec

SCALE = 5
_PER_DOUBLING: int = 2**SCALE
ZERO = -1  # the bucket of durations under a microsecond

Histogram = dict[int, int]  # bucket -> count

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(dict[int, int])


def bucket_of(microseconds: int) -> int:
    """The bucket of a value: 0 holds 1 µs and below 2**(1/32), ZERO holds nothing measurable."""
    if microseconds <= 0:
        return ZERO
    return max(ceil(log2(microseconds) * _PER_DOUBLING) - 1, 0)


def upper_bound(bucket: int) -> float:
    """The largest value of a bucket, in microseconds."""
    return 0.0 if bucket == ZERO else float(2 ** ((bucket + 1) / _PER_DOUBLING))


def histogram_of(ordered: Sequence[int]) -> Histogram:
    """The histogram of values in rising order: their buckets are worked out once each, not once a value."""
    histogram: Histogram = {}
    start, stop = 0, len(ordered)
    while start < stop:
        bucket = bucket_of(ordered[start])
        end = bisect_right(ordered, _largest_in(bucket), start)
        histogram[bucket] = end - start
        start = end
    return histogram


@cache  # no more than there are buckets
def _largest_in(bucket: int) -> int:
    """The largest value of a bucket that has one, exactly as `bucket_of` rounds."""
    value = int(upper_bound(bucket))
    while bucket_of(value) > bucket:
        value -= 1
    while bucket_of(value + 1) <= bucket:
        value += 1
    return value


def quantile(histogram: Mapping[int, int], q: float) -> float | None:
    """Estimate the q-quantile (0 < q <= 1) in microseconds; None when nothing was counted.

    The estimate is the geometric middle of the bucket that holds the value of rank ceil(q * n), hence
    within 1.1 % of that value.
    """
    total = sum(histogram.values())
    if not total:
        return None
    rank = max(ceil(q * total), 1)
    seen = 0
    for bucket in sorted(histogram):
        seen += histogram[bucket]
        if seen >= rank:
            return 0.0 if bucket == ZERO else float(2 ** ((bucket + 0.5) / _PER_DOUBLING))
    raise AssertionError("ranks are at most the total")


def merge(into: Histogram, other: Mapping[int, int]) -> None:
    """Add another histogram's counts."""
    get = into.get
    for bucket, count in other.items():
        into[bucket] = get(bucket, 0) + count


def encode(histogram: Histogram) -> bytes:
    """Pack for storage: MessagePack of bucket -> count, in bucket order: equal histograms, equal bytes."""
    return _encoder.encode(dict(sorted(histogram.items())))


def decode(packed: bytes) -> Histogram:
    """Unpack what `encode` packed; raises msgspec.DecodeError on anything else."""
    return _decoder.decode(packed)
