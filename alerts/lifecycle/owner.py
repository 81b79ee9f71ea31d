"""Whose work an alert is: the security desk's, or that of an agency's office as the registry knows it."""

from __future__ import annotations

from datetime import UTC, tzinfo

from alerts.lifecycle.total import Total, moment
from alerts.model import Group, RuleInfo
from monitor.judging.book import version_in_force
from monitor.registry.registry import Registry

SOC = "soc"


def owner_of(info: RuleInfo, total: Total, group: Group, registry: Registry, zone: tzinfo = UTC) -> str:
    """`soc`, or the mailbox of the unit whose work it is.

    For `consumer` and `provider`: the contact in the agreement that was in force for the group's consumer
    and service, else that of the agency; `soc` where the registry knows neither, as no alert may be nobody's.
    """
    if info.owner == SOC:
        return SOC
    named = dict(group)
    service = registry.services.get(named.get("service", ""))
    consumer = named.get("consumer") or (total.agency if info.agency in ("agency", "consumer") else "")
    provider = named.get("provider") or (service.provider if service else "")
    if not provider and info.agency == "provider":
        provider = total.agency
    day = moment(total.last_ms).astimezone(zone).date()  # agreements run by local days
    agreement = version_in_force(registry.versions(consumer, service.id), day) if service else None
    if info.owner == "consumer":
        contact, code = agreement and agreement.contact_consumer, consumer
    else:
        contact, code = agreement and agreement.contact_provider, provider
    agency = registry.agency(code)
    return contact or (agency.contact if agency else None) or SOC
