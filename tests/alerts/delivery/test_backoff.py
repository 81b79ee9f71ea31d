"""Pauses after failures."""

from __future__ import annotations

import random

from alerts.delivery.backoff import LONGEST_WISH_S, Backoff


def test_pauses_grow_up_to_a_bound_and_differ() -> None:
    """From half of the first pause to the longest; never twice the same for everybody."""
    backoff = Backoff(0.5, 30.0, random.Random(1))
    pauses = [backoff.failed() for _ in range(2000)]
    assert 0.25 <= pauses[0] <= 0.5
    assert 0.5 <= pauses[1] <= 1.0
    assert max(pauses) <= 30.0
    assert min(pauses[10:]) >= 15.0
    assert len(set(pauses[10:])) > 1000


def test_a_success_begins_anew() -> None:
    """With the first pause."""
    backoff = Backoff(0.5, 30.0, random.Random(1))
    for _ in range(10):
        backoff.failed()
    backoff.succeeded()
    assert backoff.failed() <= 0.5


def test_a_receivers_wish_is_heeded_up_to_a_bound() -> None:
    """Nobody silences the monitor for a year."""
    backoff = Backoff(0.5, 30.0, random.Random(1))
    assert backoff.failed(90.0) == 90.0
    assert backoff.failed(1e9) == LONGEST_WISH_S
