"""One believable report without a database, national and of one agency: what writers draw from in tests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random

from monitor.reports.figures import Indicator, Text, Trend, Volume
from monitor.reports.model import (
    AgencyRow,
    Card,
    Change,
    Day,
    Inputs,
    Language,
    Movement,
    Narrative,
    ObjectiveRow,
    PairRow,
    Partner,
    Points,
    QualityPart,
    RankingPart,
    Reissue,
    Report,
    ServiceRow,
    Side,
    VolumePart,
)
from tests.monitor.reports.example_blocks import (
    BEGINS,
    ENDS,
    INDICATORS,
    NAMES,
    NOT_CONNECTED,
    SERVICES,
    durations,
    head,
    indicator,
    total,
    volume,
)
from tests.monitor.reports.example_parts import (
    coming,
    compliance,
    connection,
    obstacles,
    security,
    service_quality,
)


def example(agency: str | None = None, language: Language = "vi") -> Report:
    """The national report of October 2026, or the score card of one agency; always the same."""
    random = Random(5)
    pairs = tuple(_pairs(random))
    rows = tuple(_rows(pairs))
    ours = tuple(p for p in pairs if agency in (None, p.provider, p.consumer))
    own_rows = [r for r in rows if agency in (None, r.agency)]
    name = None if agency is None else NAMES[agency]
    return Report(
        scope="national" if agency is None else "agency",
        agency=agency,
        agency_name=name,
        language=language,
        period=head("2026-10", Text(en="October 2026", vi="tháng 10 năm 2026"), BEGINS, ENDS),
        before=head(
            "2026-09", Text(en="September 2026", vi="tháng 9 năm 2026"), BEGINS - timedelta(30), BEGINS
        ),
        year_ago=None,
        made_at=datetime(2026, 10, 31, 17, 4, 12, tzinfo=UTC),
        zone="Asia/Ho_Chi_Minh",
        issuer="Cục Chuyển đổi số quốc gia" if language == "vi" else "National Digital Transformation Office",
        run=42,
        state="draft",
        inputs=Inputs(
            fingerprint="9f" * 32,
            registry="1c" * 32,
            offsets="2d" * 32,
            ledger="3e" * 32,
            narrative="4f" * 32,
            events=1_734_881_120,
        ),
        reissue=_reissue(),
        summary=_summary(ours, name),
        notes=(
            Text(
                en="The ledger begins on 1 July 2026; there is nothing to compare with a year ago.",
                vi="Sổ cái bắt đầu từ ngày 01/7/2026; chưa có số liệu cùng kỳ năm trước để so sánh.",
            ),
        ),
        volume=_volume(random, ours),
        ranking=RankingPart(
            agencies=rows,
            weights=dict.fromkeys(INDICATORS, 20.0),
            least_scored=3,
            ranked=9,
            composite_ranked=9,
        ),
        quality=_quality(ours),
        compliance=compliance(ours, agency),
        security=security(agency),
        connection=connection(own_rows),
        service_quality=service_quality(),
        obstacles=obstacles(agency),
        coming=coming(agency),
        pairs=ours,
        pairs_more=0,
        card=None if agency is None else _card(agency, rows, ours),
        narratives=(
            Narrative(
                slot="summary",
                text="Trong tháng, Tổ công tác đã họp **hai lần** để rà soát, tháo gỡ vướng mắc.\n\n"
                "- Đã thống nhất lộ trình kết nối của Tỉnh Quảng Trị.\n- Đã xử lý xong sự cố ngày 12/10.",
            ),
            Narrative(slot="next", text="Hoàn thành kết nối trước ngày 31/12/2026.", carried=True),
        ),
    )


def _availability(of: Volume, before: Volume | None = None) -> Indicator:
    served = of.ok + of.failed
    past = None if before is None else (before.ok, before.ok + before.failed)
    return indicator("availability", of.ok, served, of.exchanges, target=0.995, before=past)


def _pairs(random: Random) -> Iterable[PairRow]:
    number = 0
    for service, (provider, _) in SERVICES.items():
        for consumer in NAMES:
            if consumer in (provider, NOT_CONNECTED) or random.random() < 0.35:
                continue
            number += 1
            count = int(10 ** random.uniform(2.2, 6.9))
            agreed = count if random.random() < 0.8 else count - count // 40
            of = volume(count, breached=count - agreed + count // 1500)
            yield PairRow(
                provider=provider,
                consumer=consumer,
                service=service,
                volume=of,
                exchanges=Trend(now=count, before=int(count * random.uniform(0.7, 1.2))),
                durations=durations(count, random.randrange(40_000, 400_000)),
                availability=_availability(of),
                under_agreement=agreed,
                agreements=(f"AGR-2026-{number:04}",),
            )


def _rows(pairs: Sequence[PairRow]) -> Iterable[AgencyRow]:
    provided = {code: total(p.volume for p in pairs if p.provider == code) for code in NAMES}
    order = sorted(provided, key=lambda code: -provided[code].exchanges)
    for place, code in enumerate(NAMES):
        connected = code != NOT_CONNECTED
        of = provided[code]
        asked = sum(p.volume.exchanges for p in pairs if p.consumer == code)
        rank = order.index(code) + 1 if connected else None
        counts = ((1, 1), (1, 1), (asked - asked // 90, asked), (5 - place % 3, 5), (7 - place % 4, 8))
        found = tuple(
            indicator(key, *(given if connected else (0, 0)), given[1], reason="not_connected")
            for key, given in zip(INDICATORS, counts, strict=True)
        )
        points = tuple(
            Points(indicator=each.key, points=round(20 * min((each.ratio or 0) / 0.8, 1), 2), most=20.0)
            for each in found
            if each.scored
        )
        score = round(sum(each.points for each in points), 1) if connected else None
        yield AgencyRow(
            agency=code,
            name=NAMES[code],
            kind="province" if code in ("HANOI", "QUANGTRI") else "ministry",
            connected=connected,
            provided=Trend(now=of.exchanges, before=of.exchanges * 9 // 10 if connected else None),
            consumed=Trend(now=asked, before=asked * 11 // 10 if connected else None),
            availability=_availability(of),
            indicators=found,
            rank=rank,
            rank_before=None if rank is None else max(1, rank + place % 3 - 1),
            composite=score,
            composite_before=None if score is None else round(score - 1.5 + place % 4, 1),
            points=points,
            composite_rank=rank,
            composite_rank_before=rank,
            unranked=None if connected else "not_connected",
        )


def _volume(random: Random, pairs: Sequence[PairRow]) -> VolumePart:
    of = total(p.volume for p in pairs)
    shares = [random.uniform(0.8, 1.2) * (0.25 if _day(n).weekday() > 4 else 1) for n in range(31)]
    counts = [int(of.exchanges * share / sum(shares)) for share in shares]
    counts[-1] += of.exchanges - sum(counts)
    days = tuple(
        Day(day=_day(n), exchanges=count, failed=count // 160, denied=count // 350, breached=count // 900)
        for n, count in enumerate(counts)
    )
    agencies = len({p.provider for p in pairs} | {p.consumer for p in pairs})
    before = [count * 93 // 100 for count in counts[:30]]
    return VolumePart(
        total=of,
        before=volume(sum(before)),
        days_before=tuple(before),
        year_ago=None,
        days=days,
        agencies_active=Trend(now=agencies, before=agencies),
        agencies_registered=len(NAMES),
        services_active=Trend(now=len({p.service for p in pairs}), before=5),
        services_registered=len(SERVICES),
        pairs_active=Trend(now=len(pairs), before=len(pairs) - 2),
        connection_points=37,
    )


def _day(n: int) -> date:
    return date(2026, 10, 1) + timedelta(days=n)


def _quality(pairs: Sequence[PairRow]) -> QualityPart:
    of = total(p.volume for p in pairs)
    services = []
    for name, (provider, text) in SERVICES.items():
        held = [p for p in pairs if p.service == name]
        if not held:
            continue
        sums = total(p.volume for p in held)
        services.append(
            ServiceRow(
                service=name,
                name=text,
                provider=provider,
                method="query",
                consumers=len(held),
                volume=sums,
                exchanges=Trend(now=sums.exchanges, before=sums.exchanges * 95 // 100),
                durations=durations(sums.exchanges, 120_000),
                availability=_availability(sums),
                p95_before_us=390_000,
            )
        )
    objectives = []
    for n, p in enumerate(pairs):
        for slo, share in (("availability", 0.995), ("latency", 0.95)):
            missed = p.volume.ok // (12 if n % 5 == 0 else 200)
            events = p.volume.ok
            objectives.append(
                ObjectiveRow(
                    agreement=p.agreements[0],
                    provider=p.provider,
                    consumer=p.consumer,
                    service=p.service,
                    slo="latency" if slo == "latency" else "availability",
                    objective=share,
                    limit_ms=500.0 if slo == "latency" else None,
                    attained=indicator(slo, events - missed, events, target=share),
                    bad=missed,
                    allowed=round((1 - share) * events, 6),
                    kept=missed <= (1 - share) * events,
                    kept_before=True,
                )
            )
    kept = sum(bool(each.kept) for each in objectives)
    return QualityPart(
        availability=_availability(of, volume(int(of.exchanges * 0.93))),
        denied=indicator("denied", of.denied, of.exchanges, target=None),
        durations=durations(of.exchanges, 110_000),
        durations_before=durations(int(of.exchanges * 0.93), 118_000),
        objectives_met=indicator(
            "objectives_met", kept, len(objectives), len(objectives) + 3, before=(kept - 2, len(objectives))
        ),
        services=tuple(services),
        objectives=tuple(objectives),
    )


def _card(agency: str, rows: Sequence[AgencyRow], pairs: Sequence[PairRow]) -> Card:
    return Card(
        row=next(row for row in rows if row.agency == agency),
        as_provider=_side([p for p in pairs if p.provider == agency], by_consumer=True),
        as_consumer=_side([p for p in pairs if p.consumer == agency], by_consumer=False),
        improved=(
            Movement(
                key="availability",
                subject="insurance.verify-insured",
                better=True,
                unit="share",
                before=0.981,
                now=0.9931,
                text=Text(
                    en="Availability of insurance.verify-insured rose from 98.1% to 99.3%.",
                    vi="Độ sẵn sàng của insurance.verify-insured tăng từ 98,1% lên 99,3%.",
                ),
            ),
        ),
        worsened=(
            Movement(
                key="p95",
                subject="population.verify-identity",
                better=False,
                unit="us",
                before=310_000,
                now=395_000,
                text=Text(
                    en="The 95th percentile of population.verify-identity rose from 310 ms to 395 ms.",
                    vi="Phân vị 95 của population.verify-identity tăng từ 310 ms lên 395 ms.",
                ),
            ),
        ),
    )


def _side(pairs: Sequence[PairRow], *, by_consumer: bool) -> Side:
    of = total(p.volume for p in pairs)
    others = sorted({p.consumer if by_consumer else p.provider for p in pairs})
    partners = []
    for code in others:
        held = [p for p in pairs if code == (p.consumer if by_consumer else p.provider)]
        sums = total(p.volume for p in held)
        partners.append(
            Partner(
                agency=code,
                name=NAMES[code],
                services=len({p.service for p in held}),
                exchanges=Trend(now=sums.exchanges, before=sums.exchanges * 9 // 10),
                failed=sums.failed,
                breached=sums.breached,
            )
        )
    return Side(
        volume=of,
        before=volume(of.exchanges * 9 // 10) if pairs else None,
        year_ago=None,
        durations=durations(of.exchanges, 120_000),
        availability=_availability(of),
        partners=tuple(partners),
        services=len({p.service for p in pairs}),
    )


def _reissue() -> Reissue:
    return Reissue(
        signed_run=41,
        signed_at=datetime(2026, 10, 31, 17, 1, tzinfo=UTC),
        reasons=("offsets", "ledger"),
        changes=(
            Change(
                figure="volume.total.exchanges",
                label=Text(en="Exchanges", vi="Lượt chia sẻ dữ liệu"),
                before=84_310_221,
                now=84_310_239,
            ),
        ),
        more=3,
    )


def _summary(pairs: Sequence[PairRow], name: Text | None) -> tuple[Text, ...]:
    of = total(p.volume for p in pairs)
    grouped = f"{of.exchanges:,}"
    return (
        Text(
            en=f"In October 2026 there were {grouped} exchanges{f' of {name.en}' if name else ''}.",
            vi=f"Trong tháng 10 năm 2026 có {grouped.replace(',', '.')} lượt chia sẻ dữ liệu"
            f"{f' của {name.vi}' if name else ''}.",
        ),
    )
