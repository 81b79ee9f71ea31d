"""What reaches the log."""

from __future__ import annotations

import logging

from monitor.log import QUIET_S, Repeats


def _record(name: str, message: str, created: float, *arguments: object) -> logging.LogRecord:
    record = logging.LogRecord(name, logging.ERROR, __file__, 1, message, arguments, None)
    record.created = created
    return record


def test_a_library_that_repeats_itself_is_heard_once_in_a_while() -> None:
    """The same message with other arguments is the same; after the pause it is heard again."""
    repeats = Repeats()
    heard = [
        repeats.filter(_record("aiokafka.client", "Unable connect to node %s", at, node))
        for at, node in ((1000.0, 1), (1000.1, 2), (1000.0 + QUIET_S - 0.1, 1), (1000.0 + QUIET_S, 1))
    ]
    assert heard == [True, False, False, True]
    assert repeats.filter(_record("aiokafka.client", "Topic %s not found", 1000.1, "x"))


def test_the_monitor_s_own_messages_all_pass() -> None:
    """Only libraries repeat themselves without end."""
    repeats = Repeats()
    assert all(repeats.filter(_record("streams.lanes", "commit failed", 1000.0)) for _ in range(3))
