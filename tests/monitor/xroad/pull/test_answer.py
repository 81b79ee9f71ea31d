"""An answer is used when it is whole and what it says, and refused with the reason when it is not."""

from __future__ import annotations

import gzip
import json
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.errors import UsageProblem
from monitor.xroad.pull import unpack
from monitor.xroad.pull.answer import Answer, read_answer
from monitor.xroad.pull.request import client_of, envelope, server_of
from monitor.xroad.pull.soap import Fault, NotUnderstood
from monitor.xroad.pull.unpack import check, key_of, records
from tests.parts import xroad_server as standing_in
from tests.parts.xroad_server import Reply, answer, fault, packed

RECORDS = [{"messageId": f"m{number}", "monitoringDataTs": number} for number in range(3)]


def read(reply: Reply) -> Answer:
    """What is understood of a reply."""
    return read_answer(reply.content_type, reply.body)


def test_the_request_names_everybody_and_the_seconds() -> None:
    """Text that looks like XML stays text; the server is always named."""
    body = envelope(client_of("EE/GOV/1<&/sub"), server_of("EE/GOV/2/ss"), 5, 9, "id-1").decode()
    assert '<xrd:client id:objectType="SUBSYSTEM">' in body
    assert "<id:memberCode>1&lt;&amp;</id:memberCode><id:subsystemCode>sub</id:subsystemCode>" in body
    assert "<id:memberCode>2</id:memberCode><id:serverCode>ss</id:serverCode>" in body
    assert "<om:recordsFrom>5</om:recordsFrom><om:recordsTo>9</om:recordsTo>" in body
    assert (
        'objectType="MEMBER"' in envelope(client_of("EE/GOV/1"), server_of("EE/GOV/2/ss"), 5, 9, "x").decode()
    )
    for wrong in ("EE/GOV", "EE//1", "EE/GOV/1/a/b"):
        with pytest.raises(UsageProblem, match="expected INSTANCE/CLASS/CODE"):
            client_of(wrong)


def test_a_whole_answer_is_read() -> None:
    """Its records as they stand, and when to ask next."""
    found = read(answer(3, packed(RECORDS), 17))
    check(found)
    assert [json.loads(record) for record in records(found)] == RECORDS
    assert (found.count, found.next_from) == (3, 17)
    empty = read(answer(0, packed([])))
    check(empty)
    assert empty.next_from is None


def test_a_fault_is_said_in_the_server_s_words() -> None:
    """With its code, whatever the status."""
    with pytest.raises(Fault, match=r"Client\.NotAllowed: not you") as raised:
        read(fault("s:Client.NotAllowed", "not you"))
    assert raised.value.code == "s:Client.NotAllowed"


GOOD = answer(3, packed(RECORDS))
BOMB = b'<!DOCTYPE x [<!ENTITY a "b">]>'


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (replace(GOOD, body=GOOD.body[:-10]), "cut off"),
        (replace(GOOD, body=b""), "cut off"),
        (replace(GOOD, content_type="multipart/related"), "does not say where they end"),
        (replace(GOOD, content_type="text/html"), "is text/html"),
        (replace(GOOD, content_type="text/xml", body=b"<x/>"), "no number of records"),
        (replace(GOOD, body=GOOD.body.replace(b"<?xml", BOMB + b"<?xml")), "not XML|document type"),
        (replace(GOOD, body=GOOD.body.replace(b"?>", b"?>" + BOMB, 1)), "document type"),
        (replace(GOOD, body=GOOD.body.replace(b"</s:Body>", b"")), "not XML"),
        (replace(GOOD, body=GOOD.body.replace(b">3<", b">three<")), "no number of records"),
        (replace(GOOD, body=GOOD.body.replace(b">3<", b">-3<")), "speaks of -3 records"),
        (replace(GOOD, body=GOOD.body.replace(b"<om:records>", b"<a>" * 99 + b"<om:records>")), "too deeply"),
        (answer(3, packed(RECORDS), attachment="other"), "is missing"),
        (answer(4, packed(RECORDS)), "has 3 records and says that they are 4"),
        (answer(3, packed(RECORDS)[:-12]), "cut off"),
        (answer(3, packed(RECORDS)[:-5]), "cut off"),
        (answer(3, b"not gzip"), "is no gzip"),
        (answer(3, gzip.compress(b'{"records": 3}')), "does not begin"),
        (answer(3, gzip.compress(b'{"records": [{}, {}, {}')), "does not end"),
    ],
)
def test_what_is_not_whole_is_refused(reply: Reply, said: str) -> None:
    """Before anything of it is used."""
    with pytest.raises(NotUnderstood, match=said):
        check(read(reply))


def test_a_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither many records nor one without end."""
    monkeypatch.setattr(unpack, "MOST_UNPACKED", 3_000_000)
    many = b'{"records": [' + b"{}," * 2_000_000 + b"{}]}"
    with pytest.raises(NotUnderstood, match="unpacks to more than"):
        check(Answer(2_000_001, None, gzip.compress(many)))
    one = b'{"records": [{"x": "' + b"y" * 2_500_000 + b'"}]}'
    with pytest.raises(NotUnderstood, match=r"bytes; .* are allowed"):
        check(Answer(1, None, gzip.compress(one)))


def test_both_halves_of_a_call_have_the_same_key() -> None:
    """The member of the client; where it is not said, the id of the request, or else of the message."""
    member = b'"clientXRoadInstance": "VN", "clientMemberClass": "GOV", "clientMemberCode": "G02"'
    assert key_of(b'{"xRequestId": "x", "clientSubsystemCode": "his", ' + member + b"}") == b"VN/GOV/G02"
    assert key_of(b'{"xRequestId": "x", ' + member.replace(b'"GOV"', b"null") + b"}") == b"x"
    assert key_of(b'{"xRequestId": "x", "messageId": "m"}') == b"x"
    assert key_of(b'{"xRequestId": null, "messageId": "m"}') == b"m"
    assert key_of(b'{"other": 1}') is key_of(b"[]") is key_of(b'{"messageId": "\xff"}') is None


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 10_000), st.integers(0, 40))
def test_no_answer_raises_anything_else(noise: bytes, at: int, cut: int) -> None:
    """Bytes put into an answer, or taken out."""
    body = GOOD.body
    at %= len(body)
    broken = body[:at] + noise + body[at + cut :]
    try:
        found = read_answer(standing_in.Reply(b"").content_type, broken)
        check(found)
    except (NotUnderstood, Fault):
        return
    assert found.packed == packed(RECORDS) or zlib.decompress(found.packed, 31)
