"""What has been told to whom: destinations, and what each of them has taken."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, String, Table

from monitor.storage.lease import leases
from monitor.storage.tables import Moment, metadata

__all__ = ["deliveries", "destinations", "leases", "webhook_deliveries"]  # all that the delivery writes

DESTINATION = String(200)
ALERT_ID = String(100)

destinations = Table(
    "destinations",
    metadata,
    Column("name", DESTINATION, primary_key=True),
    # Since when it is known: what was over before is not told to it.
    Column("since", Moment, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("destination", DESTINATION, primary_key=True),
    Column("alert_id", ALERT_ID, primary_key=True),
    Column("episode", Integer, primary_key=True, autoincrement=False),
    # When an Alertmanager first took it as open, and as resolved.
    Column("opened_sent_at", Moment),
    Column("resolved_sent_at", Moment),
    Column("refused_at", Moment),
    Column("refused", String(300)),
    Index(None, "opened_sent_at"),
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("destination", DESTINATION, primary_key=True),
    # The change's number in the outbox (alerts.lifecycle.tables).
    Column("change", BigInteger, primary_key=True, autoincrement=False),
    Column("attempts", Integer, nullable=False),
    Column("next_at", Moment, nullable=False),
    # When it was accepted or given up; until then it is tried again at `next_at`.
    Column("done_at", Moment),
    Column("expired", Boolean, nullable=False),  # given up for its age
    Index(None, "done_at"),
)
