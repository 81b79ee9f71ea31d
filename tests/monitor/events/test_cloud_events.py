"""An exchange as a CloudEvent: structured, or binary with its attributes in Kafka headers."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from monitor.events.decode import decode_batch, decode_one
from monitor.events.exchange import Exchange
from monitor.events.rejection import Reason, Rejection
from tests.builders import exchange_json

BARE = decode_one(exchange_json(), ())
Headers = list[tuple[str, bytes | None]]
BINARY: Headers = [
    ("content-type", b"application/json"),
    ("ce_specversion", b"1.0"),
    ("ce_type", b"exchange"),
    ("ce_source", b"/platform"),
    ("ce_id", b"01JD0M3Z9V6Q"),
    ("ce_time", b"2026-10-05T08:15:30.123Z"),
]


def structured(**changes: Any) -> bytes:
    """A CloudEvent in structured mode; None leaves a member out."""
    values = {
        "specversion": "1.0",
        "type": "exchange",
        "source": "/platform",
        "id": "01JD0M3Z9V6Q",
        "time": "2026-10-05T08:15:30.123Z",
        "datacontenttype": "application/json",
        "data": json.loads(exchange_json()),
        **changes,
    }
    return json.dumps({name: value for name, value in values.items() if value is not None}).encode()


def data(*without: str, **changes: Any) -> dict[str, Any]:
    """An exchange as the data of a CloudEvent."""
    values: dict[str, Any] = json.loads(exchange_json(without=without, **changes))
    return values


def in_base64(values: dict[str, Any]) -> str:
    """Data as binary data."""
    return base64.b64encode(json.dumps(values).encode()).decode()


def reason(body: bytes, headers: Headers | tuple[()] = ()) -> Reason:
    """Why a body is set aside."""
    decoded = decode_one(body, headers)
    assert isinstance(decoded, Rejection), decoded
    return decoded.reason


@pytest.mark.parametrize(
    "body",
    [
        structured(),
        structured(data=data("id")),
        structured(data=data("time")),
        structured(data=data("id", "time")),
        structured(data=None, data_base64=in_base64(data())),
        structured(data=None, data_base64=in_base64(data("id", "time"))),
        structured(id=None, time=None),
        structured(subject="anything", partitionkey="MOH"),
    ],
)
def test_structured_mode_reads_like_the_bare_exchange(body: bytes) -> None:
    """Data inline or in base64; `id` and `time` from either place."""
    assert decode_one(body, ()) == BARE
    assert decode_batch([body] * 3, lambda _: ()) == [BARE] * 3


def test_what_data_says_wins_over_the_attributes() -> None:
    """The attributes only fill in what data does not hold."""
    decoded = decode_one(structured(id="outer", data=data(id="inner")), ())
    assert isinstance(decoded, Exchange)
    assert decoded.id == "inner"
    assert reason(structured(data=data(id=None))) is Reason.INVALID_FIELD  # null is held


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (structured(specversion="0.3"), Reason.INVALID_CLOUD_EVENT),
        (structured(specversion="1.1"), Reason.INVALID_CLOUD_EVENT),
        (structured(data=None), Reason.INVALID_CLOUD_EVENT),
        (structured().replace(b'"data": {', b'"data": null, "x": {'), Reason.INVALID_CLOUD_EVENT),
        (structured(data="text"), Reason.INVALID_FIELD),
        (structured(data=[data()]), Reason.INVALID_FIELD),
        (structured(data=None, data_base64="***"), Reason.INVALID_FIELD),
        (structured(data=None, data_base64=base64.b64encode(b"no json").decode()), Reason.NOT_JSON),
        (structured(data=data("provider")), Reason.MISSING_FIELD),
        (structured(id=None, data=data("id")), Reason.MISSING_FIELD),
        (structured(time="yesterday", data=data("time")), Reason.INVALID_TIME),
        (structured(data=data(outcome="perhaps")), Reason.UNKNOWN_OUTCOME),
        (structured(data=data(records=-1)), Reason.NEGATIVE_COUNT),
    ],
)
def test_a_structured_event_that_is_wrong_is_set_aside(body: bytes, expected: Reason) -> None:
    """With the reason that lies deepest."""
    assert reason(body) is expected


def test_binary_mode_fills_in_id_and_time_from_headers() -> None:
    """They are asked for only when the data lacks them."""
    assert decode_one(exchange_json(without=["id", "time"]), BINARY) == BARE
    assert decode_one(exchange_json(without=["id"]), BINARY) == BARE
    assert decode_one(exchange_json(), BINARY) == BARE
    upper = [(name.upper().replace("CE_", "Ce_"), value) for name, value in BINARY]
    assert decode_one(exchange_json(without=["id", "time"]), upper) == BARE


def test_data_wins_over_headers() -> None:
    """As in structured mode."""
    decoded = decode_one(exchange_json(id="inner", without=["time"]), BINARY)
    assert isinstance(decoded, Exchange)
    assert decoded.id == "inner"


def test_headers_without_a_specversion_are_no_cloud_event() -> None:
    """A header that merely is called ce_id proves nothing."""
    headers = [header for header in BINARY if header[0] != "ce_specversion"]
    assert reason(exchange_json(without=["id"]), headers) is Reason.MISSING_FIELD


def test_headers_that_are_no_text_are_refused_not_raised() -> None:
    """A header holds any bytes, or none."""
    broken: Headers = [("ce_specversion", b"1.0"), ("ce_id", b"\xff"), ("ce_time", None)]
    assert reason(exchange_json(without=["id"]), broken) is Reason.NOT_JSON
    absent: Headers = [("ce_specversion", b"1.0"), ("ce_id", None)]
    assert reason(exchange_json(without=["id"]), absent) is Reason.MISSING_FIELD


def test_a_batch_asks_for_the_headers_of_the_right_event() -> None:
    """Also beyond the first group."""
    bodies = [exchange_json(id=f"a{i}") for i in range(200)]
    bodies[150] = exchange_json(without=["id"])
    headers = {150: [("ce_specversion", b"1.0"), ("ce_id", b"from-header")]}
    decoded = decode_batch(bodies, lambda index: headers.get(index, ()))
    ids = [one.id for one in decoded if isinstance(one, Exchange)]
    assert ids == [f"a{i}" if i != 150 else "from-header" for i in range(200)]


def test_a_bare_exchange_that_mentions_specversion_is_bare() -> None:
    """The word may stand in any text or in a field that nobody reads."""
    for body in (exchange_json(case="specversion"), exchange_json(specversion="1.0")):
        decoded = decode_one(body, ())
        assert isinstance(decoded, Exchange)
        assert decode_batch([body, exchange_json(), structured()], lambda _: ()) == [decoded, BARE, BARE]


def test_a_body_that_is_both_reads_the_same_alone_and_in_a_group() -> None:
    """An event whose meaning hung on its neighbours would be counted differently after a restart."""
    both = exchange_json(id="outer", specversion="1.0", data=data(id="inner"))
    both_led_by_the_version = b'{"specversion":"1.0",' + both.replace(b',"specversion":"1.0"', b"")[1:]
    twofold = structured(data=data(id="inline"), data_base64=in_base64(data(id="base64")))
    for body, expected in ((both, "outer"), (both_led_by_the_version, "inner"), (twofold, "inline")):
        alone = decode_one(body, ())
        assert isinstance(alone, Exchange)
        assert alone.id == expected
        for neighbour in (exchange_json(), b"nonsense"):
            assert decode_batch([body, neighbour], lambda _: ())[0] == alone
