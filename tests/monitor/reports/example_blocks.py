"""What example reports are made of: names, counts and durations."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from monitor.reports.figures import Durations, Indicator, Share, Text, Volume
from monitor.reports.model import PeriodHead

BEGINS = datetime(2026, 9, 30, 17, tzinfo=UTC)
ENDS = datetime(2026, 10, 31, 17, tzinfo=UTC)
NAMES = {
    "HANOI": Text(en="Hanoi City", vi="Thành phố Hà Nội"),
    "MAE": Text(en="Ministry of Agriculture and Environment", vi="Bộ Nông nghiệp và Môi trường"),
    "MOC": Text(en="Ministry of Construction", vi="Bộ Xây dựng"),
    "MOET": Text(en="Ministry of Education and Training", vi="Bộ Giáo dục và Đào tạo"),
    "MOF": Text(en="Ministry of Finance", vi="Bộ Tài chính"),
    "MOH": Text(en="Ministry of Health", vi="Bộ Y tế"),
    "MOJ": Text(en="Ministry of Justice", vi="Bộ Tư pháp"),
    "MPS": Text(en="Ministry of Public Security", vi="Bộ Công an"),
    "QUANGTRI": Text(en="Quảng Trị Province", vi="Tỉnh Quảng Trị"),
    "VSS": Text(en="Vietnam Social Security", vi="Bảo hiểm xã hội Việt Nam"),
}
NOT_CONNECTED = "QUANGTRI"
SERVICES = {
    "business.look-up-enterprise": ("MOF", Text(en="Look up an enterprise", vi="Tra cứu doanh nghiệp")),
    "civil-status.verify-birth": ("MOJ", Text(en="Verify a birth record", vi="Xác minh đăng ký khai sinh")),
    "insurance.verify-insured": ("VSS", Text(en="Verify an insured person", vi="Xác minh người tham gia")),
    "land.look-up-parcel": ("MAE", Text(en="Look up a land parcel", vi="Tra cứu thửa đất")),
    "population.verify-identity": ("MPS", Text(en="Verify an identity", vi="Xác minh danh tính")),
    "pupils.look-up-pupil": ("MOET", Text(en="Look up a pupil", vi="Tra cứu học sinh")),
}
INDICATORS = ("connection", "services_used", "traffic_under_agreement", "duties_on_time", "objectives_met")


def indicator(
    key: str,
    numerator: int,
    denominator: int,
    eligible: int | None = None,
    *,
    target: float | None = 0.8,
    source: str = "cells",
    reason: str = "no_exchanges",
    before: tuple[int, int] | None = None,
) -> Indicator:
    """An indicator; not scored where its denominator is 0."""
    return Indicator(
        key=key,
        numerator=numerator,
        denominator=denominator,
        eligible=denominator if eligible is None else eligible,
        target=target,
        source=source,
        scored=denominator > 0,
        reason=None if denominator else reason,
        before=Share(numerator=before[0], denominator=before[1]) if before else None,
    )


def head(key: str, label: Text, begins: datetime, ends: datetime) -> PeriodHead:
    """The head of a month that is over."""
    first = (begins + timedelta(hours=7)).date()
    last = (ends - timedelta(hours=1)).date()
    return PeriodHead(
        key=key,
        kind="month",
        label=label,
        first_day=first,
        last_day=last,
        begins=begins,
        ends=ends,
        until=ends,
        to_date=False,
    )


def volume(exchanges: int, breached: int = 0) -> Volume:
    """A volume in which some fail, so many exchanges in all."""
    fault, denied, timeout = exchanges // 210, exchanges // 350, exchanges // 900
    return Volume(
        exchanges=exchanges,
        ok=exchanges - fault - denied - timeout,
        fault=fault,
        denied=denied,
        timeout=timeout,
        records=exchanges * 3 // 2,
        request_bytes=exchanges * 512,
        response_bytes=exchanges * 2048,
        breached=breached,
        late=exchanges // 4000,
        duplicates=exchanges // 10_000,
    )


def total(volumes: Iterable[Volume]) -> Volume:
    """The sum of volumes."""
    held = list(volumes)
    return Volume(**{name: sum(getattr(v, name) for v in held) for name in Volume.__struct_fields__})


def durations(exchanges: int, middle_us: int) -> Durations:
    """Durations around a median; none where nothing was exchanged."""
    if not exchanges:
        return Durations()
    return Durations(
        exchanges=exchanges,
        total_us=exchanges * middle_us * 13 // 10,
        shortest_us=middle_us // 9,
        p50_us=middle_us,
        p95_us=middle_us * 3,
        p99_us=middle_us * 6,
        longest_us=30_000_000,
    )
