"""The topic `dossiers`: steps of public-service dossiers, from which the index of service quality is made."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Engine

from monitor.dossiers.judge import QualityTerms
from monitor.dossiers.ledger import DossierLedger
from monitor.dossiers.store import DossierStore
from monitor.events.dossier import decode_dossiers
from monitor.events.pseudonym import Pseudonyms
from monitor.ledger.partition import Limits
from monitor.metrics.dossiers import DossierMetrics
from monitor.registry.registry import Registry
from streams.processor import Opened


class Dossiers:
    """Opens a partition of dossier events. No rules watch them: the index is read from the database."""

    decode = staticmethod(decode_dossiers)

    def __init__(
        self,
        engine: Engine,
        registry: Registry,
        limits: Limits,
        pseudonyms: Pseudonyms,
        terms: QualityTerms,
        counted: DossierMetrics,
    ) -> None:
        self._engine = engine
        self._registry = registry
        self._limits = limits
        self._pseudonyms = pseudonyms
        self._terms = terms
        self._counted = counted

    def open(self, topic: str, partition: int, now: datetime) -> Opened:
        """Take a partition over from the database. Raises sqlalchemy.exc.DBAPIError."""
        store = DossierStore(self._engine, topic, partition, self._registry, self._terms)
        resumed = store.load(self._limits.dedupe_window, self._limits.dedupe_max_ids, now)
        ledger = DossierLedger(
            self._registry, self._limits, resumed.ids, resumed.next_offset, resumed.newest, self._pseudonyms
        )
        return Opened(ledger, store, None, lambda: None, self._counted.add)
