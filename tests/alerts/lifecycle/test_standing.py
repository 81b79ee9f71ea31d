"""What the overview page shows of open alerts."""

from __future__ import annotations

from sqlalchemy import Engine

from alerts.lifecycle.store import most_serious, open_by_level
from alerts.model import Level
from alerts.standing import Standing
from tests.alerts.lifecycle.parts import Desk, detection, info, rule_set


def test_the_most_serious_that_nobody_is_at_come_first(engine: Engine) -> None:
    """Then the newest; what is resolved is not shown, and what does not fit is counted."""
    desk = Desk(engine, rule_set(info("low", level=Level.LOW), info("high", level=Level.HIGH)))
    for rule, service, minute in (("low", "a", 9), ("high", "b", 1), ("high", "c", 2), ("high", "d", 3)):
        desk.find(detection(minute, rule=rule, service=service))
    (newest,) = [one for one in desk.alerts() if ("service", "d") in one.group]
    desk.take(newest)
    standing = Standing()
    assert standing.document()["rows"] == []
    with engine.connect() as connection:
        standing.show(open_by_level(connection), most_serious(connection, 3))
    document = standing.document()
    listed = [(row["level"], row["last"], row["acknowledged"]) for row in document["rows"]]
    assert [level for level, _, _ in listed] == ["high", "high", "low"]
    assert listed[0][1] > listed[1][1]
    assert not any(acknowledged for _, _, acknowledged in listed)
    assert document["open"] == {"informational": 0, "low": 1, "medium": 0, "high": 3, "critical": 0}
    assert document["more"] == 1
    assert document["rows"][0]["title"] == {"en": "Many denied requests", "vi": "Nhiều yêu cầu bị từ chối"}
