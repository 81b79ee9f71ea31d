"""A history file as a stream of bytes: plain or gzip, told by its first bytes, never held whole."""

from __future__ import annotations

import stat
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from monitor.errors import MonitorError, UsageProblem

_READ = 256 * 1024  # bytes asked of the file at a time
_GZIP = b"\x1f\x8b"
_AUTOMATIC_GZIP = 31  # zlib: a window of 32 KiB, with gzip's header and checksum
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_OTHER_ENCODINGS = (b"\xff\xfe", b"\xfe\xff")
_OTHER_FORMATS = {
    b"\x28\xb5\x2f\xfd": "compressed with zstd",
    b"BZh": "compressed with bzip2",
    b"\xfd7zXZ\x00": "compressed with xz",
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "Parquet",
    b"SQLite format 3\x00": "an SQLite database",
}
_LONGEST_MARK = max(map(len, _OTHER_FORMATS))


class Source:
    """An open history file. A byte order mark is left out; positions count unpacked bytes after it.

    `damage` says, once all that could be read was handed out, why there is no more; None at a true end.
    """

    def __init__(self, path: Path) -> None:
        """Open it. Raises UsageProblem for what is no file, MonitorError for what cannot be read."""
        if str(path) == "-":
            raise UsageProblem(
                "standard input cannot be continued after an interruption, nor be told from what was counted "
                "before: write it into a file and name that"
            )
        self.name = path.name
        self.damage: str | None = None
        try:
            found = path.stat()
            if stat.S_ISDIR(found.st_mode):
                raise UsageProblem(f"{path} is a folder: name the files in it")
            if not stat.S_ISREG(found.st_mode):
                raise UsageProblem(f"{path} is no regular file: it could not be read again from a position")
            self._file: BinaryIO = path.open("rb", buffering=0)
        except OSError as why:
            raise MonitorError(f"{path}: cannot be read: {why.strerror}") from why
        self.size = found.st_size
        try:
            head = self._file.read(_LONGEST_MARK)
            self._file.seek(0)
        except OSError as why:
            self._file.close()
            raise MonitorError(f"{path}: cannot be read: {why.strerror}") from why
        for mark, what in _OTHER_FORMATS.items():
            if head.startswith(mark):
                self._file.close()
                raise MonitorError(f"{path}: is {what}; NDJSON, JSON and either of them with gzip are read")
        self._unpacker = zlib.decompressobj(_AUTOMATIC_GZIP) if head.startswith(_GZIP) else None
        self._packed = b""
        self._at_start = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def on_disk(self) -> int:
        """Bytes of the file that were read, packed as they are."""
        return self._file.tell()

    def read(self, size: int) -> bytes:
        """At most `size` unpacked bytes; none at the end. Raises MonitorError for another encoding."""
        data = self._next(size)
        if self._at_start and data:
            self._at_start = False
            while len(data) < len(_BYTE_ORDER_MARK) and (more := self._next(size)):
                data += more
            if data.startswith(_OTHER_ENCODINGS):
                raise MonitorError(
                    f"{self.name}: is UTF-16; write it anew as UTF-8 (iconv -f UTF-16 -t UTF-8)"
                )
            data = data.removeprefix(_BYTE_ORDER_MARK) or self._next(size)
        return data

    def _next(self, size: int) -> bytes:
        if self.damage is not None:
            return b""
        try:
            return self._file.read(size) if self._unpacker is None else self._unpacked(self._unpacker, size)
        except OSError as why:
            self.damage = f"reading it failed: {why.strerror}"
        except zlib.error:
            self.damage = "the gzip is damaged from here on"
        return b""

    def _unpacked(self, unpacker: zlib._Decompress, size: int) -> bytes:
        """The next of what gzip packed; as many members as there are, and zeros after them are nothing."""
        while True:
            if unpacker.eof:
                self._packed = unpacker.unused_data.lstrip(b"\0") or self._file.read(_READ).lstrip(b"\0")
                if not self._packed:
                    return b""
                unpacker = self._unpacker = zlib.decompressobj(_AUTOMATIC_GZIP)
            if not self._packed:
                self._packed = self._file.read(_READ)
                if not self._packed:
                    self.damage = "the gzip is cut off"
                    return b""
            data = unpacker.decompress(self._packed, size)
            self._packed = unpacker.unconsumed_tail
            if data:
                return data
