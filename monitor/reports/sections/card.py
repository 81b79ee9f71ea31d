"""What only the score card of one agency has: both of its sides, its partners, what improved and worsened."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from monitor.judging.terms import Pair
from monitor.reports.figures import Share, Text
from monitor.reports.gather.counted import total
from monitor.reports.model import AgencyRow, Card, Indicator, Movement, Partner, ServiceRow, Side
from monitor.reports.sections.view import Past, View
from monitor.reports.texts import Texts

# Smaller changes are the swing of ordinary weeks, and a list of them would hide what matters.
LEAST_SHARE: Final = 0.005  # half a percentage point
LEAST_TIME: Final = 0.10  # of a percentile
LEAST_COUNT: Final = 0.10  # of failures or breaches
LEAST_EVENTS: Final = 20  # exchanges in both periods: a share of fewer says little
MOST_MOVEMENTS: Final = 12  # of each direction


def card_part(view: View, row: AgencyRow, services: Iterable[ServiceRow]) -> Card:
    """The card of the view's agency."""
    assert view.agency is not None  # noqa: S101  # cards are of one agency
    movements = sorted(
        _movements(view, row, [each for each in services if each.provider == view.agency]),
        key=lambda each: (-_weight(each), each.key, each.subject or ""),
    )
    return Card(
        row=row,
        as_provider=_side(
            view, lambda past: past.by_provider.get(row.agency, []), lambda pair: pair.consumer
        ),
        as_consumer=_side(
            view, lambda past: past.by_consumer.get(row.agency, []), lambda pair: pair.provider
        ),
        improved=tuple(each for each in movements if each.better)[:MOST_MOVEMENTS],
        worsened=tuple(each for each in movements if not each.better)[:MOST_MOVEMENTS],
    )


def _side(view: View, pairs: Callable[[Past], list[Pair]], other: Callable[[Pair], str]) -> Side:
    now = pairs(view.now)
    return Side(
        volume=total(view.now.pairs[pair] for pair in now).volume,
        before=None
        if view.before is None
        else total(view.before.pairs[pair] for pair in pairs(view.before)).volume,
        year_ago=None
        if view.year_ago is None
        else total(view.year_ago.pairs[pair] for pair in pairs(view.year_ago)).volume,
        durations=view.now.durations(now),
        availability=view.availability(pairs),
        partners=tuple(_partners(view, pairs, other)),
        services=len({pair.service for pair in now if view.now.pairs[pair].exchanges}),
    )


def _partners(
    view: View, pairs: Callable[[Past], list[Pair]], other: Callable[[Pair], str]
) -> Iterator[Partner]:
    groups: dict[str, list[Pair]] = {}
    for pair in pairs(view.now):
        groups.setdefault(other(pair), []).append(pair)

    def exchanges(past: Past, code: str) -> int:
        return past.exchanges(pair for pair in pairs(past) if other(pair) == code)

    sums = {code: total(view.now.pairs[pair] for pair in held).volume for code, held in groups.items()}
    for code in sorted(sums, key=lambda code: (-sums[code].exchanges, code)):
        yield Partner(
            agency=code,
            name=view.name(code),
            services=len({pair.service for pair in groups[code]}),
            exchanges=view.trend(lambda past, code=code: exchanges(past, code)),  # type: ignore[misc]
            failed=sums[code].failed,
            breached=sums[code].breached,
        )


# What became better or worse


def _movements(view: View, row: AgencyRow, services: list[ServiceRow]) -> Iterator[Movement]:
    for indicator in row.indicators:
        yield from _of_share(indicator.key, None, indicator, least_events=1)
    yield from _of_share("availability", None, row.availability)
    for service in services:
        yield from _of_share("availability", service.service, service.availability)
        before, now = service.p95_before_us, service.durations.p95_us
        enough = (service.exchanges.before or 0) >= LEAST_EVENTS <= service.exchanges.now
        if before and now and enough and abs(now - before) >= LEAST_TIME * before:
            yield Movement(
                key="p95",
                subject=service.service,
                better=now < before,
                unit="us",
                before=before,
                now=now,
                text=_words("figure.p95", service.service, before, now, "us"),
            )
    if view.before is not None:
        counts = (
            ("breached", view.before.total.volume.breached, view.now.total.volume.breached),
            ("failed", view.before.total.volume.failed, view.now.total.volume.failed),
        )
        for key, earlier, latest in counts:
            large = max(earlier, latest) >= LEAST_EVENTS
            if large and abs(latest - earlier) >= LEAST_COUNT * max(earlier, 1):
                yield Movement(
                    key=key,
                    subject=None,
                    better=latest < earlier,
                    unit="count",
                    before=earlier,
                    now=latest,
                    text=_words(f"figure.{key}", None, earlier, latest, "count"),
                )


def _of_share(
    key: str, subject: str | None, indicator: Indicator, least_events: int = LEAST_EVENTS
) -> Iterator[Movement]:
    before, now = indicator.before, indicator.ratio
    if before is None or before.ratio is None or now is None:
        return
    if min(before.denominator, indicator.denominator) < least_events:
        return
    if abs(now - before.ratio) < LEAST_SHARE:
        return
    yield Movement(
        key=key,
        subject=subject,
        better=now > before.ratio,
        unit="share",
        before=before.ratio,
        now=now,
        text=_words(f"indicator.{key}", subject, before, indicator.share, "share"),
    )


def _words(name: str, subject: str | None, before: object, now: object, unit: str) -> Text:
    found = {}
    for texts in (Texts("en"), Texts("vi")):
        shown = [_shown(texts, value, unit) for value in (before, now)]
        message = "moved.indicator" if subject is None else "moved.service"
        values = {"name": texts(name), "before": shown[0], "now": shown[1]}
        found[texts.language] = texts(message, **values, **({} if subject is None else {"subject": subject}))
    return Text(en=found["en"], vi=found["vi"])


def _shown(texts: Texts, value: object, unit: str) -> str:
    if isinstance(value, Share):
        return texts.percent(value.ratio)
    assert isinstance(value, int)  # noqa: S101  # times and counts are whole
    return texts.milliseconds(value) if unit == "us" else texts.number(value)


def _weight(movement: Movement) -> float:
    """How much a movement says, so that the largest come first: change against what it was, or could be."""
    if movement.unit == "share":
        return abs(movement.now - movement.before) * 10
    return abs(movement.now - movement.before) / max(movement.before, 1)
