"""Bodies of X-Road records: every form they come in, every name of a field, and what is wrong with them."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.events.decode import MAX_BODY_BYTES
from monitor.xroad import decode
from monitor.xroad.decode import MAX_UNPACKED_BYTES, Decoded, decode_body
from monitor.xroad.half import Half, Party, Times, pack, unpack
from tests.monitor.xroad.parts import body, halves, sample


def only(decoded: Decoded) -> Half:
    """The one half of a body in which nothing is wrong."""
    assert decoded.rejection is None
    (half,) = decoded.halves
    return half


def test_a_record_is_read_in_every_form() -> None:
    """Bare or in a list of records, plain or gzip; what is stored of it is the same again."""
    record, _ = halves(5)
    bare = body(record)
    listed = json.dumps({"records": [record]}).encode()
    half = only(decode_body(bare))
    for data in (listed, gzip.compress(bare, mtime=0), gzip.compress(listed), b"\n " + bare):
        assert only(decode_body(data)) == half
    assert unpack(pack(half)) == half
    assert half.client == Party("VN", "GOV", "G02", "his-1")
    assert str(half.client) == "VN/GOV/G02/his-1"
    assert half.times == Times(*[record[f"{name}Ts"] for name in TIMES])


TIMES = ("requestIn", "requestOut", "responseIn", "responseOut")


@pytest.mark.parametrize("name", ["Size", "SoapSize", "RestSize"])
def test_sizes_have_had_three_names(name: str) -> None:
    """And with attachments the size of the whole MIME message counts."""
    record, _ = halves(1)
    record = {key: value for key, value in record.items() if "Size" not in key}
    record |= {f"request{name}": 11, f"response{name}": 22, "requestMimeSize": 1000, "responseMimeSize": 2000}
    record |= {"requestAttachmentCount": 0, "responseAttachmentCount": 3}
    half = only(decode_body(body(record)))
    assert (half.request_bytes, half.response_bytes) == (11, 2000)


@pytest.mark.parametrize(
    ("written", "side"), [("Client", "client"), ("PRODUCER", "producer"), ("cLiEnT", "client")]
)
def test_the_side_is_read_in_any_case(written: str, side: str) -> None:
    """As security servers have written it one way and the other."""
    record, _ = halves(1, xRequestId=None, serviceVersion=None, unknownField={"a": [1]})
    record["securityServerType"] = written
    assert only(decode_body(body(record))).side == side


def test_old_names_of_faults_are_read() -> None:
    """And a text that says that a wait was given up; nothing of it is kept."""
    record, _ = halves(1, succeeded=False, soapFaultCode="Server.ServerProxy.UnknownService")
    assert only(decode_body(body(record))).cause == "unknown_service"
    record, _ = halves(
        1, succeeded=False, soapFaultCode="Server.ClientProxy.IOError", soapFaultString="Read timed out"
    )
    half = only(decode_body(body(record)))
    assert half.cause == "timeout"
    assert b"timed" not in pack(half)


def test_nothing_that_names_a_person_is_kept() -> None:
    """Not the issue, the path, the text of a fault; only that there was an issue."""
    said: dict[str, Any] = {
        "messageIssue": "HS-Nguyen",
        "restPath": "/people/0123",
        "faultString": "Tran",
        "faultCode": "x",
    }
    half = only(decode_body(body(halves(1, **said)[0])))
    assert half.issue
    for text in (b"Nguyen", b"people", b"Tran"):
        assert text not in pack(half)
    assert not only(decode_body(body(halves(1, messageIssue=" ")[0]))).issue


def test_a_record_that_cannot_be_read_spoils_no_other() -> None:
    """The rejection says which of a body's records it was, and why."""
    good, other = halves(1)
    bad: list[Any] = [
        {**good, "requestInTs": "soon"},
        {**good, "requestSize": -1, "requestSoapSize": -1},
        {**good, "securityServerType": "Proxy"},
        {"securityServerType": "Client"},
        "text",
        {**good, "xRequestId": "x" * 256},
    ]
    decoded = decode_body(json.dumps({"records": [good, *bad, other]}).encode())
    assert [half.side for half in decoded.halves] == ["client", "producer"]
    assert decoded.bad == 6
    assert decoded.rejection is not None
    assert decoded.rejection.detail.startswith("6 of 8 records: record 1: ")
    assert decoded.rejection.detail.endswith("; and 1 more")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (None, "empty"),
        (b"[1]", "invalid_field"),
        (b'{"records": 1}', "invalid_field"),
        (b"\x1f\x8bnonsense", "not_json"),
        (gzip.compress(b'{"records": []}', mtime=0)[:-9], "not_json"),
        (gzip.compress(b" " * (MAX_UNPACKED_BYTES + 1), mtime=0), "oversized"),
        (b" " * MAX_BODY_BYTES + b"{}", "oversized"),
        (b'{"securityServerType": "Client", "monitoringDataTs": 999999999999}', "invalid_time"),
    ],
)
def test_a_body_that_cannot_be_read_has_a_reason(data: bytes | None, reason: str) -> None:
    """A word for the metric, and a sentence."""
    decoded = decode_body(data)
    assert decoded.halves == []
    assert decoded.rejection is not None
    assert decoded.rejection.reason == reason


@given(st.binary(max_size=200) | st.text().map(lambda text: b'{"records": [' + text.encode() + b"]}"))
def test_whatever_comes_is_a_value(data: bytes) -> None:
    """No body raises."""
    decode_body(data)


@pytest.mark.parametrize("field", ["serviceCode", "serviceSubsystemCode", "messageIssue", "messageUserId"])
def test_a_record_in_which_the_word_records_stands_is_one(field: str) -> None:
    """Not a list of them: the word is what an agency may call a service."""
    record, _ = halves(5)
    for one in (record | {field: "records"}, {field: "records"} | record | {field: "records"}):
        assert only(decode_body(body(one)))
        assert len(decode_body(json.dumps({"records": [one, one]}).encode()).halves) == 2


def test_small_things_without_end_are_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before each has become an object: a gzip body of some kilobytes holds millions."""
    full = json.dumps({"records": [halves(number)[0] for number in range(30)]}).encode()
    zeros = gzip.compress(b'{"records":[' + b"0," * (decode.MAX_COMMAS + 1) + b"0]}")
    assert len(zeros) < MAX_BODY_BYTES
    told = decode_body(zeros).rejection
    assert told is not None
    assert (told.reason, told.detail) == ("oversized", "2000001 commas; 2000000 are allowed")
    assert decode_body(full).rejection is None
    monkeypatch.setattr(decode, "MAX_RECORDS", 29)
    told = decode_body(full).rejection
    assert told is not None
    assert (told.reason, told.detail) == ("oversized", "30 records; 29 are allowed")


def test_an_empty_list_of_records_is_nothing() -> None:
    """A security server with nothing to tell answers so."""
    assert decode_body(b'{"records": []}') == Decoded([])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("arc-opmond_example.json", ["client", "client", "producer", "client"]),
        ("pr-opmon_example.json", ["client"]),
    ],
)
def test_the_protocols_own_examples_are_read(name: str, expected: list[str]) -> None:
    """With IPv6 addresses that have a zone, and a fault of the schema."""
    decoded = decode_body(sample(name).read_bytes())
    assert decoded.rejection is None
    assert [half.side for half in decoded.halves] == expected
    assert decoded.halves[-1].cause == ("schema" if len(expected) == 4 else "ok")
