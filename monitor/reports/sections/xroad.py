"""Calls over X-Road, as the records of its security servers tell them: causes, halves, durations, sizes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from monitor.judging.terms import Pair
from monitor.reports.gather.xroad import Measured
from monitor.reports.sections.view import View
from monitor.reports.shape.xroad import XroadCauses, XroadMeasure, XroadPart, XroadRow
from monitor.xroad import call as calls
from monitor.xroad.causes import Cause
from monitor.xroad.half import SIDES
from monitor.xroad.measures import MEASURES, NETWORK_FLAGGED, NON_MONOTONE, SIZES

MOST_PAIRS: Final = 5_000  # each with a row for every measure; the largest first
JOINED: Final = ("joined", "joined_late")
_CAUSES: Final = {str(cause): calls.CAUSE.format(cause) for cause in Cause if cause is not Cause.OK}
Of = tuple[str | None, str | None, str | None]
"""Provider, consumer, service; None for all of them."""


def xroad_part(view: View) -> XroadPart | None:
    """What is known of the period's calls over X-Road; None where there were none."""
    tallied = view.gathered.xroad
    ours = {pair: Counter(each) for pair, each in tallied.counts.items() if view.concerns(*pair[:2])}
    if not ours:
        return None
    every = _summed(ours.values())
    order = sorted(ours, key=lambda pair: (-_calls(ours[pair]), pair))
    listed = order[:MOST_PAIRS]
    by_service: dict[tuple[str, str], list[Pair]] = {}
    for pair in order:
        by_service.setdefault((pair.provider, pair.service), []).append(pair)
    services = [
        _row((provider, None, service), _summed(ours[pair] for pair in pairs))
        for (provider, service), pairs in by_service.items()
    ]
    services.sort(key=lambda row: (-row.calls, row.provider or "", row.service or ""))

    def measures(of: Of, pairs: Iterable[Pair]) -> list[XroadMeasure]:
        return _measures(of, [tallied.measures.get(pair, {}) for pair in pairs])

    return XroadPart(
        total=_row((None, None, None), every),
        duplicates=sum(every[calls.DUPLICATE.format(side)] for side in SIDES),
        ambiguous=every[calls.AMBIGUOUS],
        identities_differ=every[calls.DIFFERENT],
        network_flagged=every[NETWORK_FLAGGED],
        wrong_times={name: every[name] for name in NON_MONOTONE if every[name]},
        services=tuple(services),
        pairs=tuple(_row(pair, ours[pair]) for pair in listed),
        pairs_more=len(order) - len(listed),
        measures=tuple(measures((None, None, None), ours)),
        service_measures=tuple(
            each
            for row in services
            for each in measures(
                (row.provider, None, row.service), by_service[row.provider or "", row.service or ""]
            )
        ),
        pair_measures=tuple(each for pair in listed for each in measures(pair, [pair])),
    )


def _summed(parts: Iterable[Counter[str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for each in parts:
        found.update(each)
    return found


def _calls(counts: Mapping[str, int]) -> int:
    whats = (*JOINED, *(calls.ORPHAN.format(side) for side in SIDES))
    return sum(counts.get(what, 0) for what in whats)


def _row(of: Of, counts: Counter[str]) -> XroadRow:
    causes = {cause: counts[what] for cause, what in _CAUSES.items()}
    total, failed = _calls(counts), sum(causes.values())
    provider, consumer, service = of
    return XroadRow(
        provider=provider,
        consumer=consumer,
        service=service,
        calls=total,
        both_halves=sum(counts[what] for what in JOINED),
        client_only=counts[calls.ORPHAN.format("client")],
        producer_only=counts[calls.ORPHAN.format("producer")],
        succeeded=total - failed,
        failed=failed,
        causes=XroadCauses(**causes),
    )


def _measures(of: Of, parts: Sequence[Mapping[str, Measured]]) -> list[XroadMeasure]:
    """A row for each measure that there is, in the order in which they are defined."""
    rows = []
    provider, consumer, service = of
    for name in MEASURES:
        held = [part[name] for part in parts if name in part]
        if not held:
            continue
        found = Measured()
        for each in held:
            found.add(each)
        rows.append(
            XroadMeasure(
                measure=name,
                unit="bytes" if name in SIZES else "us",
                provider=provider,
                consumer=consumer,
                service=service,
                count=found.count,
                flagged=found.flagged,
                total=found.total,
                smallest=found.smallest,
                mean=found.total / found.count if found.count else None,
                p50=found.quantile(0.5),
                p95=found.quantile(0.95),
                p99=found.quantile(0.99),
                largest=found.largest,
            )
        )
    return rows
