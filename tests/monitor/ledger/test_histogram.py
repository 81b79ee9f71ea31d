"""Log-bucket histograms: how far off an estimate may be, and that merging is adding."""

from __future__ import annotations

from collections import Counter
from math import ceil

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from monitor.ledger.cell import microseconds
from monitor.ledger.histogram import (
    ZERO,
    bucket_of,
    decode,
    encode,
    histogram_of,
    merge,
    quantile,
    upper_bound,
)

DURATIONS = st.integers(0, 86_400_000_000)
# Half a bucket, geometrically: 2**(1/64) - 1 is 1.089 %.
ERROR = 2 ** (1 / 64) - 1 + 1e-9


@given(st.lists(DURATIONS, min_size=1, max_size=60), st.floats(0.001, 1.0))
@example([1], 0.5)
@example([0, 1, 2, 3], 1.0)
def test_a_quantile_is_within_1_1_percent_of_the_value_of_that_rank(values: list[int], q: float) -> None:
    """Relative to the value itself, whatever the distribution."""
    true = sorted(values)[ceil(q * len(values)) - 1]
    estimate = quantile(Counter(map(bucket_of, values)), q)
    assert estimate is not None
    assert abs(estimate - true) <= true * ERROR


@given(DURATIONS)
@example(2**26)
@example(2**26 + 1)
@example(86_400_000_000)
def test_a_value_lies_in_its_bucket(value: int) -> None:
    """Above the bucket before, and not above its own bound, to within the rounding of floating point."""
    bucket = bucket_of(value)
    assert value <= upper_bound(bucket) * (1 + 1e-12)
    if value > 1:
        assert value > upper_bound(bucket - 1) * (1 - 1e-12)
    assert bucket == (ZERO if value == 0 else max(bucket, 0))


@pytest.mark.parametrize("exponent", range(38))
def test_powers_of_two_are_exact_edges(exponent: int) -> None:
    """The metric's own buckets end there: the value itself is below the edge, the next one above."""
    assert upper_bound(bucket_of(2**exponent)) == (2**exponent if exponent else 2 ** (1 / 32))
    assert upper_bound(bucket_of(2**exponent + 1)) > 2**exponent


@given(st.lists(DURATIONS | st.integers(0, 3000)))
@example(
    [upper for bucket in range(400) for upper in (int(upper_bound(bucket)), int(upper_bound(bucket)) + 1)]
)
def test_counting_in_order_is_counting_one_by_one(values: list[int]) -> None:
    """At the edges of buckets too."""
    assert histogram_of(sorted(values)) == Counter(map(bucket_of, values))


def test_nothing_counted_has_no_quantile() -> None:
    """None, not zero."""
    assert quantile({}, 0.5) is None


@given(st.lists(DURATIONS), st.lists(DURATIONS))
def test_merging_is_counting_together(left: list[int], right: list[int]) -> None:
    """In any order; what is merged from stays as it was."""
    into, other = Counter(map(bucket_of, left)), Counter(map(bucket_of, right))
    before = dict(other)
    merged = dict(into)
    merge(merged, other)
    assert merged == Counter(map(bucket_of, left + right))
    assert other == before


@given(st.dictionaries(st.integers(-1, 1200), st.integers(1, 2**53)))
def test_packing_keeps_everything(held: dict[int, int]) -> None:
    """And equal histograms have equal bytes, whatever the order they were filled in."""
    assert decode(encode(held)) == held
    assert encode(dict(reversed(held.items()))) == encode(held)


def test_what_was_not_packed_is_not_unpacked() -> None:
    """A damaged column is an error, not a wrong figure."""
    with pytest.raises(msgspec.DecodeError):
        decode(b"\xc1 no")


@pytest.mark.parametrize(
    ("ms", "us"), [(0.0, 0), (-0.0, 0), (0.0004, 0), (0.0005, 1), (84.2, 84_200), (0.0015, 2)]
)
def test_durations_are_whole_microseconds(ms: float, us: int) -> None:
    """Halves are rounded up."""
    assert microseconds(ms) == us
