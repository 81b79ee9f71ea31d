"""One POST to a receiver that may be slow, gone, lying or hostile, and what came of it, as a value."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import SplitResult, unquote, urlsplit

import aiohttp

from monitor.errors import UsageProblem

TIMEOUT_S = 10.0  # a receiver answers in milliseconds; one that hangs holds up only its own alerts
MAX_ANSWER = 16 * 1024  # bytes read of an answer: enough for a reason; what follows is dropped unread
MAX_REASON = 200  # characters of an answer that are logged and stored
_NAME = 200  # characters of a destination's name in the database
MAX_DOCUMENT = (
    1024 * 1024
)  # bytes read of what is asked for: an Alertmanager's status holds its configuration
_OK = 200
_BROKEN = (aiohttp.ClientError, OSError, ValueError, asyncio.IncompleteReadError)
_WISH_DIGITS = 5  # of a Retry-After in seconds: longer ones are no wish but an attack
_HTTP = ("http", "https")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where to send, with what is secret kept apart from its name.

    `name` is the address without user and password: what logs and the database call it.
    """

    name: str
    url: str
    headers: Mapping[str, str]

    def __repr__(self) -> str:  # headers hold secrets, and a receiver's address may
        return f"Destination({self.name})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a receiver answered: its status, the beginning of its text, and its wish how long to wait."""

    status: int
    reason: str
    retry_after: float | None = None

    @property
    def accepted(self) -> bool:
        """Whether it took what was sent."""
        return 200 <= self.status < 300  # HTTP's own classes


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """That there was none in time, or none that is HTTP, and why."""

    reason: str


def destination(
    address: str, *, user: str | None = None, password: str | None = None, token: str | None = None,
    path: str = "",
) -> Destination:  # fmt: skip
    """Read an address; `path` is appended to it. A user and password in it are used before those given.

    Raises UsageProblem where it is no http or https address.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError as why:
        raise UsageProblem(f"{_shown(address)}: not an address: {why}") from why
    if parts.scheme not in _HTTP or not parts.hostname or parts.fragment:
        raise UsageProblem(f"{_shown(address)}: expected http://HOST:PORT or https://HOST:PORT")
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    if port is not None:
        host = f"{host}:{port}"
    bare = SplitResult(parts.scheme, host, parts.path.rstrip("/") + path, parts.query, "")
    headers: dict[str, str] = {}
    if parts.username is not None:
        user, password = unquote(parts.username), unquote(parts.password or "")
    if user is not None:
        pair = f"{user}:{password or ''}".encode()
        headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
    elif token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return Destination(_name(bare), bare.geturl(), headers)


def _name(bare: SplitResult) -> str:
    # Chat systems put their secret into the path or the query: only its digest is shown and stored.
    secret = bare.path + ("?" + bare.query if bare.query else "")
    digest = hashlib.sha256(secret.encode()).hexdigest()[:12]
    return f"{bare.scheme}://{bare.netloc}"[: _NAME - 14] + f"#{digest}"


def _shown(address: str) -> str:
    """An address as far as it can be shown: without what stands before an @, and not past its host."""
    return address.rpartition("@")[2].split("/")[0][:80] if "@" in address else address[:80]


def client_context(ca_file: Path | None) -> ssl.SSLContext:
    """How receivers' certificates are checked: by the system's authorities, or by those in `ca_file`.

    Raises UsageProblem where the file cannot be used.
    """
    try:
        return ssl.create_default_context(cafile=None if ca_file is None else str(ca_file))
    except (OSError, ssl.SSLError) as why:
        raise UsageProblem(f"{ca_file}: not usable as certificates to trust: {why}") from why


class Poster:
    """Posts JSON bodies; use as an asynchronous context manager."""

    def __init__(self, ca_file: Path | None = None, timeout: float = TIMEOUT_S) -> None:
        self._context = client_context(ca_file)
        self._timeout = timeout
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=20, limit_per_host=4, ssl=self._context),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            cookie_jar=aiohttp.DummyCookieJar(),
            # A small compressed answer may be a huge one.
            auto_decompress=False,
            headers={"User-Agent": "data-sharing-monitor", "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(
        self, to: Destination, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Answer | NoAnswer:
        """Send one body; a redirect is an answer like any other, and is not followed."""
        assert self._session is not None  # noqa: S101  # a defect of the caller
        try:
            async with self._session.post(
                to.url,
                data=body,
                headers={"Content-Type": "application/json", **to.headers, **(headers or {})},
                allow_redirects=False,
            ) as response:
                said = await _beginning(response)
                return Answer(response.status, _readable(said), _seconds(response.headers.get("Retry-After")))
        except TimeoutError:
            return NoAnswer(f"no answer within {self._timeout:g} s")
        except _BROKEN as why:
            return NoAnswer(_readable(str(why).encode("utf-8", "replace")) or type(why).__name__)

    async def get(self, source: Destination) -> bytes | None:
        """What an address says, at most MAX_DOCUMENT bytes of it; None where it says nothing."""
        assert self._session is not None  # noqa: S101  # a defect of the caller
        try:
            async with self._session.get(
                source.url, headers=source.headers, allow_redirects=False
            ) as response:
                return await _beginning(response, MAX_DOCUMENT) if response.status == _OK else None
        except _BROKEN:
            return None


async def _beginning(response: aiohttp.ClientResponse, longest: int = MAX_ANSWER) -> bytes:
    """At most so many bytes of an answer; of one that goes on, the connection is closed."""
    said = b""
    try:
        while len(said) < longest and (piece := await response.content.read(longest - len(said))):
            said += piece
    except (aiohttp.ClientError, OSError):
        pass  # the status has come, and only it decides
    if not response.content.at_eof():
        response.close()
    return said


def _readable(said: bytes) -> str:
    """The beginning of an answer as one line of text, harmless in a log."""
    text = said[: 4 * MAX_REASON].decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_REASON]


def _seconds(value: str | None) -> float | None:
    """Seconds of a Retry-After; a date there is left aside."""
    if value is None or not (value.isascii() and value.isdigit()) or len(value) > _WISH_DIGITS:
        return None
    return float(value)
