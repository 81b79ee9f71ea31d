"""The state of each agency's connection: the registry's, and what lifecycle events have changed since."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

from monitor.lifecycle.recorded import Recorded
from monitor.registry.model import Agency
from monitor.registry.registry import Registry

State = Literal["not_connected", "registered", "sandbox", "cleared", "live", "suspended", "dormant"]
STATES: tuple[State, ...] = get_args(State)

_REGISTRY: Mapping[str, State] = {
    "not-connected": "not_connected",
    "registered": "registered",
    "sandbox": "sandbox",
    "cleared": "cleared",
    "live": "live",
    "suspended": "suspended",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a connection, since when it is known to be so, and whether it is security-cleared.

    An agency can be connected, even live, without being cleared. Of a dormant one, `since` is that of being
    live. `before` is what a suspended connection comes back to. `ready_since` is when it first was both live
    and cleared; a suspension leaves it, a withdrawn clearance does not.
    """

    state: State
    since: datetime | None = None
    cleared: bool = False
    before: State = "live"
    ready_since: datetime | None = None

    @property
    def connected(self) -> bool:
        """Whether anything is to be scored: one that is not connected is not scored."""
        return self.state != "not_connected"

    @property
    def in_use(self) -> bool:
        """Whether it has gone live, and is not suspended; also when it is dormant."""
        return self.state in ("live", "dormant")


def standings(
    registry: Registry,
    events: Iterable[Recorded],
    last_exchange: Mapping[str, datetime],
    observed_since: datetime | None,
    now: datetime,
    *,
    zone: ZoneInfo,
    dormant_after: timedelta,
) -> dict[str, Standing]:
    """The standing of every agency of the registry at `now`.

    Precedence. The registry says what holds at the end of the local day `connection.since`; events of later
    local days change it from their time on, and events up to and including that day are past. Without
    `since` the registry says how things began, and every event changes it. While `since` is still to come,
    events alone count, from not connected on.

    Dormant is a live connection without an exchange, as provider or as consumer (`last_exchange` by code),
    for `dormant_after`, counted at the earliest from when it went live and from when exchanges are counted
    at all (`observed_since`; None: never, and nothing is dormant).
    """
    by_agency: dict[str, list[Recorded]] = {}
    for event in sorted(events, key=lambda each: each.time):
        if event.about_connection and event.time <= now:
            by_agency.setdefault(event.agency, []).append(event)
    found = {}
    for code, agency in registry.agencies.items():
        standing = _declared(agency, by_agency.get(code, ()), now, zone)
        if standing.state == "live" and observed_since is not None:
            known = (standing.since, last_exchange.get(code), observed_since)
            quiet_since = max(each for each in known if each is not None)
            if now - quiet_since >= dormant_after:
                standing = replace(standing, state="dormant")
        found[code] = standing
    return found


def _declared(agency: Agency, events: Iterable[Recorded], now: datetime, zone: ZoneInfo) -> Standing:
    since = agency.connection.since
    standing = Standing("not_connected")
    if since is None or since <= now.astimezone(zone).date():
        state = _REGISTRY[agency.connection.state]
        begins = None if since is None else datetime.combine(since, time(0), zone)
        ready = begins if state in ("live", "suspended") else None  # only what was live is suspended there
        cleared = state in ("cleared", "live", "suspended")
        standing = Standing(state, begins, cleared, ready_since=ready)
        if since is not None:
            events = (each for each in events if each.time.astimezone(zone).date() > since)
    for event in events:
        standing = _after(standing, event)
        if standing.state == "live" and standing.cleared and standing.ready_since is None:
            standing = replace(standing, ready_since=event.time)
    return standing


def _after(standing: Standing, event: Recorded) -> Standing:
    """What an event makes of a standing."""
    match event.kind:
        case "registered":
            return Standing("registered", event.time)
        case "sandboxed":
            return Standing("sandbox", event.time)
        case "cleared" if standing.state == "live":
            return replace(standing, cleared=True)  # it came late; nothing else changes
        case "cleared" if standing.state == "suspended":
            before = standing.before if standing.before == "live" else "cleared"
            return replace(standing, cleared=True, before=before)
        case "cleared":
            return Standing("cleared", event.time, cleared=True)
        case "went_live":
            return replace(standing, state="live", since=event.time)
        case "suspended" if standing.state != "suspended":
            return replace(standing, state="suspended", since=event.time, before=standing.state)
        case "resumed" if standing.state == "suspended":
            return replace(standing, state=standing.before, since=event.time)
        case _:
            return standing  # suspended twice, or resumed without being suspended
