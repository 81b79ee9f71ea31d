"""The draft of the notice: what it says in both languages, what it asks for, and that it is safe to open."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from alerts.incidents.model import SLOTS
from alerts.incidents.notice.content import Notice, compose
from alerts.incidents.notice.render import to_html, to_text
from alerts.incidents.notice.texts import TEXTS
from alerts.incidents.words import KINDS, PERSONAL_DATA, STATUSES, TIERS, Language
from monitor.registry.registry import Registry
from tests.alerts.incidents.parts import HOUR, incident
from tests.builders import MOMENT, ZONE, agency, made, service

NOW = MOMENT + 30 * HOUR
LANGUAGES: tuple[Language, ...] = ("vi", "en")
REGISTRY = made(
    agencies=[
        agency("MPS"),
        agency("MOH", name={"en": "Ministry of Health", "vi": "Bộ Y tế"}, contact="office@moh.example"),
        agency("VSS"),
    ],
    services=[
        service() | {"name": {"en": "Identity", "vi": "Xác thực danh tính"}, "personal_data": "sensitive"}
    ],
)
FULL = {name: f"text of {name}" for name in SLOTS}


def notice(
    language: Language = "en", *, now: Any = NOW, registry: Registry = REGISTRY, **changes: Any
) -> Notice:
    """The notice of an incident with these changes."""
    return compose(incident(**changes), registry, language=language, zone=ZONE, now=now)


def complete(**changes: Any) -> dict[str, Any]:
    """Everything a notice asks for."""
    slots = {name: text for name, text in FULL.items() if name != "delay_reason"}
    given: dict[str, Any] = {"slots": slots, "categories": ("sex",), "records": 12345, "persons": 10000}
    return {**given, **changes}


def missing(drafted: Notice) -> list[str]:
    """The keys of what is missing."""
    return [item.key for _, item in drafted.missing]


def said(text: str) -> str:
    """A text form without its line breaks."""
    return " ".join(text.split())


class Page(HTMLParser):
    """What a browser would make of a page: its elements, and the text within."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self.words.append(data)

    @property
    def text(self) -> str:
        """All texts, blanks run together."""
        return " ".join(" ".join(self.words).split())


