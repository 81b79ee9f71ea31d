"""What happens at an agency in a simulation, before it is written in one of the forms of security events."""

from __future__ import annotations

from dataclasses import dataclass

from monitor.events.kinds import USUAL_SEVERITY
from monitor.events.security_event import Detail


@dataclass(frozen=True, slots=True)
class Happening:
    """One security event without its id and time; `after` is seconds since what it is part of began."""

    agency: str
    kind: str
    actor: str | None = None
    source_ip: str | None = None
    service: str | None = None
    subject: str | None = None
    count: int = 0
    bytes: int = 0
    detail: Detail | None = None
    after: float = 0.0

    @property
    def severity(self) -> int:
        """What its kind usually has."""
        return USUAL_SEVERITY[self.kind]
