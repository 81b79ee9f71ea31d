"""Where green turns into orange and red, and why there; agreed limits come from the metrics instead."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models.dashboard import Threshold, ThresholdsMode

GREEN, ORANGE, RED, NEUTRAL = "green", "orange", "red", "blue"
HOUR_S: Final = 3600.0
DAY_S: Final = 24 * HOUR_S


def steps(first: str, *others: tuple[float, str]) -> list[Threshold]:
    """A colour from the bottom up, and others from their values on."""
    return [Threshold(None, first), *(Threshold(value, colour) for value, colour in others)]


def as_builder(limits: list[Threshold]) -> ThresholdsConfig:
    """In the form in which panels take them."""
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(limits)


NO_LIMIT: Final = steps(NEUTRAL)
# What should not be there at all: one is red.
NONE_ALLOWED: Final = steps(GREEN, (1.0, RED))
# What asks for a look at one, and for more than a look at five.
FEW_ALLOWED: Final = steps(GREEN, (1.0, ORANGE), (5.0, RED))
# No agreement allows more failures than 5 in 100, and most allow 1.
FAILED_SHARE: Final = steps(GREEN, (0.01, ORANGE), (0.05, RED))
# One exchange in a hundred against its agreement is no slip any more.
BREACHES: Final = steps(GREEN, (1.0, ORANGE), (10.0, RED))
# The risk score's own bands: from 40 somebody looks, from 70 somebody acts.
RISK: Final = steps(GREEN, (40.0, ORANGE), (70.0, RED))
# What is left of what an agreement allows to fail: below nothing the objective is missed.
BUDGET: Final = steps(RED, (0.0, ORANGE), (0.25, GREEN))
# How far above its objective a share is: below, the objective is missed.
MARGIN: Final = steps(RED, (0.0, GREEN))
# Spending faster than 1 uses the budget up before its time; 14.4 uses a month's up in two days.
BURN: Final = steps(GREEN, (1.0, ORANGE), (14.4, RED))
# A part of its limit: what is too old is red, what soon will be is orange.
OF_LIMIT: Final = steps(GREEN, (0.8, ORANGE), (1.0, RED))
# The notice of a leak is due 72 hours after it was detected: with a day left it must be in the making.
NOTICE: Final = steps(RED, (6 * HOUR_S, ORANGE), (24 * HOUR_S, GREEN))
# What ends soon: a month is what renewing takes.
ENDING: Final = steps(RED, (7 * DAY_S, ORANGE), (30 * DAY_S, GREEN))
# Events are to be counted and committed within a second of happening.
EVENT_AGE: Final = steps(GREEN, (1.0, ORANGE), (5.0, RED))
# An alert is to reach Alertmanager within two seconds.
DELIVERY: Final = steps(GREEN, (2.0, ORANGE), (15.0, RED))
# A transaction takes milliseconds; seconds mean that the database holds everything up.
COMMIT: Final = steps(GREEN, (0.25, ORANGE), (1.0, RED))
# At five thousand records a second this is twenty seconds behind.
LAG: Final = steps(GREEN, (10_000.0, ORANGE), (100_000.0, RED))
# A worker is to stay below 400 MB.
MEMORY: Final = steps(GREEN, (300e6, ORANGE), (400e6, RED))
# One answered call in twenty that one side did not record is an alert, and any is worth a look.
HALVES_MISSING: Final = steps(GREEN, (0.01, ORANGE), (0.05, RED))
# Synchronised clocks are within a second; half a minute, either way, is an alert.
CLOCK_SKEW: Final = steps(RED, (-30.0, ORANGE), (-1.0, GREEN), (1.0, ORANGE), (30.0, RED))
# Objectives and duties are worked out every few minutes: a quarter of an hour means that it fails.
COMPUTED: Final = steps(GREEN, (900.0, ORANGE), (3600.0, RED))
