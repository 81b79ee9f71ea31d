"""Reads what was sent with plain json and judges it in the plainest way: no code of the project does it."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from monitor.registry.load import Registry
from monitor.registry.model import Agreement
from monitor.simulation import Sent

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Members = dict[str, Any]


def members(sent: Sent) -> Members:
    """The exchange in an event, whatever is around it."""
    body: Members = json.loads(sent.value)
    return body["data"] if "specversion" in body else body


def moment(exchange: Members) -> datetime:
    """The time of an exchange, in whichever form it was written."""
    written = exchange["time"]
    if isinstance(written, int):
        return datetime.fromtimestamp(written / 1000, UTC)
    return datetime.fromisoformat(written)


class Checker:
    """Finds every breach of every exchange it is shown, in order."""

    def __init__(self, registry: Registry, zone: ZoneInfo) -> None:
        self.registry = registry
        self.zone = zone
        self.calls: Counter[tuple[str, str, date]] = Counter()
        self.ids: set[str] = set()

    def breaches(self, exchange: Members) -> set[str]:
        """The breaches that one exchange commits."""
        if exchange["id"] in self.ids:
            return {"duplicate_id"}
        self.ids.add(exchange["id"])
        agencies, services = self.registry.agencies, self.registry.services
        provider, consumer, service = exchange["provider"], exchange["consumer"], exchange["service"]
        if provider not in agencies or consumer not in agencies:
            return {"unknown_agency"}
        if service not in services or services[service].provider != provider:
            return {"unknown_service"}
        local = moment(exchange).astimezone(self.zone)
        versions = [
            one for one in self.registry.agreements if (one.consumer, one.service) == (consumer, service)
        ]
        if not versions:
            return {"no_agreement"}
        covering = [one for one in versions if one.start <= local.date() <= one.last_day]
        covering.sort(key=lambda one: one.status == "draft")
        if not covering:
            over = [one for one in versions if one.last_day < local.date()]
            if not over:
                return {"agreement_not_started"}
            over = [one for one in over if one.status != "draft"]
            over.sort(key=lambda one: one.last_day)
            stopped = over and over[-1].status == "terminated"
            return {"agreement_inactive" if stopped else "agreement_expired"}
        if covering[0].status in ("draft", "suspended"):
            return {"agreement_inactive"}
        if covering[0].status == "terminated" and covering[0].ended is None:
            return {"agreement_inactive"}
        return self._terms_broken(exchange, covering[0], local)

    def _terms_broken(self, exchange: Members, terms: Agreement, local: datetime) -> set[str]:
        found = set()
        purpose = exchange.get("purpose")
        if not purpose:
            found.add("purpose_missing")
        elif purpose not in terms.purposes:
            found.add("purpose_not_permitted")
        if terms.fields and set(exchange.get("fields") or ()) - set(terms.fields):
            found.add("fields_exceeded")
        if terms.ceilings.records_per_call and exchange["records"] > terms.ceilings.records_per_call:
            found.add("records_exceeded")
        if terms.hours:
            until = terms.hours.until if terms.hours.until != time(0) else time(23, 59, 59, 999_999)
            if DAYS[local.weekday()] not in terms.hours.days or not terms.hours.start <= local.time() < until:
                found.add("outside_hours")
        day = (terms.consumer, terms.service, local.date())
        self.calls[day] += 1
        if terms.ceilings.calls_per_day and self.calls[day] > terms.ceilings.calls_per_day:
            found.add("quota_exceeded")
        if terms.case_required and not exchange.get("case"):
            found.add("case_missing")
        if terms.signature_required and exchange.get("signed") is not True:
            found.add("unsigned")
        return found
