"""A small registry in which every clause, every standing and every kind of service occurs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from monitor.registry.load import Registry
from monitor.registry.model import Agency, Agreement, Service

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
# A Monday, 8:15 in the zone: offices are open.
MONDAY_MORNING = datetime(2026, 10, 5, 1, 15, tzinfo=UTC).timestamp()

CONSUMERS = ("MOH", "MOJ", "HANOI", "HCMC", "DANANG", "TAX", "VSS", "EVN")
_FIELDS = ("full_name", "date_of_birth", "address", "status", "valid_until")
_SERVICES = (
    ("population.verify-identity", "MPS", "query", "sensitive"),
    ("population.changes", "MPS", "sync", "sensitive"),
    ("land.lookup-parcel", "MAE", "query", "basic"),
    ("business.lookup-enterprise", "MOF", "query", "none"),
    ("civil-status.archive", "MOJ", "package", "basic"),
)
_OFFICE = {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "07:30", "until": "17:30"}
_STANDINGS: tuple[dict[str, Any], ...] = (
    {"status": "suspended"},
    {"status": "terminated"},
    {"status": "draft"},
    {"status": "active", "end": "2026-06-30"},
    {"status": "active", "start": "2027-01-01", "end": "2027-12-31"},
    {"status": "terminated", "ended": "2026-10-05"},  # in the night to Tuesday
)


def agency(code: str, **more: Any) -> Agency:
    """An agency with a name made from its code."""
    given = {"kind": "ministry", "connection": {"state": "live"}, "name": {"en": code, "vi": code}}
    return Agency.model_validate({"code": code, **given, **more})


def agreement(number: int, service: Service, consumer: str, **more: Any) -> Agreement:
    """An agreement in force through 2026 and 2027 unless said otherwise."""
    given: dict[str, Any] = {
        "id": f"AGR-2026-{number:04d}",
        "title": {"en": "Example", "vi": "Ví dụ"},
        "provider": service.provider,
        "consumer": consumer,
        "service": service.id,
        "status": "active",
        "start": "2026-01-01",
        "end": "2027-12-31",
        "legal_basis": ["An example"],
        "purposes": ["health-insurance", "tax-refund"],
    }
    return Agreement.model_validate({**given, **more})


def world(**clauses: Any) -> Registry:
    """The registry; `clauses` replace those of every agreement in force, e.g. ceilings."""
    agencies = [agency(code) for code in sorted({*CONSUMERS, "MPS", "MAE", "MOF", "QUIET"})]
    agencies.append(agency("MARD-NEW", previous_codes=["MARD"]))
    services = [
        Service.model_validate(
            {
                "id": service,
                "provider": provider,
                "name": {"en": service, "vi": service},
                "method": method,
                "personal_data": data,
                "fields": _FIELDS,
            }
        )
        for service, provider, method, data in _SERVICES
    ]
    agreements: list[Agreement] = []
    number = 0
    for service in services:
        for consumer in CONSUMERS:
            number += 1
            if consumer == service.provider or (number % 7 == 0 and number > 7):
                continue  # some pairs never agreed on anything
            more: dict[str, Any] = {
                "fields": _FIELDS[: 1 + number % 4] if number % 3 else (),
                "hours": _OFFICE if number % 4 == 1 else None,
                "ceilings": {"records_per_call": 5 if service.method == "query" else 400},
                "case_required": number % 3 == 0,
                "signature_required": number % 5 == 0,
            }
            if number % 6 == 0:
                more = _STANDINGS[number // 6 % len(_STANDINGS)]
            else:
                more |= clauses
            if number % 8 == 4 and more.get("status", "active") == "active" and "end" not in more:
                # Two versions, changing hands in the night to Tuesday; the purposes differ.
                first = {**more, "ended": "2026-10-05", "purposes": ["old-purpose"]}
                agreements.append(agreement(number, service, consumer, **first))
                more = {**more, "version": 2, "start": "2026-10-06"}
            agreements.append(agreement(number, service, consumer, **more))
    return Registry.of(agencies, services, agreements)
