"""What the records of X-Road's security servers tell beyond the ledger: causes of failures, durations, sizes.

Rows are of one provider, consumer and service; without a consumer of a service with all of its consumers, and
without any of the three of all calls that the report is about.
"""

from __future__ import annotations

from typing import Literal

from monitor.reports.figures import Figure


class XroadCauses(Figure, frozen=True, kw_only=True):
    """Calls that failed, by cause (monitor.xroad.causes); each call has one."""

    denied: int = 0
    unknown_service: int = 0
    timeout: int = 0
    certificate: int = 0
    signature: int = 0
    schema: int = 0
    overload: int = 0
    other: int = 0


class XroadRow(Figure, frozen=True, kw_only=True):
    """Calls, by what was recorded of them and by what became of them.

    `calls` is `both_halves` + `client_only` + `producer_only` (recorded by that side's server alone),
    and `succeeded` + `failed`; `failed` is the sum of `causes`, refusals included.
    """

    provider: str | None
    consumer: str | None
    service: str | None
    calls: int
    both_halves: int
    client_only: int
    producer_only: int
    succeeded: int
    failed: int
    causes: XroadCauses


class XroadMeasure(Figure, frozen=True, kw_only=True):
    """How the values of one measure are spread: microseconds, or bytes, by `unit`.

    `measure` is one of monitor.xroad.measures.MEASURES. `count`, `total`, `smallest` and `largest` are exact,
    and `mean` is `total` by `count`; percentiles are estimates within 1.1 % of the value of their rank, and
    never outside smallest and largest. `flagged` would have been negative by the servers' clocks and are in
    no other figure.
    """

    measure: str
    unit: Literal["us", "bytes"]
    provider: str | None
    consumer: str | None
    service: str | None
    count: int
    flagged: int
    total: int
    smallest: int | None
    mean: float | None
    p50: int | None
    p95: int | None
    p99: int | None
    largest: int | None


class XroadPart(Figure, frozen=True, kw_only=True):
    """Calls over X-Road in the period; None in a report where none are known.

    `duplicates` are halves that came again, `ambiguous` halves that could be of several calls, and
    `identities_differ` calls whose halves name different parties. `network_flagged` are calls with a way over
    the network that is negative by the servers' clocks, `wrong_times` counts times in the wrong order on one
    clock by name. Measures of pairs are there for the pairs that are listed; `pairs_more` are left out.
    """

    total: XroadRow
    duplicates: int
    ambiguous: int
    identities_differ: int
    network_flagged: int
    wrong_times: dict[str, int]
    services: tuple[XroadRow, ...]
    pairs: tuple[XroadRow, ...]
    pairs_more: int
    measures: tuple[XroadMeasure, ...]
    service_measures: tuple[XroadMeasure, ...]
    pair_measures: tuple[XroadMeasure, ...]
