"""Breaches on purpose: each makes an exchange depart from its agreement in one way, and in no other."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING, Any

from monitor.errors import UsageProblem
from monitor.judging.breach import Breach
from monitor.simulation.agenda import Entry, Slice
from monitor.simulation.template import Template, sizes

if TYPE_CHECKING:
    from monitor.registry.load import Registry

Members = dict[str, Any]
KINDS = tuple(kind for kind in Breach if kind is not Breach.DUPLICATE_ID)
"""Breaches that one exchange commits; `duplicate_id` is what a duplicate commits."""

_STANDING = (Breach.AGREEMENT_INACTIVE, Breach.AGREEMENT_EXPIRED, Breach.AGREEMENT_NOT_STARTED)
_OTHER_PURPOSES = ("marketing", "curiosity", "credit-scoring", "recruitment", "media-enquiry")
_OTHER_FIELDS = ("biometric_template", "bank_account", "religion", "telephone_contacts", "medical_history")
_UNUSED_SERVICES = ("population.export-everything", "archive.read-unlisted", "admin.list-users")
_STRANGERS = 40  # invented agency codes and pairs without agreement: enough variety, bounded
_TIMES_CEILING = 5  # records exceed their ceiling by up to this factor
_TRIES = 8  # draws for a pair with room before its kind is left for another


class Offender:
    """Chooses which breach is committed and by whom, among those that the moment allows."""

    def __init__(self, registry: Registry, kinds: tuple[Breach, ...], rng: Random) -> None:
        if wrong := [kind for kind in kinds if kind not in KINDS]:
            raise UsageProblem(f"breach {', '.join(wrong)}: choose among {', '.join(KINDS)}")
        self._kinds = kinds
        self._rng = rng
        self._unknown_codes = _unknown_codes(registry, rng)
        self._unknown_services = [one for one in _UNUSED_SERVICES if one not in registry.services]
        self._service_of_other = sorted(
            (service.id, service.provider) for service in registry.services.values()
        )
        self._without_agreement = _without_agreement(registry, rng)
        self._change: dict[Breach, Callable[[Members, Template], None]] = {
            Breach.NO_AGREEMENT: self._ask_without_agreement,
            Breach.PURPOSE_MISSING: self._leave_out("purpose"),
            Breach.PURPOSE_NOT_PERMITTED: self._other_purpose,
            Breach.FIELDS_EXCEEDED: self._more_fields,
            Breach.RECORDS_EXCEEDED: self._more_records,
            Breach.CASE_MISSING: self._leave_out("case"),
            Breach.UNSIGNED: self._unsign,
            Breach.UNKNOWN_AGENCY: self._unknown_agency,
            Breach.UNKNOWN_SERVICE: self._unknown_service,
        }

    def choose(self, now: Slice) -> tuple[Breach, Template] | None:
        """A breach and who commits it, its call already taken from the day's room; None when none can be."""
        for kind in self._rng.sample(self._kinds, len(self._kinds)):
            if kind in (Breach.NO_AGREEMENT, Breach.UNKNOWN_AGENCY, Breach.UNKNOWN_SERVICE):
                # These only borrow a pair's template: the call is not counted against its agreement.
                entry = now.draw() if self._can_be(kind) else None
                if entry is not None:
                    return kind, entry.template
            elif kind in _STANDING:
                if templates := now.day.standing.get(kind):
                    return kind, self._rng.choice(templates)
            elif kind is Breach.QUOTA_EXCEEDED:
                if spent := [entry for entry in now.limited if entry.left <= 0]:
                    return kind, self._rng.choice(spent).template
            elif (entry := self._with_room(kind, now)) is not None:
                entry.left -= 1
                return kind, entry.template
        return None

    def commit(self, kind: Breach, exchange: Members, chosen: Template) -> None:
        """Change the members of an exchange that keeps its agreement so that it commits the breach."""
        change = self._change.get(kind)
        if change is not None:  # the others lie in the moment or in the agreement, not in the exchange
            change(exchange, chosen)

    def _can_be(self, kind: Breach) -> bool:
        return bool(self._without_agreement) if kind is Breach.NO_AGREEMENT else True

    def _with_room(self, kind: Breach, now: Slice) -> Entry | None:
        """A pair whose agreement has the clause that the breach needs, and room for one call more."""
        if kind in (Breach.PURPOSE_MISSING, Breach.PURPOSE_NOT_PERMITTED):
            return now.draw()
        candidates = now.with_clause(kind)
        for _ in range(_TRIES if candidates else 0):
            entry = self._rng.choice(candidates)
            if entry.left > 0:
                return entry
        return None

    def _ask_without_agreement(self, exchange: Members, _: Template) -> None:
        provider, consumer, service = self._rng.choice(self._without_agreement)
        exchange.update(provider=provider, consumer=consumer, service=service)
        exchange.pop("agreement", None)

    def _leave_out(self, name: str) -> Callable[[Members, Template], None]:
        def change(exchange: Members, _: Template) -> None:
            if self._rng.random() < 0.5:
                exchange.pop(name, None)
            else:
                exchange[name] = None

        return change

    def _other_purpose(self, exchange: Members, chosen: Template) -> None:
        others = [one for one in _OTHER_PURPOSES if one not in chosen.agreement.purposes]
        exchange["purpose"] = self._rng.choice(others) if others else "no-permitted-purpose-at-all"

    def _more_fields(self, exchange: Members, chosen: Template) -> None:
        offered = (*chosen.service.fields, *_OTHER_FIELDS)
        beyond = [one for one in offered if one not in chosen.agreement.fields]
        exchange["fields"] = [*(exchange.get("fields") or ()), self._rng.choice(beyond)]

    def _more_records(self, exchange: Members, chosen: Template) -> None:
        ceiling = chosen.agreement.ceilings.records_per_call
        assert ceiling is not None  # noqa: S101  # chosen for having one
        records = self._rng.randint(ceiling + 1, ceiling * _TIMES_CEILING)
        exchange["records"] = records
        exchange["response_bytes"] = sizes(chosen, records, 0)[1]

    def _unsign(self, exchange: Members, _: Template) -> None:
        exchange["signed"] = self._rng.choice((False, None))

    def _unknown_agency(self, exchange: Members, _: Template) -> None:
        exchange[self._rng.choice(("provider", "consumer"))] = self._rng.choice(self._unknown_codes)

    def _unknown_service(self, exchange: Members, _: Template) -> None:
        others = [one for one, provider in self._service_of_other if provider != exchange["provider"]]
        exchange["service"] = self._rng.choice([*self._unknown_services, *others[:_STRANGERS]])


def _unknown_codes(registry: Registry, rng: Random) -> list[str]:
    return [
        code
        for code in (f"X{rng.randrange(10_000):04d}" for _ in range(_STRANGERS))
        if code not in registry.canonical
    ]


def _without_agreement(registry: Registry, rng: Random) -> list[tuple[str, str, str]]:
    """Some (provider, consumer, service) of registered names between whom nothing was ever agreed."""
    consumers, services = sorted(registry.agencies), sorted(registry.services)
    found = []
    for _ in range(_STRANGERS * 4):
        consumer, service = rng.choice(consumers), registry.services[rng.choice(services)]
        if consumer != service.provider and not registry.versions(consumer, service.id):
            found.append((service.provider, consumer, service.id))
    return sorted(set(found))[:_STRANGERS]
