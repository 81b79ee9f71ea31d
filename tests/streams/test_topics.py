"""The plan of the topics, and what counts as a difference from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.errors import UsageProblem
from streams.topics import NAMES, TOPICS, Found, Topic, differences, planned, unreported, written

EXCHANGES = planned("p-")[0]


def right(topic: Topic) -> Found:
    return Found(topic.partitions, topic.configs)


def test_the_plan_has_every_topic_of_the_contract() -> None:
    """Seven topics, under their prefix."""
    names = [
        "exchanges",
        "security-events",
        "xroad-records",
        "dossiers",
        "lifecycle-events",
        "dead-letters",
        "alerts",
    ]
    assert sorted(NAMES) == sorted(names)
    assert {topic.name for topic in planned("p-")} == {f"p-{name}" for name in names}


def test_a_dead_letter_topic_takes_whatever_a_source_could() -> None:
    """A body over 1 MiB can arrive, and every source's largest message fits with room to spare."""
    sizes = {topic.name: topic.max_message_bytes for topic in TOPICS}
    sources = [size for name, size in sizes.items() if name not in ("dead-letters", "alerts")]
    assert min(sources) > 1024 * 1024
    assert sizes["dead-letters"] >= 2 * max(sources)


def test_an_operator_chooses_partitions_and_retention() -> None:
    """The number and the general time apply to the source topics, a named time to its topic."""
    plan = {t.name: t for t in planned("", 24, timedelta(days=30), {"dead-letters": timedelta(days=90)})}
    assert plan["exchanges"].partitions == plan["xroad-records"].partitions == 24
    assert plan["dead-letters"].partitions == 1
    assert plan["exchanges"].retention == timedelta(days=30)
    assert plan["dead-letters"].configs["retention.ms"] == str(90 * 86_400_000)
    assert plan["alerts"].retention == planned()[-1].retention


def test_a_retention_for_an_unknown_topic_is_refused() -> None:
    """The message names the topics that exist."""
    with pytest.raises(UsageProblem, match=r"no such topic: exchange; .*exchanges"):
        planned("", None, None, {"exchange": timedelta(days=1)})


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (None, "p-exchanges: missing"),
        (replace(right(EXCHANGES), partitions=2), "p-exchanges: 2 partitions, planned 8"),
        (
            Found(8, {**EXCHANGES.configs, "retention.ms": "3600000"}),
            "p-exchanges: retention is 1 h, planned 14 d",
        ),
        (
            Found(8, {**EXCHANGES.configs, "max.message.bytes": "1048588"}),
            "p-exchanges: max.message.bytes is 1048588, needed 4194304",
        ),
        (
            Found(8, {**EXCHANGES.configs, "cleanup.policy": "compact"}),
            "p-exchanges: cleanup.policy is compact, planned delete "
            "(compaction drops all but the last message of a key)",
        ),
    ],
)
def test_each_difference_is_a_sentence(found: Found | None, sentence: str) -> None:
    """It says what is, and what was planned."""
    assert differences(EXCHANGES, found) == [sentence]


def test_more_than_planned_is_right() -> None:
    """More partitions and larger messages harm nothing; settings not reported are not guessed."""
    assert differences(EXCHANGES, right(EXCHANGES)) == []
    assert differences(EXCHANGES, Found(20, {**EXCHANGES.configs, "max.message.bytes": "9999999"})) == []
    silent = Found(8, {})
    assert differences(EXCHANGES, silent) == []
    assert unreported(EXCHANGES, silent) == ["cleanup.policy", "max.message.bytes", "retention.ms"]


@pytest.mark.parametrize(
    ("held", "shown"),
    [("-1", "forever"), ("1209600000", "14 d"), ("129600000", "36 h"), ("1500", "1500 ms"), ("0", "0 ms")],
)
def test_a_retention_is_written_for_people(held: str, shown: str) -> None:
    """In the largest unit that is exact."""
    assert written(held) == shown
