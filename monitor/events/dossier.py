"""From bytes to dossier events: bare JSON and both CloudEvents modes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from monitor.events.decode import Body, Headers
from monitor.events.dossier_event import DossierEvent
from monitor.events.rejection import Reason, Rejection
from monitor.events.single import SingleDecoder

__all__ = ["DossierDecoded", "DossierEvent", "decode_dossiers", "decode_one_dossier"]

DossierDecoded = DossierEvent | Rejection
# An identity card or a telephone: a dossier's number has at least one other sign, or another length.
_NUMBER_OF_A_PERSON = re.compile(r"\+?[0-9]{9,14}")
# A day outside these years is a mistake, and counting the days to it would be work for nothing.
_YEARS = range(2000, 2100)
_decoder = SingleDecoder(DossierEvent)


def decode_dossiers(
    bodies: Sequence[Body], headers_of: Callable[[int], Headers]
) -> list[DossierEvent | Rejection]:
    """Decode bodies, each to a DossierEvent or a Rejection, in their order.

    `headers_of(i)` gives the Kafka headers of body i. One by one: a dossier has some six steps in a month.
    """
    return [decode_one_dossier(body, headers_of(index)) for index, body in enumerate(bodies)]


def decode_one_dossier(body: Body, headers: Headers) -> DossierDecoded:
    """Decode one body with its headers to a DossierEvent, or to a Rejection that says what is wrong.

    `id` and `time` that the data lack are taken from the CloudEvent's attributes.
    """
    decoded = _decoder.decode(body, headers)
    return decoded if isinstance(decoded, Rejection) else _checked(decoded)


def _checked(event: DossierEvent) -> DossierDecoded:
    """What the types do not say: what a step must tell, and that no number is a person's."""
    if event.step == "received" and event.procedure is None:
        return Rejection(Reason.MISSING_FIELD, "received names no procedure - at `$.procedure`")
    if event.step == "rated" and event.rating is None:
        return Rejection(Reason.MISSING_FIELD, "rated has no rating - at `$.rating`")
    if event.promised is not None and event.promised.year not in _YEARS:
        return Rejection(Reason.INVALID_FIELD, "Expected a day from 2000 to 2099 - at `$.promised`")
    for name, code in (("dossier", event.dossier), ("procedure", event.procedure)):
        if code is not None and _NUMBER_OF_A_PERSON.fullmatch(code):
            return Rejection(
                Reason.INVALID_FIELD,
                "9 to 14 digits alone may be the number of a person: "
                f"write a letter before them - at `$.{name}`",
            )
    return event
