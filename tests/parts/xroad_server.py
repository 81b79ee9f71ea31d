"""A stand-in for a security server: real HTTPS with client certificates, and the operational-data request."""

from __future__ import annotations

import gzip
import json
import re
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest

NAME = "ss1.example"  # in the certificate, and not the address that tests connect to
BOUNDARY = "xroadStandIn"
_ENVELOPE = (
    '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" '
    'xmlns:om="http://x-road.eu/xsd/op-monitoring.xsd"><s:Body>{}</s:Body></s:Envelope>'
)
ATTACHMENT = "operational-monitoring-data.json.gz"


@dataclass(frozen=True)
class Certificates:
    """Files of an authority, a server's certificate, a client's, and a client's of a stranger."""

    folder: Path

    def file(self, name: str) -> Path:
        """One of them: ca.pem, server.pem, server.key, client.pem, client.key, stranger.pem, stranger.key."""
        return self.folder / name


def make_certificates(folder: Path) -> Certificates:
    """Make them with OpenSSL's program; the test is skipped where there is none."""

    def openssl(*arguments: str) -> None:
        try:
            subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
        except FileNotFoundError:
            pytest.skip("there is no openssl")

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")
    for authority in ("ca", "other"):
        openssl("req", "-x509", *key, "-days", "2", "-subj", f"/CN={authority}",
                "-keyout", f"{authority}.key", "-out", f"{authority}.pem")  # fmt: skip
    for name, authority in (("server", "ca"), ("client", "ca"), ("stranger", "other")):
        extension = folder / f"{name}.ext"
        extension.write_text(f"subjectAltName=DNS:{NAME}\n", encoding="utf-8")
        openssl("req", "-new", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        signing = ("-CA", f"{authority}.pem", "-CAkey", f"{authority}.key", "-CAcreateserial", "-days", "2")
        files = ("-in", f"{name}.csr", "-extfile", extension.name, "-out", f"{name}.pem")
        openssl("x509", "-req", *signing, *files)
    return Certificates(folder)


@dataclass(frozen=True)
class Reply:
    """What goes over the wire; `pause` seconds between pieces of `piece` bytes."""

    body: bytes
    content_type: str = f'multipart/related; type="text/xml"; charset=UTF-8; boundary={BOUNDARY}'
    status: int = 200
    length: int | None = None
    pause: float = 0.0
    piece: int = 1 << 20


def envelope(inner: str) -> bytes:
    """An envelope around something."""
    return _ENVELOPE.format(inner).encode()


def answer(count: int, packed: bytes, next_from: int | None = None, attachment: str = ATTACHMENT) -> Reply:
    """An answer as PR-OPMON describes it."""
    following = "" if next_from is None else f"<om:nextRecordsFrom>{next_from}</om:nextRecordsFrom>"
    said = envelope(
        f"<om:getSecurityServerOperationalDataResponse><om:recordsCount>{count}</om:recordsCount>"
        f"<om:records>cid:{ATTACHMENT}</om:records>{following}</om:getSecurityServerOperationalDataResponse>"
    )
    parts = [
        b"content-type:text/xml\r\n\r\n" + said,
        b"content-type:application/gzip\r\ncontent-transfer-encoding: binary\r\n"
        b"content-id: <" + attachment.encode() + b">\r\n\r\n" + packed,
    ]
    edge = f"--{BOUNDARY}".encode()
    return Reply(b"".join(edge + b"\r\n" + part + b"\r\n" for part in parts) + edge + b"--\r\n")


def fault(code: str, said: str, status: int = 500) -> Reply:
    """A refusal."""
    inner = f"<s:Fault><faultcode>{code}</faultcode><faultstring>{said}</faultstring></s:Fault>"
    return Reply(envelope(inner), "text/xml;charset=utf-8", status)


def packed(records: Sequence[Any]) -> bytes:
    """Records as a server packs them."""
    return gzip.compress(json.dumps({"records": list(records)}).encode())


@dataclass
class Question:
    """A request that came: from and to in seconds, and all of its text."""

    since: int
    until: int
    text: str


@dataclass
class XroadServer:
    """Answers from `records`, at most `page` at a time by whole seconds; `override` may answer otherwise.

    Records are found by their `monitoringDataTs`. With `certificates` it speaks HTTPS and wants a client's.
    """

    records: list[dict[str, Any]]
    certificates: Certificates | None = None
    page: int = 10
    override: Callable[[Question, int], Reply | None] = lambda _question, _turn: None
    questions: list[Question] = field(default_factory=list)

    def __enter__(self) -> Self:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Answer one question."""
                text = self.rfile.read(int(self.headers["content-length"])).decode()
                reply = outer.reply(text)
                self.send_response(reply.status)
                self.send_header("Content-Type", reply.content_type)
                length = len(reply.body) if reply.length is None else reply.length
                self.send_header("Content-Length", str(length))
                self.send_header("Connection", "close")
                self.end_headers()
                try:
                    for start in range(0, len(reply.body), reply.piece):
                        self.wfile.write(reply.body[start : start + reply.piece])
                        if reply.pause:
                            time.sleep(reply.pause)
                except OSError:
                    pass  # whoever asked has gone

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Handshakes that fail are what some tests are about."""

        self._server = Quiet(("127.0.0.1", 0), Handler)
        if self.certificates is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(
                self.certificates.file("server.pem"), self.certificates.file("server.key")
            )
            context.load_verify_locations(self.certificates.file("ca.pem"))
            context.verify_mode = ssl.CERT_REQUIRED
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    @property
    def url(self) -> str:
        """Where it is."""
        scheme = "http" if self.certificates is None else "https"
        return f"{scheme}://127.0.0.1:{self._server.server_address[1]}/"

    def reply(self, text: str) -> Reply:
        """The answer to a request."""
        since, until = (
            int(re.findall(rf"<om:{name}>(-?\d+)</om:{name}>", text)[0])
            for name in ("recordsFrom", "recordsTo")
        )
        question = Question(since, until, text)
        self.questions.append(question)
        other = self.override(question, len(self.questions))
        if other is not None:
            return other
        found = [each for each in self.records if since <= each["monitoringDataTs"] <= until]
        found.sort(key=lambda each: int(each["monitoringDataTs"]))
        if len(found) <= self.page:
            return answer(len(found), packed(found))
        last = found[self.page - 1]["monitoringDataTs"]
        page = [each for each in found if each["monitoringDataTs"] <= last]
        return answer(len(page), packed(page), last + 1)
