"""From bytes to lifecycle events: bare JSON and both CloudEvents modes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from monitor.events.decode import Body, Headers
from monitor.events.lifecycle_event import REQUEST_KINDS, LifecycleEvent
from monitor.events.rejection import Reason, Rejection
from monitor.events.single import SingleDecoder

__all__ = ["LifecycleDecoded", "LifecycleEvent", "decode_lifecycle", "decode_one_lifecycle"]

LifecycleDecoded = LifecycleEvent | Rejection
# An identity card or a telephone: the number of a request has at least one other sign, or another length.
_NUMBER_OF_A_PERSON = re.compile(r"\+?[0-9]{9,14}")
# A day outside these years is a mistake, and counting the days to it would be work for nothing.
_YEARS = range(2000, 2100)
_decoder = SingleDecoder(LifecycleEvent)


def decode_lifecycle(
    bodies: Sequence[Body], headers_of: Callable[[int], Headers]
) -> list[LifecycleEvent | Rejection]:
    """Decode bodies, each to a LifecycleEvent or a Rejection, in their order.

    `headers_of(i)` gives the Kafka headers of body i. One by one: a year has as few as a
    second has exchanges.
    """
    return [decode_one_lifecycle(body, headers_of(index)) for index, body in enumerate(bodies)]


def decode_one_lifecycle(body: Body, headers: Headers) -> LifecycleDecoded:
    """Decode one body with its headers to a LifecycleEvent, or to a Rejection that says what is wrong.

    `id` and `time` that the data lack are taken from the CloudEvent's attributes.
    """
    decoded = _decoder.decode(body, headers)
    return decoded if isinstance(decoded, Rejection) else _checked(decoded)


def _checked(event: LifecycleEvent) -> LifecycleDecoded:
    """What the types do not say: which kinds name what they are about. Empty texts count as absent."""
    event.agreement, event.service = event.agreement or None, event.service or None
    if event.kind in REQUEST_KINDS and event.request is None:
        return Rejection(Reason.MISSING_FIELD, f"{event.kind} names no request - at `$.request`")
    if event.kind == "renewed" and event.agreement is None:
        return Rejection(Reason.MISSING_FIELD, "renewed names no agreement - at `$.agreement`")
    if event.due is not None and event.due.year not in _YEARS:
        return Rejection(Reason.INVALID_FIELD, "Expected a day from 2000 to 2099 - at `$.due`")
    if event.request is not None and _NUMBER_OF_A_PERSON.fullmatch(event.request):
        return Rejection(
            Reason.INVALID_FIELD,
            "9 to 14 digits alone may be the number of a person: write a letter before them - at `$.request`",
        )
    return event
