"""An alert as Alertmanager takes it: labels that keep, annotations that explain, and an explicit end."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec

from alerts.lifecycle.alert import Alert
from alerts.model import RuleInfo

NONE = "none"
"""What a label says where there is nothing to say. Alertmanager takes an empty label for an absent one, and
two absent ones for equal, so that alerts without a service would inhibit each other for having none."""

VALID_INTERVALS = 4  # an alert that was not repeated for so many intervals counts as resolved
MAX_LABEL = 200  # characters; as long as the longest name on an exchange
MAX_ANNOTATION = 2000  # characters: a screenful for a person, and bounded for chat and mail
MAX_BODY = 64 * 1024  # bytes of one alert, which the bounds above cannot reach
WATCHDOG = "watchdog"  # the id of the alert that is always open
_GROUP_LABELS = ("provider", "consumer", "service")
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")  # Prometheus's label names
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]")
# Techniques whose sign is volume (ATT&CK): automated collection and exfiltration, scheduled and sized
# transfers, information repositories. A known leak inhibits them.
_BULK = ("attack.t1119", "attack.t1020", "attack.t1029", "attack.t1030", "attack.t1213")

Rules = Callable[[str], RuleInfo | None]
Agreements = Callable[[str, str, datetime], str | None]


def no_rule(_rule: str) -> RuleInfo | None:
    """Knows no rule."""
    return None


def no_agreement(_consumer: str, _service: str, _time: datetime) -> str | None:
    """Knows no agreement."""
    return None


@dataclass(frozen=True, slots=True)
class Context:
    """What a message says beside the alert.

    `rules` gives the rule of an id, None where it is gone; `agreements` the agreement of a consumer and a
    service at a time. `page` is the address of the monitor's own pages, without a slash at its end.
    """

    interval: timedelta
    page: str = ""
    rules: Rules = no_rule
    agreements: Agreements = no_agreement


class Postable(NamedTuple):
    """One alert ready to be sent: which it is, whether it says that the alert is over, and the JSON."""

    alert_id: str
    episode: int
    resolved: bool
    body: bytes


class Invalid(NamedTuple):
    """An alert that cannot be sent, and why."""

    alert_id: str
    episode: int
    reason: str


class _Message(msgspec.Struct, rename="camel"):
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    generator_u_r_l: str = msgspec.field(name="generatorURL")


def postable(
    alert: Alert, context: Context, now: datetime, *, resolved: bool, valid: timedelta | None = None
) -> Postable | Invalid:
    """The message for an alert as it is told at `now`.

    While it is open its end is `valid` from now (by default VALID_INTERVALS of the context's), so that it
    ends by itself when the monitor does; once it is `resolved`, when it was.
    """
    starts = min(alert.first_time, now)  # an agency's clock may be ahead
    if resolved:
        ends = max(min(alert.resolved_at or now, now), starts + timedelta(milliseconds=1))
    else:
        ends = now + (valid or context.interval * VALID_INTERVALS)
    message = _Message(
        labels=labels(alert, context),
        annotations=texts(alert, context),
        starts_at=_milliseconds(starts),
        ends_at=_milliseconds(ends, up=True),
        generator_u_r_l=context.page,
    )
    return _checked(alert.id, alert.episode, resolved, message)


def watchdog(context: Context, now: datetime, valid: timedelta | None = None) -> Postable:
    """An alert that is always open: where it stops coming, monitor, network or Alertmanager is gone."""
    message = _Message(
        labels={
            **dict.fromkeys(("agency", "agreement", *_GROUP_LABELS), NONE),
            "alertname": "Watchdog", "rule": "watchdog", "severity": "informational", "owner": "soc",
            "leak": "false", "bulk": "false", "alert_id": WATCHDOG,
        },
        annotations={
            "summary": "The monitor sends alerts",
            "summary_vi": "Hệ thống giám sát đang gửi cảnh báo",
        },
        starts_at=_milliseconds(now),
        ends_at=_milliseconds(now + (valid or context.interval * VALID_INTERVALS)),
        generator_u_r_l=context.page,
    )  # fmt: skip
    return Postable(WATCHDOG, 0, False, msgspec.json.encode(message))


def labels(alert: Alert, context: Context) -> dict[str, str]:
    """What Alertmanager tells alerts apart by: a changed label is another alert there, and the old one ends.

    They are the alert's own, so they stay for as long as it is open; but `agreement` is the registry's.
    """
    group = dict(alert.group)
    pair = {name: group.get(name) or NONE for name in _GROUP_LABELS}
    found = {
        "alertname": alert_name(alert.title) or alert.rule,
        "rule": alert.rule,
        "severity": alert.level.word,
        "agency": alert.agency or NONE,
        "owner": alert.owner or "soc",
        "agreement": _agreement(alert, context, group) or NONE,
        **pair,
        "leak": "true" if alert.leak else "false",
        "bulk": "true" if any(tag.lower().startswith(_BULK) for tag in alert.tags) else "false",
        "alert_id": alert.id,
    }
    return {name: _clean(value, MAX_LABEL) or NONE for name, value in found.items()}


def _agreement(alert: Alert, context: Context, group: Mapping[str, str]) -> str | None:
    if group.get("agreement"):
        return group["agreement"]
    consumer, service = group.get("consumer") or alert.agency, group.get("service")
    return context.agreements(consumer, service, alert.first_time) if consumer and service else None


def alert_name(title: str) -> str:
    """A rule's title as one word: `Many denied requests` becomes `ManyDeniedRequests`. Letters lose their
    marks; those without an ASCII one below are dropped."""
    plain = unicodedata.normalize("NFKD", title.replace("đ", "d").replace("Đ", "D"))
    words = re.findall(r"[A-Za-z0-9]+", "".join(c for c in plain if not unicodedata.combining(c)))
    return "".join(word[:1].upper() + word[1:] for word in words)


def texts(alert: Alert, context: Context) -> dict[str, str]:
    """What a person reads: what it is (in both languages), the figures, the evidence, and what to do."""
    rule = context.rules(alert.rule)
    about = ", ".join(value for value in (alert.agency, dict(alert.group).get("service", "")) if value)
    end = f": {about}" if about else ""
    found = {
        "summary": f"{alert.title}{end}",
        "summary_vi": f"{alert.title_vi or alert.title}{end}",
        "description": _description(alert),
        "group": ", ".join(f"{name}={value}" for name, value in alert.group),
        "evidence": ", ".join(each.event_id for each in alert.evidence),
        "runbook": "\n".join(rule.runbook if rule else ()) or alert.runbook,
        "count": str(alert.count),
        "risk_score": str(alert.risk_score),
        "acknowledged": f"{alert.acknowledged_by}: {alert.acknowledged_why}" if alert.acknowledged_by else "",
    }
    return {name: text for name, value in found.items() if (text := _clean(value, MAX_ANNOTATION))}


def _description(alert: Alert) -> str:
    facts = dict(alert.facts)
    said = [
        f"{name.replace('_', ' ')} {_figure(facts.pop(name))}"
        for name in ("expected", "seen", "threshold")
        if name in facts
    ]
    said += [f"{name.replace('_', ' ')} {_figure(value)}" for name, value in sorted(facts.items())]
    span = f"{alert.count} from {_readable(alert.first_time)} to {_readable(alert.last_time)}"
    return "; ".join([*said, span])


def _figure(value: float | str) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _readable(time: datetime) -> str:
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _milliseconds(time: datetime, *, up: bool = False) -> datetime:
    """Whole milliseconds, as Alertmanager keeps them."""
    rest = time.microsecond % 1000
    return time.astimezone(UTC) + timedelta(microseconds=(1000 - rest if rest and up else -rest))


def _clean(value: str, longest: int) -> str:
    """Text that is UTF-8, of one direction, without control characters, and not longer than `longest`."""
    text = _UNPRINTABLE.sub("\ufffd", value).strip()
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _checked(alert_id: str, episode: int, resolved: bool, message: _Message) -> Postable | Invalid:
    wrong = [name for name in message.labels if not _NAME.fullmatch(name)]
    if wrong:
        return Invalid(alert_id, episode, f"not a label's name: {wrong[0]!r}")
    if not message.starts_at < message.ends_at:
        return Invalid(alert_id, episode, f"it begins at {message.starts_at} and ends at {message.ends_at}")
    try:
        body = msgspec.json.encode(message)
    except (ValueError, TypeError) as why:  # a surrogate, which no encoding can carry
        return Invalid(alert_id, episode, f"not UTF-8: {why}")
    if len(body) > MAX_BODY:
        return Invalid(alert_id, episode, f"{len(body)} bytes; at most {MAX_BODY} are sent")
    return Postable(alert_id, episode, resolved, body)
