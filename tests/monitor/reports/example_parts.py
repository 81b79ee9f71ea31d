"""The parts of the example report about duties, security and what comes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from monitor.reports.figures import Text, Trend
from monitor.reports.model import (
    AgencyRow,
    AgreementRow,
    AlertRow,
    AlertTier,
    BreachKind,
    Clause,
    Coming,
    CompliancePart,
    ConnectionPart,
    ConnectionRow,
    DutyCount,
    DutyRow,
    EventCount,
    FindingRow,
    IncidentRow,
    Obstacle,
    PairRow,
    ProcedureGroup,
    QualityItem,
    RiskRow,
    SecurityPart,
    ServiceQuality,
)
from tests.monitor.reports.example_blocks import (
    BEGINS,
    ENDS,
    NAMES,
    indicator,
    total,
)


def compliance(pairs: Sequence[PairRow], agency: str | None) -> CompliancePart:
    of = total(p.volume for p in pairs)
    agreed = sum(p.under_agreement for p in pairs)
    broken = [p for p in pairs if p.under_agreement < p.volume.exchanges]
    found = tuple(
        FindingRow(
            breach="agreement_expired" if n % 2 else "purpose_not_permitted",
            provider=p.provider,
            consumer=p.consumer,
            service=p.service,
            count=p.volume.exchanges - p.under_agreement,
            denied=0,
            agreement=p.agreements[0],
            version=1,
            first=BEGINS + timedelta(days=3),
            last=ENDS - timedelta(days=1),
        )
        for n, p in enumerate(broken)
    )
    kinds = tuple(
        BreachKind(breach=name, count=Trend(now=count, before=before), denied=count // 9, pairs=n)
        for name, count, before, n in (
            ("agreement_expired", 18_204, 22_310, 4),
            ("purpose_not_permitted", 4_182, 3_907, 6),
            ("fields_exceeded", 911, 1_204, 3),
            ("outside_hours", 633, 702, 5),
            ("quota_exceeded", 120, 0, 1),
        )
    )
    known = (
        DutyRow(
            agency="MOH",
            duty="review",
            subject="AGR-2026-0007",
            standing="overdue",
            last_day=date(2026, 10, 15),
            days=-16,
            working_days=False,
        ),
        DutyRow(
            agency="MOJ",
            duty="answer",
            subject="YC-2026-0311",
            standing="overdue",
            last_day=date(2026, 10, 20),
            days=-8,
            working_days=True,
        ),
        DutyRow(
            agency="MOF",
            duty="answer",
            subject="YC-2026-0290",
            standing="late",
            last_day=date(2026, 10, 2),
            days=None,
            working_days=True,
        ),
    )
    duties = tuple(d for d in known if agency in (None, d.agency))
    agreements = tuple(_agreement(n, p) for n, p in enumerate(pairs))
    clauses = tuple(
        Clause(
            agreement=a.agreement,
            version=1,
            provider=a.provider,
            consumer=a.consumer,
            service=a.service,
            unmonitored=("onward_sharing", "objectives.retention") if n % 2 else ("allowed_systems",),
            monitored=("purposes", "fields", "end", "objectives.availability"),
        )
        for n, a in enumerate(agreements)
    )
    return CompliancePart(
        under_agreement=indicator(
            "traffic_under_agreement",
            agreed,
            of.exchanges,
            of.exchanges + 1204,
            target=1.0,
            source="cells_findings",
        ),
        without_breach=indicator("without_breach", of.exchanges - of.breached, of.exchanges, target=None),
        duties_on_time=indicator("duties_on_time", 41, 44, 47, source="duties", before=(40, 45)),
        breaches=kinds,
        findings=found,
        findings_more=0,
        duty_counts=(
            DutyCount(duty="connect", total=22, overdue=0, late=0, overdue_before=0),
            DutyCount(duty="review", total=15, overdue=1, late=0, overdue_before=2),
            DutyCount(duty="answer", total=7, overdue=1, late=1, overdue_before=1),
        ),
        duties=duties,
        duties_more=0,
        agreements=agreements,
        agreements_in_force=Trend(now=len(agreements), before=len(agreements) - 1),
        clauses=clauses,
        unmonitored={"allowed_systems": 17, "objectives.retention": 16, "onward_sharing": 16},
    )


def _agreement(n: int, p: PairRow) -> AgreementRow:
    end = date(2026, 12, 31) if n % 4 else date(2026, 11, 20)
    return AgreementRow(
        agreement=p.agreements[0],
        version=1 + n % 2,
        title=Text(
            en=f"Use of {p.service} by {NAMES[p.consumer].en}",
            vi=f"{NAMES[p.consumer].vi} khai thác {p.service}",
        ),
        provider=p.provider,
        consumer=p.consumer,
        service=p.service,
        status="active",
        in_force=True,
        start=date(2026, 1, 1),
        end=end,
        review=date(2026, 11, 30) if n % 3 else None,
        days_to_end=(end - date(2026, 10, 31)).days,
        days_to_review=30 if n % 3 else None,
        followed=n % 4 == 1,
        exchanges=p.under_agreement,
        breached=p.volume.breached,
    )


def security(agency: str | None) -> SecurityPart:
    open_alerts = (
        AlertRow(
            alert="a1b2c3d4",
            level=5,
            agency="MOH",
            opened=BEGINS + timedelta(days=29),
            acknowledged=None,
            title=Text(en="Bulk extraction of personal data", vi="Trích xuất dữ liệu cá nhân hàng loạt"),
            count=41,
        ),
        AlertRow(
            alert="e5f60718",
            level=3,
            agency="VSS",
            opened=BEGINS + timedelta(days=30, hours=2),
            title=Text(en="Many refused calls", vi="Nhiều lượt gọi bị từ chối"),
            count=380,
            acknowledged=BEGINS + timedelta(days=30, hours=3),
        ),
    )
    incidents = (
        IncidentRow(
            incident="INC-2026-0007",
            agency="MOH",
            tier=4,
            kind="leak_confirmed",
            what="Lộ danh sách người bệnh qua tệp xuất dữ liệu",
            personal_data="yes",
            status="notified",
            detected=BEGINS + timedelta(days=11),
            due=BEGINS + timedelta(days=14),
            notified=BEGINS + timedelta(days=13, hours=5),
            hours=53.0,
            in_time=True,
        ),
        IncidentRow(
            incident="INC-2026-0008",
            agency="HANOI",
            tier=3,
            kind="incident",
            what="Mất nhật ký một ngày",
            personal_data="unknown",
            status="open",
            detected=ENDS - timedelta(days=1),
            due=ENDS + timedelta(days=2),
            notified=None,
            hours=24.0,
            in_time=None,
        ),
    )
    return SecurityPart(
        acknowledged=indicator("alerts_acknowledged", 61, 64, target=None, source="alerts", before=(50, 58)),
        notified_in_time=indicator("notified_in_time", 1, 1, target=1.0, source="incidents"),
        tiers=tuple(
            AlertTier(
                level=level,
                opened=Trend(now=n, before=n + 1),
                acknowledged=n - n // 9,
                median_acknowledge_s=median,
                resolved=n - (level in (3, 5)),
                open_at_end=int(level in (3, 5)),
            )
            for level, n, median in (
                (5, 2, 412.0),
                (4, 9, 1310.5),
                (3, 21, 5400.0),
                (2, 32, 14_800.0),
                (1, 0, None),
            )
        ),
        open_alerts=tuple(a for a in open_alerts if agency in (None, a.agency)),
        open_alerts_more=0,
        incidents=tuple(i for i in incidents if agency in (None, i.agency)),
        incidents_more=0,
        risk=tuple(
            RiskRow(agency=code, score=score, highest=high, highest_day=day, detections=n, rules=rules)
            for code, score, high, day, n, rules in (
                ("MOH", 57.3, 81.0, date(2026, 10, 12), 44, ("bulk-extraction", "slow-harvest")),
                ("VSS", 21.4, 33.9, date(2026, 10, 30), 12, ("denied-burst",)),
                ("HANOI", 4.0, 18.2, date(2026, 10, 7), 3, ("off-hours-bulk",)),
            )
            if agency in (None, code)
        ),
        events=tuple(
            EventCount(kind=kind, severity=severity, count=Trend(now=n, before=n * 3 // 4))
            for kind, severity, n in (("login_failed", 2, 18_420), ("export", 3, 512), ("log_gap", 3, 4))
        ),
    )


def connection(rows: Sequence[AgencyRow]) -> ConnectionPart:
    live = sum(row.connected for row in rows)
    return ConnectionPart(
        live=indicator(
            "connection", live, len(rows), target=1.0, source="standings", before=(live - 1, len(rows))
        ),
        deadline=date(2026, 12, 31),
        days_left=61,
        states={"live": live, "sandbox": len(rows) - live},
        states_before={"live": max(live - 1, 0), "sandbox": len(rows) - live + 1},
        agencies=tuple(
            ConnectionRow(
                agency=row.agency,
                name=row.name,
                state="live" if row.connected else "sandbox",
                cleared=row.connected,
                since=datetime(2026, 3, 1, tzinfo=UTC) if row.connected else None,
                points=4,
                deadline=date(2026, 12, 31),
                done=row.connected,
            )
            for row in rows
        ),
    )


def service_quality() -> ServiceQuality:
    on_time = QualityItem(
        key="on_time",
        label=Text(en="Handled on time", vi="Giải quyết đúng hạn"),
        indicator=indicator("on_time", 7_812, 9_204, 9_310, target=0.8, source="dossiers"),
        points=20.0,
        most=20.0,
        confirmed=True,
    )
    online = QualityItem(
        key="filed_online",
        label=Text(en="Filed online", vi="Nộp hồ sơ trực tuyến"),
        indicator=indicator("filed_online", 3_911, 9_310, target=0.5, source="dossiers"),
        points=10.2,
        most=12.0,
        confirmed=False,
    )
    rated = QualityItem(
        key="satisfaction",
        label=Text(en="Satisfied applicants", vi="Mức độ hài lòng"),
        indicator=indicator("satisfaction", 0, 0, target=0.9, source="dossiers", reason="no_dossiers"),
        points=None,
        most=12.0,
        confirmed=False,
    )
    paid = QualityItem(
        key="paid_online",
        label=Text(en="Paid online", vi="Thanh toán trực tuyến"),
        indicator=indicator("paid_online", 1_204, 2_410, target=0.8, source="dossiers"),
        points=6.2,
        most=10.0,
        confirmed=False,
    )
    return ServiceQuality(
        dossiers=9_310,
        points=36.4,
        scored=42.0,
        most=100.0,
        items=(on_time, online, paid, rated),
        handled=9_100,
        handling_days=41_860,
        groups=(
            _group(
                ("land", "Land", "Đất đai"),
                (2_410, 2_398),
                (1_604, 2_431, 2_440),
                (2_398, 24_508),
                online=(431, 2_410),
                paid=(204, 810),
            ),
            _group(
                ("civil-status", "Civil status", "Hộ tịch"),
                (6_880, 6_702),
                (6_208, 6_773, 6_870),
                (6_702, 17_352),
                online=(3_480, 6_880),
                paid=(1_000, 1_600),
            ),
            _group(
                ("labour", "Labour and employment", "Lao động, việc làm"),
                (20, 0),
                (0, 0, 0),
                (0, 0),
                online=(0, 20),
                paid=(0, 0),
            ),
        ),
    )


def _group(
    named: tuple[str, str, str],
    dossiers: tuple[int, int],
    on_time: tuple[int, int, int],
    handled: tuple[int, int],
    *,
    online: tuple[int, int],
    paid: tuple[int, int],
) -> ProcedureGroup:
    key, english, vietnamese = named
    return ProcedureGroup(
        group=key,
        name=Text(en=english, vi=vietnamese),
        received=dossiers[0],
        completed=dossiers[1],
        on_time=indicator("on_time", *on_time, source="dossiers", reason="none_completed"),
        handled=handled[0],
        handling_days=handled[1],
        filed_online=indicator("filed_online", *online, target=0.5, source="dossiers"),
        paid_online=indicator("paid_online", *paid, source="dossiers", reason="no_dossiers"),
        satisfaction=indicator("satisfaction", 0, 0, target=0.9, source="dossiers", reason="no_dossiers"),
    )


def obstacles(agency: str | None) -> tuple[Obstacle, ...]:
    found = (
        Obstacle(
            id="OB-connect-QUANGTRI",
            agency="QUANGTRI",
            kind="connect",
            subject="QUANGTRI",
            who=NAMES["QUANGTRI"],
            work=Text(
                en="Connect to the platform and be security-cleared",
                vi="Kết nối nền tảng và được đánh giá an toàn thông tin",
            ),
            responsibility=Text(
                en="The head of the unit in charge of digital transformation",
                vi="Thủ trưởng đơn vị chuyên trách chuyển đổi số",
            ),
            authority=Text(en="The chair of the province", vi="Chủ tịch Ủy ban nhân dân tỉnh"),
            time=Text(en="31 December 2026", vi="ngày 31/12/2026"),
            result=Text(
                en="Connection live and cleared", vi="Kết nối đang hoạt động, đã được đánh giá an toàn"
            ),
        ),
        Obstacle(
            id="OB-review-MOH-AGR-2026-0007",
            agency="MOH",
            kind="review",
            subject="AGR-2026-0007",
            who=NAMES["MOH"],
            work=Text(en="Review agreement AGR-2026-0007", vi="Rà soát thỏa thuận AGR-2026-0007"),
            responsibility=Text(en="The unit that holds the agreement", vi="Đơn vị chủ trì thỏa thuận"),
            authority=Text(en="The minister", vi="Bộ trưởng"),
            time=Text(en="was due on 15 October 2026", vi="đã đến hạn ngày 15/10/2026"),
            result=Text(en="Reviewed, with a next date", vi="Đã rà soát, có ngày rà soát tiếp theo"),
            edited=True,
        ),
    )
    return tuple(o for o in found if agency in (None, o.agency))


def coming(agency: str | None) -> tuple[Coming, ...]:
    """What is due next month."""
    """What is in the way."""
    """The index of service quality."""
    """Progress to the deadline."""
    """What security staff saw."""
    """Whether agreements were kept."""
    found = (
        Coming(
            day=date(2026, 11, 20),
            agency="MOH",
            kind="expiry",
            subject="AGR-2026-0001",
            text=Text(en="Agreement AGR-2026-0001 ends", vi="Thỏa thuận AGR-2026-0001 hết hiệu lực"),
        ),
        Coming(
            day=date(2026, 11, 30),
            agency="MPS",
            kind="review",
            subject="AGR-2026-0002",
            text=Text(
                en="Agreement AGR-2026-0002 is to be reviewed", vi="Đến hạn rà soát thỏa thuận AGR-2026-0002"
            ),
        ),
    )
    return tuple(c for c in found if agency in (None, c.agency))
