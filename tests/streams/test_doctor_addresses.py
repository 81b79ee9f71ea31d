"""The doctor's way to a broker: each thing that can stand in it is told by its own words."""

from __future__ import annotations

import shutil
import socket
import ssl
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from monitor.settings import Settings, load_settings
from streams.doctor.addresses import check_address
from streams.doctor.finding import Finding
from tests.parts import missing_part

SECONDS = 2.0
Talk = Callable[[socket.socket], None]
METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 3, 17, 18, 36
FINE = struct.pack(">hi", 0, 0)
SASL = {
    "kafka_security_protocol": "SASL_PLAINTEXT",
    "kafka_sasl_mechanism": "PLAIN",
    "kafka_sasl_username": "monitor",
    "kafka_sasl_password": "not-to-be-shown",
}


@pytest.fixture
def listen() -> Iterator[Callable[[Talk], str]]:
    """`listen(talk)`: a port where each connection is handed to `talk`; returns its address."""
    servers: list[socket.socket] = []

    def listening(talk: Talk) -> str:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    with connection, suppress(OSError, EOFError):
                        talk(connection)

        threading.Thread(target=serve, daemon=True).start()
        return f"127.0.0.1:{server.getsockname()[1]}"

    yield listening
    for server in servers:
        server.close()


def kafka(answers: dict[int, bytes | None]) -> Talk:
    """A broker that answers each kind of request with these bytes, and leaves where there are none."""

    def talk(connection: socket.socket) -> None:
        while head := connection.recv(4, socket.MSG_WAITALL):
            request = connection.recv(struct.unpack(">i", head)[0], socket.MSG_WAITALL)
            api, _, correlation = struct.unpack_from(">hhi", request)
            answer = answers.get(api)
            if answer is None:
                return
            connection.sendall(struct.pack(">ii", len(answer) + 4, correlation) + answer)

    return talk


