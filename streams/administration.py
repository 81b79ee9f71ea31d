"""What the commands ask a broker: which topics there are, how they are set, make the missing ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import (
    KafkaError,
    KafkaTimeoutError,
    TopicAlreadyExistsError,
    TopicAuthorizationFailedError,
    for_code,
)

from monitor.errors import MonitorError
from monitor.settings import Settings
from streams.clients import client_arguments
from streams.topics import Found, Topic

# A person waits for it: a broker that does not answer in this time has a wrong address.
BOOTSTRAP_MS = 10_000
BROKER_DEFAULT = -1
KNOWN_MS = 10_000  # for topics that the controller made to be known to the broker that is asked
_EXISTS = "exists"


@contextmanager
def kafka_problems(settings: Settings) -> Iterator[None]:
    """Turn the client library's errors into one sentence that says which broker and what to look at."""
    try:
        yield
    except KafkaError as why:
        # Its messages repeat the whole request; the last line or the name is what helps.
        what = str(why).splitlines()[0][:200] if str(why) else type(why).__name__
        raise MonitorError(
            f"Kafka at {settings.kafka_bootstrap} (MONITOR_KAFKA_BOOTSTRAP): {what}. Is it running, and are "
            "the MONITOR_KAFKA_* settings right? `monitor doctor` checks them."
        ) from why


class Administration:
    """A connection for asking and creating; close it, or use it as a context manager."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def __enter__(self) -> Administration:
        self._admin = KafkaAdminClient(**client_arguments(self._settings), bootstrap_timeout_ms=BOOTSTRAP_MS)
        return self

    def __exit__(self, *_: object) -> None:
        self._admin.close()

    def found(self, names: Iterable[str]) -> dict[str, Found]:
        """The topics among `names` that exist, with the settings that the broker reports.

        Raises MonitorError where this user may not see a topic.
        """
        partitions: dict[str, int] = {}
        for topic in self._admin.describe_topics(list(names)):
            problem = for_code(topic["error_code"])
            if problem is TopicAuthorizationFailedError:
                raise MonitorError(f"{topic['name']}: this user may not describe it (an ACL is missing)")
            if topic["error_code"] == 0:
                partitions[topic["name"]] = len(topic["partitions"])
        configs = self._configs(list(partitions))
        return {name: Found(count, configs.get(name, {})) for name, count in partitions.items()}

    def create(self, topics: Iterable[Topic], replication: int = BROKER_DEFAULT) -> dict[str, str | None]:
        """Create topics; for each name None when done, "exists", or the reason why not.

        Brokers learn of a topic some time after the controller made it, so until then one that is asked says
        that there is none: this waits until the topics are known and have leaders, 10 s at most.
        """
        asked: dict[str, dict[str, Any]] = {
            topic.name: {
                "num_partitions": topic.partitions,
                "replication_factor": replication,
                "configs": topic.configs,
            }
            for topic in topics
        }
        if not asked:
            return {}
        answer: Mapping[str, Any] = self._admin.create_topics(asked, raise_errors=False)
        outcomes = {topic["name"]: _outcome(topic) for topic in answer["topics"]}
        made = [name for name, outcome in outcomes.items() if outcome in {None, _EXISTS}]
        try:
            self._admin.wait_for_topics(made, timeout_ms=KNOWN_MS)
        except KafkaTimeoutError:
            late = f"made, but the broker does not know of it {KNOWN_MS // 1000} s later"
            outcomes |= dict.fromkeys(set(made) - set(self.found(made)), late)
        return outcomes

    def _configs(self, names: list[str]) -> dict[str, dict[str, str]]:
        if not names:
            return {}
        asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
        try:
            answer = self._admin.describe_configs(asked, config_filter="all")
        except KafkaError:
            return {}  # may be forbidden or unknown to the broker: told as "not reported"
        return {
            name: {key: str(held["value"]) for key, held in settings.items()}
            for name, settings in answer.get("topic", {}).items()
            if isinstance(settings, dict)
        }


def _outcome(topic: Mapping[str, Any]) -> str | None:
    if topic["error_code"] == 0:
        return None
    problem = for_code(topic["error_code"])
    if problem is TopicAlreadyExistsError:
        return _EXISTS
    return str(topic.get("error_message") or problem.__name__)
