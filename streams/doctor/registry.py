"""Check of the registry: whether it loads, and whether anything in it is in force."""

from __future__ import annotations

from datetime import date

from monitor.registry.load import load_registry
from monitor.registry.problems import RegistryProblems
from monitor.registry.registry import Registry
from monitor.registry.summary import summarise
from monitor.settings import Settings
from streams.doctor.finding import Finding, counted, ok, problem, warning

SHOWN = 3  # problems repeated here; `monitor registry check` lists all


def check_registry(settings: Settings, today: date) -> tuple[Finding, Registry | None]:
    """Load the registry; None in its place where a worker would refuse it. `today` is a local day."""
    folder = settings.registry
    try:
        registry = load_registry(folder)
    except RegistryProblems as why:
        first = "; ".join(str(each) for each in why.problems[:SHOWN])
        rest = len(why.problems) - SHOWN
        more = f"; and {rest} more" if rest > 0 else ""
        what = f"{folder} has {counted(len(why.problems), 'problem')}: {first}{more}"
        remedy = (
            f"`monitor registry check {folder}` lists them all; a worker does not start before they are gone."
        )
        return problem("registry", what, remedy), None
    summary = summarise(registry, today)
    held = (
        f"{counted(summary.agencies, 'agency', 'agencies')}, {counted(summary.services, 'service')}, "
        f"{counted(summary.agreements, 'agreement')}"
    )
    in_force = summary.in_force.get("active", 0) + summary.in_force.get("registered", 0)
    if not in_force:
        return warning(
            "registry",
            f"{folder} holds {held}, but none permits anything on {today}: every exchange will be a breach",
            "Check start, end and status of the agreements: `monitor registry check`.",
        ), registry
    return ok("registry", f"{held}; {in_force} in force on {today}"), registry
