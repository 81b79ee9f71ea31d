"""What a decoder found wrong, as a reason and a sentence that holds nothing of the value itself."""

from __future__ import annotations

import msgspec

from monitor.events.rejection import Reason, Rejection

# Hostile bodies reach all of these: bad syntax, bad UTF-8, nesting deeper than the decoder's stack.
UNDECODABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def rejection_of(problem: Exception) -> Rejection:
    """Name what msgspec found: its messages end in ` - at `$.field``."""
    if not isinstance(problem, msgspec.ValidationError):
        return Rejection(Reason.NOT_JSON, shortened(problem))
    message = str(problem)
    field = message.rpartition("$")[2].strip(".`")
    if "missing required field" in message:
        reason = Reason.MISSING_FIELD
    elif field.endswith("outcome"):
        reason = Reason.UNKNOWN_OUTCOME
    elif field.endswith("time"):
        reason = Reason.INVALID_TIME
    elif ">= 0" in message:
        reason = Reason.NEGATIVE_COUNT
    else:
        reason = Reason.INVALID_FIELD
    return Rejection(reason, shortened(problem))


def shortened(problem: Exception) -> str:
    """A sentence for people; never the value itself, which may hold personal data."""
    message = str(problem) or type(problem).__name__
    if isinstance(problem, UnicodeDecodeError):
        return f"not UTF-8 at byte {problem.start}"
    if "Invalid enum value" in message:
        message = "not one of the accepted values" + message[message.rfind(" - at ") :]
    return message[:300]
