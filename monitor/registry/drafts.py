"""Drafts of records for names that the registry lacks: what is known is filled in, the rest is marked."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from monitor.registry.model import (
    Agency,
    AgencyCode,
    Connection,
    Service,
    ServiceId,
    XroadMember,
    XroadService,
)
from monitor.registry.xroad import ANY, MEMBER_PARTS

_OR_LAST_LINE = "\n# Of a body or service that is there already, only the last line, into its record."
# No choice of any field and no agency's code: a record that was not completed is refused.
FILL_IN = "FILL-IN"

_code, _id = TypeAdapter(AgencyCode), TypeAdapter(ServiceId)
_member, _offered = TypeAdapter(XroadMember), TypeAdapter(XroadService)


def draft_agencies(codes: Iterable[tuple[str, str]]) -> str:
    """YAML for a file in `agencies/`; each code with a remark, which becomes a comment."""
    return _drafts("agencies/", codes, _code, _agency)


def draft_services(ids: Iterable[tuple[str, str]]) -> str:
    """YAML for a file in `services/`; each id with a remark, which becomes a comment."""
    return _drafts("services/", ids, _id, _service)


def draft_xroad_members(names: Iterable[tuple[str, str]]) -> str:
    """YAML for a file in `agencies/`; each name is INSTANCE/CLASS/MEMBER/SUBSYSTEM, with a remark."""
    return _drafts("agencies/", names, _member, _xroad_member, _OR_LAST_LINE)


def draft_xroad_services(names: Iterable[tuple[str, str]]) -> str:
    """YAML for a file in `services/`; each name is a member's, with /SERVICE/VERSION, and a remark."""
    offered = []
    for name, remark in names:
        parts = name.split("/")
        member, subsystem, offer = (
            parts[: MEMBER_PARTS - 1],
            parts[MEMBER_PARTS - 1 :][:1],
            parts[MEMBER_PARTS:],
        )
        # A record may name no subsystem, and no service code either; the latter no pattern can map.
        pattern = "/".join([(subsystem or [""])[0] or ANY, *offer])
        offered.append((pattern, f"of {printable('/'.join(member))}; {remark}"))
    return _drafts("services/", offered, _offered, _xroad_service, _OR_LAST_LINE)


def printable(text: str) -> str:
    """Text of one line that cannot steer a terminal: what is not printable is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _agency(code: str, remark: str) -> list[str]:
    return [
        f"- code: {code}  # {remark}",
        f"  name: {{en: {FILL_IN}, vi: {FILL_IN}}}",
        f"  kind: {FILL_IN}  # {_choices(Agency, 'kind')}",
        f"  connection: {{state: {FILL_IN}}}  # {_choices(Connection, 'state')}",
    ]


def _service(name: str, remark: str) -> list[str]:
    return [
        f"- id: {name}  # {remark}",
        f"  provider: {FILL_IN}  # an agency's code",
        f"  name: {{en: {FILL_IN}, vi: {FILL_IN}}}",
        f"  method: {FILL_IN}  # {_choices(Service, 'method')}",
        f"  personal_data: {FILL_IN}  # {_choices(Service, 'personal_data')}",
    ]


def _xroad_member(pattern: str, remark: str) -> list[str]:
    return [*_agency(FILL_IN, remark), f"  xroad: [{pattern}]"]


def _xroad_service(pattern: str, remark: str) -> list[str]:
    return [*_service(FILL_IN, remark), f"  xroad: [{pattern}]"]


def _drafts(
    folder: str,
    names: Iterable[tuple[str, str]],
    form: TypeAdapter[str],
    draft: Any,
    more: str = "",
) -> str:
    lines, refused = [], []
    for name, remark in names:
        try:
            form.validate_python(name)
        except ValidationError:
            refused.append(f"#   {printable(name)!r}: {remark}")
        else:
            # In quotation marks: to YAML, NO is false and NULL is nothing.
            lines += draft(json.dumps(name), remark)
    if lines:
        head = f"# Into a file in {folder}; `monitor registry check` finds what is not filled in.{more}"
        lines.insert(0, head)
    if refused:
        lines += [f"# Cannot stand in {folder}: the senders must correct these.", *refused]
    return "".join(f"{line}\n" for line in lines)


def _choices(record: type[Any], field: str) -> str:
    values: Sequence[str] = get_args(record.model_fields[field].annotation)
    return ", ".join(values)
