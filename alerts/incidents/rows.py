"""Incidents as rows, and back."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import msgspec
from sqlalchemy import RowMapping

from alerts.incidents.model import Change, Incident
from alerts.incidents.words import Tier
from monitor.storage.upsert import Row

_LISTS: Final = ("categories", "services", "agreements", "alerts", "events")


def to_row(incident: Incident) -> Row:
    """All columns of its row."""
    row: Row = {**asdict(incident), "tier": int(incident.tier)}
    del row["aliases"]  # rows of their own
    for name in (*_LISTS, "slots"):
        row[name] = to_json(row[name])
    return row


def to_incident(row: RowMapping) -> Incident:
    """The incident of a row."""
    values: dict[str, Any] = dict(row)
    for name in _LISTS:
        values[name] = tuple(msgspec.json.decode(values[name], type=list[str]))
    values["slots"] = msgspec.json.decode(values["slots"], type=dict[str, str])
    values["tier"] = Tier(values["tier"])
    return Incident(**values)


def to_change(row: RowMapping) -> Change:
    """The line of the audit trail of a row."""
    values = msgspec.json.decode(row["changed"], type=dict[str, object])
    return Change(row["incident"], row["number"], row["at"], row["desk"], row["what"], values)


def to_json(value: Any) -> str:
    """JSON as people and databases read it; times in RFC 3339."""
    return msgspec.json.encode(value, enc_hook=_plain).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} is not stored")
