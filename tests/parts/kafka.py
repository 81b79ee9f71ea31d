"""A real Apache Kafka, started with the same command that people use."""

from __future__ import annotations

import shutil

from deploy.stack.parts.kafka import COMMAND, NEEDED, Kafka
from tests.parts import missing_part

__all__ = ["COMMAND", "Kafka", "require_kafka"]


def require_kafka() -> None:
    """Skip (fail in CI) where Kafka cannot be run."""
    for program, (what, remedy) in NEEDED.items():
        if shutil.which(program) is None:
            missing_part(what, remedy)
