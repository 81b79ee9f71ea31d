"""The tables of incidents. They belong to no partition: of one source comes one incident, whoever saw it."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from monitor.storage.tables import NAME, Moment, metadata

INCIDENT = String(40)

incidents = Table(
    "incidents",
    metadata,
    Column("id", INCIDENT, primary_key=True),
    Column("source", String(200), nullable=False),  # an event, an alert, a desk's call
    Column("agency", NAME, nullable=False),
    Column("tier", Integer, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("what", Text, nullable=False),
    Column("detected_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("personal_data", String(10), nullable=False),
    Column("categories", Text, nullable=False, comment="JSON list"),
    Column("records", BigInteger),
    Column("persons", BigInteger),
    Column("services", Text, nullable=False, comment="JSON list"),
    Column("agreements", Text, nullable=False, comment="JSON list"),
    Column("alerts", Text, nullable=False, comment="JSON list of ids"),
    Column("events", Text, nullable=False, comment="JSON list of ids"),
    Column("slots", Text, nullable=False, comment="JSON object: what people told for the notice"),
    Column("status", String(20), nullable=False),
    Column("notified_at", Moment),
    Column("reference", Text),
    Column("reason", Text),
    Column("running_since", Moment, nullable=False),
    Column("warned", Integer, comment="hours left at the last threshold that was alerted on"),
    Column("opened_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Index(None, "source", unique=True),
    Index(None, "status", "due_at"),
)

incident_changes = Table(
    "incident_changes",
    metadata,
    Column("incident", INCIDENT, primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("desk", String(100), nullable=False),  # a role or unit, never a person
    Column("what", String(40), nullable=False),
    Column("changed", Text, nullable=False, comment="JSON object: the new values"),
)

# All keys under which an incident's origin is known: an event, its system's own id, an alert, its events.
incident_sources = Table(
    "incident_sources",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("incident", INCIDENT, nullable=False),
)

# The last number given out in a year. Whoever opens an incident holds this row to the transaction's end, so
# no number is given twice, and of one source there is one incident on PostgreSQL too.
incident_numbers = Table(
    "incident_numbers",
    metadata,
    Column("year", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)
