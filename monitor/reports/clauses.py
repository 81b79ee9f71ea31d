"""Which clauses of an agreement yield a check, which are stated and not monitored, and which only describe.

Every field of the registry's agreement is in exactly one of the three tables, under its path in the file; a
test holds them to the model, so that a new field is an answer somebody gave. A clause that is not monitored
is listed wherever an agreement states it: it binds its parties, and nothing here notices when it is broken.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Final

from pydantic import BaseModel

from monitor.judging.breach import Breach
from monitor.registry.model import Agreement, Service
from monitor.reports.model import Clause

MONITORED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "provider": Breach.NO_AGREEMENT,
        "consumer": Breach.NO_AGREEMENT,
        "service": Breach.NO_AGREEMENT,
        "status": Breach.AGREEMENT_INACTIVE,
        "start": Breach.AGREEMENT_NOT_STARTED,
        "end": Breach.AGREEMENT_EXPIRED,
        "ended": Breach.AGREEMENT_EXPIRED,
        "dates.review": "review",
        "purposes": Breach.PURPOSE_NOT_PERMITTED,
        "fields": Breach.FIELDS_EXCEEDED,
        "hours.days": Breach.OUTSIDE_HOURS,
        "hours.start": Breach.OUTSIDE_HOURS,
        "hours.until": Breach.OUTSIDE_HOURS,
        "ceilings.calls_per_day": Breach.QUOTA_EXCEEDED,
        "ceilings.records_per_call": Breach.RECORDS_EXCEEDED,
        "case_required": Breach.CASE_MISSING,
        "signature_required": Breach.UNSIGNED,
        "objectives.availability": "availability",
        "objectives.latency.limit_ms": "latency",
        "objectives.latency.ratio": "latency",
        "objectives.errorRate": "error_rate",
        "objectives.frequency": "freshness",
    }
)
"""Field -> the breach, the objective or the duty that watches it."""

UNMONITORED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "procedures": "exchanges name a purpose and a case, not the procedure",
        "objectives.retention": "what a consumer keeps is not seen from exchanges",
        "objectives.timeToNotify": "no event tells when a fault was made known",
        "allowed_systems": "exchanges do not name the calling system or its certificate",
        "security_level": "no event tells how data is protected where it is used",
        "onward_sharing": "what a consumer passes on is not seen from exchanges",
        "impact_assessment": "only its reference is known, not whether it still holds",
        "security_clearance": "only its reference is known, not whether it still holds",
    }
)
"""Field -> why nothing checks it."""

DESCRIPTIVE: Final[frozenset[str]] = frozenset(
    {
        "id",
        "version",
        "title.en",
        "title.vi",
        "form",
        "dates.signed",
        "dates.registered",
        "legal_basis",
        "benefits.en",
        "benefits.vi",
        "contact_provider",
        "contact_consumer",
    }
)
"""Fields that bind nobody to anything that could be checked."""

# Those of which every agreement has a value: naming them for each would say nothing.
_ALWAYS: Final = frozenset({"provider", "consumer", "service", "status", "start", "end"})


def leaves(model: type[BaseModel], within: str = "") -> Iterator[str]:
    """The paths of all fields of a model and of the models in it."""
    for name, field in model.model_fields.items():
        inner = _model_of(field.annotation)
        path = f"{within}{name}"
        if inner is None:
            yield path
        else:
            yield from leaves(inner, f"{path}.")


def clauses(agreement: Agreement, service: Service) -> Clause:
    """What an agreement states, or its service for it, and which of that is monitored.

    Freshness is watched only where data is synchronised: of other services an agreed frequency is stated and
    not monitored.
    """
    from monitor.objectives.slo import SYNCHRONISES

    stated = {_clause(path) for path in _stated(agreement) if path not in DESCRIPTIVE}
    stated |= {
        _clause(f"objectives.{path}") for path in _stated(service.objectives)
    }  # the service's hold where an agreement names none
    unmonitored = {each for each in stated if each in UNMONITORED}
    if "objectives.frequency" in stated and service.method not in SYNCHRONISES:
        unmonitored.add("objectives.frequency")
    return Clause(
        agreement=agreement.id,
        version=agreement.version,
        provider=agreement.provider,
        consumer=agreement.consumer,
        service=agreement.service,
        unmonitored=tuple(sorted(unmonitored)),
        monitored=tuple(sorted(stated - unmonitored - _ALWAYS)),
    )


def _clause(path: str) -> str:
    """Fields that only together say something are one clause: hours, latency."""
    for together in ("hours", "objectives.latency"):
        if path.startswith(f"{together}."):
            return together
    return path


def _stated(record: BaseModel, within: str = "") -> Iterable[str]:
    """The paths of the fields that were given a value which binds: neither absent nor empty.

    `onward_sharing` binds where it is refused, which is what its absence means; it is stated where written.
    """
    for name in type(record).model_fields:
        value = getattr(record, name)
        if isinstance(value, BaseModel):
            yield from _stated(value, f"{within}{name}.")
        elif (value is not None and value not in ((), False)) or (
            name == "onward_sharing" and name in record.model_fields_set
        ):
            yield f"{within}{name}"


def _model_of(annotation: object) -> type[BaseModel] | None:
    from typing import get_args

    for each in (annotation, *get_args(annotation)):
        if isinstance(each, type) and issubclass(each, BaseModel):
            return each
    return None
