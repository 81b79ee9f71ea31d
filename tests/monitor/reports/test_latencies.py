"""Merging packed histograms in bulk gives what merging them one by one gives."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.ledger.histogram import Histogram, encode, merge
from monitor.reports.gather.latencies import add_packed

# Buckets and counts around every change of MessagePack's forms: a byte, two, four; counts over 2**32 too.
EDGES = [1, 2, 127, 128, 205, 255, 256, 65_535, 65_536, 2**32 - 1, 2**32, 2**40]
forms = st.sampled_from([-1, 0, 5, 127, 128, 205, 255, 256, 257, 461, 511, 512, 717, 900])
buckets = forms | st.integers(-1, 1200)
counts = st.sampled_from(EDGES) | st.integers(1, 130)
histograms = st.dictionaries(buckets, counts, max_size=30)


@given(st.lists(histograms, max_size=12))
def test_bulk_and_single_merges_agree(parts: list[Histogram]) -> None:
    """Whatever forms of numbers the blobs hold."""
    expected: Histogram = {7: 3}
    merged: Histogram = {7: 3}
    for each in parts:
        merge(expected, each)
    add_packed(merged, map(encode, parts))
    assert merged == expected


@given(st.lists(st.dictionaries(st.integers(256, 900), st.integers(1, 127), max_size=90), max_size=20))
def test_the_usual_form_is_merged_right(parts: list[Histogram]) -> None:
    """Durations over a quarter of a millisecond, fewer than 128 of each an hour: nearly all there is."""
    expected: Histogram = {}
    for each in parts:
        merge(expected, each)
    merged: Histogram = {}
    add_packed(merged, map(encode, parts))
    assert merged == expected


def test_blobs_that_hold_nothing_add_nothing() -> None:
    """No blobs, empty ones, and empty histograms."""
    merged: Histogram = {}
    add_packed(merged, [])
    add_packed(merged, [b"", encode({})])
    assert merged == {}


def test_what_is_no_histogram_is_refused() -> None:
    """A column that was damaged is not summed as if it were whole."""
    with pytest.raises(msgspec.DecodeError):
        add_packed({}, [encode({300: 5}), b"\xde\x00\x02\xcd\x01\x2c"])
