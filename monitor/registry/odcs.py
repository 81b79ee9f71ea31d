"""Agreements as data contracts of the Open Data Contract Standard (ODCS v3.0.2), and back.

What both know has its place in the standard: service levels, fields, roles, status, support. What only an
agreement has goes into `customProperties` under the name that it has here, so that nothing is lost on the way
back. A price there is none.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from monitor.registry.drafts import FILL_IN
from monitor.registry.model import Agreement, Objectives, Service

API_VERSION: Final = "v3.0.2"
READ_VERSIONS: Final = re.compile(r"v3\.\d{1,3}\.\d{1,3}")
_STATUSES: Final = {
    "draft": "draft",
    "registered": "proposed",
    "active": "active",
    "suspended": "deprecated",
    "terminated": "retired",
}
_AND_BACK: Final = {theirs: ours for ours, theirs in _STATUSES.items()}
# Under which names agreements keep what the standard has no place for.
_OURS: Final = (
    "form", "start", "end", "ended", "dates", "legal_basis", "purposes", "procedures", "benefits", "hours",
    "ceilings", "case_required", "signature_required", "allowed_systems", "security_level", "onward_sharing",
    "impact_assessment", "security_clearance",
)  # fmt: skip
_DURATIONS: Final = ("frequency", "retention", "timeToNotify")
_UNITS: Final = (
    ("d", timedelta(days=1)),
    ("h", timedelta(hours=1)),
    ("m", timedelta(minutes=1)),
    ("s", timedelta(seconds=1)),
)
_UNIT_NAMES: Final = {
    **dict.fromkeys(("y", "yr", "year", "years"), timedelta(days=365)),
    **dict.fromkeys(("w", "week", "weeks"), timedelta(weeks=1)),
    **dict.fromkeys(("d", "day", "days"), timedelta(days=1)),
    **dict.fromkeys(("h", "hr", "hour", "hours"), timedelta(hours=1)),
    **dict.fromkeys(("m", "min", "minute", "minutes"), timedelta(minutes=1)),
    **dict.fromkeys(("s", "sec", "second", "seconds"), timedelta(seconds=1)),
    **dict.fromkeys(("ms", "millisecond", "milliseconds"), timedelta(milliseconds=1)),
}
_CLOCK: Final = len("07:30")  # a time as registries have it; pydantic adds seconds
_PERCENT: Final = ("%", "percent", "percentage", "pct")


def to_odcs(agreement: Agreement, service: Service | None) -> dict[str, Any]:
    """The data contract of one version of an agreement; `service` adds what the fields belong to."""
    plain = agreement.model_dump(mode="json", by_alias=True, exclude_none=True, exclude_defaults=True)
    for edge in ("from", "until"):
        if edge in plain.get("hours", {}):
            plain["hours"][edge] = plain["hours"][edge][:_CLOCK]
    fields = agreement.fields or (service.fields if service else ())
    custom: dict[str, Any] = {"titleVi": agreement.title.vi, "status": agreement.status}
    custom |= {_camel(name): plain[name] for name in _OURS if name in plain}
    if not agreement.fields:
        custom["fieldsUnlimited"] = True  # the fields below are those of the service
    contract: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": agreement.id,
        "name": agreement.title.en,
        "version": str(agreement.version),
        "status": _STATUSES[agreement.status],
        "dataProduct": agreement.service,
        "description": {
            "purpose": ", ".join(agreement.purposes),
            "limitations": "; ".join(agreement.legal_basis),
        },
        "schema": [
            {
                "name": agreement.service,
                "logicalType": "object",
                # Names are known, types are not; newer schemas want one, and text holds all.
                "properties": [{"name": name, "logicalType": "string"} for name in fields],
            }
        ],
        "roles": [
            {"role": agreement.provider, "access": "provide", "description": "provider"},
            {"role": agreement.consumer, "access": "read", "description": "consumer"},
        ],
        "slaProperties": _levels(agreement.objectives),
        "support": [
            {"channel": side, "tool": "email", "url": f"mailto:{mailbox}"}
            for side, mailbox in (
                ("provider", agreement.contact_provider),
                ("consumer", agreement.contact_consumer),
            )
            if mailbox
        ],
        "customProperties": [{"property": name, "value": value} for name, value in custom.items()],
    }
    if service is not None and service.database:
        contract["domain"] = service.database
    return {name: value for name, value in contract.items() if value != []}


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _levels(of: Objectives) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if of.availability is not None:
        found.append({"property": "availability", "value": _percent(of.availability), "unit": "%"})
    if of.latency is not None:
        level = {"property": "latency", "value": of.latency.limit_ms, "unit": "ms"}
        found.append(level | {"valueExt": of.latency.ratio})
    if of.errorRate is not None:
        found.append({"property": "errorRate", "value": _percent(of.errorRate), "unit": "%"})
    for name in _DURATIONS:
        held: timedelta | None = getattr(of, name)
        if held is not None:
            unit, size = next(each for each in _UNITS if not held % each[1])
            found.append({"property": name, "value": held // size, "unit": unit})
    return found


def _percent(ratio: float) -> float:
    return float(f"{ratio * 100:.10g}")  # 99.5, not 99.50000000000001


# Back


@dataclass(frozen=True, slots=True)
class Imported:
    """An agreement as it stands in a registry's file, and what a person must look at.

    `missing` are fields that the contract does not tell, marked FILL-IN; `unread` says what of the contract
    has no place in an agreement or could not be understood.
    """

    agreement: dict[str, Any]
    missing: tuple[str, ...]
    unread: tuple[str, ...]


_READ: Final = {
    "apiVersion", "kind", "id", "name", "version", "status", "dataProduct", "description", "schema", "roles",
    "slaProperties", "support", "customProperties", "domain",
}  # fmt: skip


def from_odcs(contract: object) -> Imported:
    """Read a data contract of any version 3. Raises ValueError, with the reason, for what is none."""
    if not isinstance(contract, Mapping):
        raise ValueError("is no data contract: expected a mapping")
    if contract.get("kind") != "DataContract":
        raise ValueError("is no data contract: kind is not DataContract")
    version = str(contract.get("apiVersion"))
    if not READ_VERSIONS.fullmatch(version):
        raise ValueError(f"apiVersion {version[:20]} is not read; accepted: v3.0.0 to the newest v3")
    unread = [f"{name} has no place in an agreement" for name in contract if name not in _READ]
    custom = {
        str(each.get("property")): each.get("value")
        for each in _mappings(contract.get("customProperties"), "customProperties", unread)
    }
    found: dict[str, Any] = {"id": _text(contract.get("id"))}
    if (number := str(contract.get("version", "1")).split(".")[0].lstrip("v")).isdecimal():
        found["version"] = int(number)
    else:
        unread.append(f"version {contract.get('version')!r} begins with no whole number")
    title = _text(contract.get("name"))
    found["title"] = {"en": title, "vi": _text(custom.pop("titleVi", None))}
    _parties(contract, found, unread)
    schema = _mappings(contract.get("schema"), "schema", unread)
    found["service"] = _text(contract.get("dataProduct") or (schema[0].get("name") if schema else None))
    if len(schema) > 1:
        unread.append(f"schema has {len(schema)} objects; an agreement is about one service")
    theirs = str(contract.get("status"))
    found["status"] = custom.pop("status", None) or _AND_BACK.get(theirs, FILL_IN)
    for name in _OURS:
        if _camel(name) in custom:
            found[name] = custom.pop(_camel(name))
    for name in ("start", "end", "legal_basis", "purposes"):
        found.setdefault(name, [FILL_IN] if name in ("legal_basis", "purposes") else FILL_IN)
    if not custom.pop("fieldsUnlimited", False) and schema:
        names = [
            _text(each.get("name")) for each in _mappings(schema[0].get("properties"), "properties", unread)
        ]
        if names:
            found["fields"] = names
    objectives = _objectives(_mappings(contract.get("slaProperties"), "slaProperties", unread), unread)
    if objectives:
        found["objectives"] = objectives
    _contacts(_mappings(contract.get("support"), "support", unread), found, unread)
    unread += [f"customProperties.{name} has no place in an agreement" for name in custom]
    missing = [name for name, value in found.items() if FILL_IN in str(value)]
    return Imported(_plain(found), tuple(missing), tuple(unread))


def _plain(value: Any) -> Any:
    """The same as plain mappings and lists: what was read from a file knows its lines, too."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    return [_plain(each) for each in value] if isinstance(value, list) else value


