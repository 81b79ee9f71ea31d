"""JSON Schema of a rule file, so that an editor completes and checks a rule as it is written."""

from __future__ import annotations

from typing import Any

from alerts.sigma.model import CORRELATIONS, Head
from monitor.registry.schema import DIALECT


def rule_schema() -> dict[str, Any]:
    """The schema of one document: Sigma's head, the `monitor` block, and every type of correlation."""
    schema = Head.model_json_schema()
    definitions: dict[str, Any] = schema.pop("$defs", {})
    kinds: dict[str, Any] = {}
    for name, model in CORRELATIONS.items():
        own = model.model_json_schema()
        definitions.update(own.pop("$defs", {}))
        own["properties"]["type"] = {"const": name}
        kinds[f"correlation-{name.replace('_', '-')}"] = own
    definitions.update(kinds)
    schema["properties"]["correlation"] = {"oneOf": [{"$ref": f"#/$defs/{name}"} for name in kinds]}
    return {
        "$schema": DIALECT,
        **schema,
        "title": "Rule: detection, correlation or filter",
        "$defs": dict(sorted(definitions.items())),
    }
