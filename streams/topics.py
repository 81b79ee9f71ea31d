"""The topics of the contract: what each carries, how long it is kept, how large a message may be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from monitor.errors import UsageProblem

MIB = 1024 * 1024
# A body over 1 MiB is a dead letter, so it must be able to arrive: the broker's own limit is higher.
SOURCE_BYTES = 4 * MIB
# The original with its headers and its reason; batches are measured compressed, so a source's 4 MiB may
# be more once unpacked. What does not fit even here is cut and marked.
DEAD_LETTER_BYTES = 8 * MIB
ALERT_BYTES = MIB
# Long enough to repair a monitor that was down over the longest public holiday (nine days) and catch up.
SOURCE_DAYS = 14
# Dead letters may hold personal data: as short as a monthly look at them allows.
DEAD_LETTER_DAYS = 35
ALERT_DAYS = 90
# Judging one partition takes one core; more partitions than cores now leave room for more workers later.
EXCHANGE_PARTITIONS = 8
SOURCES = ("exchanges", "security-events", "xroad-records")


@dataclass(frozen=True, slots=True)
class Topic:
    """How one topic is to be; `key` says in words what its messages are keyed by."""

    name: str
    partitions: int
    retention: timedelta
    max_message_bytes: int
    key: str
    cleanup: str = "delete"

    @property
    def configs(self) -> dict[str, str]:
        """Its settings under the broker's names."""
        return {
            "cleanup.policy": self.cleanup,
            "retention.ms": str(self.retention // timedelta(milliseconds=1)),
            "max.message.bytes": str(self.max_message_bytes),
        }


@dataclass(frozen=True, slots=True)
class Found:
    """How a topic is; settings that the broker does not report are absent from `configs`."""

    partitions: int
    configs: Mapping[str, str]


TOPICS = (
    Topic("exchanges", EXCHANGE_PARTITIONS, timedelta(days=SOURCE_DAYS), SOURCE_BYTES, "the consumer's code"),
    Topic(
        "security-events",
        EXCHANGE_PARTITIONS,
        timedelta(days=SOURCE_DAYS),
        SOURCE_BYTES,
        "the acting agency's code",
    ),
    Topic(
        "xroad-records",
        EXCHANGE_PARTITIONS,
        timedelta(days=SOURCE_DAYS),
        SOURCE_BYTES,
        "the client member's INSTANCE/CLASS/MEMBER, in both halves of a call",
    ),
    Topic("dossiers", 2, timedelta(days=SOURCE_DAYS), SOURCE_BYTES, "the dossier's number"),
    Topic(
        "lifecycle-events", 1, timedelta(days=SOURCE_DAYS), SOURCE_BYTES, "the code of the agency it is about"
    ),
    # One partition: people read it, and in the order in which things went wrong.
    Topic(
        "dead-letters",
        1,
        timedelta(days=DEAD_LETTER_DAYS),
        DEAD_LETTER_BYTES,
        "source topic/partition/offset",
    ),
    Topic("alerts", 1, timedelta(days=ALERT_DAYS), ALERT_BYTES, "the alert's id"),
)
NAMES = tuple(topic.name for topic in TOPICS)


def planned(
    prefix: str = "",
    partitions: int | None = None,
    source_retention: timedelta | None = None,
    retention: Mapping[str, timedelta] | None = None,
) -> tuple[Topic, ...]:
    """The topics under their full names, with what an operator chose otherwise.

    `partitions` and `source_retention` apply to the three source topics, `retention` to the topic it names.
    Raises UsageProblem for a topic that is not one of the contract's.
    """
    chosen = dict(retention or {})
    if unknown := sorted(set(chosen) - set(NAMES)):
        raise UsageProblem(f"no such topic: {', '.join(unknown)}; the topics are {', '.join(NAMES)}")
    plan = []
    for topic in TOPICS:
        source = topic.name in SOURCES
        kept = chosen.get(topic.name) or (source_retention if source else None) or topic.retention
        count = partitions if partitions and source else topic.partitions
        plan.append(replace(topic, name=f"{prefix}{topic.name}", partitions=count, retention=kept))
    return tuple(plan)


def differences(topic: Topic, found: Found | None) -> list[str]:
    """Each way in which a topic is not as planned, as a sentence; empty when it is right.

    More partitions and larger messages than planned are right. A setting that the broker does not report
    is no difference: see `unreported`.
    """
    if found is None:
        return [f"{topic.name}: missing"]
    problems = []
    if found.partitions < topic.partitions:
        problems.append(f"{topic.name}: {found.partitions} partitions, planned {topic.partitions}")
    policy = found.configs.get("cleanup.policy", topic.cleanup)
    if policy != topic.cleanup:
        problems.append(
            f"{topic.name}: cleanup.policy is {policy}, planned {topic.cleanup} "
            "(compaction drops all but the last message of a key)"
        )
    kept = found.configs.get("retention.ms")
    if kept is not None and kept != topic.configs["retention.ms"]:
        problems.append(
            f"{topic.name}: retention is {written(kept)}, planned {written(topic.configs['retention.ms'])}"
        )
    largest = found.configs.get("max.message.bytes")
    if largest is not None and int(largest) < topic.max_message_bytes:
        problems.append(f"{topic.name}: max.message.bytes is {largest}, needed {topic.max_message_bytes}")
    return problems


def unreported(topic: Topic, found: Found) -> list[str]:
    """Names of the planned settings that the broker said nothing about, as the embedded one does."""
    return sorted(set(topic.configs) - set(found.configs))


def written(milliseconds: str) -> str:
    """A retention as people read it: "14 d", "36 h", "forever"."""
    span = int(milliseconds)
    if span < 0:
        return "forever"
    for unit, size in (("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1000)):
        if span >= size and span % size == 0:
            return f"{span // size} {unit}"
    return f"{span} ms"
