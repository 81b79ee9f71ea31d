"""One HTTPS request to a security server: who it is is checked, and so are time and size."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from monitor.errors import MonitorError, UsageProblem
from monitor.xroad.pull.request import CONTENT_TYPE

MOST_BYTES = 64 * 1024 * 1024  # of an answer, packed
_READ = 64 * 1024
_WITH_BODY = (200, 500)  # X-Road sends faults with either


class Unreachable(MonitorError):
    """The server could not be asked, or did not answer in time: to be tried again."""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a security server is, and how it is to be known. `context` is made by `tls_context`.

    `name` is the name its certificate must have, where that is not the one in the address.
    """

    host: str
    port: int
    path: str
    context: ssl.SSLContext | None
    name: str | None = None


def server_at(url: str, context: ssl.SSLContext | None, name: str | None = None) -> Server:
    """Read an address. Raises UsageProblem for what is none; plain HTTP is for the same machine alone."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as why:
        raise UsageProblem(f"--url {url!r}: {why}") from why
    host = parts.hostname
    if parts.scheme not in ("https", "http") or not host or parts.username or parts.query or parts.fragment:
        raise UsageProblem(f"--url {url!r}: expected https://HOST[:PORT]/[PATH]")
    if parts.scheme == "http" and host not in ("localhost", "127.0.0.1", "::1"):
        raise UsageProblem(f"--url {url!r}: records hold personal data; over a network only https is used")
    secure = parts.scheme == "https"
    return Server(host, port or (443 if secure else 80), parts.path or "/", context if secure else None, name)


def tls_context(
    ca_file: Path | None, cert_file: Path | None, key_file: Path | None, password: str | None
) -> ssl.SSLContext:
    """Whom to trust and who we are; the system's authorities without `ca_file`. Raises UsageProblem."""
    if key_file is not None and cert_file is None:
        raise UsageProblem("--key-file without --cert-file: name the certificate that it belongs to")
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as why:
        raise UsageProblem(f"--ca-file {ca_file}: {_of(why)}") from why
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if cert_file is not None:
        try:
            context.load_cert_chain(cert_file, key_file, password or (lambda: _no_password(key_file)))
        except (OSError, ssl.SSLError) as why:
            raise UsageProblem(f"--cert-file {cert_file}, --key-file {key_file}: {_of(why)}") from why
    return context


def ask(server: Server, body: bytes, seconds: float) -> tuple[str, bytes]:
    """Send a request; return the answer's content type and body. All of it takes at most `seconds`.

    Raises Unreachable when there is no whole answer in time, MonitorError for one that is too large or comes
    with another status than answers of X-Road have.
    """
    connection = _Connection(server, seconds)
    try:
        headers = {"Content-Type": CONTENT_TYPE, "SOAPAction": '""', "Connection": "close"}
        connection.request("POST", server.path, body, headers)
        response = connection.getresponse()
        kept = bytearray()
        while data := response.read1(_READ):
            kept += data
            if len(kept) > MOST_BYTES:
                raise MonitorError(f"its answer is larger than {MOST_BYTES >> 20} MiB")
        if connection.expired:
            raise TimeoutError
        if response.length:
            raise Unreachable(f"its answer is cut off: {response.length} bytes are missing")
        if response.status not in _WITH_BODY:
            raise Unreachable(f"it answered with status {response.status}")
        return response.headers.get("content-type", ""), bytes(kept)
    except (OSError, http.client.HTTPException) as why:
        if connection.expired or isinstance(why, TimeoutError):
            raise Unreachable(f"it gave no whole answer within {seconds:g} s") from why
        raise Unreachable(f"{server.host}:{server.port}: {_of(why)}") from why
    finally:
        connection.end()


class _Connection(http.client.HTTPConnection):
    """Holds the server's certificate against the name that it should have, and ends when its time is up.

    A limit on each read would not do: a server that sends a byte now and then could go on for ever.
    """

    def __init__(self, server: Server, seconds: float) -> None:
        super().__init__(server.host, server.port, timeout=seconds)
        self.expired = False
        self._server = server
        self._line: socket.socket | None = None
        self._alarm = threading.Timer(seconds, self._expire)
        self._alarm.daemon = True
        self._alarm.start()

    def connect(self) -> None:
        """Open the connection; raises OSError, of which ssl.SSLError is one."""
        super().connect()
        self._line = self.sock.dup()  # TLS takes the first one over
        if self.expired:
            raise TimeoutError
        if self._server.context is not None:
            name = self._server.name or self._server.host
            self.sock = self._server.context.wrap_socket(self.sock, server_hostname=name)

    def end(self) -> None:
        """Close it and the alarm."""
        self._alarm.cancel()
        self.close()
        if self._line is not None:
            self._line.close()

    def _expire(self) -> None:
        self.expired = True
        if self._line is not None:
            with contextlib.suppress(OSError):
                self._line.shutdown(socket.SHUT_RDWR)


def _no_password(key_file: Path | None) -> str:
    raise UsageProblem(f"--key-file {key_file} is encrypted: name its password's file, --key-password-file")


def _of(why: BaseException) -> str:
    """A sentence; OpenSSL's own are in the middle of codes."""
    if isinstance(why, ssl.SSLCertVerificationError):
        return f"its certificate is refused: {why.verify_message}"
    # Since TLS 1.3 a server judges a client's certificate when the client believes that all is well.
    if isinstance(why, ssl.SSLEOFError | ConnectionResetError | BrokenPipeError):
        return "it broke the connection off: it may refuse our certificate"
    if isinstance(why, ssl.SSLError):
        return f"TLS: {(why.reason or str(why)).lower().replace('_', ' ')}"
    if isinstance(why, OSError):
        return why.strerror or str(why) or type(why).__name__
    return f"it does not speak HTTP as expected ({type(why).__name__})"
