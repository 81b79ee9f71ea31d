"""What a notice says of an incident: sections of items, and which of them are missing. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from alerts.incidents.clock import runs
from alerts.incidents.model import Incident
from alerts.incidents.notice.texts import TEXTS
from alerts.incidents.notice.written import harmless, moment, number, span
from alerts.incidents.words import KINDS, PERSONAL_DATA, STATUSES, TIERS, Language
from monitor.registry.registry import Registry


class Item(NamedTuple):
    """One line: what it is, and what is known of it. A missing one must be completed by people."""

    key: str
    label: str
    value: str
    missing: bool = False


class Section(NamedTuple):
    """A numbered part of the notice."""

    number: int
    title: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """All that either form of the notice shows. `missing` are the items to complete, in their order, each
    with the number of its section (0 for the recipient, who stands above them)."""

    incident: str
    language: Language
    agency: str
    recipient: str | None
    now: str
    year: int
    sections: tuple[Section, ...]
    missing: tuple[tuple[int, Item], ...]

    def text(self, key: str, **values: object) -> str:
        """One of the notice's own texts in its language."""
        return TEXTS[key].of(self.language).format(**values)


def compose(
    incident: Incident, registry: Registry, *, language: Language, zone: ZoneInfo, now: datetime
) -> Notice:
    """The notice of an incident as far as it is known at `now`; times are local to `zone`.

    The registry gives names, classes of data and the agency's mailbox; without it codes stand alone.
    """
    sections = tuple(
        Section(index, TEXTS[f"s_{title}"].of(language), tuple(found))
        for index, (title, found) in enumerate(_Writer(incident, registry, language, zone, now).sections(), 1)
    )
    missing = [(one.number, item) for one in sections for item in one.items if item.missing]
    recipient = harmless(incident.slots.get("recipient", "")) or None
    if recipient is None:
        missing.insert(0, (0, Item("recipient", TEXTS["recipient"].of(language), "", missing=True)))
    local = now.astimezone(zone)
    named = _agency_name(incident.agency, registry, language)
    return Notice(
        incident.id,
        language,
        named,
        recipient,
        moment(now, zone, language),
        local.year,
        sections,
        tuple(missing),
    )


def _agency_name(code: str, registry: Registry, language: Language) -> str:
    agency = registry.agency(code)
    return harmless(code) if agency is None else getattr(agency.name, language)


class _Writer:
    """Writes the items of one incident in one language."""

    def __init__(
        self, incident: Incident, registry: Registry, language: Language, zone: ZoneInfo, now: datetime
    ) -> None:
        self._incident = incident
        self._registry = registry
        self._language = language
        self._zone = zone
        self._now = now

    def sections(self) -> Iterable[tuple[str, list[Item]]]:
        """In the order of the notice."""
        yield "incident", self._general()
        yield "time", self._times()
        yield "nature", [self._nature(), self._slot("cause")]
        yield "data", self._data()
        yield "consequences", [self._slot("consequences")]
        yield "measures", [self._slot("measures_taken"), self._slot("measures_planned")]
        yield "contact", [self._slot("contact"), self._mailbox()]
        yield "informed", [self._slot("informed"), self._slot("subjects_informed", asked=self._concerns)]
        yield (
            "references",
            [
                self._optional("alerts", self._incident.alerts),
                self._optional("events", self._incident.events),
            ],
        )

    @property
    def _concerns(self) -> bool:
        """Whether personal data may be concerned, so that what is asked about them is owed."""
        return self._incident.personal_data != "no"

    def _general(self) -> list[Item]:
        one, language = self._incident, self._language
        name = _agency_name(one.agency, self._registry, language)
        tier = TIERS[one.tier]
        words = self._say(
            "tier_value",
            number=int(one.tier),
            name=tier.name.of(language),
            meaning=tier.meaning.of(language),
        )
        code = harmless(one.agency)
        return [
            self._item("id", one.id),
            self._item("agency", name if name == code else f"{name} ({code})"),
            self._item("tier", words),
            self._item("kind", KINDS[one.kind].of(language)),
            self._item("status", self._standing()),
        ]

    def _standing(self) -> str:
        status = STATUSES[self._incident.status].of(self._language)
        reason = self._incident.reason
        return f"{status}: {harmless(reason)}" if reason else status

    def _times(self) -> list[Item]:
        one, language = self._incident, self._language
        items = [self._item(key, self._moment(getattr(one, key))) for key in ("detected_at", "due_at")]
        late = timedelta(0)
        if one.notified_at is not None:
            late = one.notified_at - one.due_at
            told = self._moment(one.notified_at)
            if late > timedelta(0):
                told = self._say("notified_late", time=told, late=span(late, language))
            items.append(self._item("notified_at", told))
            items.append(self._item("reference", one.reference or ""))
        elif runs(one):
            late = self._now - one.due_at
            form = "clock_over" if late > timedelta(0) else "clock_left"
            items.append(self._item("clock", self._say(form, time=span(late, language))))
        if late > timedelta(0):
            items.append(self._slot("delay_reason"))
        return items

    def _nature(self) -> Item:
        one = self._incident
        other = one.slots.get("what_vi") if self._language == "vi" else None
        return self._needed("what", other or one.what)

    def _data(self) -> list[Item]:
        one, language = self._incident, self._language
        held = [self._registry.services[name] for name in one.services if name in self._registry.services]
        classes = {service.personal_data for service in held}
        gravest = next((name for name in ("sensitive", "basic", "none") if name in classes), None)
        names = [
            f"{harmless(name)} ({getattr(self._registry.services[name].name, language)})"
            if name in self._registry.services
            else name
            for name in one.services
        ]
        told = PERSONAL_DATA[one.personal_data].of(language)
        items = [
            Item("personal_data", self._say("personal_data"), told, missing=one.personal_data == "unknown")
        ]
        if gravest:
            items.append(self._item("class", self._say(f"class_{gravest}")))
        if self._concerns:
            items.append(self._needed("categories", ", ".join(one.categories)))
        for key, value in (("records", one.records), ("persons", one.persons)):
            if value is not None or self._concerns:
                items.append(self._needed(key, "" if value is None else number(value, language)))
        return [*items, self._optional("services", names), self._optional("agreements", one.agreements)]

    def _mailbox(self) -> Item:
        agency = self._registry.agency(self._incident.agency)
        return self._optional("mailbox", [agency.contact] if agency and agency.contact else [])

    def _slot(self, key: str, *, asked: bool = True) -> Item:
        text = self._incident.slots.get(key, "")
        return self._needed(key, text) if asked else self._optional(key, [text] if text else [])

    def _needed(self, key: str, value: str) -> Item:
        text = harmless(value).strip()
        return Item(key, self._say(key), text, missing=not text)

    def _optional(self, key: str, values: Iterable[str]) -> Item:
        return self._item(key, ", ".join(values) or self._say("none"))

    def _item(self, key: str, value: str) -> Item:
        return Item(key, self._say(key), harmless(value))

    def _moment(self, time: datetime) -> str:
        return moment(time, self._zone, self._language)

    def _say(self, key: str, **values: object) -> str:
        return TEXTS[key].of(self._language).format(**values)
