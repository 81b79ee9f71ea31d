"""Checks of the cluster: brokers reachable where they say they are, topics as planned and led."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from monitor.settings import Settings
from streams.administration import Administration
from streams.doctor.addresses import Advertised, Wrong, admin_client, connect
from streams.doctor.finding import Finding, counted, listed, ok, problem, warning
from streams.topics import Found, Topic, differences, planned, unreported

_TOPICS_REMEDY = "`monitor topics create` makes what is missing; `monitor topics check` lists differences."


def check_brokers(settings: Settings, advertised: Advertised, seconds: float) -> Finding:
    """Whether every broker can be reached under the address that it gives to clients, and its version."""
    name = "brokers"
    away = []
    for host, port in sorted(advertised):
        try:
            connect(host, port, seconds).close()
        except Wrong as why:
            away.append(f"{host}:{port} ({why.what})")
    if away:
        return problem(
            name,
            f"Kafka sends its clients on to addresses that do not answer: {listed(away)}",
            "Start these brokers, or set their advertised.listeners to addresses that this computer reaches.",
        )
    with admin_client(settings, seconds) as admin:
        cluster = admin.describe_cluster()
        version = admin.get_broker_version_data(cluster["brokers"][0]["broker_id"]).broker_version_str
    count = counted(len(cluster["brokers"]), "broker")
    return ok(name, f"{count}, protocol of Kafka {version}, cluster {cluster['cluster_id']}")


def check_topics(settings: Settings, seconds: float) -> Finding:
    """Whether the topics exist, are set as planned, and every partition has a leader and its copies."""
    plan = planned(settings.topic_prefix)
    with Administration(settings) as broker:
        found = broker.found(topic.name for topic in plan)
    with admin_client(settings, seconds) as admin:
        described = admin.describe_topics(list(found)) if found else []
    return judge_topics(plan, found, described)


def judge_topics(
    plan: Iterable[Topic], found: Mapping[str, Found], described: Iterable[Mapping[str, Any]]
) -> Finding:
    """Judge topics as they are found; `described` is the admin client's answer about their partitions."""
    name = "topics"
    plan = tuple(plan)
    wrong = [each for topic in plan for each in differences(_as_chosen(topic, found), found.get(topic.name))]
    leaderless = sorted(_partitions(described, lambda one: one["leader_id"] < 0))
    if leaderless:
        wrong.append(f"no leader for {listed(leaderless)}")
    if wrong:
        remedy = "Start the brokers that are away." if leaderless else _TOPICS_REMEDY
        return problem(name, listed(wrong), remedy)
    other = [each for topic in plan for each in differences(topic, found[topic.name])]
    if other:
        return warning(name, listed(other), "Fine where it was meant; `monitor topics check` compares.")
    short = sorted(_partitions(described, lambda one: len(one["isr_nodes"]) < len(one["replica_nodes"])))
    if short:
        return warning(
            name,
            f"{counted(len(short), 'partition')} {'has' if len(short) == 1 else 'have'} fewer copies in step "
            f"than planned: {listed(short)}",
            "Start the brokers that are away, or look why they lag.",
        )
    what = f"{len(plan)} topics are as planned"
    silent = sorted({each for topic in plan for each in unreported(topic, found[topic.name])})
    return ok(name, f"{what} (this broker does not report {listed(silent)})" if silent else what)


def _as_chosen(topic: Topic, found: Mapping[str, Found]) -> Topic:
    """The plan with the partitions and retention that are there: an operator may have chosen them.

    What differs from this is missing, compacted, or too small for the messages.
    """
    now = found.get(topic.name)
    if now is None:
        return topic
    kept = now.configs.get("retention.ms")
    retention = topic.retention if kept is None else timedelta(milliseconds=int(kept))
    return replace(topic, partitions=now.partitions, retention=retention)


def _partitions(
    described: Iterable[Mapping[str, Any]], chosen: Callable[[Mapping[str, Any]], bool]
) -> Iterable[str]:
    return (
        f"{topic['name']}/{one['partition_index']}"
        for topic in described
        for one in topic["partitions"]
        if chosen(one)
    )
