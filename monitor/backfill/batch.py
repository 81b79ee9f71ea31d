"""What a splitter hands on: some records of a file in a row, and where the file was left after them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from monitor.events.rejection import Rejection


class Digest(Protocol):
    """A hash that is still going on, of hashlib."""

    def update(self, data: bytes, /) -> None:
        """Hash on."""

    def hexdigest(self) -> str:
        """The hash so far."""

    def copy(self) -> Digest:
        """The same, to go on by itself."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records `first` to `first + count`, numbered from 0; for lines a number is a line, blank or not.

    `block` holds whole lines as they stand, with their line breaks, or `records` holds the bodies. `rejected`
    are those that were too long to be kept, by their place in the batch. `end` is the position after them in
    bytes, and `digest` the hash of everything before it. `open` says that nothing marks the last one's end:
    a file that is still written may go on there.
    """

    first: int
    count: int
    end: int
    digest: Digest
    block: bytes | None = None
    records: tuple[bytes, ...] = ()
    rejected: tuple[tuple[int, Rejection], ...] = ()
    open: bool = False

    @property
    def place(self) -> Place:
        """Where to go on behind it."""
        unbroken = self.block is not None and not self.block.endswith(b"\n")
        return Place(self.end, self.first + self.count, self.digest, unbroken)

    def bodies(self) -> list[bytes]:
        """The records one by one, without line breaks."""
        return list(self.records) if self.block is None else self.lines_of(self.block)

    @staticmethod
    def lines_of(block: bytes) -> list[bytes]:
        """Lines without their line breaks."""
        lines = block.split(b"\n")
        if block.endswith(b"\n"):
            lines.pop()
        if b"\r" in block:
            lines = [line.removesuffix(b"\r") for line in lines]
        return lines


@dataclass(frozen=True, slots=True)
class Place:
    """Where to go on in a file: the position in bytes, the number of the record there, the hash before it.

    `unbroken`: what was counted last had no line break behind it.
    """

    position: int
    number: int
    digest: Digest
    unbroken: bool = False

    @classmethod
    def beginning(cls) -> Place:
        """Of a file of which nothing was read."""
        return cls(0, 0, hashlib.sha256())


class Splitter(Protocol):
    """Cuts a stream into batches. `left` says, at the end, what was not cut because it did not end."""

    left: str | None

    def batches(self) -> Iterator[Batch]:
        """The batches, in their order, to the end of the stream."""
