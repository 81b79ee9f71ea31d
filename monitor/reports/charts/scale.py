"""Scales and their marks: round numbers on an axis from zero, powers of ten on a logarithmic one."""

from __future__ import annotations

from math import ceil, floor, log10

from monitor.reports.texts import Texts

_STEPS = (1, 2, 2.5, 5, 10)


def ticks(most: float, count: int = 4, *, whole: bool = True) -> list[float]:
    """Round numbers from 0 to at least `most`, about `count` steps; whole ones for counts."""
    if most <= 0:
        return [0, 1]
    rough = most / count
    power = 10 ** floor(log10(rough))
    step = next(each * power for each in _STEPS if each * power >= rough * (1 - 1e-9))
    if whole:
        step = max(1, ceil(step))
    return [step * n for n in range(ceil(most / step - 1e-9) + 1)]


def log_ticks(least: float, most: float) -> list[float]:
    """1, 2, 5, 10, 20 … that enclose both; both are above 0."""
    low = floor(log10(least))
    every = [m * 10.0**p for p in range(low, ceil(log10(most)) + 1) for m in (1, 2, 5)]
    begin = max(i for i, each in enumerate(every) if each <= least * (1 + 1e-9))
    end = min((i for i, each in enumerate(every) if each >= most * (1 - 1e-9)), default=len(every) - 1)
    return every[begin : max(end, begin + 1) + 1]


def short(value: float, texts: Texts) -> str:
    """A large number in few letters: 1,2 triệu; 3.4 bn; numbers below ten thousand as they are."""
    for size, en, vi in ((1e9, "bn", "tỷ"), (1e6, "m", "triệu"), (1e3, "k", "nghìn")):
        if value >= size and (size > 1e3 or value >= 1e4):
            part = value / size
            decimals = 0 if part >= 100 or part == int(part) else 1
            space = "\u00a0" if texts.language == "vi" else ""
            return f"{texts.number(part, decimals)}{space}{vi if texts.language == 'vi' else en}"
    return texts.number(value, 0 if value == int(value) else 1)
