"""Writes small registries for the tests: right as they stand, so that a test shows only what it changes."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import yaml

from monitor.registry.load import load_registry
from monitor.registry.model import Agency, Agreement, Service
from monitor.registry.problems import Problem, RegistryProblems
from monitor.registry.registry import Registry

Values = dict[str, Any]
NAME = {"en": "Name", "vi": "Tên"}


def agency(code: str, **changes: Any) -> Values:
    """An agency as it stands in a file."""
    return {"code": code, "name": NAME, "kind": "ministry", "connection": {"state": "live"}} | changes


def service(name: str = "population.verify-identity", **changes: Any) -> Values:
    """A service as it stands in a file."""
    given = {"provider": "MPS", "name": NAME, "method": "query", "personal_data": "basic"}
    return {"id": name} | given | {"fields": ["full_name", "date_of_birth", "sex"]} | changes


def agreement(name: str = "AGR-1", **changes: Any) -> Values:
    """An agreement as it stands in a file; in force for all of 2026."""
    given = {
        "title": NAME,
        "provider": "MPS",
        "consumer": "MOH",
        "service": "population.verify-identity",
        "status": "active",
        "start": "2026-01-01",
        "end": "2026-12-31",
        "legal_basis": ["Some act, article 1"],
        "purposes": ["health-insurance"],
    }
    return {"id": name} | given | changes


AGENCIES = (agency("MPS"), agency("MOH"), agency("VSS"))
SERVICES = (service(), service("insurance.verify-insured", provider="VSS", fields=["insurance_number"]))

AGREEMENTS = (agreement(),)


def write_folder(
    folder: Path,
    agencies: Any = AGENCIES,
    services: Any = SERVICES,
    agreements: Any = AGREEMENTS,
) -> Path:
    """Write a registry folder with one file a kind: a list of records, one record, or the text itself."""
    for name, content in (("agencies", agencies), ("services", services), ("agreements", agreements)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        plain = list(content) if isinstance(content, tuple) else content
        text = plain if isinstance(plain, str) else dump(plain)
        (folder / name / "all.yaml").write_text(text, encoding="utf-8")
    return folder


class _Dumper(yaml.SafeDumper):
    """Writes no aliases, which a registry refuses."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def dump(values: Any) -> str:
    """YAML as a person would write it: dates bare, keys in their order."""
    return yaml.dump(values, Dumper=_Dumper, allow_unicode=True, sort_keys=False)


def problems_of(folder: Path) -> list[Problem]:
    """The problems for which a folder is refused; fails where it is not refused."""
    try:
        load_registry(folder)
    except RegistryProblems as why:
        return why.problems
    raise AssertionError("the registry was accepted")


def made(*agreements: Values, agencies: Any = AGENCIES, services: Any = SERVICES) -> Registry:
    """A registry of records that came from no file."""
    return Registry.of(
        [Agency.model_validate(each) for each in agencies],
        [Service.model_validate(each) for each in services],
        [Agreement.model_validate(each) for each in agreements],
    )


def refusals(*agreements: Values, agencies: Any = AGENCIES, services: Any = SERVICES) -> list[str]:
    """`field: reason` of every problem between records; empty where they fit together."""
    try:
        made(*agreements, agencies=agencies, services=services)
    except RegistryProblems as why:
        return [f"{problem.field}: {problem.reason}" for problem in why.problems]
    return []


def day(text: str) -> date:
    """2026-10-01 as a date."""
    return date.fromisoformat(text)
