"""The report as plain data: everything that the national report and the score card of one agency show.

Writers draw from this and from nothing else. Nothing in it is formatted: counts are whole numbers, shares are
two counts, times are UTC, durations microseconds unless a name says otherwise, sizes bytes. What is text is
there in both languages. JSON has exactly these fields; docs/reports.md says how each is worked out.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from monitor.reports.figures import Durations, Figure, Indicator, Language, Share, Text, Trend, Volume
from monitor.reports.shape.card import Card, Movement, Partner, Side
from monitor.reports.shape.duties import (
    AgreementRow,
    BreachKind,
    Clause,
    Coming,
    CompliancePart,
    ConnectionPart,
    ConnectionRow,
    DutyCount,
    DutyRow,
    FindingRow,
    Obstacle,
)
from monitor.reports.shape.head import Change, Inputs, Narrative, PeriodHead, Reissue
from monitor.reports.shape.security import AlertRow, AlertTier, EventCount, IncidentRow, RiskRow, SecurityPart
from monitor.reports.shape.service_quality import ProcedureGroup, QualityItem, ServiceQuality
from monitor.reports.shape.sharing import (
    AgencyRow,
    Day,
    ObjectiveRow,
    PairRow,
    Points,
    QualityPart,
    RankingPart,
    ServiceRow,
    VolumePart,
)
from monitor.reports.shape.xroad import XroadCauses, XroadMeasure, XroadPart, XroadRow

__all__ = [
    "SCHEMA",
    "AgencyRow",
    "AgreementRow",
    "AlertRow",
    "AlertTier",
    "BreachKind",
    "Card",
    "Change",
    "Clause",
    "Coming",
    "CompliancePart",
    "ConnectionPart",
    "ConnectionRow",
    "Day",
    "Durations",
    "DutyCount",
    "DutyRow",
    "EventCount",
    "Figure",
    "FindingRow",
    "IncidentRow",
    "Indicator",
    "Inputs",
    "Language",
    "Movement",
    "Narrative",
    "ObjectiveRow",
    "Obstacle",
    "PairRow",
    "Partner",
    "PeriodHead",
    "Points",
    "ProcedureGroup",
    "QualityItem",
    "QualityPart",
    "RankingPart",
    "Reissue",
    "Report",
    "RiskRow",
    "SecurityPart",
    "ServiceQuality",
    "ServiceRow",
    "Share",
    "Side",
    "Text",
    "Trend",
    "Volume",
    "VolumePart",
    "XroadCauses",
    "XroadMeasure",
    "XroadPart",
    "XroadRow",
]

SCHEMA = 1  # raised when a field goes or changes its meaning; new fields do not raise it

Scope = Literal["national", "agency"]


class Report(Figure, frozen=True, kw_only=True):
    """One report. For scope `agency` every part is restricted to that agency, and `card` is there.

    `run` is the number of its record, None where it was not recorded. `issuer` is an office or role.
    `summary` and `notes` are sentences: what happened, and what a reader must know about the figures.
    """

    schema: int = SCHEMA
    scope: Scope
    agency: str | None
    agency_name: Text | None
    language: Language
    period: PeriodHead
    before: PeriodHead | None
    year_ago: PeriodHead | None
    made_at: datetime
    zone: str
    issuer: str | None
    run: int | None
    state: Literal["draft", "signed"]
    inputs: Inputs
    reissue: Reissue | None
    summary: tuple[Text, ...]
    notes: tuple[Text, ...]
    volume: VolumePart
    ranking: RankingPart
    quality: QualityPart
    compliance: CompliancePart
    security: SecurityPart | None
    connection: ConnectionPart
    service_quality: ServiceQuality | None
    obstacles: tuple[Obstacle, ...]
    coming: tuple[Coming, ...]
    pairs: tuple[PairRow, ...]
    pairs_more: int
    card: Card | None
    narratives: tuple[Narrative, ...]
    xroad: XroadPart | None = None

    def narrative(self, slot: str) -> str | None:
        """What people wrote for a slot; None where they wrote nothing."""
        return next((each.text for each in self.narratives if each.slot == slot), None)

    def row(self, agency: str) -> AgencyRow | None:
        """The row of an agency in the ranking."""
        return next((each for each in self.ranking.agencies if each.agency == agency), None)
