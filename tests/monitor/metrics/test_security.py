"""The metrics of security events: what was committed, under bounded labels."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, generate_latest

from monitor.metrics.security import SecurityMetrics, SecurityTotals
from monitor.security.changes import CountKey, SecurityCount
from monitor.security.store import SecurityWritten


def written() -> SecurityWritten:
    """What two hours of one kind, and a duplicate of another, add."""
    return SecurityWritten(
        counts=[
            (CountKey(0, "MOH", "sign_in_failed", 2), SecurityCount(3, late=1)),
            (CountKey(3600, "MOH", "sign_in_failed", 2), SecurityCount(2, duplicates=1)),
            (CountKey(0, "MPS", "other", 5), SecurityCount(0, duplicates=4)),
        ],
        ids_shortened=1,
        withheld=7,
        dropped=2,
    )


def test_commits_add_up() -> None:
    """Hours are not told apart; what only came again has no series."""
    metrics = SecurityMetrics()
    metrics.add(written())
    metrics.add(written())
    registry = CollectorRegistry()
    registry.register(metrics)
    lines = [line for line in generate_latest(registry).decode().splitlines() if not line.startswith("#")]
    assert lines == [
        'datashare_security_events_total{agency="MOH",kind="sign_in_failed",severity="low"} 10.0',
        'datashare_personal_values_total{treatment="withheld"} 14.0',
        'datashare_personal_values_total{treatment="dropped"} 4.0',
        "datashare_security_duplicates_total 10.0",
        "datashare_security_late_events_total 2.0",
        "datashare_security_id_memory_shortened_total 2.0",
    ]
    assert metrics.totals() == SecurityTotals(events=10, duplicates=10, late=2, ids_shortened=2)
