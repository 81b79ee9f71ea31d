"""A stream of lines, cut into blocks of whole lines; a line that is too long is passed over, not kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from monitor.backfill.batch import Batch, Digest
from monitor.events.decode import MAX_BODY_BYTES
from monitor.events.rejection import Reason, Rejection

# Some two hundred exchanges: few enough to stay in a processor's own cache from decoding to counting.
BLOCK_BYTES = 64 * 1024
KEPT_BYTES = 1000  # of a line that is too long


class LineSplitter:
    """Cuts from `position` (bytes), where line `number` begins; `digest` has hashed what lies before.

    `unbroken` says that the line before it was counted without its line break, which may have come since.
    """

    def __init__(
        self,
        read: Callable[[int], bytes],
        digest: Digest,
        position: int = 0,
        number: int = 0,
        *,
        unbroken: bool = False,
    ) -> None:
        self.left: str | None = None
        self._read = read
        self._digest = digest
        self._position = position
        self._number = number
        self._unbroken = unbroken

    def batches(self) -> Iterator[Batch]:
        """Whole lines; then what stands after the last line break, marked as open."""
        rest = b""
        while data := self._read(BLOCK_BYTES):
            if self._unbroken:
                data = self._past_line_break(data)
            cut = data.rfind(b"\n") + 1
            if cut:
                block, rest = rest + data[:cut], data[cut:]
                yield self._batch(block, _breaks_in(block))
            elif len(rest) + len(data) <= MAX_BODY_BYTES:
                rest += data
            else:
                batch, rest = self._pass_over(rest + data)
                if batch is None:
                    return
                yield batch
                if b"\n" in rest:
                    cut = rest.rfind(b"\n") + 1
                    block, rest = rest[:cut], rest[cut:]
                    yield self._batch(block, _breaks_in(block))
        if rest:
            yield self._batch(rest, 1, open_=True)

    def _past_line_break(self, data: bytes) -> bytes:
        """Take a line break at the very beginning for the end of the line before."""
        self._unbroken = False
        found = next((mark for mark in (b"\r\n", b"\n") if data.startswith(mark)), b"")
        self._digest.update(found)
        self._position += len(found)
        return data[len(found) :]

    def _batch(self, block: bytes, count: int, *, open_: bool = False) -> Batch:
        self._digest.update(block)
        self._position += len(block)
        first, self._number = self._number, self._number + count
        return Batch(first, count, self._position, self._digest.copy(), block, open=open_)

    def _pass_over(self, begun: bytes) -> tuple[Batch | None, bytes]:
        """Read to the end of a line that is too long; return its batch, and what was read behind it."""
        kept, size = begun[:KEPT_BYTES], 0
        data = begun
        while True:
            cut = data.find(b"\n") + 1
            line = data[:cut] if cut else data
            size += len(line)
            self._digest.update(line)
            if cut:
                break
            data = self._read(BLOCK_BYTES)
            if not data:
                self.left = f"line {self._number + 1} has {size} bytes and no end"
                return None, b""
        self._position += size
        first, self._number = self._number, self._number + 1
        said = f"the line has {size - 1} bytes; {MAX_BODY_BYTES} are allowed"
        rejected = ((0, Rejection(Reason.OVERSIZED, said)),)
        batch = Batch(first, 1, self._position, self._digest.copy(), records=(kept,), rejected=rejected)
        return batch, data[cut:]


def _breaks_in(block: bytes) -> int:
    """The line breaks of a block: leaving them out takes a third of the time of counting them."""
    return len(block) - len(block.replace(b"\n", b""))
