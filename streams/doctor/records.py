"""Checks of a sample of exchanges: their keys, what would be dead letters, unregistered names, clocks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

from monitor.registry.registry import Registry
from streams.doctor.finding import Finding, counted, listed, not_checked, ok, problem, warning
from streams.doctor.sample import Seen

NAMES = ("topic keys", "bodies", "names", "clock")
# More than a few bad bodies are a sender with a fault, not a slip.
MANY_DEAD = 0.05
# More than this and figures by the second are wrong; the contract's limit for events is five minutes.
MAX_SKEW = timedelta(seconds=5)
_KEY_REMEDY = "Let every sender use the consumer's code, as plain text, as the key."


def check_keys(seen: Sequence[Seen], partitions: int, registry: Registry | None) -> Finding:
    """Whether each exchange is keyed by its consumer's code, and each consumer stays on one partition."""
    name = "topic keys"
    readable = [each for each in seen if each.names]
    if not readable:
        return not_checked(name, "no exchange could be read")
    canonical = registry.canonical if registry else {}
    places: defaultdict[str, set[int]] = defaultdict(set)
    missing = quoted = other = 0
    for each in readable:
        assert each.names  # noqa: S101  # chosen above
        consumer = each.names[1]
        places[canonical.get(consumer, consumer)].add(each.partition)
        if each.key is None:
            missing += 1
        elif each.key != consumer.encode():
            quoted += each.key == f'"{consumer}"'.encode()
            other += each.key != f'"{consumer}"'.encode()
    wrong = [
        f"{number} {text}"
        for number, text in (
            (missing, "without a key"),
            (other, "with a key that is not the consumer's code"),
            (quoted, "with the code in quotation marks"),
        )
        if number
    ]
    sampled = f"of {counted(len(readable), 'exchange')}"
    spread = sorted(code for code, at in places.items() if len(at) > 1)
    if spread:
        cause = f"{sampled}, {' and '.join(wrong)}; so" if wrong else f"{sampled}, all keys are right, but"
        return problem(
            name,
            f"{cause} {_registered(spread, registry, 'consumer')} came in on several partitions: daily "
            "ceilings and duplicates are judged per partition, and go unnoticed",
            _KEY_REMEDY if wrong else "Look for senders that choose partitions in ways of their own.",
        )
    if not wrong:
        return ok(name, f"{counted(len(readable), 'exchange')} looked at, all keyed by the consumer's code")
    what = f"{sampled}, {' and '.join(wrong)}"
    # Quotation marks still keep a consumer together, and with one partition everything is.
    if not (missing or other) or partitions == 1:
        return warning(name, what, _KEY_REMEDY)
    return problem(name, f"{what}: a consumer's exchanges may be torn over partitions", _KEY_REMEDY)


def check_bodies(seen: Sequence[Seen]) -> Finding:
    """Which share of the records would be dead letters, by reason."""
    name = "bodies"
    if not seen:
        return not_checked(name, "there are no exchanges")
    reasons = Counter(str(each.reason) for each in seen if each.reason)
    dead = sum(reasons.values())
    if not dead:
        return ok(name, f"{counted(len(seen), 'record')} looked at, all can be counted")
    shares = [f"{reason} {100 * number / len(seen):.1f} %" for reason, number in reasons.most_common()]
    what = f"{dead} of {counted(len(seen), 'record')} cannot be counted: {listed(shares, len(shares))}"
    remedy = "`monitor dead-letters list` shows what is wrong with each; the senders must correct it."
    if "in_future" in reasons:
        remedy += " Times ahead are often local times that claim to be UTC."
    return problem(name, what, remedy) if dead > MANY_DEAD * len(seen) else warning(name, what, remedy)


def check_names(seen: Sequence[Seen], registry: Registry | None) -> Finding:
    """Whether the registry holds the names on exchanges; a name that it does not hold is only counted."""
    name = "names"
    if registry is None:
        return not_checked(name, "the registry comes first")
    named = [each.names for each in seen if each.names]
    if not named:
        return not_checked(name, "no exchange could be read")
    agencies = {code for names in named for code in names[:2]} - registry.canonical.keys()
    services = {names[2] for names in named if not _offered(names, registry)}
    if not agencies and not services:
        return ok(name, f"the registry holds every name on {counted(len(named), 'exchange')}")
    touched = sum(bool(agencies.intersection(names[:2])) or not _offered(names, registry) for names in named)
    return warning(
        name,
        f"{touched} of {counted(len(named), 'exchange')} name {counted(len(agencies), 'agency', 'agencies')} "
        f"and {counted(len(services), 'service')} that the registry does not hold, or not with this provider",
        "`monitor registry gaps` lists them, and with --yaml writes records to complete.",
    )


def check_clock(seen: Sequence[Seen], now: datetime) -> Finding:
    """Whether this computer's clock agrees with those of brokers and senders, as far as records tell.

    Only a time ahead of now is proof: one behind may simply be old. So a clock of ours that runs ahead is
    not found here.
    """
    name = "clock"
    if not seen:
        return not_checked(name, "there is no record whose time could be compared")
    newest = max(seen, key=lambda each: each.arrived)
    lead = newest.arrived - now
    whose = "the broker's" if newest.by_broker else "a sender's"
    if lead > MAX_SKEW:
        return problem(
            name,
            f"the newest record was stamped by {whose} clock {_span(lead)} ahead of this computer's",
            "Let this computer, the brokers and the senders keep time by NTP (for instance chrony), and look "
            "which of them does not.",
        )
    early = [each.ahead for each in seen if each.ahead and each.ahead > MAX_SKEW]
    if early:
        return warning(
            name,
            f"{len(early)} of {counted(len(seen), 'record')} tell of events after their own arrival, by up "
            f"to {_span(max(early))}",
            "The systems that write these times must keep time by NTP, and write UTC or an offset.",
        )
    return ok(
        name, f"the newest record is {_span(max(-lead, timedelta(0)))} old by {whose} clock; none is ahead"
    )


def _offered(names: tuple[str, str, str], registry: Registry) -> bool:
    """Whether the registry has the service, with this provider where it knows the provider."""
    service = registry.services.get(names[2])
    return service is not None and registry.canonical.get(names[0], service.provider) == service.provider


def _registered(codes: Sequence[str], registry: Registry | None, thing: str) -> str:
    """Codes that the registry holds by name, others by number: they may be anything."""
    known = [code for code in codes if registry and code in registry.agencies]
    unknown = len(codes) - len(known)
    told = [listed(known)] if known else []
    if unknown:
        told.append(counted(unknown, f"unregistered {thing}" if registry else thing))
    return " and ".join(told)


def _span(span: timedelta) -> str:
    seconds = span.total_seconds()
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h" if seconds < 172_800 else f"{seconds / 86_400:.0f} d"
