"""Kinds of security events: the ones the monitor knows, how grave each usually is, and its label."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

SEVERITIES = ("informational", "low", "medium", "high", "critical")
"""Words of severities 1 to 5, as OCSF has them."""

_INFORMATIONAL, _LOW, _MEDIUM, _HIGH, _CRITICAL = range(1, 6)

USUAL_SEVERITY: Mapping[str, int] = MappingProxyType(
    {
        # who comes in, and with what
        "sign_in_ok": _INFORMATIONAL,
        "sign_in_failed": _LOW,
        "sign_out": _INFORMATIONAL,
        "credential_use": _INFORMATIONAL,  # a certificate or token at work: whose, from where
        "token_rejected": _MEDIUM,
        "certificate_expiring": _LOW,
        "certificate_expired": _MEDIUM,
        "certificate_revoked": _HIGH,
        "signature_invalid": _HIGH,
        "body_tampered": _HIGH,
        "replay": _MEDIUM,
        # what is asked for
        "access_denied": _LOW,
        "unknown_service": _LOW,
        "data_access": _INFORMATIONAL,
        "data_changed": _INFORMATIONAL,
        "bulk_export": _HIGH,
        "off_hours_access": _MEDIUM,
        "watched_subject": _HIGH,
        # who may do what
        "user_added": _LOW,
        "user_removed": _LOW,
        "rights_changed": _LOW,
        "config_changed": _LOW,
        "config_change_failed": _LOW,
        # whether anybody is looking
        "log_gap": _HIGH,
        "service_down": _MEDIUM,
        # what others found out
        "detection": _MEDIUM,
        "malware": _HIGH,
        "incident": _HIGH,
        "leak_suspected": _HIGH,
        "leak_confirmed": _CRITICAL,
    }
)
"""The closed set of kinds with the severity of one whose sender gives none."""

OTHER = "other"
LONGEST_KIND = 64

_names: dict[str, int] = {word: number for number, word in enumerate(SEVERITIES, 1)} | {
    "info": _INFORMATIONAL,
    "fatal": _CRITICAL,  # OCSF's sixth: graver than critical is told as critical
}
_BETWEEN_WORDS = re.compile(r"[^a-z0-9]+")


def label(kind: str) -> str:
    """The kind as a metric's label and in counts: itself when it is listed, else `other`."""
    return kind if kind in USUAL_SEVERITY else OTHER


def kind_of(text: str) -> str:
    """A kind as it is kept: small ASCII letters, digits and `_`; empty when nothing of the text is left."""
    return _BETWEEN_WORDS.sub("_", text.lower()).strip("_")[:LONGEST_KIND]


def severity_of(value: int | str | None) -> int | None:
    """1 to 5 from a number or from OCSF's word for it; None for anything else."""
    if isinstance(value, str):
        return _names.get(value.strip().lower())
    return value if value is not None and 1 <= value <= len(SEVERITIES) else None
