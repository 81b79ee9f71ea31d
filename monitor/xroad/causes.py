"""Why a call over X-Road failed: fault codes and HTTP statuses sorted into a few causes.

Fault codes are paths such as `Server.ServerProxy.AccessDenied` (X-Road 6 and 7) or
`server.serverproxy.access_denied` (8); their parts are compared in small letters and without `_`.
Source: the error codes of X-Road's common library, and RFC 9110 for HTTP statuses.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from monitor.events.exchange import Outcome


class Cause(StrEnum):
    """What became of a call; also the values of a metric label, so the set is closed."""

    OK = "ok"
    DENIED = "denied"
    UNKNOWN_SERVICE = "unknown_service"
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    SIGNATURE = "signature"
    SCHEMA = "schema"
    OVERLOAD = "overload"
    OTHER = "other"


OUTCOME_OF: Mapping[Cause, Outcome] = MappingProxyType(
    {
        **dict.fromkeys(Cause, "fault"),
        Cause.OK: "ok",
        Cause.DENIED: "denied",
        Cause.TIMEOUT: "timeout",
    }
)
"""The outcome of an exchange by its cause."""

SECURITY_KIND: Mapping[Cause, str] = MappingProxyType(
    {
        Cause.DENIED: "access_denied",
        Cause.UNKNOWN_SERVICE: "unknown_service",
        Cause.CERTIFICATE: "token_rejected",
        Cause.SIGNATURE: "signature_invalid",
    }
)
"""Causes that are a security matter, with the kind of security event that each counts as."""

_PARTS: Mapping[str, Cause] = MappingProxyType(
    {
        **dict.fromkeys(("accessdenied", "forbidden", "unauthorized"), Cause.DENIED),
        **dict.fromkeys(("unknownservice", "unknownmember", "servicemissingurl"), Cause.UNKNOWN_SERVICE),
        **dict.fromkeys(("networktimeout", "sockettimeout", "timeout", "timedout"), Cause.TIMEOUT),
        **dict.fromkeys(
            (
                "sslauthenticationfailed", "certvalidation", "incorrectvalidationinfo",
                "incorrectcertificate", "cannotcreatecertpath", "invalidcertpath", "wrongcertusage",
                "certnotfound",
            ),
            Cause.CERTIFICATE,
        ),
        # Signatures that were checked and found wrong; a server that cannot sign is no attack but a fault.
        **dict.fromkeys(
            (
                "invalidsignaturevalue", "malformedsignature", "missingsignature", "signatureverification",
                "invalidreference", "timestampvalidation", "invalidhashchain", "malformedhashchain",
                "hashchainunusedinputs", "invalidhashchainref", "asicsignaturenotfound",
            ),
            Cause.SIGNATURE,
        ),
        **dict.fromkeys(
            (
                "invalidxml", "malformedsoap", "invalidsoap", "missingsoap", "missingrest", "invalidbody",
                "missingbody", "missingheader", "missingheaderfield", "duplicateheaderfield",
                "inconsistentheaders", "inconsistentresponse", "invalidmessage", "invalidcontenttype",
                "invalidsoapaction", "invalidhttpmethod", "mimeparsingfailed", "invalidprotocolversion",
                "invalidclientidentifier", "servicetype", "invalidrequest", "badrequest",
            ),
            Cause.SCHEMA,
        ),
        **dict.fromkeys(
            ("toomanyrequests", "serviceunavailable", "maintenancemode", "overload", "overloaded"),
            Cause.OVERLOAD,
        ),
    }
)  # fmt: skip
_STATUSES: Mapping[int, Cause] = MappingProxyType(
    {
        **dict.fromkeys((401, 403, 407), Cause.DENIED),
        **dict.fromkeys((408, 504), Cause.TIMEOUT),
        **dict.fromkeys((400, 405, 406, 411, 413, 415, 422), Cause.SCHEMA),
        **dict.fromkeys((429, 503), Cause.OVERLOAD),
    }
)
_FIRST_FAILURE = 400
# Proxies name a wait that was given up only in prose: looked for, and not kept.
_GAVE_UP = ("timed out", "timeout")
_REMEMBERED = 4_096
_LONGEST_CODE = 300


def cause_of(
    succeeded: bool | None, fault_code: str | None, fault_string: str | None, status: int | None
) -> Cause:
    """Sort one half of a call by what its security server says of it.

    `succeeded` decides where it is given; else a fault or an HTTP status from 400 on is a failure. Of a
    failure the fault code is asked first, then its text for a wait that was given up, then the status.
    """
    if succeeded is None:
        succeeded = not fault_code and (status is None or status < _FIRST_FAILURE)
    if succeeded:
        return Cause.OK
    if fault_code:
        found = _of_code(fault_code[:_LONGEST_CODE])
        if found is not Cause.OTHER:
            return found
    if fault_string and any(words in fault_string.lower() for words in _GAVE_UP):
        return Cause.TIMEOUT
    return _STATUSES.get(status, Cause.OTHER) if status is not None else Cause.OTHER


@lru_cache(maxsize=_REMEMBERED)
def _of_code(code: str) -> Cause:
    """The cause of a code's last part that has one: the parts in front say where it happened."""
    for part in reversed(code.replace("_", "").lower().split(".")):
        found = _PARTS.get(part)
        if found is not None:
            return found
    return Cause.OTHER