def _text(value: object) -> str:
    return value if isinstance(value, str) and value else FILL_IN


def _mappings(value: object, name: str, unread: list[str]) -> list[Mapping[str, Any]]:
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        unread.append(f"{name} is no list of mappings")
        return []
    return list(value)


def _parties(contract: Mapping[str, Any], found: dict[str, Any], unread: list[str]) -> None:
    found["provider"] = found["consumer"] = FILL_IN
    for role in _mappings(contract.get("roles"), "roles", unread):
        side = role.get("description")
        if side in ("provider", "consumer"):
            found[side] = _text(role.get("role"))
        else:
            unread.append(f"role {str(role.get('role'))[:60]!r} is neither provider nor consumer")


def _objectives(levels: list[Mapping[str, Any]], unread: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    readers: dict[str, Callable[[Mapping[str, Any]], Any]] = {
        "availability": _ratio,
        "errorRate": _ratio,
        "latency": _latency,
        **dict.fromkeys(_DURATIONS, _duration),
    }
    for level in levels:
        name = str(level.get("property"))
        reader = readers.get(name)
        if reader is None:
            unread.append(f"slaProperties.{name[:60]} is no objective of an agreement")
            continue
        try:
            found[name] = reader(level)
        except (TypeError, ValueError, KeyError, OverflowError):
            unread.append(
                f"slaProperties.{name}: {level.get('value')!r} {level.get('unit') or ''} is not understood"
            )
    return found


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        raise TypeError
    return float(str(value).removesuffix("%").strip())


def _ratio(level: Mapping[str, Any]) -> float:
    """A share: 99.5 with the unit %, 99.5%, or 0.995 with none."""
    value = _number(level["value"])
    percent = level.get("unit") in _PERCENT or str(level["value"]).strip().endswith("%")
    share = float(f"{value / 100:.12g}") if percent else value
    if not 0 < share < 1:
        raise ValueError
    return share


def _span(level: Mapping[str, Any]) -> timedelta:
    span = _number(level["value"]) * _UNIT_NAMES[str(level.get("unit", "")).lower()]
    if span <= timedelta(0):
        raise ValueError
    return span


def _latency(level: Mapping[str, Any]) -> dict[str, float]:
    found = {"limit_ms": _span(level) / timedelta(milliseconds=1)}
    if level.get("valueExt") is not None:
        found["ratio"] = _ratio({"value": level["valueExt"]})
    return found


def _duration(level: Mapping[str, Any]) -> str:
    span = _span(level)
    seconds = span // timedelta(seconds=1)
    if not seconds:
        raise ValueError
    days, rest = divmod(seconds, 86_400)
    return f"P{f'{days}D' if days else ''}{f'T{rest}S' if rest else ''}"


def _contacts(channels: list[Mapping[str, Any]], found: dict[str, Any], unread: list[str]) -> None:
    for channel in channels:
        side, url = channel.get("channel"), str(channel.get("url"))
        if side in ("provider", "consumer") and url.startswith("mailto:"):
            found[f"contact_{side}"] = url.removeprefix("mailto:")
        else:
            unread.append(f"support {str(side)[:60]!r} is no mailbox of provider or consumer")
