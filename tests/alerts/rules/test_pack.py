"""The shipped rules: what each must have, what they cover together, and what the simulator's incidents make
of them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from alerts.engine.register import AgreementsInForce
from alerts.engine.run import run
from alerts.model import RISK_BANDS, Level, RuleInfo
from alerts.rule import Baseline, Correlation, EventRule, MemoryRule
from alerts.sigma.cases import run_cases
from alerts.sigma.events import BASE_MS
from alerts.sigma.load import Loaded, load_folder
from alerts.sigma.runner import engine_runner
from monitor.events.kinds import USUAL_SEVERITY
from monitor.events.security_event import SecurityEvent
from monitor.judging.breach import Breach
from monitor.registry.load import load_registry
from monitor.simulation.incidents import INCIDENTS, Place

ROOT = Path(__file__).resolve().parents[3]
RULES = ROOT / "alerts" / "rules"
REGISTRY = ROOT / "deploy" / "registry"
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
AUTHOR = "Data-sharing compliance monitor"

LOADED: Loaded = load_folder(RULES)
ALL: tuple[EventRule | MemoryRule, ...] = (*LOADED.rules.events, *LOADED.rules.memories)
ALERTING = sorted((one.info for one in ALL if one.alerts), key=lambda info: info.source)
BY_FILE = {Path(info.source).stem: info for info in ALERTING}

# The rows of the domain's table of security events: the techniques that each names, and the rules that tell
# of it.
DOMAIN: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "use without or against an agreement": (
        ("t1199",),
        (
            "no-agreement",
            "no-agreement-volume",
            "agreement-not-in-force",
            "purpose-not-permitted",
            "unknown-agency",
        ),
    ),
    "credential stuffing, spraying": (
        ("t1110.003", "t1110.004"),
        ("credential-stuffing", "stuffing-succeeded", "password-spraying"),
    ),
    "another agency's credentials": (
        ("t1550.001", "t1649"),
        ("foreign-certificate", "new-source-address", "system-not-allowed"),
    ),
    "bulk extraction": (
        ("t1213", "t1119"),
        ("bulk-by-pair", "bulk-by-officer", "records-exceeded", "bulk-export"),
    ),
    "slow harvest": (("t1030", "t1020"), ("slow-harvest", "equal-chunks")),
    "off-hours bulk": (("t1029",), ("outside-hours-bulk", "off-hours-access")),
    "browsing": (
        ("t1078",),
        ("one-subject-many-officers", "one-subject-many-times", "look-up-without-case", "watched-subject"),
    ),
    "replay": (("t1557",), ("replay-of-exchanges", "replay-above-usual", "replayed-messages", "old-message")),
    "broken signature, tampered body, expired or revoked certificate": (
        ("t1565.002",),
        ("signature-invalid", "body-tampered", "expired-certificate", "revoked-certificate", "unsigned"),
    ),
    "service enumeration": (("t1087",), ("denied-burst", "unknown-services", "enumeration-from-one-address")),
    "silence": (("t1562.008",), ("provider-silent", "security-log-silent", "log-gap", "logging-changed")),
    "confirmed leak": (("t1567",), ("leak-confirmed",)),
}
EVERY_EXCHANGE = 4  # rules at the most that are tried on every answered exchange


@pytest.fixture(params=ALERTING, ids=lambda info: Path(info.source).stem)
def info(request: pytest.FixtureRequest) -> RuleInfo:
    """Each rule that alerts."""
    found: RuleInfo = request.param
    return found


def test_every_case_goes_as_it_says() -> None:
    """The cases in the files, through the real engine and the example registry's agreements."""
    outcomes = list(run_cases(LOADED, engine_runner(REGISTRY, ZONE)))
    assert [one for one in outcomes if one.failure] == []
    assert len(outcomes) >= 2 * len(ALERTING)


