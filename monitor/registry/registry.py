"""The registry in memory: what is agreed between whom, found by code, by service and by pair."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

from monitor.registry.check import crosscheck
from monitor.registry.model import Agency, Agreement, Service
from monitor.registry.problems import RegistryProblems
from monitor.registry.records import Located, R, Records


@dataclass(frozen=True, slots=True, eq=False)
class Registry:
    """Agencies, services and agreements that fit together; it never changes.

    Services and agreements carry the present codes of their agencies, whatever code they were written with.
    """

    agencies: Mapping[str, Agency]  # by present code, in order of code
    services: Mapping[str, Service]  # by id, in order of id
    agreements: tuple[Agreement, ...]  # by id, then version
    canonical: Mapping[str, str]  # every accepted code, present and previous, to the present one
    fingerprint: str  # SHA-256 over the content; neither order, file names nor comments change it
    _pairs: Mapping[tuple[str, str], tuple[Agreement, ...]]

    @classmethod
    def of(
        cls,
        agencies: Iterable[Agency] = (),
        services: Iterable[Service] = (),
        agreements: Iterable[Agreement] = (),
    ) -> Self:
        """Make a registry of records at hand. Raises RegistryProblems where they do not fit together."""
        records = Records()
        records.agencies.located.extend(Located(each) for each in agencies)
        records.services.located.extend(Located(each) for each in services)
        records.agreements.located.extend(Located(each) for each in agreements)
        problems = list(crosscheck(records))
        if problems:
            raise RegistryProblems(problems)
        return cls.of_checked(records)

    @classmethod
    def of_checked(cls, records: Records) -> Self:
        """Make a registry of records in which `crosscheck` found nothing."""
        agencies = sorted((each.record for each in records.agencies.located), key=lambda agency: agency.code)
        canonical = {
            code: agency.code for agency in agencies for code in (agency.code, *agency.previous_codes)
        }
        services = sorted(
            (_present(each.record, canonical, "provider") for each in records.services.located),
            key=lambda service: service.id,
        )
        agreements = sorted(
            (_present(each.record, canonical, "provider", "consumer") for each in records.agreements.located),
            key=lambda one: (one.id, one.version),
        )
        pairs: defaultdict[tuple[str, str], list[Agreement]] = defaultdict(list)
        for one in sorted(agreements, key=lambda one: (one.start, one.id, one.version)):
            pairs[one.consumer, one.service].append(one)
        return cls(
            agencies=MappingProxyType({agency.code: agency for agency in agencies}),
            services=MappingProxyType({service.id: service for service in services}),
            agreements=tuple(agreements),
            canonical=MappingProxyType(canonical),
            fingerprint=_fingerprint(agencies, services, agreements),
            _pairs=MappingProxyType({pair: tuple(versions) for pair, versions in pairs.items()}),
        )

    def agency(self, code: str) -> Agency | None:
        """The agency that has a code or had it before; None where no agency ever did."""
        present = self.canonical.get(code)
        return None if present is None else self.agencies[present]

    def versions(self, consumer: str, service: str) -> tuple[Agreement, ...]:
        """Every version of every agreement of a consumer on a service, whatever its status, by start."""
        return self._pairs.get((self.canonical.get(consumer, consumer), service), ())


def _present(record: R, canonical: Mapping[str, str], *names: str) -> R:
    """The record with its agencies under their present codes."""
    codes = {name: canonical[getattr(record, name)] for name in names}
    changed = {name: code for name, code in codes.items() if code != getattr(record, name)}
    return record.model_copy(update=changed) if changed else record


def _fingerprint(*parts: Iterable[Agency | Service | Agreement]) -> str:
    content = [[each.model_dump(mode="json", exclude_defaults=True) for each in part] for part in parts]
    text = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
