"""The account: what a simulation sent, by cell, so that what the monitor counted can be compared with it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import msgspec

from monitor.errors import MonitorError
from monitor.events.exchange import OUTCOMES
from monitor.simulation.sent import DossierSent, SecuritySent, Sent, XroadSent

CellKey = tuple[int, str, str, str]
"""(UTC hour's start in epoch seconds, provider, consumer, service); unregistered names under one word."""

SecurityKey = tuple[int, str, str, int]
"""(UTC hour's start in epoch seconds, agency, kind as it is counted, severity)."""

_HOUR = 3600
_DUPLICATE_ID = "duplicate_id"


class Cell(msgspec.Struct):
    """Sums over the exchanges of one pair in one hour; each exchange once, however often it was sent."""

    exchanges: int = 0
    outcomes: dict[str, int] = msgspec.field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    records: int = 0
    request_bytes: int = 0
    response_bytes: int = 0
    duration_us: int = 0
    duplicates: int = 0
    breaches: dict[str, int] = {}

    def add(self, other: Cell) -> None:
        """Add another cell's sums to this one's."""
        self.exchanges += other.exchanges
        _add(self.outcomes, other.outcomes)
        self.records += other.records
        self.request_bytes += other.request_bytes
        self.response_bytes += other.response_bytes
        self.duration_us += other.duration_us
        self.duplicates += other.duplicates
        _add(self.breaches, other.breaches)


class _Row(Cell, kw_only=True):
    """A cell as the file holds it."""

    hour: int
    provider: str
    consumer: str
    service: str


class SecurityCell(msgspec.Struct):
    """Security events of one kind at one agency in one hour; each once, however often it was sent."""

    events: int = 0
    duplicates: int = 0


class _SecurityRow(SecurityCell, kw_only=True):
    """The same as the file holds it."""

    hour: int
    agency: str
    kind: str
    severity: int


class _StepRow(SecurityCell, kw_only=True):
    """Steps of dossiers at one agency as the file holds them."""

    agency: str
    step: str


class _HalfRow(SecurityCell, kw_only=True):
    """Halves of calls over X-Road at one agency as the file holds them."""

    agency: str
    side: str


class _File(msgspec.Struct):
    sent: int
    late: int
    malformed: dict[str, int]
    cells: list[_Row]
    security: list[_SecurityRow] = []
    dossiers: list[_StepRow] = []
    xroad: list[_HalfRow] = []


class Account:
    """Accumulates what was sent; its memory grows with the number of cells, not of events.

    `sent` counts messages of exchanges; those of security events are in `security`, steps of dossiers, by
    agency and step, in `dossiers`, halves of calls over X-Road, by agency and side, in `xroad`.
    """

    def __init__(self) -> None:
        self.cells: dict[CellKey, Cell] = {}
        self.security: dict[SecurityKey, SecurityCell] = {}
        self.dossiers: dict[tuple[str, str], SecurityCell] = {}
        self.xroad: dict[tuple[str, str], SecurityCell] = {}
        self.sent = 0
        self.late = 0
        self.malformed: dict[str, int] = {}

    @property
    def dossier_steps(self) -> int:
        """Messages of steps of dossiers, duplicates among them."""
        return sum(cell.events + cell.duplicates for cell in self.dossiers.values())

    @property
    def security_sent(self) -> int:
        """Messages of security events, duplicates among them."""
        return sum(cell.events + cell.duplicates for cell in self.security.values())

    @property
    def xroad_halves(self) -> int:
        """Messages of halves of calls over X-Road, duplicates among them."""
        return sum(cell.events + cell.duplicates for cell in self.xroad.values())

    def add(self, sent: Sent | SecuritySent | DossierSent | XroadSent) -> None:
        """Count one event."""
        if isinstance(sent, XroadSent):
            _count(self.xroad.setdefault((sent.agency, sent.side), SecurityCell()), sent)
            return
        if isinstance(sent, DossierSent):
            _count(self.dossiers.setdefault((sent.agency, sent.step), SecurityCell()), sent)
            return
        if isinstance(sent, SecuritySent):
            self._add_security(sent)
            return
        self.sent += 1
        kind = sent.kind
        if kind == "malformed":
            _add(self.malformed, {sent.reason: 1})
            return
        key = (int(sent.time) // _HOUR * _HOUR, sent.provider, sent.consumer, sent.service)
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = Cell()
        if kind == "duplicate":
            cell.duplicates += 1
            _add(cell.breaches, {_DUPLICATE_ID: 1})
            return
        cell.exchanges += 1
        cell.outcomes[sent.outcome] += 1
        cell.records += sent.records
        cell.request_bytes += sent.request_bytes
        cell.response_bytes += sent.response_bytes
        cell.duration_us += sent.duration_us
        if kind == "breach":
            _add(cell.breaches, {sent.reason: 1})
        elif kind == "late":
            self.late += 1

    def _add_security(self, sent: SecuritySent) -> None:
        key = (int(sent.time) // _HOUR * _HOUR, sent.agency, sent.event, sent.severity)
        _count(self.security.setdefault(key, SecurityCell()), sent)

    def merge(self, other: Account) -> None:
        """Add what another simulation sent."""
        self.sent += other.sent
        self.late += other.late
        _add(self.malformed, other.malformed)
        for key, cell in other.cells.items():
            self.cells.setdefault(key, Cell()).add(cell)
        for counted, events in other.security.items():
            mine = self.security.setdefault(counted, SecurityCell())
            mine.events += events.events
            mine.duplicates += events.duplicates
        for mine_of, others in ((self.dossiers, other.dossiers), (self.xroad, other.xroad)):
            for what, told in others.items():
                known = mine_of.setdefault(what, SecurityCell())
                known.events += told.events
                known.duplicates += told.duplicates

    def total(self) -> Cell:
        """The sum of all cells."""
        total = Cell()
        for cell in self.cells.values():
            total.add(cell)
        return total

    def write(self, path: Path) -> None:
        """Write it as JSON, whole or not at all. Raises MonitorError when the folder cannot be written."""
        rows = [
            _Row(
                hour=hour,
                provider=provider,
                consumer=consumer,
                service=service,
                **msgspec.structs.asdict(cell),
            )
            for (hour, provider, consumer, service), cell in sorted(self.cells.items())
        ]
        security = [
            _SecurityRow(
                hour=hour, agency=agency, kind=kind, severity=severity, **msgspec.structs.asdict(events)
            )
            for (hour, agency, kind, severity), events in sorted(self.security.items())
        ]
        dossiers = [
            _StepRow(agency=agency, step=step, **msgspec.structs.asdict(events))
            for (agency, step), events in sorted(self.dossiers.items())
        ]
        xroad = [
            _HalfRow(agency=agency, side=side, **msgspec.structs.asdict(events))
            for (agency, side), events in sorted(self.xroad.items())
        ]
        body = msgspec.json.encode(
            _File(self.sent, self.late, self.malformed, rows, security, dossiers, xroad)
        )
        partial: Path | None = None
        try:
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as file:
                partial = Path(file.name)
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(path)
        except OSError as why:
            if partial is not None:
                partial.unlink(missing_ok=True)
            raise MonitorError(f"cannot write the account to {path}: {why.strerror}") from why

    @classmethod
    def read(cls, path: Path) -> Account:
        """Read what `write` wrote. Raises MonitorError when the file is absent or no account."""
        try:
            stored = msgspec.json.decode(path.read_bytes(), type=_File)
        except OSError as why:
            raise MonitorError(f"cannot read the account {path}: {why.strerror}") from why
        except (msgspec.MsgspecError, UnicodeDecodeError) as why:
            raise MonitorError(f"{path} is not an account of a simulation: {why}") from why
        account = cls()
        account.sent, account.late, account.malformed = stored.sent, stored.late, stored.malformed
        for row in stored.cells:
            sums = {name: getattr(row, name) for name in Cell.__struct_fields__}
            account.cells[row.hour, row.provider, row.consumer, row.service] = Cell(**sums)
        for held in stored.security:
            counted = (held.hour, held.agency, held.kind, held.severity)
            account.security[counted] = SecurityCell(held.events, held.duplicates)
        for told in stored.dossiers:
            account.dossiers[told.agency, told.step] = SecurityCell(told.events, told.duplicates)
        for half in stored.xroad:
            account.xroad[half.agency, half.side] = SecurityCell(half.events, half.duplicates)
        return account


def _count(cell: SecurityCell, sent: SecuritySent | DossierSent | XroadSent) -> None:
    if sent.kind == "duplicate":
        cell.duplicates += 1
    else:
        cell.events += 1


def _add(sums: dict[str, int], more: dict[str, int]) -> None:
    for name, count in more.items():
        sums[name] = sums.get(name, 0) + count