def test_there_are_enough_rules_each_in_a_file_of_its_own() -> None:
    """At least thirty; a file has one rule that alerts, named for it, in a folder named for its theme."""
    assert len(BY_FILE) == len(ALERTING) >= 30
    for one in ALERTING:
        assert re.fullmatch(r"[a-z]+/[a-z-]+\.yml", one.source), one.source


def test_a_rule_has_what_a_person_who_is_woken_by_it_needs(info: RuleInfo) -> None:
    """Both titles, a score in its band, a technique, what else it may be, and what to do with this
    product.
    """
    low, high = RISK_BANDS[info.level]
    assert low <= info.risk_score <= high
    assert info.title
    assert info.description.endswith(".")
    assert info.author == AUTHOR
    assert info.references
    assert info.falsepositives
    assert any(re.fullmatch(r"attack\.t\d{4}(\.\d{3})?", tag) for tag in info.tags)
    assert any(re.fullmatch(r"attack\.[a-z-]+", tag) for tag in info.tags)
    assert 3 <= len(info.runbook) <= 6
    assert "`monitor alerts show`" in info.runbook[0]
    assert info.quiet >= 1800
    assert UUID(info.id).version == 4


def test_the_vietnamese_title_is_vietnamese(info: RuleInfo) -> None:
    """It has marks that only Vietnamese has, composed as keyboards write them, and is not the English one."""
    assert info.title_vi != info.title
    assert unicodedata.normalize("NFC", info.title_vi) == info.title_vi
    assert re.search("[ăâđêôơưạảấầẩậắằặẹẻẽếềểễệỉịọỏốồổộớờởợụủứừửữựỳỵ]", info.title_vi)
    assert info.title_vi[0].isupper()


def test_a_technique_is_linked_where_it_is_named(info: RuleInfo) -> None:
    """Each referenced technique is among the tags."""
    for reference in info.references:
        found = re.search(r"/techniques/(T\d{4})/(?:(\d{3})/)?$", reference)
        if found:
            technique = ".".join(part for part in found.groups() if part)
            assert f"attack.{technique.lower()}" in info.tags, (info.source, reference)


def test_a_row_of_the_domain_is_covered() -> None:
    """Each kind of security event has its rules, and they are tagged with the techniques that it names."""
    for row, (techniques, rules) in DOMAIN.items():
        tags = {tag for name in rules for tag in BY_FILE[name].tags}
        assert {f"attack.{one}" for one in techniques} <= tags, row


def test_every_breach_is_some_rule_s() -> None:
    """Each breach that the judge can find is taken in by a rule."""
    wanted = {
        value
        for one in LOADED.rules.events
        for each in one.indexes
        if each.field == "breach"
        for value in each.values
    }
    assert wanted == {breach.value for breach in Breach}


def test_rules_ask_for_kinds_that_exist() -> None:
    """A misspelt kind of security event would never match."""
    wanted = {
        value
        for one in LOADED.rules.events
        for each in one.indexes
        if each.field == "kind"
        for value in each.values
    }
    assert wanted <= set(USUAL_SEVERITY)


def test_few_rules_need_every_exchange() -> None:
    """All other rules name a literal that few exchanges have, so that the engine can pass over the rest."""
    everywhere = [
        one.info.title
        for one in LOADED.rules.events
        if one.source.name == "exchanges"
        and not any(
            each.field in ("breach", "service") or (each.field == "outcome" and "ok" not in each.values)
            for each in one.indexes
        )
    ]
    assert len(everywhere) <= EVERY_EXCHANGE
    fed = [
        one.info.title
        for one in LOADED.rules.memories
        if any(LOADED.rules.info(part).title in everywhere for part in one.parts)
    ]
    assert len(fed) <= EVERY_EXCHANGE + 1, fed


def test_a_confirmed_leak_alone_starts_the_clock() -> None:
    """The 72 hours of the law run from a leak that was confirmed."""
    assert [Path(one.source).stem for one in ALERTING if one.leak] == ["leak-confirmed"]
    assert BY_FILE["leak-confirmed"].level is Level.CRITICAL


