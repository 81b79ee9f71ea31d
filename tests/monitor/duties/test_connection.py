"""The state of a connection: what the registry says, what events change, and when it is dormant."""

from __future__ import annotations

from datetime import datetime

import pytest

from monitor.duties.connection import STATES, Standing
from monitor.duties.facts import LedgerFacts
from monitor.lifecycle.recorded import Recorded
from tests.builders import agency
from tests.monitor.duties.parts import at, local, recorded

MPS, VSS = agency("MPS"), agency("VSS")


def standing(
    now: str,
    *events: Recorded,
    state: str = "not-connected",
    since: str | None = None,
    facts: LedgerFacts | None = None,
) -> Standing:
    """How MOH stands at a local time, with such a registry."""
    connection = {"state": state} | ({"since": since} if since else {})
    agencies = (MPS, VSS, agency("MOH", connection=connection, previous_codes=["GOV-M5"]))
    return at(now, events=events, facts=facts, agencies=agencies).standings["MOH"]


WAY = [
    recorded("registered", "2026-02-01"),
    recorded("sandboxed", "2026-03-01"),
    recorded("cleared", "2026-04-01"),
    recorded("went_live", "2026-05-01"),
    recorded("suspended", "2026-06-01"),
    recorded("resumed", "2026-07-01"),
]


@pytest.mark.parametrize(
    ("now", "state", "cleared"),
    [
        ("2026-01-31", "not_connected", False),
        ("2026-02-01T11:59", "not_connected", False),
        ("2026-02-01T12:00", "registered", False),
        ("2026-03-15", "sandbox", False),
        ("2026-04-15", "cleared", True),
        ("2026-05-15", "live", True),
        ("2026-06-15", "suspended", True),
        ("2026-07-15", "live", True),
    ],
)
def test_events_change_the_state_from_their_time_on(now: str, state: str, cleared: bool) -> None:
    """Step by step, from not connected to live, suspended, and live again; in whatever order they came."""
    for events in (WAY, WAY[::-1]):
        found = standing(now, *events)
        assert (found.state, found.cleared) == (state, cleared)


def test_an_agency_can_be_connected_without_being_cleared() -> None:
    """It went live from the sandbox; a clearance that comes later does not take it from being live."""
    events = [recorded("sandboxed", "2026-03-01"), recorded("went_live", "2026-04-01")]
    assert standing("2026-05-01", *events) == Standing("live", local("2026-04-01"), cleared=False)
    late = standing("2026-06-02", *events, recorded("cleared", "2026-06-01"))
    assert (late.state, late.cleared, late.since) == ("live", True, local("2026-04-01"))


def test_back_in_the_sandbox_the_clearance_is_gone() -> None:
    """It has to be cleared anew."""
    found = standing("2026-06-01", recorded("sandboxed", "2026-05-01"), state="live")
    assert (found.state, found.cleared) == ("sandbox", False)


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ([recorded("suspended", "2026-05-01"), recorded("resumed", "2026-05-02")], "sandbox"),
        ([recorded("suspended", "2026-05-01"), recorded("suspended", "2026-05-02")], "suspended"),
        ([recorded("resumed", "2026-05-02")], "sandbox"),
        (
            [
                recorded("suspended", "2026-05-01"),
                recorded("suspended", "2026-05-02"),
                recorded("resumed", "2026-05-03"),
            ],
            "sandbox",
        ),
        (
            [
                recorded("suspended", "2026-05-01"),
                recorded("cleared", "2026-05-02"),
                recorded("resumed", "2026-05-03"),
            ],
            "cleared",
        ),
    ],
)
def test_what_is_resumed_comes_back_to_what_it_was(events: list[Recorded], state: str) -> None:
    """However often it was suspended; what was never suspended is not resumed."""
    assert standing("2026-06-01", *events, state="sandbox").state == state


def test_suspended_in_the_registry_it_comes_back_live() -> None:
    """As only what was live is suspended there."""
    assert standing("2026-06-01", recorded("resumed", "2026-05-01"), state="suspended").state == "live"


@pytest.mark.parametrize(
    ("since", "event", "state"),
    [
        (None, "2020-01-01", "sandbox"),  # without a date, every event is newer
        ("2026-05-01", "2026-04-30", "live"),  # past
        ("2026-05-01", "2026-05-01T23:59", "live"),  # the registry says how that day ended
        ("2026-05-01", "2026-05-02T00:00", "sandbox"),
        ("2026-06-02", "2026-05-30", "sandbox"),  # the registry speaks of what is to come
        ("2026-06-01", "2026-05-30", "live"),  # and from that day on it counts
    ],
)
def test_events_after_the_registry_s_day_win_over_it(since: str | None, event: str, state: str) -> None:
    """The registry is the baseline."""
    found = standing("2026-06-01", recorded("sandboxed", event), state="live", since=since)
    assert found.state == state


def test_events_about_an_agreement_or_a_service_change_no_state() -> None:
    """A provider may suspend one of many connections of a consumer."""
    events = [
        recorded("suspended", "2026-05-01", agreement="AGR-1"),
        recorded("suspended", "2026-05-01", service="population.verify-identity"),
        recorded("reviewed", "2026-05-01"),
    ]
    assert standing("2026-06-01", *events, state="live").state == "live"


def test_events_of_later_and_of_others_are_not_its_own() -> None:
    """What is still to come changes nothing yet."""
    events = [recorded("suspended", "2026-06-02"), recorded("suspended", "2026-05-01", agency="MPS")]
    assert standing("2026-06-01", *events, state="live").state == "live"


def exchanged(last: str | None, observed: str | None = "2026-01-01T00:00") -> LedgerFacts:
    """Facts of a ledger that begins, and of MOH's last exchange."""
    known: dict[str, datetime] = {} if last is None else {"MOH": local(last)}
    return LedgerFacts(observed_since=local(observed) if observed else None, last_exchange=known)


@pytest.mark.parametrize(
    ("now", "facts", "state"),
    [
        ("2026-06-01T11:59", exchanged("2026-05-02"), "live"),
        ("2026-06-01T12:00", exchanged("2026-05-02"), "dormant"),  # thirty days to the minute
        ("2026-06-01", exchanged(None), "dormant"),
        ("2026-06-01", exchanged(None, "2026-05-10"), "live"),  # nobody looked for so long
        ("2026-06-01", exchanged(None, None), "live"),  # nobody looked at all
        ("2026-04-20", exchanged(None), "live"),  # it has not been live for so long
    ],
)
def test_live_without_an_exchange_for_thirty_days_is_dormant(
    now: str, facts: LedgerFacts, state: str
) -> None:
    """Counted from the last exchange, from going live, or from when exchanges are counted."""
    assert standing(now, state="live", since="2026-04-01", facts=facts).state == state


def test_only_what_is_live_can_be_dormant() -> None:
    """Suspended or in the sandbox it has reasons to be silent."""
    for state in ("not-connected", "registered", "sandbox", "cleared", "suspended"):
        found = standing("2026-12-01", state=state, facts=exchanged(None))
        assert found.state == state.replace("-", "_")


def test_the_days_to_dormancy_are_configured() -> None:
    """By the file of duties."""
    facts = exchanged("2026-05-25")
    rules = {"connection": {"dormant_after_days": 5}}
    assert at("2026-06-01", facts=facts, rules=rules).standings["MOH"].state == "dormant"
    assert at("2026-06-01", facts=facts).standings["MOH"].state == "live"


def test_the_states_are_those_of_the_contract() -> None:
    """They are values of a label."""
    assert STATES == ("not_connected", "registered", "sandbox", "cleared", "live", "suspended", "dormant")
