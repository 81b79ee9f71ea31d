"""JSON Schemas of the registry's files, so that an editor completes and checks them as they are written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from monitor.errors import MonitorError
from monitor.registry.model import Agency, Agreement, Service

KINDS: dict[str, type[BaseModel]] = {"agency": Agency, "service": Service, "agreement": Agreement}
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema_of(kind: str) -> dict[str, Any]:
    """The schema of a file of one kind (`agency`, `service`, `agreement`): a record or a list of records."""
    model = KINDS[kind]
    record = model.model_json_schema()
    definitions = record.pop("$defs", {})
    definitions[model.__name__] = record
    reference = {"$ref": f"#/$defs/{model.__name__}"}
    return {
        "$schema": DIALECT,
        "title": f"Registry file: {kind}",
        "anyOf": [reference, {"type": "array", "items": reference}],
        "$defs": dict(sorted(definitions.items())),
    }


def schema_files() -> dict[str, str]:
    """File name and text of every schema."""
    return {
        f"{kind}.schema.json": json.dumps(schema_of(kind), indent=2, ensure_ascii=False) + "\n"
        for kind in KINDS
    }


def write_schemas(folder: Path) -> list[Path]:
    """Write every schema into a folder, which is made where it is missing; raises MonitorError."""
    written = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in schema_files().items():
            path = folder / name
            path.write_text(text, encoding="utf-8")
            written.append(path)
    except OSError as why:
        raise MonitorError(f"cannot write schemas to {folder}: {why.strerror}") from why
    return written
