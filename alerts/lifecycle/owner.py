"""Whose work an alert is: the security desk's, or that of an agency's office as the registry knows it."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from alerts.model import Group, RuleInfo
from monitor.judging.book import version_in_force
from monitor.registry.registry import Registry

SOC = "soc"


def owner_of(
    info: RuleInfo, agency: str, group: Group, at: datetime, registry: Registry, zone: tzinfo = UTC
) -> str:
    """`soc`, or the mailbox of the unit whose work it is.

    For `consumer` and `provider`: the contact in the agreement in force `at` that time for the consumer and
    the service that the group names, else that of the agency; `soc` where the registry knows neither, as no
    alert may be nobody's.
    """
    if info.owner == SOC:
        return SOC
    named = dict(group)
    service = registry.services.get(named.get("service", ""))
    consumer = named.get("consumer") or (agency if info.agency in ("agency", "consumer") else "")
    provider = named.get("provider") or (service.provider if service else "")
    if not provider and info.agency == "provider":
        provider = agency
    day = at.astimezone(zone).date()  # agreements run by local days
    agreement = version_in_force(registry.versions(consumer, service.id), day) if service else None
    if info.owner == "consumer":
        contact, code = agreement and agreement.contact_consumer, consumer
    else:
        contact, code = agreement and agreement.contact_provider, provider
    registered = registry.agency(code)
    return contact or (registered.contact if registered else None) or SOC
