"""What Alertmanager is told of an alert: labels that keep, texts in both languages, an explicit end."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alerts.delivery.message import Context, Postable, alert_name, postable, watchdog
from alerts.model import Level, RuleInfo
from tests.alerts.delivery.parts import MINUTE, NOW, SECOND, alert, over

CONTEXT = Context(30 * SECOND, "https://monitor.example")
EQUAL = {"agency", "agreement", "provider", "consumer", "service", "owner", "leak", "bulk", "severity"}


def told(*, now: datetime = NOW, context: Context = CONTEXT, resolved: bool = False, **changes: Any) -> Any:
    """The message for an alert, as JSON says it."""
    made = postable(alert(**changes), context, now, resolved=resolved)
    assert isinstance(made, Postable), made
    return json.loads(made.body)


def test_the_labels_say_which_alert_it_is_and_whose() -> None:
    """All of them, with `none` for what there is nothing to say of."""
    assert told()["labels"] == {
        "alertname": "ManyDeniedRequestsFromOneConsumer",
        "rule": "7f0c",
        "severity": "medium",
        "agency": "MOH",
        "owner": "soc",
        "agreement": "none",
        "provider": "none",
        "consumer": "none",
        "service": "population.verify-identity",
        "leak": "false",
        "bulk": "false",
        "alert_id": "a1",
    }


@pytest.mark.parametrize("group", [(), (("service", ""),), (("actor", "a91f"),)])
def test_every_label_that_inhibition_compares_is_there(group: tuple[tuple[str, str], ...]) -> None:
    """Also on alerts of rules that group by nothing of it, and on the watchdog: absent ones are equal."""
    labels = told(group=group, agency="", owner="")["labels"]
    assert labels.keys() >= EQUAL
    assert all(labels.values())
    assert json.loads(watchdog(CONTEXT, NOW).body)["labels"].keys() == labels.keys()


def test_the_labels_stay_while_more_is_found() -> None:
    """Alertmanager would take another label for another alert, and tell that the first is over."""
    first = told()["labels"]
    more = told(count=9000, last_time=NOW + MINUTE, facts={"seen": 9000}, changed_at=NOW + MINUTE)
    assert more["labels"] == first
    assert told(resolved=True, state="resolved", resolved_at=NOW)["labels"] == first


def test_the_agreement_in_force_is_a_label() -> None:
    """As the registry has it for the consumer and the service at the alert's first event."""
    asked = []

    def agreements(consumer: str, service: str, time: datetime) -> str | None:
        asked.append((consumer, service, time))
        return "AGR-2026-0012"

    context = replace(CONTEXT, agreements=agreements)
    assert told(context=context)["labels"]["agreement"] == "AGR-2026-0012"
    assert asked == [("MOH", "population.verify-identity", NOW - SECOND)]
    assert told(context=context, group=())["labels"]["agreement"] == "none"


def test_volume_is_marked_as_what_a_leak_explains() -> None:
    """By the techniques that the rule names, also their parts."""
    assert told(tags=("attack.t1213.001",))["labels"]["bulk"] == "true"
    assert told(tags=("attack.exfiltration", "attack.t1567"))["labels"]["bulk"] == "false"
    assert told(leak=True)["labels"]["leak"] == "true"


def test_the_texts_are_in_both_languages_with_figures_evidence_and_what_to_do() -> None:
    """What a person needs who sees nothing but the message."""
    rule = RuleInfo("7f0c", "t", Level.MEDIUM, runbook=("Ask the desk.", "Check the agreement."))
    said = told(context=replace(CONTEXT, rules=lambda _rule: rule), acknowledged_by="soc/night",
                acknowledged_why="asked the consumer")  # fmt: skip
    assert said["annotations"] == {
        "summary": "Many denied requests from one consumer: MOH, population.verify-identity",
        "summary_vi": "Nhiều yêu cầu bị từ chối từ một đơn vị: MOH, population.verify-identity",
        "description": "expected 3; seen 30; 30 from 2026-10-05T08:15:29Z to 2026-10-05T08:15:30Z",
        "group": "service=population.verify-identity",
        "evidence": "e-1, e-2",
        "runbook": "Ask the desk.\nCheck the agreement.",
        "count": "30",
        "risk_score": "45",
        "acknowledged": "soc/night: asked the consumer",
    }
    assert said["generatorURL"] == "https://monitor.example"


def test_an_open_alert_ends_by_itself_four_intervals_later() -> None:
    """If the monitor is gone, its alerts must not stay for ever."""
    assert told()["startsAt"] == "2026-10-05T08:15:29Z"
    assert told()["endsAt"] == "2026-10-05T08:17:30Z"
    slow = postable(alert(), CONTEXT, NOW, resolved=False, valid=10 * MINUTE)
    assert isinstance(slow, Postable)
    assert json.loads(slow.body)["endsAt"] == "2026-10-05T08:25:30Z"


def test_a_resolved_alert_ended_when_it_was_resolved() -> None:
    """Not when that is told."""
    said = told(now=NOW + 5 * MINUTE, resolved=True, resolved_at=NOW + MINUTE, state="resolved")
    assert said["endsAt"] == "2026-10-05T08:16:30Z"


@pytest.mark.parametrize("resolved", [False, True])
@pytest.mark.parametrize("ahead", [-MINUTE, timedelta(0), 5 * MINUTE, timedelta(days=1)])
def test_an_alert_begins_before_it_ends_whatever_the_clocks_say(ahead: timedelta, resolved: bool) -> None:
    """Event times come from agencies' clocks; and nothing that is over is told to end in the future."""
    said = told(first_time=NOW + ahead, resolved=resolved, resolved_at=NOW + ahead if resolved else None)
    starts, ends = (datetime.fromisoformat(said[name]) for name in ("startsAt", "endsAt"))
    assert starts < ends
    assert starts <= NOW
    assert (ends <= NOW + SECOND) == resolved


def test_text_from_outside_is_made_harmless_and_bounded() -> None:
    """Half a surrogate pair, controls and marks that turn the direction of text; long names."""
    said = told(agency="M\ud800O\u202eH\x1b", title="T" * 5000, group=(("service", "s" * 5000),))
    assert said["labels"]["agency"] == "M�O�H�"
    assert len(said["labels"]["service"]) == 200
    assert max(map(len, said["annotations"].values())) <= 2000
    assert len(json.dumps(said)) < 20_000


def test_a_title_becomes_a_name_and_one_without_letters_the_rules_id() -> None:
    """Letters lose their marks; a name is never empty."""
    assert alert_name("Đọc ngoài giờ: 2 lần") == "DocNgoaiGio2Lan"
    assert told(title="— …")["labels"]["alertname"] == "7f0c"


def test_the_postable_says_which_episode_it_is() -> None:
    """By which it is marked as sent."""
    made = postable(over(alert(episode=3), NOW), CONTEXT, NOW, resolved=True)
    assert isinstance(made, Postable)
    assert made[:3] == ("a1", 3, True)