KEY_SENTENCES = {
    "vi": [
        "Thông báo sự cố xâm phạm dữ liệu cá nhân",
        "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
        "Độc lập - Tự do - Hạnh phúc",
        "Luật số 91/2025 về bảo vệ dữ liệu cá nhân, có hiệu lực từ ngày 01 tháng 01 năm 2026: "
        "hành vi vi phạm phải được thông báo trong vòng 72 giờ kể từ khi phát hiện.",
        "Bố cục và tên các mục là mẫu gợi ý của hệ thống, không phải biểu mẫu chính thức: "
        "cần đối chiếu với biểu mẫu hiện hành.",
        "Bộ Y tế (MOH)",
        "15 giờ 15 phút, ngày 05 tháng 10 năm 2026 (UTC+07:00)",
        "15 giờ 15 phút, ngày 08 tháng 10 năm 2026 (UTC+07:00)",
        "42 giờ 00 phút",
        "Cấp 4/5, nghiêm trọng.",
        "rò rỉ dữ liệu đã được xác nhận",
        "12.345",
        "dữ liệu cá nhân nhạy cảm",
        "population.verify-identity (Xác thực danh tính)",
        "text of what_vi",
        "office@moh.example",
        "Không còn mục nào thiếu.",
    ],
    "en": [
        "Notice of an incident that concerns personal data",
        "Law 91/2025 on the protection of personal data, in force since 1 January 2026: a breach is "
        "notified within 72 hours of its detection.",
        "The order and names of the sections are this program's template, not an official form",
        "Ministry of Health (MOH)",
        "5 October 2026, 15:15 (UTC+07:00)",
        "8 October 2026, 15:15 (UTC+07:00)",
        "42 hours 00 minutes",
        "4 of 5, serious.",
        "confirmed leak of data",
        "12,345",
        "sensitive personal data",
        "population.verify-identity (Identity)",
        "Records were copied to a server outside.",
        "office@moh.example",
        "Nothing is missing.",
    ],
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_complete_notice_says_all_in_its_language_in_both_forms(language: Language) -> None:
    """What happened, when, to which data of how many, what was done, whom to ask, and who knows."""
    drafted = notice(language, **complete(services=("population.verify-identity",)))
    assert drafted.missing == ()
    text, page = said(to_text(drafted)), Page(to_html(drafted))
    for sentence in KEY_SENTENCES[language]:
        assert sentence.lower() in text.lower(), sentence
        assert sentence.lower() in page.text.lower(), sentence
    for slot in ("recipient", "cause", "consequences", "measures_taken", "measures_planned", "contact"):
        assert f"text of {slot}" in text
        assert f"text of {slot}" in page.text
    assert ("html", {"lang": language}) in page.elements
    assert not [tag for tag, _ in page.elements if tag == "mark"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_missing_is_listed_and_marked_in_its_place(language: Language) -> None:
    """A notice of which nobody has told anything yet."""
    drafted = notice(language, what="", personal_data="unknown", now=MOMENT + 80 * HOUR)
    assert missing(drafted) == [
        "recipient",
        "delay_reason",
        "what",
        "cause",
        "personal_data",
        "categories",
        "records",
        "persons",
        "consequences",
        "measures_taken",
        "measures_planned",
        "contact",
        "informed",
        "subjects_informed",
    ]
    text, page = to_text(drafted), Page(to_html(drafted))
    mark = TEXTS["missing"].of(language)
    assert text.count(f"[{mark.upper()}") == len(drafted.missing)
    assert len([tag for tag, _ in page.elements if tag == "mark"]) == len(drafted.missing)
    listed = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    assert listed == [f"#{key}" for key in missing(drafted)]
    places = {attributes.get("id") for _, attributes in page.elements}
    assert {link[1:] for link in listed if link} <= places
    for number, item in drafted.missing:
        assert f"{number or TEXTS['to'].of(language)}" in text
        assert item.label in text


@pytest.mark.parametrize("key", missing(notice(what="", personal_data="yes")))
def test_each_missing_item_is_met_by_telling_it(key: str) -> None:
    """And by nothing else."""
    told: dict[str, Any] = {"what": "", "personal_data": "yes"}
    before = missing(notice(**told))
    value: dict[str, Any] = {"what": "x", "records": 1, "persons": 0, "categories": ("sex",)}
    told |= {key: value[key]} if key in value else {"slots": {key: "x"}}
    assert missing(notice(**told)) == [other for other in before if other != key]


def test_without_personal_data_nothing_is_asked_about_persons() -> None:
    """Nor which data, nor whether the persons were told."""
    asked = missing(notice(personal_data="no"))
    assert {"persons", "records", "categories", "subjects_informed"}.isdisjoint(asked)
    assert "measures_taken" in asked


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_notice_that_was_late_says_by_how_much_and_asks_why(language: Language) -> None:
    """One that was in time says when, and asks nothing."""
    late = complete(status="notified", notified_at=MOMENT + 75 * HOUR, reference="12/CV")
    drafted = notice(language, now=MOMENT + 80 * HOUR, **late)
    assert missing(drafted) == ["delay_reason"]
    expected = "chậm 3 giờ 00 phút" if language == "vi" else "3 hours 00 minutes after it was due"
    assert expected in said(to_text(drafted))
    assert "12/CV" in to_text(drafted)
    in_time = complete(status="notified", notified_at=MOMENT + HOUR, reference="12/CV")
    assert missing(notice(language, now=MOMENT + 80 * HOUR, **in_time)) == []


def test_an_incident_of_which_no_notice_is_owed_shows_no_clock() -> None:
    """It says why instead."""
    text = to_text(notice(status="not-notifiable", reason="test data only", now=MOMENT + 90 * HOUR))
    assert "not notifiable: test data only" in text
    assert "Time left" not in text


HOSTILE = "<script>alert(1)</script>\"'&<img src=x onerror=alert(2)>{{ 7*7 }}</dd></style>"


def test_hostile_text_is_text() -> None:
    """In every place where others can put some: nothing becomes an element, an attribute or a template."""
    drafted = notice(
        what=HOSTILE,
        agency=HOSTILE,
        services=(HOSTILE,),
        agreements=(HOSTILE,),
        categories=(HOSTILE,),
        alerts=(HOSTILE,),
        events=(HOSTILE,),
        reason=HOSTILE,
        status="notified",
        notified_at=MOMENT,
        reference=HOSTILE,
        slots=dict.fromkeys(SLOTS, HOSTILE),
    )
    page = Page(to_html(drafted))
    plain = Page(to_html(notice(slots=FULL, status="notified", notified_at=MOMENT, reference="x")))
    assert {tag for tag, _ in page.elements} <= {tag for tag, _ in plain.elements} | {"mark"}
    assert all(not name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert page.text.count("alert(1)") >= 15
    assert "{{ 7*7 }}" in page.text
    assert page.text.count("49") == plain.text.count("49")


def test_text_cannot_steer_a_terminal_or_turn_the_reading_direction() -> None:
    """Control and direction characters are written out; lines of a slot stay lines, indented."""
    drafted = notice(what="a\x1b[31mb\u202ec\0", slots={"cause": "one\n9. Forged section\r\nthree"})
    for form in (to_text(drafted), to_html(drafted)):
        assert not set(form) & {"\x1b", "\u202e", "\0", "\r"}
        assert r"a\x1b[31mb\u202ec\x00" in form
    assert "\n     9. Forged section\n" in to_text(drafted)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_fetches_nothing_and_runs_nothing(language: Language) -> None:
    """One file: its policy forbids everything but its own style, which the policy's hash admits."""
    import base64
    import hashlib

    html = to_html(notice(language))
    page = Page(html)
    assert {"script", "img", "link", "iframe", "object", "form"}.isdisjoint(tag for tag, _ in page.elements)
    assert "http:" not in html
    assert "https:" not in html
    assert "url(" not in html
    assert "@import" not in html
    style = re.findall(r"<style>(.*?)</style>", html, re.DOTALL)
    assert len(style) == 1
    digest = base64.b64encode(hashlib.sha256(style[0].encode()).digest()).decode()
    (policy,) = [a["content"] for tag, a in page.elements if tag == "meta" and "http-equiv" in a]
    assert policy is not None
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")


def test_without_a_registry_codes_stand_alone() -> None:
    """A draft can be made whatever state the registry is in."""
    text = to_text(notice(registry=Registry.of(), services=("population.verify-identity",)))
    assert "Agency: MOH\n" in text
    assert "Services: population.verify-identity\n" in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("tier", list(TIERS))
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_tier_and_kind_has_words(language: Language, tier: Any, kind: Any) -> None:
    """Both are written out in the notice."""
    text = said(to_text(notice(language, tier=tier, kind=kind)))
    assert TIERS[tier].name.of(language) in text
    assert TIERS[tier].meaning.of(language) in text
    assert KINDS[kind].of(language) in text


def test_every_text_is_in_both_languages_with_the_same_places_to_fill() -> None:
    """But for the state's name and motto, which an English notice does without."""
    place = re.compile(r"\{(\w+)\}")
    words = list(TEXTS.items())
    for table in (KINDS, STATUSES, PERSONAL_DATA):
        words += [(str(key), each) for key, each in table.items()]
    for key, each in words:
        assert sorted(place.findall(each.en)) == sorted(place.findall(each.vi)), key
        if key not in ("state", "motto"):
            assert each.en, key
            assert each.vi, key
    vietnamese = "".join(each.vi for _, each in words)
    assert len(set("ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữự") & set(vietnamese.lower())) > 40
