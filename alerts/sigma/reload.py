"""The rules in force: loaded anew when asked, and kept where the new ones cannot be used."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Self

import structlog
from prometheus_client import CollectorRegistry, Gauge

from alerts.rule import RuleSet
from alerts.sigma.load import RuleProblems, load_rules
from monitor.metrics.names import PREFIX

_log = structlog.get_logger(__name__)


class RuleMetrics(NamedTuple):
    """Whether the rules in force are those that lie in the folder."""

    loaded: Gauge
    reload_failed: Gauge
    last_reload: Gauge

    @classmethod
    def create(cls, registry: CollectorRegistry) -> Self:
        """Declare the instruments in a registry."""
        return cls(
            loaded=Gauge(PREFIX + "rules_loaded", "Rules in force", registry=registry),
            reload_failed=Gauge(
                PREFIX + "rules_reload_failed",
                "1 while the folder holds rules that cannot be used, and older ones are in force",
                registry=registry,
            ),
            last_reload=Gauge(
                PREFIX + "rules_last_reload_timestamp_seconds",
                "When rules of the folder were last found usable",
                registry=registry,
            ),
        )


class Rules:
    """Holds the rules of a folder. `current` is replaced as a whole, and the old one stays usable."""

    def __init__(
        self, folder: Path, now: float, metrics: RuleMetrics | None = None, strict: bool = True
    ) -> None:
        """Load the rules at the time `now` (seconds since 1970); raises RuleProblems."""
        self.folder = folder
        self.failed = False
        self._strict = strict
        self._metrics = metrics
        self._told = ""
        self.current: RuleSet = load_rules(folder, strict)
        self._show(now)

    def reload(self, now: float) -> bool:
        """Load the folder at the time `now` (seconds since 1970); whether other rules are in force now.

        Rules that cannot be used change nothing; their problems are logged, once for the same problems.
        """
        try:
            found = load_rules(self.folder, self._strict)
        except RuleProblems as why:
            self.failed = True
            if self._metrics is not None:
                self._metrics.reload_failed.set(1)
            if str(why) != self._told:
                self._told = str(why)
                _log.error("the rules were not loaded anew; the old ones stay", problems=str(why))
            return False
        self.failed, self._told = False, ""
        changed = found.fingerprint != self.current.fingerprint
        if changed:
            self.current = found
            _log.info("rules loaded", rules=len(found.events) + len(found.memories))
        self._show(now)
        return changed

    def _show(self, now: float) -> None:
        if self._metrics is not None:
            self._metrics.loaded.set(len(self.current.events) + len(self.current.memories))
            self._metrics.reload_failed.set(0)
            self._metrics.last_reload.set(now)
