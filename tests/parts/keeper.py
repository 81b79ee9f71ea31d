"""Keeps one Kafka or PostgreSQL running for all test processes of a run, and stops it after the last one.

Three lock files say who is there, and the system releases them when a process ends in whatever way:
`door` one process at a time asks for the part; `keeper` held by the process that runs it; `users` shared by
everyone who uses it. The keeper waits for `users` alone: it gets it when nobody is left.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.parts.kafka import Kafka
from tests.parts.postgres import Postgres

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 660.0  # more than the parts allow themselves


@contextmanager
def shared_part(kind: str, run: Path) -> Iterator[str]:
    """Address of the part `kind` ("kafka" or "postgres") of this test run, started by whoever comes first.

    `run` is a folder that all processes of the run share.
    """
    folder = run / kind
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users").open("w") as users:
        with (folder / "door").open("w") as door:
            fcntl.flock(door, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)  # waits while a keeper is stopping
            address = folder / "address"
            if not (_is_kept(folder) and address.exists()):
                address.unlink(missing_ok=True)
                _start_keeper(kind, folder)
            found = json.loads(address.read_text(encoding="utf-8"))
        yield str(found)


def _start_keeper(kind: str, folder: Path) -> None:
    log = folder / "keeper.log"
    with log.open("wb") as out:
        keeper = subprocess.Popen(
            [sys.executable, "-m", "tests.parts.keeper", kind, str(folder)],
            cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "address").exists():
        if keeper.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(
                f"{kind} did not start:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}"
            )
        time.sleep(0.02)


def _is_kept(folder: Path) -> bool:
    with (folder / "keeper").open("w") as keeper:
        try:
            fcntl.flock(keeper, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def keep(kind: str, folder: Path) -> None:
    """Run the part until nobody uses it."""
    address = folder / "address"
    # The innermost ends first: the part stops, then the keeper's lock is free, then a newcomer may pass.
    with (
        (folder / "users").open("w") as users,
        (folder / "keeper").open("w") as keeper,
        ExitStack() as running,
    ):
        fcntl.flock(keeper, fcntl.LOCK_EX)
        if kind == "kafka":
            found = running.enter_context(Kafka(folder / "data")).bootstrap
        else:
            found = running.enter_context(Postgres()).url
        written = folder / f"address.{os.getpid()}"
        written.write_text(json.dumps(found), encoding="utf-8")
        written.rename(address)
        fcntl.flock(users, fcntl.LOCK_EX)
        address.unlink()


if __name__ == "__main__":
    keep(sys.argv[1], Path(sys.argv[2]))
