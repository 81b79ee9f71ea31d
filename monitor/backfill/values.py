"""A stream of JSON that is not one object a line: a list, `{"records": […]}`, or objects over many lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from monitor.backfill.batch import Batch, Digest
from monitor.backfill.lines import BLOCK_BYTES, KEPT_BYTES
from monitor.events.decode import MAX_BODY_BYTES
from monitor.events.rejection import Reason, Rejection

_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
# What most records are: members of plain values, and lists of them. One call instead of one a token.
_PLAIN = rb'[^{}\[\]"]*+'
_FLAT_LIST = rb"\[" + _PLAIN + rb"(?:" + _STRING + _PLAIN + rb")*+\]"
_FLAT = re.compile(
    rb"\{" + _PLAIN + rb"(?:(?:" + _STRING + rb"|" + _FLAT_LIST + rb")" + _PLAIN + rb")*+\}", re.DOTALL
)
_TOKEN = re.compile(_STRING + rb'|["{}\[\]]', re.DOTALL)
_BETWEEN = re.compile(rb"[\s,]*+")
_STRAY = re.compile(rb"(?:" + _STRING + rb'|[^\s,"{}\[\]])++|[\]}]', re.DOTALL)
_STRING_END = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)
_STRUCTURE = re.compile(rb'["{}\[\]]')
_STRAY_END = re.compile(rb'[\s,"{}\[\]]')
# An array, or an object whose first members are plain and whose next is the list of records.
HEAD = re.compile(
    rb'\s*+(?:\[|\{(?:\s*+"[^"\\]*+"\s*+:\s*+(?:"[^"\\]*+"|[-+.\w]++)\s*+,)*+\s*+"records"\s*+:\s*+\[)'
)
_OBJECT_OR_LIST = re.compile(rb"[{\[]")
_OPENING, _CLOSING, _QUOTE, _BACKSLASH, _END_OF_LIST = b"{[", b"}]", ord('"'), b"\\", ord("]")


class ValueSplitter:
    """Cuts objects from `position` (bytes), where record `number` begins; `digest` has hashed what is before.

    `listed` says that the records stand in an array, whose head must still be passed when `position` is 0.
    """

    def __init__(
        self, read: Callable[[int], bytes], digest: Digest, position: int, number: int, *, listed: bool
    ) -> None:
        self.left: str | None = None
        self._read = read
        self._digest = digest
        self._position = position
        self._number = number
        self._listed = listed
        self._ended = False
        self._behind = b""  # what was read behind a record that is too long

    def batches(self) -> Iterator[Batch]:
        """As many records as lie in what is read at a time; a record over the limit is passed over.

        What lies between two records belongs to the later one: after the last, a list that grows goes on.
        """
        buffer = self._after_head() if self._listed and not self._position else b""
        while self.left is None:
            bodies, end = self._cut(buffer)
            if bodies:
                yield self._batch(buffer[:end], tuple(bodies))
                buffer = buffer[end:]
            if self._ended:
                self._note_behind(buffer)
                return
            if len(buffer) > MAX_BODY_BYTES:
                yield from self._pass_over(buffer)
                buffer = self._behind
                continue
            data = self._read(BLOCK_BYTES)
            if not data:
                self._note_rest(buffer)
                return
            buffer += data

    def _after_head(self) -> bytes:
        buffer = b""
        while len(buffer) <= MAX_BODY_BYTES and (data := self._read(BLOCK_BYTES)):
            buffer += data
            match = HEAD.match(buffer)
            if match is not None:
                self._consume(buffer[: match.end()])
                return buffer[match.end() :]
        self.left = "its list of records does not begin"
        return b""

    def _note_rest(self, buffer: bytes) -> None:
        if _BETWEEN.fullmatch(buffer) is None:
            self.left = f"record {self._number + 1} does not end"
        elif self._listed:
            self.left = "the list of records does not end"

    def _note_behind(self, buffer: bytes) -> None:
        """Plain members may follow the list of records; another list would be records not counted."""
        while buffer:
            if _OBJECT_OR_LIST.search(buffer):
                self.left = f"what stands behind its list of {self._number} records was not read"
                return
            buffer = self._read(BLOCK_BYTES)

    def _cut(self, buffer: bytes) -> tuple[list[bytes], int]:
        """The records that are whole, and where the last of them ends."""
        bodies: list[bytes] = []
        position = end = 0
        while True:
            match = _BETWEEN.match(buffer, position)
            position = match.end() if match else position
            if position == len(buffer):
                return bodies, end
            first = buffer[position]
            if first in _OPENING:
                stop = _end_of_value(buffer, position)
            elif first == _END_OF_LIST and self._listed:
                self._ended = True
                return bodies, end
            else:
                stray = _STRAY.match(buffer, position)
                stop = stray.end() if stray and stray.end() < len(buffer) else None
            if stop is None:
                return bodies, end
            bodies.append(buffer[position:stop])
            position = end = stop

    def _pass_over(self, buffer: bytes) -> Iterator[Batch]:
        """Read to the end of a record that is too long, keeping none of it; or past as many blanks."""
        match = _BETWEEN.match(buffer)
        start = match.end() if match else 0
        self._behind = b""
        if start == len(buffer):
            yield self._batch(buffer, ())
            return
        self._consume(buffer[:start])
        skip, data, size = _Skip(buffer[start]), buffer[start:], 0
        kept = data[:KEPT_BYTES]
        while (stop := skip.end_in(data)) is None:
            used = len(data) - len(skip.carried)
            size += used
            self._consume(data[:used])
            more = self._read(BLOCK_BYTES)
            if not more:
                self.left = f"record {self._number + 1} has {size} bytes and no end"
                return
            data = skip.carried + more
        size += stop
        self._behind = data[stop:]
        said = f"the record has {size} bytes; {MAX_BODY_BYTES} are allowed"
        yield self._batch(data[:stop], (kept,), ((0, Rejection(Reason.OVERSIZED, said)),))

    def _consume(self, data: bytes) -> None:
        self._digest.update(data)
        self._position += len(data)

    def _batch(
        self, data: bytes, records: tuple[bytes, ...], rejected: tuple[tuple[int, Rejection], ...] = ()
    ) -> Batch:
        self._consume(data)
        first, self._number = self._number, self._number + len(records)
        return Batch(
            first,
            len(records),
            self._position,
            self._digest.copy(),
            records=records,
            rejected=rejected,
        )


class _Skip:
    """Finds the end of a value piece by piece, remembering only how deep it is."""

    def __init__(self, first: int) -> None:
        self.carried = b""  # a backslash at the end of a piece: it belongs to what follows
        self._depth = 0
        self._in_string = False
        self._plain = first not in _OPENING and first != _QUOTE

    def end_in(self, data: bytes) -> int | None:
        """Where the value ends in the next piece; None when it goes on."""
        if self._plain:
            found = _STRAY_END.search(data)
            return found.start() if found else None
        self.carried = b""
        position = 0
        while True:
            if self._in_string:
                closed = _STRING_END.match(data, position)
                if closed is None:
                    if (len(data) - len(data.rstrip(_BACKSLASH))) % 2:
                        self.carried = _BACKSLASH
                    return None
                position = closed.end()
                self._in_string = False
            else:
                found = _STRUCTURE.search(data, position)
                if found is None:
                    return None
                position = found.end()
                token = data[found.start()]
                self._in_string = token == _QUOTE
                self._depth += (token in _OPENING) - (token in _CLOSING)
            if not self._depth and not self._in_string:
                return position


def _end_of_value(buffer: bytes, start: int) -> int | None:
    """Where the object or list that begins at `start` ends; None when it is not whole."""
    flat = _FLAT.match(buffer, start)
    if flat is not None:
        return flat.end()
    depth = 0
    for token in _TOKEN.finditer(buffer, start):
        kind = buffer[token.start()]
        if kind == _QUOTE:
            if token.end() - token.start() == 1:  # a string that does not end in here
                return None
        elif kind in _OPENING:
            depth += 1
        else:
            depth -= 1
            if not depth:
                return token.end()
    return None
