"""A second way to make the numbers of public services: from the steps, one dossier after the other."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from monitor.events.dossier import DossierEvent
from tests.monitor.dossiers.recount import counts
from tests.monitor.reports.recount import CODES

Days = tuple[date, date]
Sums = Counter[str]
# Weights of the index, and what is made of them: they have tests of their own.
NOT_RECOUNTED = ("points", "scored", "most", "target", "confirmed")
GROUPS: dict[str, tuple[str, ...]] = {"birth": ("1.00*",), "land": ("2.00*",)}
SHARES = {
    "on_time": (("on_time",), ("on_time", "late", "lapsed")),
    "filed_online": (("online",), ("received",)),
    "paid_online": (("paid_online",), ("paid",)),
    "digitised": (("digitised",), ("completed",)),
    "reused": (("reused",), ("completed",)),
    "population_database_used": (("population_database",), ("completed",)),
    "complaints_on_time": (("complaints_on_time",), ("complaints_on_time", "complaints_lapsed")),
    "satisfaction": (("satisfied",), ("rated",)),
}


def recount_services(
    steps: Sequence[DossierEvent], period: Days, agency: str | None = None
) -> dict[str, Any]:
    """Every number of `service_quality` on these local days, of all agencies or of one; none of the weights.

    Empty where nothing is known of the period. The period before is the month before.
    """
    last = period[0] - timedelta(days=1)
    now, before = (_sums(steps, days, agency) for days in (period, (last.replace(day=1), last)))
    if not now:
        return {}
    total, then = _together(now), _together(before)
    found: dict[str, Any] = {
        "service_quality.dossiers": total["received"],
        "service_quality.handled": total["handled"],
        "service_quality.handling_days": total["handling_days"],
    }
    for key in SHARES:
        found |= _share(f"service_quality.items[{key}].indicator", key, total, then)
        for code in {code for code, _ in now} if agency is None else ():
            own = _together({each: sums for each, sums in now.items() if each[0] == code})
            found |= _share(f"service_quality.agencies.{code}[{key}].indicator", key, own, Counter())
    for group in {group for _, group in now}:
        own, past = (
            _together({each: sums for each, sums in held.items() if each[1] == group})
            for held in (now, before)
        )
        at = f"service_quality.groups[{group}]"
        found |= {f"{at}.{name}": own[name] for name in ("received", "completed", "handled", "handling_days")}
        for key in ("on_time", "filed_online", "paid_online", "satisfaction"):
            found |= _share(f"{at}.{key}", key, own, past)
    return found


def _sums(steps: Sequence[DossierEvent], days: Days, agency: str | None) -> dict[tuple[str, str], Sums]:
    """By agency and group of procedures, what counts on these days."""
    dossiers: defaultdict[tuple[str, str], list[DossierEvent]] = defaultdict(list)
    for step in {each.id: each for each in reversed(steps)}.values():
        code = CODES.get(step.agency)
        if code is not None and agency in (None, code):
            dossiers[code, step.dossier].append(step)
    found: defaultdict[tuple[str, str], Sums] = defaultdict(Counter)
    for (code, _), said in dossiers.items():
        for (day, measure), count in counts(said).items():
            if days[0] <= day <= days[1]:
                found[code, _group(said)][measure] += count
    return dict(found)


def _group(said: Sequence[DossierEvent]) -> str:
    """By the procedure of the earliest receipt."""
    received = [each for each in said if each.step == "received"]
    first = min(
        received,
        key=lambda each: (_time(each), each.promised or date.max, each.procedure or ""),
        default=None,
    )
    procedure = "" if first is None else first.procedure or ""
    return {"1.00": "birth", "2.00": "land"}.get(procedure[:4], "other")


def _time(step: DossierEvent) -> datetime:
    return step.time if isinstance(step.time, datetime) else datetime.fromtimestamp(step.time / 1000, UTC)


def _together(sums: dict[tuple[str, str], Sums]) -> Sums:
    return sum(sums.values(), Counter())


def _share(at: str, key: str, now: Sums, before: Sums) -> dict[str, Any]:
    """Both counts, what ought to be scored, and both counts of the period before where it has any."""
    (numerator, denominator), (past, past_of) = (
        [sum(sums[name] for name in names) for names in SHARES[key]] for sums in (now, before)
    )
    found: dict[str, Any] = {
        f"{at}.numerator": numerator,
        f"{at}.denominator": denominator,
        f"{at}.eligible": denominator + (now["unmeasured"] if key == "on_time" else 0),
        f"{at}.scored": denominator > 0,
    }
    if past_of:
        found |= {f"{at}.before.numerator": past, f"{at}.before.denominator": past_of}
    return found
