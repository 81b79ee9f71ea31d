"""The deadline of a worker's end: it ends what does not end, once, and with the right status."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import pytest

from streams.stopping import STOP_WITHIN_S, Deadline

WAIT_S = 20.0


class Ending:
    """Takes the place of the process's end."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.ended = threading.Event()

    def __call__(self, status: int) -> None:
        """Note the status."""
        self.statuses.append(status)
        self.ended.set()


def test_the_first_status_is_the_one_that_counts() -> None:
    """A crash that is followed by SIGTERM is a crash still, and the time runs once."""
    ending = Ending()
    deadline = Deadline(0.01, ending)
    deadline.begin(1)
    deadline.begin(0)
    assert ending.ended.wait(WAIT_S)
    assert ending.statuses == [1]


def test_a_log_that_nobody_takes_in_does_not_hold_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error may be a pipe that is full."""
    ending = Ending()
    deadline = Deadline(0.01, ending)
    stuck = threading.Event()
    monkeypatch.setattr(deadline, "_say", lambda: stuck.wait(WAIT_S))
    deadline.begin(0)
    assert ending.ended.wait(5)
    stuck.set()


def test_a_thread_that_hangs_does_not_keep_the_process() -> None:
    """Python waits for the threads of its pools; the deadline does not."""
    script = (
        "import threading\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "from streams.stopping import Deadline\n"
        "ThreadPoolExecutor(1).submit(threading.Event().wait)\n"
        "Deadline(0.2).begin(3)\n"
    )
    began = time.monotonic()
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60, check=False)
    assert ran.returncode == 3
    assert b"what was not committed is read again" in ran.stdout + ran.stderr
    assert time.monotonic() - began < 30


def test_an_end_in_order_does_not_wait_for_the_deadline() -> None:
    """It is for the worst case only."""
    began = time.monotonic()
    script = "from streams.stopping import Deadline\nDeadline(60).begin(1)\n"
    assert subprocess.run([sys.executable, "-c", script], timeout=50, check=False).returncode == 0
    assert time.monotonic() - began < 50
    assert STOP_WITHIN_S < 10  # what is promised


def test_a_worker_that_is_told_while_it_loads_leaves_with_status_0() -> None:
    """Before Faust handles signals: a program that is a container's process 1 would not hear it otherwise."""
    script = (
        "import time\nfrom streams.stopping import Deadline, leave_when_told\n"
        "leave_when_told(Deadline())\nprint('told', flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "told\n"
        process.terminate()
        assert process.wait(30) == 0
