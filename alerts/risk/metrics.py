"""The metric of risk: decay is worked out at each scrape, so a score falls although nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from alerts.risk.score import Risk
from monitor.metrics.names import PREFIX, Declaration

AGENCY_RISK: Final = Declaration(
    "agency_risk_score", "Risk of an agency from what rules detected lately, 0 to 100", ("agency",)
)


class RiskMetrics(Collector):
    """Shows the scores of the risk it was given last.

    Every worker reads the rows of all partitions, so workers show the same figures: take the maximum, do
    not add.
    """

    def __init__(self, now: Callable[[], datetime], risk: Risk | None = None) -> None:
        self._now = now
        self._risk = risk or Risk(timedelta(days=1))

    def show(self, risk: Risk) -> None:
        """Replace what is shown."""
        self._risk = risk

    def collect(self) -> Iterator[Metric]:
        """One series an agency; called at each scrape, in another thread."""
        family = GaugeMetricFamily(PREFIX + AGENCY_RISK.name, AGENCY_RISK.help, labels=AGENCY_RISK.labels)
        for agency, score in self._risk.scores(self._now()).items():
            family.add_metric([agency], score)
        yield family
