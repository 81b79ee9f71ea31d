"""The parts of an answer: the envelope, and the attachment that it refers to."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from email.message import Message

from monitor.xroad.pull.soap import NotUnderstood, read_envelope

_MOST_PARTS = 10
_BLANK_LINE = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Answer:
    """Records as the server packed them, how many it says they are, and from when to ask next."""

    count: int
    next_from: int | None
    packed: bytes


@dataclass(frozen=True, slots=True)
class _Part:
    headers: Message
    body: bytes

    @property
    def content_id(self) -> str:
        """What the envelope calls it."""
        return str(self.headers.get("content-id", "")).strip().strip("<>")


def read_answer(content_type: str, body: bytes) -> Answer:
    """Read an answer. Raises Fault when the server refused, NotUnderstood when it is something else."""
    outer = Message()
    outer["content-type"] = content_type
    if outer.get_content_maintype() != "multipart":
        if outer.get_content_subtype() in ("xml", "soap+xml"):
            read_envelope(body)  # a fault comes without attachment
            raise NotUnderstood("it has an envelope and no attachment")
        raise NotUnderstood(f"it is {outer.get_content_type()}, and no answer of X-Road")
    boundary = outer.get_boundary()
    if not boundary:
        raise NotUnderstood("it has several parts and does not say where they end")
    parts = _parts(body, boundary.encode("latin-1", "replace"))
    if not parts:
        raise NotUnderstood("it has no part")
    said = read_envelope(parts[0].body)
    attached = next((part for part in parts[1:] if part.content_id == said.attachment), None)
    if attached is None:
        raise NotUnderstood(f"the attachment {said.attachment[:100]!r} is missing")
    return Answer(said.count, said.next_from, _decoded(attached))


def _parts(body: bytes, boundary: bytes) -> list[_Part]:
    """The parts between delimiters (RFC 2046, section 5.1.1). Raises NotUnderstood when some are missing."""
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if len(pieces) > _MOST_PARTS + 2:
        raise NotUnderstood(f"it has {len(pieces) - 2} parts")
    if len(pieces) < 2 or not pieces[-1].startswith(b"--"):
        raise NotUnderstood("it is cut off: its last part has no end")
    parts = []
    for piece in pieces[1:-1]:
        # Blanks may stand behind a delimiter; a part without headers begins with its blank line.
        blanks, _, rest = piece.partition(b"\r\n")
        if blanks.strip():
            raise NotUnderstood("a delimiter of its parts has something behind it")
        head, found, content = (b"\r\n" + rest).partition(_BLANK_LINE)
        if not found:
            raise NotUnderstood("one of its parts has no content")
        headers = Message()
        for line in head.split(b"\r\n"):
            name, colon, value = line.decode("latin-1").partition(":")
            if colon:
                headers[name.strip()] = value.strip()
        parts.append(_Part(headers, content))
    return parts


def _decoded(part: _Part) -> bytes:
    encoding = str(part.headers.get("content-transfer-encoding", "binary")).lower()
    if encoding in ("binary", "8bit", "7bit"):
        return part.body
    if encoding == "base64":
        try:
            return base64.b64decode(part.body)
        except binascii.Error as why:
            raise NotUnderstood(f"its attachment is not base64: {why}") from why
    raise NotUnderstood(f"its attachment is encoded as {encoding[:50]!r}")
