"""Who is who on X-Road: members and services by the registry's patterns, and what is wrong with those."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import combinations

from monitor.registry.model import Agency, Service
from monitor.registry.patterns import covers, matches, narrowest, overlap
from monitor.registry.problems import Problem
from monitor.registry.records import Located, R, Records

ANY = "*"
MEMBER_PARTS, SERVICE_PARTS = 4, 3
# Kinds of names that no record holds, as the ledger notes them: whole members, and services with theirs.
MEMBER_GAP, SERVICE_GAP = "xroad-member", "xroad-service"
_REMEMBERED = 20_000  # names looked up, of members and of services: a platform has some hundred of each


def member_pattern(written: str) -> str:
    """A member as it is written in the registry with all its parts: without a subsystem, any."""
    return "/".join([*written.split("/"), *[ANY] * MEMBER_PARTS][:MEMBER_PARTS])


def service_pattern(written: str) -> str:
    """A service as it is written in the registry with all its parts: without a version, any."""
    return "/".join([*written.split("/"), *[ANY] * SERVICE_PARTS][:SERVICE_PARTS])


class XroadNames:
    """Looks up the agency of a member and the service of a service code.

    Of several patterns that match, the narrowest holds: the registry's check sees to it that there is one.
    """

    def __init__(self, agencies: Mapping[str, Agency], services: Mapping[str, Service]) -> None:
        self._members = {
            member_pattern(written): agency.code for agency in agencies.values() for written in agency.xroad
        }
        self._services: dict[str, dict[str, str]] = {}
        for service in services.values():
            known = self._services.setdefault(service.provider, {})
            known.update({service_pattern(written): service.id for written in service.xroad})
        self.agency = lru_cache(maxsize=_REMEMBERED)(self._agency)
        self.service = lru_cache(maxsize=_REMEMBERED)(self._service)

    def holds(self, kind: str, name: str) -> bool:
        """Whether a name that was noted as a gap of a kind is mapped; one of another kind never is."""
        if kind not in (MEMBER_GAP, SERVICE_GAP):
            return False
        parts = [*name.split("/"), *[""] * (MEMBER_PARTS + 2)]
        agency = self.agency(*parts[:MEMBER_PARTS])
        if kind == MEMBER_GAP or agency is None:
            return agency is not None and kind == MEMBER_GAP
        return self.service(agency, *parts[MEMBER_PARTS - 1 : MEMBER_PARTS + 2]) is not None

    def _agency(self, instance: str, member_class: str, member: str, subsystem: str) -> str | None:
        """The agency's code of a member with one of its subsystems; None where no pattern matches."""
        return _found(self._members, "/".join(map(_part, (instance, member_class, member, subsystem))))

    def _service(self, provider: str, subsystem: str, code: str, version: str) -> str | None:
        """The id of a service of an agency; None where no pattern matches."""
        return _found(self._services.get(provider, {}), "/".join(map(_part, (subsystem, code, version))))


def check_xroad(records: Records) -> Iterator[Problem]:
    """Yield every two patterns of different owners that one name could match, neither being the narrower."""
    agencies = [
        (each, index, member_pattern(written))
        for each in records.agencies.located
        for index, written in enumerate(each.record.xroad)
    ]
    yield from _clashes(agencies)
    by_provider: dict[str, list[tuple[Located[Service], int, str]]] = {}
    for each in records.services.located:
        for index, written in enumerate(each.record.xroad):
            of = by_provider.setdefault(each.record.provider, [])
            of.append((each, index, service_pattern(written)))
    for patterns in by_provider.values():
        yield from _clashes(patterns)


def _clashes(patterns: list[tuple[Located[R], int, str]]) -> Iterator[Problem]:
    for (one, _, first), (other, index, second) in combinations(patterns, 2):
        if one is other or not overlap(first, second):
            continue
        if first != second and (covers(first, second) or covers(second, first)):
            continue
        place = f" ({one.place})" if one.place else ""
        reason = f"{second} and {first} of {one.name}{place} can both match one name, and neither is narrower"
        yield other.problem(reason, "xroad", index)


def _found(patterns: Mapping[str, str], name: str) -> str | None:
    pattern = narrowest(each for each in patterns if matches(each, name))
    return None if pattern is None else patterns[pattern]


def _part(text: str) -> str:
    """A part of a name; X-Road forbids `/` in identifiers, and one that has it anyway is no other's."""
    return text.replace("/", "\ufffd")
