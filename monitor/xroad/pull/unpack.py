"""The records of an answer, one by one, whatever it unpacks to: never all of it in memory."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator

import msgspec

from monitor.backfill.values import ValueSplitter
from monitor.xroad.pull.answer import Answer
from monitor.xroad.pull.soap import NotUnderstood

# A hundred thousand records of a kilobyte; security servers send ten thousand at a time by default.
MOST_UNPACKED = 256 * 1024 * 1024
_GZIP = 31  # zlib: a window of 32 KiB, with gzip's header and checksum


class _Identity(msgspec.Struct, gc=False):
    """What both halves of a call have in common."""

    clientXRoadInstance: str | None = None  # noqa: N815  # X-Road's names
    clientMemberClass: str | None = None  # noqa: N815
    clientMemberCode: str | None = None  # noqa: N815
    xRequestId: str | None = None  # noqa: N815
    messageId: str | None = None  # noqa: N815


_identity = msgspec.json.Decoder(_Identity)


def key_of(record: bytes) -> bytes | None:
    """The key under which a record is published, so that both halves of a call meet in one partition.

    It is the client's member, so that all calls of one consumer are counted in one place, as those of a day
    must be; of a record that does not say it, what else both halves say.
    """
    try:
        known = _identity.decode(record)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    member = (known.clientXRoadInstance, known.clientMemberClass, known.clientMemberCode)
    parts = [part for part in member if part]
    name = "/".join(parts) if len(parts) == len(member) else known.xRequestId or known.messageId
    return None if name is None else name.encode()


def check(answer: Answer) -> None:
    """Read an answer to its end before anything of it is used. Raises NotUnderstood when it is not whole."""
    count = sum(1 for _ in records(answer))
    if count != answer.count:
        raise NotUnderstood(f"it has {count} records and says that they are {answer.count}")


def records(answer: Answer) -> Iterator[bytes]:
    """The records as they stand. Raises NotUnderstood where they end before they should, or never do."""
    stream = _Unpacked(answer.packed)
    splitter = ValueSplitter(stream.read, hashlib.sha256(), 0, 0, listed=True)
    for batch in splitter.batches():
        if batch.rejected:
            raise NotUnderstood(batch.rejected[0][1].detail)
        yield from batch.records
    if splitter.left is not None:
        raise NotUnderstood(f"its attachment is cut off: {splitter.left}")
    stream.finish()


class _Unpacked:
    def __init__(self, packed: bytes) -> None:
        self._unpacker = zlib.decompressobj(_GZIP)
        self._packed = packed
        self._size = 0

    def read(self, size: int) -> bytes:
        """At most so many bytes more."""
        if self._unpacker.eof:
            return b""
        try:
            data = self._unpacker.decompress(self._packed, size)
        except zlib.error as why:
            raise NotUnderstood(f"its attachment is no gzip: {why}") from why
        self._packed = self._unpacker.unconsumed_tail
        self._size += len(data)
        if self._size > MOST_UNPACKED:
            raise NotUnderstood(f"its attachment unpacks to more than {MOST_UNPACKED >> 20} MiB")
        return data

    def finish(self) -> None:
        """Read what is left, and hold its checksum against it."""
        while self.read(65536):
            pass
        if not self._unpacker.eof:
            raise NotUnderstood("its attachment is cut off")
