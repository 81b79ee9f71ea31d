"""Check of the consumer group: whether workers run, and which partitions they hold."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from kafka.errors import CoordinatorNotAvailableError, GroupIdNotFoundError, IncompatibleBrokerVersion

from monitor.settings import Settings
from streams.doctor.addresses import admin_client
from streams.doctor.finding import Finding, counted, listed, not_checked, ok, problem, warning

_START = "Start one: `monitor worker`."
_RETRY_S = 0.5
_SETTLED = ("Stable", "Empty", "Dead")


def check_group(settings: Settings, partitions: int, seconds: float) -> Finding:
    """Ask who is in the group; `partitions` is how many the topic of exchanges has."""
    group = settings.consumer_group
    deadline = time.monotonic() + seconds / 2
    with admin_client(settings, seconds) as admin:
        while True:
            try:
                described = admin.describe_groups([group])[group]
            except GroupIdNotFoundError:
                described = {"group_state": "Dead", "members": []}
            except CoordinatorNotAvailableError:
                # For a moment on a new cluster, which makes its topic of groups when first asked.
                if time.monotonic() < deadline:
                    time.sleep(_RETRY_S)
                    continue
                return problem(
                    "workers",
                    "no broker coordinates consumer groups",
                    "Look at the brokers' logs: the topic __consumer_offsets is missing or has no leader.",
                )
            except (ValueError, IncompatibleBrokerVersion):
                # It reports rights that Kafka does not know, which the client refuses.
                return not_checked("workers", "the embedded broker has no readable description of groups")
            break
    return judge_group(group, described, settings.topic("exchanges"), partitions)


def judge_group(group: str, described: Mapping[str, Any], topic: str, partitions: int) -> Finding:
    """Judge a group as the admin client describes it."""
    name, state = "workers", str(described["group_state"])
    members = described["members"]
    if state not in _SETTLED:
        return warning(
            name,
            f"group {group} is sharing out its partitions just now: {state}",
            "Ask again in a minute; where it never settles, a worker keeps restarting: read its log.",
        )
    if not members:
        return warning(name, f"no worker runs in group {group}: nothing is counted", _START)
    held: defaultdict[str, list[int]] = defaultdict(list)
    strangers = 0
    for member in members:
        assigned = _assigned(member, topic)
        strangers += not assigned
        held[str(member["client_host"]).lstrip("/")] += assigned
    free = sorted(set(range(partitions)) - {number for numbers in held.values() for number in numbers})
    if free:
        return problem(
            name,
            f"nobody in group {group} reads {topic}/{listed(free)}",
            "Restart the workers; if it stays so, other programs use the group: give "
            "MONITOR_CONSUMER_GROUP a name of its own.",
        )
    shares = [f"{host}: {_ranges(numbers)}" for host, numbers in sorted(held.items()) if numbers]
    idle = f"; {counted(strangers, 'worker')} without one, ready to take over" if strangers else ""
    count = counted(len(members) - strangers, "worker")
    return ok(name, f"{count} of group {group}, partitions by host: {listed(shares)}{idle}")


def _assigned(member: Mapping[str, Any], topic: str) -> list[int]:
    assignment = member.get("member_assignment") or {}
    if not isinstance(assignment, Mapping):
        return []  # not in the consumers' common form
    return [
        number
        for each in assignment.get("assigned_partitions", ())
        if each["topic"] == topic
        for number in each["partitions"]
    ]


def _ranges(numbers: list[int]) -> str:
    """Partition numbers, runs shortened: "0-3, 6"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
