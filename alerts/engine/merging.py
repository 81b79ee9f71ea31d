"""Detections gathered until they are taken: those that one alert holds anyway are added up at once."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from alerts.model import EVIDENCE, Detection, Evidence, Group


def merged(one: Detection, other: Detection) -> Detection:
    """Both together: the order does not matter, but for `facts` of detections that end at the same time."""
    evidence = tuple(sorted({*one.evidence, *other.evidence})[:EVIDENCE])
    facts = other.facts if other.last_ms >= one.last_ms else one.facts
    return Detection(
        one.rule,
        one.agency,
        one.group,
        min(one.first_ms, other.first_ms),
        max(one.last_ms, other.last_ms),
        one.count + other.count,
        evidence,
        facts,
    )


class Gathering:
    """Detections by rule, agency and group, in stretches with no more than the rule's quiet time between.

    An alert lasts over such a stretch, so adding up within it loses nothing; a flood of matches then takes
    no more memory than one.
    """

    def __init__(self) -> None:
        self._stretches: dict[tuple[str, str, Group], list[Detection]] = {}

    def add(self, detection: Detection, quiet_ms: int) -> None:
        """Take one detection in."""
        key = (detection.rule, detection.agency, detection.group)
        stretches = self._stretches.get(key)
        if stretches is None:
            self._stretches[key] = [_own(detection)]
            return
        last = stretches[-1]
        if last.first_ms <= detection.first_ms and detection.first_ms <= last.last_ms + quiet_ms:
            _add(last, detection)
            return
        for at in range(len(stretches) - 1, -1, -1):
            held = stretches[at]
            if (
                detection.first_ms <= held.last_ms + quiet_ms
                and held.first_ms <= detection.last_ms + quiet_ms
            ):
                stretches[at] = merged(held, detection)
                return
        stretches.append(_own(detection))

    def add_event(
        self, rule: str, agency: str, group: Group, time_ms: int, event_id: str, quiet_ms: int
    ) -> None:
        """Take in that a rule matched a single event: as `add`, with nothing built for the second and on."""
        key = (rule, agency, group)
        stretches = self._stretches.get(key)
        evidence = Evidence(time_ms, event_id)
        if stretches is not None:
            last = stretches[-1]
            if last.first_ms <= time_ms <= last.last_ms + quiet_ms:
                last.count += 1
                last.last_ms = max(last.last_ms, time_ms)
                if len(last.evidence) < EVIDENCE or evidence < last.evidence[-1]:
                    last.evidence = tuple(sorted({*last.evidence, evidence})[:EVIDENCE])
                return
        self.add(Detection(rule, agency, group, time_ms, time_ms, 1, (evidence,)), quiet_ms)

    def take(self) -> list[Detection]:
        """What was gathered, in order of first arrival; then there is nothing."""
        stretches, self._stretches = self._stretches, {}
        return [each for held in stretches.values() for each in held]


def _own(detection: Detection) -> Detection:
    """A detection that may be changed in place; a kind may keep the one it gave."""
    return Detection(
        detection.rule,
        detection.agency,
        detection.group,
        detection.first_ms,
        detection.last_ms,
        detection.count,
        detection.evidence,
        detection.facts,
    )


def _add(held: Detection, other: Detection) -> None:
    """Add to a detection in place; nearly all are of one event, later than the others."""
    held.count += other.count
    if other.last_ms >= held.last_ms:
        held.last_ms = other.last_ms
        held.facts = other.facts
    named = held.evidence
    if len(named) < EVIDENCE or (other.evidence and other.evidence[0] < named[-1]):
        held.evidence = tuple(heapq.nsmallest(EVIDENCE, {*named, *other.evidence}))


def totals(detections: Iterable[Detection]) -> list[Detection]:
    """One detection for each rule, agency and group, in that order."""
    found: dict[tuple[str, str, Group], Detection] = {}
    for each in detections:
        key = (each.rule, each.agency, each.group)
        found[key] = merged(found[key], each) if key in found else each
    return [found[key] for key in sorted(found)]