def test_alerts_that_come_by_the_hour_last_from_hour_to_hour() -> None:
    """A baseline tells at an hour's end, so a shorter quiet time would make an alert of each hour."""
    for one in LOADED.rules.memories:
        if isinstance(one, Baseline) and one.alerts:
            assert one.info.quiet >= 3600, one.info.source


def test_a_window_is_told_apart_by_whom_its_alerts_are_about() -> None:
    """The groups of a window include the agency that answers for it: a flood at one is not another's
    alert.
    """
    for one in LOADED.rules.memories:
        if isinstance(one, Correlation):
            assert {"agency", "consumer", "provider"} & set(one.group_by), one.info.source


# The simulator's incidents


def happenings(name: str) -> Iterator[tuple[SecurityEvent, int, str]]:
    """The events of one simulated incident at the Ministry of Health, at their times."""
    place = Place(
        "MOH",
        tuple(f"{number:015x}a" for number in range(24)),
        ("198.51.100.1", "198.51.100.2"),
        ("population.verify-identity", "insurance.verify-insured"),
        ("MOJ", "TAX"),
    )
    happened = sorted(INCIDENTS[name](place, Random(f"pack:{name}")), key=lambda one: one.after)
    for number, one in enumerate(happened):
        time_ms = BASE_MS + int(one.after * 1000)
        yield (
            SecurityEvent(
                id=f"{name}-{number}",
                time=datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ms),
                agency=one.agency,
                kind=one.kind,
                severity=one.severity,
                actor=one.actor,
                source_ip=one.source_ip,
                service=one.service,
                subject=one.subject,
                count=one.count,
                bytes=one.bytes,
                detail=one.detail,
            ),
            time_ms,
            f"{name}-{number}",
        )


TOLD = {
    "stuffing": {"credential-stuffing", "stuffing-succeeded"},
    "guessing": {"password-guessing", "guessing-succeeded"},
    "tokens": {"tokens-rejected"},
    "credentials": {"foreign-certificate"},
    "enumeration": {"enumeration-from-one-address"},
    "bulk": {"bulk-export", "off-hours-access"},
    "watched": {"watched-subject"},
    "tampering": {"signature-invalid", "body-tampered", "old-message"},
    "certificate": {"revoked-certificate"},
    "blinding": {"logging-changed", "log-gap"},
    "leak": {"leak-suspected", "leak-confirmed"},
}


@pytest.mark.parametrize("name", sorted(INCIDENTS))
def test_a_simulated_incident_is_told_as_what_it_is(name: str) -> None:
    """What `monitor simulate --incident` lets happen is found by the rules for it, and by no others."""
    register = AgreementsInForce(load_registry(REGISTRY), ZONE)
    found = run(LOADED.rules, happenings(name), register=register)
    assert {Path(LOADED.rules.info(one.rule).source).stem for one in found} == TOLD[name]


# The page on rules


def test_the_page_lists_the_rules_as_they_are() -> None:
    """docs/rules.md has one row for each rule that alerts: file, title, level, score, owner."""
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| \[([\w/-]+)\]\([^)]*\) \| (.+?) \| (\w+) (\d+) \| (\w+) \|$", page, re.MULTILINE)
    assert rows == [
        (one.source.removesuffix(".yml"), one.title, one.level.word, str(one.risk_score), one.owner)
        for one in ALERTING
    ]


def test_the_page_s_example_is_a_rule_that_passes_its_cases(tmp_path: Path) -> None:
    """The worked example can be copied into a file as it stands."""
    page = (ROOT / "docs" / "rules.md").read_text(encoding="utf-8")
    example = re.search(r"```yaml\n(title:.*?)```", page, re.DOTALL)
    assert example
    (tmp_path / "example.yml").write_text(example[1], encoding="utf-8")
    loaded = load_folder(tmp_path)
    outcomes = list(run_cases(loaded, engine_runner(REGISTRY, ZONE)))
    assert len(outcomes) == 2
    assert not any(one.failure for one in outcomes)
