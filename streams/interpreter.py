"""How a worker sets its interpreter up: collections, turns of threads, and one heap for all of them."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import sys

# Events are freed by reference counts: a collection walks what a fetch brought, and finds little. The app
# makes a full one now and then.
GC_THRESHOLDS = (100_000, 50, 1000)
# A thread that wants to run waits this long for another to let go. The consumer's thread reads a fetch in
# many small steps, each of which would wait the default 5 ms while a batch is folded.
SWITCH_INTERVAL_S = 0.0005
_M_ARENA_MAX = -8  # the parameter's number in glibc's malloc.h


def set_up_interpreter() -> None:
    """Do it; to be called once, when everything is imported and before threads are started."""
    _share_one_heap()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def _share_one_heap() -> None:
    """Have all threads allocate from one heap; with another C library than glibc nothing is changed.

    glibc gives each thread a heap of its own. What one thread reads another frees here, so that each heap
    keeps what it once needed; threads that take turns in one interpreter gain nothing from their own.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
