"""The JSON Schemas accept what the loader accepts and refuse what editors can know to be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from monitor.registry.documents import read_document
from monitor.registry.schema import schema_of
from tests.monitor.registry.test_example import FOLDER, RECORDS
from tests.monitor.registry.writing import agency, agreement, service

FOLDERS = {"agencies": "agency", "services": "service", "agreements": "agreement"}


def errors(kind: str, document: Any) -> list[Any]:
    """What a validator says about a document."""
    schema = schema_of(kind)
    Draft202012Validator.check_schema(schema)
    return list(Draft202012Validator(schema).iter_errors(document))


@pytest.mark.parametrize("path", RECORDS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_the_example_keeps_its_schemas(path: Path) -> None:
    """What loads shows no error in an editor."""
    assert FOLDER in path.parents
    assert errors(FOLDERS[path.parent.name], read_document(path)) == []


@pytest.mark.parametrize(
    ("kind", "record"), [("agency", agency("MPS")), ("service", service()), ("agreement", agreement())]
)
def test_one_record_and_a_list_are_accepted(kind: str, record: dict[str, Any]) -> None:
    """A file holds either; an unknown field is an error in both."""
    assert not errors(kind, record)
    assert not errors(kind, [record, record])
    assert errors(kind, record | {"unknown": 1})
    assert errors(kind, [record | {"unknown": 1}])


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "live"},
        {"hours": {"from": "7:00"}},
        {"objectives": {"availability": 1.0}},
        {"objectives": {"retention": "30 days"}},
        {"purposes": []},
        {"version": 0},
    ],
)
def test_mistakes_show_while_writing(changes: dict[str, Any]) -> None:
    """Forms and limits of single fields are in the schema."""
    assert errors("agreement", agreement(**changes))
