"""Which halves belong together: by `xRequestId` at once, else only where nothing else could be meant."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations
from typing import Any

import pytest

from monitor.xroad.call import Call
from monitor.xroad.decode import decode_body
from monitor.xroad.half import Half
from monitor.xroad.pairing import MOST_ALIKE, Lapsed, Pairing, Waiting
from tests.monitor.xroad.parts import BEGIN, body, halves

MINUTE = 60_000
WAIT = 30 * MINUTE


def call(number: int, *, after: float = 0, loose: bool = True, **changes: Any) -> tuple[Half, Half]:
    """The halves of a call, without an id unless told; calls of one number differ in their time alone."""
    if loose:
        changes["xRequestId"] = None
    pair = halves(number, at=BEGIN + timedelta(seconds=after), **changes)
    client, producer = (decode_body(body(record)).halves[0] for record in pair)
    return client, producer


def paired(*came: Half, most: int = 1000) -> tuple[list[Call], list[Lapsed]]:
    """Let halves wait in this order, and then for long enough."""
    pairing = Pairing(WAIT, MINUTE, most)
    joined, lapsed = [], []
    for half in came:
        partner = pairing.partner(half)
        if partner is not None:
            joined.append(Call.of(half, partner))
        else:
            pairing.keep(Waiting(half, 0))
    for each in pairing.lapse(WAIT):
        if isinstance(each, Lapsed):
            lapsed.append(each)
        else:
            joined.append(each)
    assert len(pairing) == 0
    return joined, lapsed


def test_an_id_joins_at_once_in_either_order() -> None:
    """Whatever else the two halves say."""
    client, producer = call(1, loose=False)
    for first, second in ((client, producer), (producer, client)):
        joined, lapsed = paired(first, second)
        assert joined == [Call(client, producer)]
        assert lapsed == []


def test_without_an_id_the_only_two_that_fit_are_joined() -> None:
    """Others that have the same message id, of another service, or much later, are no rivals."""
    client, producer = call(1)
    strangers = [*call(1, serviceCode="another"), *call(1, after=400)]
    joined, lapsed = paired(strangers[0], client, strangers[3], strangers[1], producer, strangers[2])
    assert sorted(joined, key=repr) == sorted(
        [Call(client, producer), Call(*strangers[:2]), Call(*strangers[2:])], key=repr
    )
    assert lapsed == []


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_where_two_could_be_meant_none_is_joined_in_any_order(order: tuple[int, ...]) -> None:
    """Two calls alike within a minute: all four halves count alone, and are told to be ambiguous."""
    four = [*call(1), *call(1, after=30)]
    joined, lapsed = paired(*(four[place] for place in order))
    assert joined == []
    assert sorted(each.waiting.half.begun for each in lapsed) == sorted(half.begun for half in four)
    assert not any(each.alone for each in lapsed)


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_one_partner_for_two_joins_neither(order: tuple[int, ...]) -> None:
    """Also when one of the two would have lapsed before the other."""
    client, producer = call(1)
    again, _ = call(1, after=20)
    joined, lapsed = paired(*((client, producer, again)[place] for place in order))
    assert joined == []
    assert len(lapsed) == 3


def test_a_message_id_alone_joins_nothing() -> None:
    """Nor do sizes that differ, times that are far apart, or no message id at all."""
    client, _ = call(1)
    for other in (
        call(1, clientSubsystemCode="his-2")[1],
        call(1, requestSoapSize=7)[1],
        call(1, after=61)[1],
        call(1, after=-61)[1],
    ):
        joined, lapsed = paired(client, other)
        assert joined == []
        assert len(lapsed) == 2
    assert paired(*call(1, messageId=None))[0] == []
    assert len(paired(*call(1, loose=False)[:1], call(1)[1])[1]) == 2


def test_a_half_waits_for_the_whole_time_and_the_oldest_goes_where_too_many_wait() -> None:
    """Those that came first lapse first."""
    pairing = Pairing(WAIT, MINUTE, 3)
    for number in range(5):
        pairing.keep(Waiting(call(number, loose=False)[0], number))
    assert [each.waiting.arrived_ms for each in pairing.lapse(WAIT - 1) if isinstance(each, Lapsed)] == [0, 1]
    assert list(pairing.lapse(WAIT + 1)) == []
    assert len(list(pairing.lapse(WAIT + 2))) == 1


def test_a_flood_of_one_message_id_is_not_compared_each_with_each() -> None:
    """Among so many alike none is joined."""
    flood = [call(1, after=number / 10)[0] for number in range(MOST_ALIKE + 20)]
    joined, lapsed = paired(*flood, call(1)[1], most=100_000)
    assert joined == []
    assert len(lapsed) == len(flood) + 1
