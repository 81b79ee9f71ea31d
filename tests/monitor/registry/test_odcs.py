"""Agreements as data contracts: nothing is lost there and back, and what is written is of the standard."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from monitor.registry.drafts import FILL_IN
from monitor.registry.load import load_registry
from monitor.registry.model import Agreement
from monitor.registry.odcs import from_odcs, to_odcs
from tests.monitor.registry.test_command import run
from tests.monitor.registry.writing import agreement, service, write_folder

EXAMPLE = Path(__file__).parents[3] / "deploy" / "registry"
SYNCED = (service(method="sync"),)  # only data that is synchronised can be too old
FULL = agreement(
    "AGR-2026-0012",
    version=3,
    form="default",
    status="terminated",
    ended="2026-06-30",
    dates={"signed": "2025-12-01", "registered": "2025-12-15", "review": "2026-06-01"},
    procedures=["1.004222"],
    benefits={"en": "No paper", "vi": "Không cần giấy tờ"},
    fields=["full_name", "date_of_birth"],
    hours={"days": ["mon", "sat"], "from": "07:30", "until": "17:00"},
    ceilings={"calls_per_day": 1000, "records_per_call": 1},
    case_required=True,
    signature_required=True,
    objectives={
        "availability": 0.995,
        "latency": {"limit_ms": 350.5, "ratio": 0.99},
        "errorRate": 0.01,
        "frequency": "PT15M",
        "retention": "P2Y",
        "timeToNotify": "P1DT1H",
    },
    allowed_systems=["CN=moh-esb"],
    security_level=3,
    onward_sharing=True,
    impact_assessment="DPIA-7",
    security_clearance="SC-9",
    contact_provider="office@mps.example",
    contact_consumer="office@moh.example",
)


def _there_and_back(one: Agreement, contract: dict[str, Any]) -> None:
    imported = from_odcs(yaml.safe_load(yaml.safe_dump(contract, allow_unicode=True)))
    assert imported.missing == ()
    assert imported.unread == ()
    assert Agreement.model_validate(imported.agreement) == one


def _problems(contract: dict[str, Any]) -> list[str]:
    schema = json.loads(files("open_data_contract_standard").joinpath("schema.json").read_text())
    return [each.message for each in jsonschema.Draft201909Validator(schema).iter_errors(contract)]


def test_an_agreement_with_everything_comes_back_as_it_was(tmp_path: Path) -> None:
    """Every field, in the standard's places and in custom properties; and it is a valid contract."""
    found = load_registry(write_folder(tmp_path, services=SYNCED, agreements=[FULL]))
    (one,) = found.agreements
    contract = to_odcs(one, found.services[one.service])
    assert _problems(contract) == []
    levels = {each["property"]: each for each in contract["slaProperties"]}
    assert levels["availability"] == {"property": "availability", "value": 99.5, "unit": "%"}
    assert levels["retention"] == {"property": "retention", "value": 730, "unit": "d"}
    assert levels["timeToNotify"]["value"] == 25
    assert set(levels) == {"availability", "latency", "errorRate", "frequency", "retention", "timeToNotify"}
    assert "price" not in contract
    _there_and_back(one, contract)


def test_every_agreement_of_the_example_comes_back_as_it_was() -> None:
    """The whole example registry, with drafts, old versions and agreements without limits."""
    found = load_registry(EXAMPLE)
    assert len(found.agreements) > 20
    for one in found.agreements:
        contract = to_odcs(one, found.services.get(one.service))
        assert _problems(contract) == [], one.id
        _there_and_back(one, contract)


def test_a_contract_of_others_is_a_draft_that_says_what_is_missing() -> None:
    """What it tells is read, in whatever units; what it lacks is marked; what has no place is named."""
    imported = from_odcs(
        {
            "apiVersion": "v3.1.0",
            "kind": "DataContract",
            "id": "53581432-6c55-4ba2-a65f-72344a91553a",
            "version": "1.1.0",
            "status": "active",
            "schema": [{"name": "tbl", "properties": [{"name": "txn_ref_dt"}]}],
            "price": {"priceAmount": 9.95},
            "slaProperties": [
                {"property": "availability", "value": "99.9%"},
                {"property": "latency", "value": 4, "unit": "s"},
                {"property": "retention", "value": 3, "unit": "y"},
                {"property": "frequency", "value": "often", "unit": "d"},
                {"property": "generalAvailability", "value": "2022-05-12"},
            ],
        }
    )
    assert imported.agreement["version"] == 1
    assert imported.agreement["status"] == "active"
    assert imported.agreement["objectives"] == {
        "availability": 0.999,
        "latency": {"limit_ms": 4000.0},
        "retention": f"P{3 * 365}D",
    }
    assert {"title", "provider", "consumer", "start", "end", "legal_basis", "purposes"} <= set(
        imported.missing
    )
    assert imported.agreement["provider"] == FILL_IN
    said = "\n".join(imported.unread)
    assert "price has no place" in said
    assert "'often'" in said
    assert "generalAvailability" in said


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        [],
        "text",
        {"kind": "Other"},
        {"kind": "DataContract", "apiVersion": "v2.2.2"},
        {"kind": "DataContract", "apiVersion": None},
    ],
)
def test_what_is_no_contract_is_refused_with_the_reason(wrong: object) -> None:
    """Never half read."""
    with pytest.raises(ValueError, match=r"data contract|apiVersion"):
        from_odcs(wrong)


@pytest.mark.parametrize("value", [True, None, [], {}, "", "nan", -1, 1e400, "1e999999"])
@pytest.mark.parametrize("name", ["availability", "latency", "errorRate", "frequency", "retention"])
def test_odd_values_of_objectives_are_told_and_left_out(name: str, value: object) -> None:
    """Whatever stands there, the rest is read."""
    level = {"property": name, "value": value, "unit": "d"}
    imported = from_odcs({"kind": "DataContract", "apiVersion": "v3.0.2", "slaProperties": [level]})
    assert "objectives" not in imported.agreement
    assert any(name in each for each in imported.unread)


def test_the_commands_write_files_and_read_them(tmp_path: Path) -> None:
    """A registry, out as contracts and in again, is the same; a wrong file imports nothing."""
    write_folder(tmp_path / "reg", services=SYNCED, agreements=[FULL, agreement("AGR-2", consumer="VSS")])
    done = run(tmp_path, "export-odcs", "--out", "odcs", MONITOR_REGISTRY="reg")
    assert done.returncode == 0, done.stderr
    names = sorted(path.name for path in (tmp_path / "odcs").iterdir())
    assert names == ["AGR-2-v1.odcs.yaml", "AGR-2026-0012-v3.odcs.yaml"]
    done = run(
        tmp_path, "import-odcs", *(f"odcs/{name}" for name in names), "--out", "reg/agreements/all.yaml"
    )
    assert (done.returncode, done.stderr) == (0, "")
    read = {each.id: each for each in load_registry(tmp_path / "reg").agreements}
    assert read["AGR-2026-0012"].objectives.timeToNotify == timedelta(hours=25)
    (tmp_path / "wrong.yaml").write_text("kind: [", encoding="utf-8")
    done = run(tmp_path, "import-odcs", "wrong.yaml", f"odcs/{names[0]}", "--out", "new.yaml")
    assert done.returncode == 1
    assert "wrong.yaml:" in done.stderr
    assert not (tmp_path / "new.yaml").exists()
    assert run(tmp_path, "export-odcs", "AGR-9", "--out", "x", MONITOR_REGISTRY="reg").returncode == 2
