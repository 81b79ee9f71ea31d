"""The metrics that count exchanges: name, help and labels. Part of the contract: add freely, change never."""

from __future__ import annotations

from typing import NamedTuple

PREFIX = "datashare_"
PAIR = ("provider", "consumer", "service")


class Declaration(NamedTuple):
    """A metric's name without prefix and suffix, what it counts, and its labels."""

    name: str
    help: str
    labels: tuple[str, ...]


EXCHANGES = Declaration("exchanges", "Exchanges counted, whatever their outcome", PAIR)
FAILURES = Declaration(
    "exchange_failures", "Exchanges that were not answered, by outcome", (*PAIR, "outcome")
)
RECORDS = Declaration("records", "Records that exchanges returned", PAIR)
REQUEST_BYTES = Declaration("request_bytes", "Bytes that exchanges asked with", PAIR)
RESPONSE_BYTES = Declaration("response_bytes", "Bytes that exchanges returned", PAIR)
DURATION = Declaration("exchange_duration_seconds", "How long exchanges took", ("provider", "service"))
BREACHES = Declaration("breaches", "Breaches of agreements", (*PAIR, "breach"))
LAST_EXCHANGE = Declaration("last_exchange_timestamp_seconds", "Time of the newest exchange", PAIR)
SLO_EVENTS = Declaration("slo_events", "Exchanges that an objective is measured on", ("agreement", "slo"))
SLO_BAD_EVENTS = Declaration("slo_bad_events", "Exchanges that missed an objective", ("agreement", "slo"))
SLO_OBJECTIVE = Declaration(
    "slo_objective_ratio", "Share of exchanges that must be good", ("agreement", "slo")
)
SLO_MIN_BAD = Declaration(
    "slo_min_bad_events", "Bad exchanges below which an objective does not alert", ("agreement", "slo")
)
AGREEMENT_INFO = Declaration(
    "agreement_info",
    "An agreement version in force, or the last that was",
    ("agreement", "version", *PAIR, "status"),
)
AGREEMENT_EXPIRY = Declaration(
    "agreement_expiry_timestamp_seconds", "When an agreement ends or ended", ("agreement",)
)
AGREEMENT_REVIEW = Declaration(
    "agreement_review_timestamp_seconds", "When an agreement is due for review", ("agreement",)
)
DUPLICATES = Declaration("duplicates", "Exchanges that came again and were not added", ())
LATE = Declaration("late_events", "Exchanges that came long after newer ones", ())
IDS_SHORTENED = Declaration(
    "id_memory_shortened", "Times that ids had to be forgotten before the window ended", ()
)
SECURITY_EVENTS = Declaration(
    "security_events",
    "Security events counted; kinds that are not listed as other",
    ("agency", "kind", "severity"),
)
SECURITY_DUPLICATES = Declaration(
    "security_duplicates", "Security events that came again and were not added", ()
)
SECURITY_LATE = Declaration("security_late_events", "Security events that came long after newer ones", ())
SECURITY_IDS_SHORTENED = Declaration(
    "security_id_memory_shortened",
    "Times that ids of security events had to be forgotten before the window ended",
    (),
)
PERSONAL_VALUES = Declaration(
    "personal_values",
    "Values that may name a person: withheld for want of a key, or dropped from details",
    ("treatment",),
)
LIFECYCLE_EVENTS = Declaration("lifecycle_events", "Lifecycle events counted", ("agency", "kind"))
LIFECYCLE_DUPLICATES = Declaration(
    "lifecycle_duplicates", "Lifecycle events that came again and were not added", ()
)
LIFECYCLE_LATE = Declaration("lifecycle_late_events", "Lifecycle events that came long after newer ones", ())
LIFECYCLE_IDS_SHORTENED = Declaration(
    "lifecycle_id_memory_shortened",
    "Times that ids of lifecycle events had to be forgotten before the window ended",
    (),
)
DOSSIER_STEPS = Declaration("dossier_steps", "Steps of dossiers counted", ("agency", "step"))
DOSSIER_DUPLICATES = Declaration(
    "dossier_duplicates", "Steps of dossiers that came again and were not added", ()
)
DOSSIER_LATE = Declaration("dossier_late_events", "Steps of dossiers that came long after newer ones", ())
DOSSIER_IDS_SHORTENED = Declaration(
    "dossier_id_memory_shortened",
    "Times that ids of dossier events had to be forgotten before the window ended",
    (),
)
DOSSIERS_FULL = Declaration("dossiers_full", "Dossiers that reached the steps of one kind that are kept", ())
