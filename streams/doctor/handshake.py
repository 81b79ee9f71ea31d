"""The first words of the Kafka protocol, spoken by hand: they tell apart what a client only calls "away"."""

from __future__ import annotations

import socket
import struct
from typing import NamedTuple, Protocol

METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 3, 17, 18, 36
UNSUPPORTED_MECHANISM, NOT_A_SASL_LISTENER = 33, 34
_CORRELATION = 0x0D0C
_LARGEST = 1024 * 1024  # the answers are some hundred bytes; a larger size is no size but other bytes
_ROUNDS = 8  # of a sign-in: SCRAM takes two
_TLS_ALERT = b"\x15\x03"


class NotKafka(Exception):
    """What answered does not speak Kafka in the open; `tls` tells that it answered as TLS does."""

    def __init__(self, said: str, *, tls: bool = False) -> None:
        super().__init__(said)
        self.tls = tls


class Mechanisms(NamedTuple):
    """A listener's answer to a SASL handshake: an error code of the protocol, and what it accepts."""

    error: int
    accepted: tuple[str, ...]


class Dialogue(Protocol):
    """One mechanism's side of a sign-in, as kafka-python's mechanisms have it."""

    def auth_bytes(self) -> bytes:
        """What to send next."""

    def receive(self, auth_bytes: bytes) -> None:
        """Take an answer; ValueError where it does not fit."""

    def is_done(self) -> bool:
        """Whether nothing is left to send."""

    def is_authenticated(self) -> bool:
        """Whether both sides are convinced."""


def greet(connection: socket.socket) -> None:
    """Ask for the API versions, which every listener answers before anyone signs in. Raises NotKafka."""
    if _Answer(_ask(connection, API_VERSIONS, 0, b"")).number(">h"):
        raise NotKafka("it answered with an error")


def sasl_mechanisms(connection: socket.socket, mechanism: str) -> Mechanisms:
    """Propose a mechanism without signing in. Raises NotKafka."""
    answer = _Answer(_ask(connection, SASL_HANDSHAKE, 1, _string(mechanism)))
    error = answer.number(">h")
    return Mechanisms(error, tuple(answer.string() or "" for _ in range(answer.number(">i"))))


def sign_in(connection: socket.socket, dialogue: Dialogue) -> bool:
    """Sign in with the mechanism that was proposed and accepted; whether it succeeded. Raises NotKafka."""
    for _ in range(_ROUNDS):
        token = dialogue.auth_bytes()
        answer = _Answer(_ask(connection, SASL_AUTHENTICATE, 0, struct.pack(">i", len(token)) + token))
        if answer.number(">h"):
            return False
        answer.string()
        try:
            dialogue.receive(answer.octets())
        except ValueError:
            return False  # the broker does not know the password either
        if dialogue.is_done():
            break
    return dialogue.is_authenticated()


def brokers(connection: socket.socket) -> frozenset[tuple[str, int]]:
    """Hosts and ports of all brokers, as they are advertised. Raises NotKafka."""
    answer = _Answer(_ask(connection, METADATA, 1, struct.pack(">i", 0)))
    found = set()
    for _ in range(answer.number(">i")):
        answer.number(">i")
        found.add((answer.string() or "", answer.number(">i")))
        answer.string()
    return frozenset(found)


class _Answer:
    """Reads an answer's fields in their order; NotKafka where it ends too early."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._at = 0

    def number(self, form: str) -> int:
        try:
            (value,) = struct.unpack_from(form, self._content, self._at)
        except struct.error as why:
            raise NotKafka("it answered something else") from why
        self._at += struct.calcsize(form)
        return int(value)

    def string(self) -> str | None:
        length = self.number(">h")
        return None if length < 0 else self._take(length).decode(errors="replace")

    def octets(self) -> bytes:
        return self._take(max(self.number(">i"), 0))

    def _take(self, length: int) -> bytes:
        self._at += length
        return self._content[self._at - length : self._at]


def _ask(connection: socket.socket, api: int, version: int, body: bytes) -> bytes:
    """Send one request and return its answer's content."""
    request = struct.pack(">hhi", api, version, _CORRELATION) + _string("data-sharing-monitor") + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    try:
        head = _receive(connection, 4)
        if head[:2] == _TLS_ALERT:
            raise NotKafka("it speaks TLS", tls=True)
        (size,) = struct.unpack(">i", head)
        if not 4 <= size <= _LARGEST:
            raise NotKafka("it answered something else")
        answer = _receive(connection, size)
    except (ConnectionError, EOFError) as why:
        raise NotKafka("it closed the connection") from why
    if struct.unpack_from(">i", answer)[0] != _CORRELATION:
        raise NotKafka("it answered something else")
    return answer[4:]


def _receive(connection: socket.socket, size: int) -> bytes:
    received = b""
    while len(received) < size:
        part = connection.recv(size - len(received))
        if not part:
            raise EOFError
        received += part
    return received


def _string(value: str) -> bytes:
    return struct.pack(">h", len(value)) + value.encode()
