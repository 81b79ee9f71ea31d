"""The lines of a file that were not counted: the first few for people to see, all of them in a file."""

from __future__ import annotations

import base64
import json
import os
from collections import Counter
from pathlib import Path
from typing import BinaryIO

from monitor.errors import MonitorError
from monitor.events.rejection import Rejection

SHOWN = 10  # enough to see what is wrong with a file
_PRIVATE = 0o600  # what was not understood may hold personal data


class Rejects:
    """Collects what was rejected, and writes it before the transaction that passes it is committed.

    `path` is None when it is only counted. One line an object: `file`, `line` (from 1; of a list, which
    record), `reason`, `detail`, and the original as `body`, or as `body_base64` where it is not UTF-8; of one
    that is too long, its beginning.
    """

    def __init__(self, path: Path | None, name: str, committed: int) -> None:
        """Continue the file at `path` behind the first `committed` lines. Raises MonitorError."""
        self.path = path
        self.counts: Counter[str] = Counter()
        self.first: list[tuple[int, Rejection]] = []
        self._name = name
        self._file: BinaryIO | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, _PRIVATE)
            self._file = os.fdopen(handle, "r+b")
            self._file.truncate(_end_of(self._file, committed))
            self._file.seek(0, os.SEEK_END)
        except OSError as why:
            raise MonitorError(f"{path}: what is rejected cannot be kept: {why.strerror}") from why

    def add(self, number: int, rejection: Rejection, body: bytes) -> None:
        """Note one line; `number` counts from 0. Raises MonitorError when the disk is full."""
        self.counts[rejection.reason] += 1
        if len(self.first) < SHOWN:
            self.first.append((number + 1, rejection))
        if self._file is None:
            return
        entry = {
            "file": self._name,
            "line": number + 1,
            "reason": str(rejection.reason),
            "detail": rejection.detail,
        }
        try:
            entry["body"] = body.decode()
        except UnicodeDecodeError:
            entry["body_base64"] = base64.b64encode(body).decode()
        try:
            self._file.write(json.dumps(entry, ensure_ascii=False).encode() + b"\n")
        except OSError as why:
            raise MonitorError(f"{self.path}: cannot be written: {why.strerror}") from why

    def flush(self) -> None:
        """See to it that a process that is killed after the next transaction has lost none."""
        if self._file is not None:
            try:
                self._file.flush()
            except OSError as why:
                raise MonitorError(f"{self.path}: cannot be written: {why.strerror}") from why

    def close(self) -> None:
        """Close the file, and remove it where nothing is in it."""
        if self._file is not None and self.path is not None:
            empty = self._file.seek(0, os.SEEK_END) == 0
            self._file.close()
            if empty:
                self.path.unlink(missing_ok=True)


def _end_of(file: BinaryIO, committed: int) -> int:
    """Where the entries of committed lines end: a run that was killed may have written more."""
    end = 0
    for line in file:
        try:
            if not line.endswith(b"\n") or json.loads(line)["line"] > committed:
                break
        except (ValueError, KeyError, TypeError):
            break
        end += len(line)
    return end
