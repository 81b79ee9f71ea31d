"""The fields that exchanges ask for: read once per distinct list, not once per exchange."""

from __future__ import annotations

import msgspec

Fields = frozenset[str]
NO_FIELDS: Fields = frozenset()
ABSENT = (b"", b"null", b'""')  # how a member looks that is missing, null, or an empty text

_decoder = msgspec.json.Decoder(list[str] | None)


class FieldLists(dict[bytes, Fields | None]):
    """Field lists by their JSON text; None for a text that is no list of names (or null)."""

    LIMIT = 20_000  # agencies ask for some hundred different lists; a flood of others begins anew
    LONGEST = 2_000  # bytes of a text that is kept, so that a flood of long ones stays below 100 MB

    def __missing__(self, text: bytes) -> Fields | None:
        fields: Fields | None = NO_FIELDS
        if text:
            try:
                fields = frozenset(_decoder.decode(text) or ())
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                fields = None
        if len(self) >= self.LIMIT:
            self.clear()
        if len(text) <= self.LONGEST:
            self[text] = fields
        return fields


FIELD_LISTS = FieldLists()
