"""What does not come: decided by the watermark, whatever the order of what did come."""

from __future__ import annotations

from alerts.model import Evidence
from tests.alerts.engine.building import START, S, absent, at, engine, found, of_kind, rules

P = of_kind("p", "p")
Q = of_kind("q", "q")
UNANSWERED = rules(P, Q, absent("none", "p", "q", span=10))
SILENT = rules(P, absent("silent", "p", span=60, usual=2, history=3))


def test_what_is_not_answered_in_time_is_found_when_the_time_is_over() -> None:
    """The detection's time is the end of the wait; the evidence is what was not answered."""
    one = engine(UNANSWERED)
    assert found(one, [at(0, "p")], until=10) == []
    (detection,) = found(one, [], until=10.001)
    assert (detection.first_ms, detection.last_ms) == (START + 10 * S, START + 10 * S)
    assert detection.evidence == (Evidence(START, "p@0"),)
    assert (detection.count, detection.facts) == (1, {"timespan": 10})


def test_an_answer_within_the_timespan_is_in_time() -> None:
    """The last millisecond included, and the very same one; a later or an earlier one is not."""
    for second, answered in ((0, True), (10, True), (10.001, False), (-0.001, False)):
        events = [at(second, "q"), at(0, "p")]
        assert (found(engine(UNANSWERED), events, until=60) == []) == answered, second


def test_an_answer_is_for_its_own_group() -> None:
    """That of another service does not help."""
    assert found(engine(UNANSWERED), [at(0, "p"), at(1, "q", service="a.c")], until=60) != []


def test_one_answer_serves_all_that_waited() -> None:
    """As many questions as came in the timespan before it."""
    events = [at(0, "p"), at(4, "p"), at(5, "q"), at(7, "p")]
    (detection,) = found(engine(UNANSWERED), events, until=60)
    assert detection.evidence == (Evidence(START + 7 * S, "p@7"),)


def rhythm(minutes: float, *, every: float = 20) -> list[float]:
    """Seconds of events that come every so many seconds, for minutes."""
    return [second * every for second in range(round(minutes * 60 / every))]


def test_a_group_that_always_speaks_is_missed_after_a_timespan() -> None:
    """Counted from its last event on, once."""
    one = engine(SILENT)
    last = rhythm(6)[-1]
    assert found(one, [at(second, "p") for second in rhythm(6)], until=last + 60) == []
    (detection,) = found(one, [], until=last + 60.001)
    assert detection.evidence == (Evidence(START + round(last * S), f"p@{last:g}"),)
    assert detection.last_ms == START + round((last + 60) * S)
    assert found(one, [], until=last + 1000) == []


def test_a_group_that_spoke_seldom_is_not_missed() -> None:
    """Each of the timespans before must have had the usual number."""
    assert found(engine(SILENT), [at(second, "p") for second in rhythm(1)], until=500) == []
    assert found(engine(SILENT), [at(second, "p") for second in rhythm(6, every=55)], until=900) == []


def test_a_late_event_breaks_a_silence_that_is_not_decided() -> None:
    """The watermark is what decides, not the newest event."""
    one = engine(SILENT)
    last = rhythm(6)[-1]
    found(one, [at(second, "p") for second in rhythm(6)])
    assert found(one, [at(last + 64, "p"), at(last + 59, "p")], until=last + 100) == []


def test_each_silence_is_found_once() -> None:
    """Also when the group speaks again and falls silent again, after a history of its own."""
    one = engine(SILENT)
    seconds = [*rhythm(6), *(1000 + second for second in rhythm(6))]
    assert [each.count for each in found(one, [at(second, "p") for second in seconds], until=3000)] == [2]


def test_silences_are_forgotten_with_their_history() -> None:
    """A group that never comes back takes no memory."""
    one = engine(SILENT)
    found(one, [at(second, "p") for second in rhythm(6)], until=5000)
    assert one.groups == {"silent": 0}


def test_answered_questions_are_forgotten() -> None:
    """So are answers to nothing."""
    one = engine(UNANSWERED)
    found(one, [at(0, "p"), at(1, "q"), at(2, "q", service="a.c")], until=60)
    assert one.groups == {"none": 0}
