"""What every contender is told, and how it reports."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Contest:
    """The topic to read, and how many events of it."""

    bootstrap: str
    topic: str
    events: int
    group: str

    @classmethod
    def from_environment(cls) -> Self:
        """As the runner set it."""
        return cls(
            os.environ["BENCH_BOOTSTRAP"],
            os.environ["BENCH_TOPIC"],
            int(os.environ["BENCH_EVENTS"]),
            f"bench-{uuid.uuid4().hex[:8]}",
        )


def report(events: int, seconds: float) -> None:
    """Say how many events were read in how many seconds, from the assignment of partitions on."""
    line = json.dumps({"events": events, "seconds": seconds}) + "\n"
    os.write(1, line.encode())  # Faust sends what goes to sys.stdout to its log
