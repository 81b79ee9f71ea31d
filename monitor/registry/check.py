"""Whether records fit together: codes once, references known, one version in force on any day.

Objectives are checked with them (`objectives.py`), as what an agreement's can do depends on its service.
"""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import timedelta
from itertools import pairwise
from typing import TypeVar

from monitor.registry.model import Agency, Agreement, Service
from monitor.registry.objectives import check_objectives
from monitor.registry.problems import Problem
from monitor.registry.records import Located, Part, R, Records
from monitor.registry.xroad import check_xroad

K = TypeVar("K", bound=Hashable)


def crosscheck(records: Records) -> Iterator[Problem]:
    """Yield everything that is wrong between records; each of them is right by itself."""
    canonical: dict[str, str] = {}
    yield from _codes(records.agencies, canonical)
    yield from _parents(records.agencies, canonical)
    yield from _services(records, canonical)
    yield from _agreements(records, canonical)
    yield from _versions(records.agreements.located, canonical)
    yield from _overlaps(records.agreements.located, canonical)
    yield from check_objectives(records)
    yield from check_xroad(records)


def _codes(part: Part[Agency], canonical: dict[str, str]) -> Iterator[Problem]:
    """Codes and previous codes are one name space; fills `canonical` with the accepted ones."""
    owners: dict[str, Located[Agency]] = {}
    for each in part.located:
        code = each.record.code
        if code in owners:
            yield each.problem(f"{code} is there already{_at(owners[code])}", "code")
        else:
            owners[code] = each
            canonical[code] = code
    for each in part.located:
        for index, code in enumerate(each.record.previous_codes):
            if code in owners:
                owner = owners[code]
                how = "the code" if owner.record.code == code else "a previous code"
                reason = f"{code} is {how} of {owner.name}{_at(owner)}; a code belongs to one agency"
                yield each.problem(reason, "previous_codes", index)
            else:
                owners[code] = each
                canonical[code] = each.record.code


def _parents(part: Part[Agency], canonical: dict[str, str]) -> Iterator[Problem]:
    parents: dict[str, str] = {}
    for each in part.located:
        parent = each.record.parent
        if parent is None:
            continue
        if parent not in canonical:
            yield from _unknown(each, part, "agency", "parent", parent)
        else:
            parents[each.record.code] = canonical[parent]
    for each in part.located:
        chain = [each.record.code]
        while (above := parents.get(chain[-1])) is not None and above not in chain:
            chain.append(above)
        if above == each.record.code:
            yield each.problem(f"is under itself: {' under '.join([*chain, above])}", "parent")


def _services(records: Records, canonical: dict[str, str]) -> Iterator[Problem]:
    first: dict[str, Located[Service]] = {}
    for each in records.services.located:
        service = each.record
        if service.id in first:
            yield each.problem(f"{service.id} is there already{_at(first[service.id])}", "id")
        first.setdefault(service.id, each)
        if service.provider not in canonical:
            yield from _unknown(each, records.agencies, "agency", "provider", service.provider)


def _agreements(records: Records, canonical: dict[str, str]) -> Iterator[Problem]:
    services = {each.record.id: each.record for each in records.services.located}
    for each in records.agreements.located:
        one = each.record
        for role, code in (("provider", one.provider), ("consumer", one.consumer)):
            if code not in canonical:
                yield from _unknown(each, records.agencies, "agency", role, code)
        # Two codes of one agency are left alone: agreements from before a merger are history, not a mistake.
        if one.consumer == one.provider:
            yield each.problem(f"{one.consumer} cannot be the consumer of its own service", "consumer")
        service = services.get(one.service)
        if service is None:
            yield from _unknown(each, records.services, "service", "service", one.service)
            continue
        offered_by = canonical.get(service.provider, service.provider)
        if canonical.get(one.provider, one.provider) != offered_by:
            yield each.problem(
                f"{one.service} is a service of {service.provider}, not of {one.provider}", "provider"
            )
        for index, name in enumerate(one.fields):
            if name not in service.fields:
                offered = (
                    f"it offers {', '.join(service.fields)}" if service.fields else "it offers no fields"
                )
                yield each.problem(f"{name} is not a field of {one.service}; {offered}", "fields", index)


def _versions(located: Iterable[Located[Agreement]], canonical: dict[str, str]) -> Iterator[Problem]:
    """Versions of one agreement: each number once, later numbers start later, the pair stays the same."""
    for versions in _grouped(located, lambda one: one.id).values():
        versions.sort(key=lambda each: each.record.version)
        for before, each in pairwise(versions):
            old, new = before.record, each.record
            if old.version == new.version:
                yield each.problem(
                    f"version {new.version} of {new.id} is there already{_at(before)}", "version"
                )
                continue
            if new.start <= old.start:
                reason = (
                    f"version {new.version} starts {new.start}, not after version {old.version} ({old.start})"
                )
                yield each.problem(reason, "start")
            if canonical.get(old.consumer, old.consumer) != canonical.get(new.consumer, new.consumer):
                yield each.problem(
                    f"version {old.version} is for {old.consumer}; another consumer needs its own agreement",
                    "consumer",
                )
            if old.service != new.service:
                yield each.problem(
                    f"version {old.version} is for {old.service}; another service needs its own agreement",
                    "service",
                )


def _overlaps(located: Iterable[Located[Agreement]], canonical: dict[str, str]) -> Iterator[Problem]:
    """On any day one version at most holds for a consumer and a service; drafts do not hold yet."""
    settled = (each for each in located if each.record.status != "draft")
    for versions in _grouped(
        settled, lambda one: (canonical.get(one.consumer, one.consumer), one.service)
    ).values():
        versions.sort(key=lambda each: (each.record.start, each.record.id, each.record.version))
        latest = versions[0]
        for each in versions[1:]:
            old, new = latest.record, each.record
            if (old.id, old.version) != (new.id, new.version) and new.start <= old.last_day:
                until = min(old.last_day, new.last_day)
                reason = (
                    f"{new.id} version {new.version} is in force from {new.start} to {until} together with "
                    f"{old.id} version {old.version}{_at(latest)}, for the same consumer and service"
                )
                if new.start > old.start:
                    reason += f"; where the earlier one ended, write ended: {new.start - timedelta(days=1)}"
                yield each.problem(reason, "start")
            if new.last_day > old.last_day:
                latest = each


def _grouped(
    located: Iterable[Located[Agreement]], key: Callable[[Agreement], K]
) -> dict[K, list[Located[Agreement]]]:
    groups: defaultdict[K, list[Located[Agreement]]] = defaultdict(list)
    for each in located:
        groups[key(each.record)].append(each)
    return groups


def _unknown(
    each: Located[R], where: Part[Agency] | Part[Service], kind: str, field: str, name: str
) -> Iterator[Problem]:
    """Say that a name is unknown, unless that may be no more than the consequence of another problem."""
    if where.excuses(name):
        return
    near = difflib.get_close_matches(name, where.names(), n=1)
    yield each.problem(f"there is no {kind} {name}{f'; did you mean {near[0]}?' if near else ''}", field)


def _at(each: Located[R]) -> str:
    return f" ({each.place})" if each.place else ""
