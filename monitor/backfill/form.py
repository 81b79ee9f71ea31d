"""How the records of a file stand in it: one a line, in a list, or one after the other."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from monitor.backfill.batch import Place, Splitter
from monitor.backfill.lines import LineSplitter
from monitor.backfill.values import HEAD, ValueSplitter
from monitor.events.problems import UNDECODABLE

HEAD_BYTES = 1024 * 1024  # what is looked at: the first line of a file that is any use is shorter

_any = msgspec.json.Decoder(msgspec.Raw)


class Form(StrEnum):
    """Kept with the file: what was decided at its beginning holds however it grows."""

    LINES = "lines"
    LIST = "list"
    VALUES = "values"


def form_of(head: bytes) -> Form:
    """Tell the form from a file's first bytes."""
    head = head.lstrip()
    if head.startswith(b"["):
        return Form.LIST
    if not head.startswith(b"{"):
        return Form.LINES
    first, broken, _ = head.partition(b"\n")
    try:
        _any.decode(first)
    except UNDECODABLE:
        if HEAD.match(head):
            return Form.LIST
        # `{` alone begins an object over many lines; a line that is closed and yet wrong is a bad line.
        return Form.LINES if broken and first.rstrip().endswith(b"}") else Form.VALUES
    return Form.LINES


def splitter_of(form: Form, read: Callable[[int], bytes], place: Place) -> Splitter:
    """What cuts a stream of that form from a place on, at which `read` stands."""
    if form is Form.LINES:
        return LineSplitter(read, place.digest, place.position, place.number, unbroken=place.unbroken)
    return ValueSplitter(read, place.digest, place.position, place.number, listed=form is Form.LIST)