def text(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()


def brokers(*addresses: tuple[str, int]) -> bytes:
    """A metadata answer."""
    told = (
        struct.pack(">i", number) + text(host) + struct.pack(">ih", port, -1)
        for number, (host, port) in enumerate(addresses)
    )
    return struct.pack(">i", len(addresses)) + b"".join(told)


def offered(error: int, *mechanisms: str) -> bytes:
    """A SASL handshake's answer."""
    return struct.pack(">hi", error, len(mechanisms)) + b"".join(map(text, mechanisms))


def told(address: str, **given: Any) -> tuple[Finding, frozenset[tuple[str, int]]]:
    settings: Settings = load_settings(kafka_bootstrap=address, **given)
    finding, advertised = check_address(settings, address, SECONDS)
    assert "not-to-be-shown" not in finding.what + finding.remedy
    return finding, advertised


def test_a_broker_tells_where_all_brokers_are(listen: Callable[[Talk], str]) -> None:
    """Its answer to a question for metadata is what the next check goes through."""
    address = listen(kafka({API_VERSIONS: FINE, METADATA: brokers(("a.example", 9092), ("b", 1))}))
    finding, advertised = told(address)
    assert finding.state == "ok"
    assert advertised == {("a.example", 9092), ("b", 1)}


def test_a_sign_in_is_tried(listen: Callable[[Talk], str]) -> None:
    """Accepted: ok, and the user is named; refused: what to correct."""
    answers = {API_VERSIONS: FINE, SASL_HANDSHAKE: offered(0, "PLAIN"), METADATA: brokers(("a", 1))}
    accepted = struct.pack(">hhi", 0, -1, 0)
    finding, _ = told(listen(kafka({**answers, SASL_AUTHENTICATE: accepted})), **SASL)
    assert (finding.state, finding.what) == ("ok", "answers over SASL_PLAINTEXT, signed in as monitor")
    refused = struct.pack(">h", 58) + text("Authentication failed") + struct.pack(">i", 0)
    finding, _ = told(listen(kafka({**answers, SASL_AUTHENTICATE: refused})), **SASL)
    assert (finding.state, finding.what) == ("problem", "the sign-in as monitor was refused")


@pytest.mark.parametrize(
    ("answers", "given", "expected"),
    [
        ({SASL_HANDSHAKE: offered(33, "GSSAPI", "PLAIN")}, {}, "wants a sign-in (GSSAPI, PLAIN)"),
        ({}, {}, "does not tell its brokers"),
        ({METADATA: b"\0\0\0\7"}, {}, "does not tell its brokers"),
        ({SASL_HANDSHAKE: offered(33, "SCRAM-SHA-512")}, SASL, "does not sign in with PLAIN, but with SCRAM"),
        ({SASL_HANDSHAKE: offered(34)}, SASL, "knows no sign-in"),
    ],
    ids=["sign-in-missing", "leaves", "cut-short", "other-mechanism", "no-sign-in"],
)
def test_kafka_that_does_not_suit_the_settings(
    listen: Callable[[Talk], str], answers: dict[int, bytes | None], given: dict[str, Any], expected: str
) -> None:
    """The listener and MONITOR_KAFKA_SECURITY_PROTOCOL are compared, in both directions."""
    finding, advertised = told(listen(kafka({API_VERSIONS: FINE, **answers})), **given)
    assert finding.state == "problem"
    assert expected in finding.what
    assert finding.remedy
    assert not advertised


@pytest.mark.parametrize(
    ("talk", "expected"),
    [
        (lambda _: None, "not Kafka: it closed the connection"),
        (
            lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
            "not Kafka: it answered",
        ),
        (lambda connection: connection.recv(10_000) and connection.recv(1), "did not say a word of Kafka"),
        (lambda connection: connection.sendall(b"\x15\x03\x03\x00\x02\x02\x46"), "speaks TLS"),
    ],
    ids=["closes", "web-server", "silent", "tls-alert"],
)
def test_something_else_on_the_port(listen: Callable[[Talk], str], talk: Talk, expected: str) -> None:
    """Another program, one that hangs, or the listener with encryption."""
    finding, _ = told(listen(talk))
    assert finding.state == "problem"
    assert expected in finding.what


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("no-such-host.invalid:9092", "the name no-such-host.invalid cannot be looked up"),
        ("127.0.0.1", "has no port"),
        ("127.0.0.1:1", "nothing listens on port 1"),
    ],
)
def test_an_address_that_leads_nowhere(address: str, expected: str) -> None:
    """Told apart: the name, the form, the port."""
    finding, _ = told(address)
    assert expected in finding.what


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the certificate and key of 127.0.0.1, signed by itself."""
    if shutil.which("openssl") is None:
        missing_part("openssl", "install it (Debian: apt-get install openssl)")
    folder = tmp_path_factory.mktemp("certificate")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem"), "-days", "2",
         "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, capture_output=True,
    )  # fmt: skip
    return folder


def test_certificates_are_checked_as_clients_check_them(
    listen: Callable[[Talk], str], certificate: Path
) -> None:
    """Unknown authority: the reason; with it named: through; without TLS: what the port speaks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "cert.pem", certificate / "key.pem")
    inner = kafka({API_VERSIONS: FINE, METADATA: brokers(("a", 1))})

    def talk(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            inner(_Whole(secured))  # type: ignore[arg-type]  # the two methods that are used

    address = listen(talk)
    finding, _ = told(address, kafka_security_protocol="SSL")
    assert "certificate is not accepted: self-signed certificate" in finding.what
    assert "MONITOR_KAFKA_SSL_CA_FILE" in finding.remedy
    named = {"kafka_security_protocol": "SSL", "kafka_ssl_ca_file": certificate / "cert.pem"}
    finding, advertised = told(address, **named)
    assert finding.state == "ok", finding
    assert advertised == {("a", 1)}
    finding, _ = told(address)
    assert "speaks TLS, but MONITOR_KAFKA_SECURITY_PROTOCOL is PLAINTEXT" in finding.what
    finding, _ = told(address, **named | {"kafka_ssl_ca_file": certificate / "none.pem"})
    assert "no certificate that could be read" in finding.what


def test_tls_against_a_port_without_it(listen: Callable[[Talk], str]) -> None:
    """A broker that does not know TLS closes the connection."""
    finding, _ = told(listen(lambda _: None), kafka_security_protocol="SSL")
    assert "TLS does not work on this port" in finding.what


class _Whole:
    """A TLS connection whose `recv` takes flags: it waits for all that was asked, as they would say."""

    def __init__(self, secured: ssl.SSLSocket) -> None:
        self._secured = secured
        self.sendall = secured.sendall

    def recv(self, size: int, _flags: int) -> bytes:
        received = b""
        while len(received) < size and (part := self._secured.recv(size - len(received))):
            received += part
        return received
