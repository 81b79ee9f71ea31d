"""What the times and sizes of a call's two halves amount to, and what is wrong with them.

    client server   requestIn ─ requestOut ┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄ responseIn ─ responseOut
    producer server                       ┄ requestIn ─ requestOut … responseIn ─ responseOut ┄

Durations between two times of one server need no common clock. The two ways over the network lie between two
clocks and are only told apart where neither is negative; both ways together need no common clock again.
Source of the skew: the clock offset of NTP (RFC 5905, section 8), half the difference of the two ways.
"""

from __future__ import annotations

from typing import NamedTuple

from monitor.xroad.half import Half, Times

DURATIONS = (
    "total",  # the client's server: request in to response out
    "client_request",  # the client's server: request in to request out
    "client_response",  # the client's server: response in to response out
    "network_out",  # request out of the client's server to request into the producer's
    "network_back",  # response out of the producer's server to response into the client's
    "network",  # both ways together, by differences on one clock each
    "producer_total",  # the producer's server: request in to response out
    "producer_request",  # the producer's server: request in to request out
    "producer_response",  # the producer's server: response in to response out
    "service",  # the producer's server: request out to response in, the service itself
)
SIZES = ("request_bytes", "response_bytes")
MEASURES = DURATIONS + SIZES
"""Durations are counted in microseconds, sizes in bytes."""

_US = 1000
# Names of times that stand in the wrong order on one server's clock.
_STEPS = ("request_out_before_in", "response_in_before_request_out", "response_out_before_in")
NON_MONOTONE = tuple(f"{side}_{step}" for side in ("client", "producer") for step in _STEPS)
NETWORK_FLAGGED = "network_flagged"


class Measured(NamedTuple):
    """A call's measures by name, what of it is flagged, and how far the producer's clock is ahead.

    `flagged` are measures that are left out because they would be negative; `wrong` names times in the wrong
    order. `skew_us` is None unless all four times between the servers are known.
    """

    values: dict[str, int]
    flagged: tuple[str, ...]
    wrong: tuple[str, ...]
    skew_us: int | None


def measure(client: Half | None, producer: Half | None) -> Measured:
    """Work out what one or both halves of a call tell."""
    values: dict[str, int] = {}
    flagged: list[str] = []
    wrong: list[str] = []
    if client is not None:
        _one_clock(client.times, "client", values, flagged, wrong)
    if producer is not None:
        _one_clock(producer.times, "producer", values, flagged, wrong)
    skew = None
    if client is not None and producer is not None:
        skew = _two_clocks(client.times, producer.times, values, flagged)
    for name in SIZES:
        sizes = [getattr(half, name) for half in (client, producer) if half is not None]
        size = next((each for each in sizes if each is not None), None)
        if size is not None:
            values[name] = size
    return Measured(values, tuple(flagged), tuple(wrong), skew)


def _one_clock(times: Times, side: str, values: dict[str, int], flagged: list[str], wrong: list[str]) -> None:
    first, second, third, fourth = times
    total, middle = ("total", None) if side == "client" else ("producer_total", "service")
    for name, begins, ends in (
        (total, first, fourth),
        (f"{side}_request", first, second),
        (middle, second, third),
        (f"{side}_response", third, fourth),
    ):
        if name is None or begins is None or ends is None:
            continue
        if ends < begins:
            flagged.append(name)
        else:
            values[name] = (ends - begins) * _US
    for name, before, after in zip(_STEPS, times[:3], times[1:], strict=True):
        if before is not None and after is not None and after < before:
            wrong.append(f"{side}_{name}")


def _two_clocks(client: Times, producer: Times, values: dict[str, int], flagged: list[str]) -> int | None:
    if (
        client.request_out is None
        or producer.request_in is None
        or client.response_in is None
        or producer.response_out is None
    ):
        return None
    out = producer.request_in - client.request_out
    back = client.response_in - producer.response_out
    if out < 0 or back < 0:
        flagged += ("network_out", "network_back")
    else:
        values["network_out"], values["network_back"] = out * _US, back * _US
    if out + back < 0:
        flagged.append("network")
    else:
        values["network"] = (out + back) * _US
    return (out - back) * _US // 2
