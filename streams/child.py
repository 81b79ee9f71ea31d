"""A program run as a child of this process, that ends when this process does, however that comes about."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

STOP_SECONDS = 15.0
# The shell leaves a watcher behind and becomes the program. The watcher reads a pipe that only this process
# holds: a line means an orderly end, a closed pipe means that this process died. Unlike Linux's
# parent-death signal this also works on macOS, and when the thread that started the program has ended.
_SCRIPT = 'exec 3<&0 </dev/null; ( read -r _ <&3 || kill -"$0" "$$" ) & exec 3<&-; exec "$@"'


class Child:
    """Runs `command`, its output in the open file `log`, as another user where one is named (root only)."""

    def __init__(
        self,
        command: Sequence[str],
        log: IO[bytes],
        *,
        user: str | None = None,
        cwd: Path | None = None,
        end_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._end_signal = end_signal
        read, self._leash = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: S603  # callers pass programs they have looked up
                ["/bin/sh", "-c", _SCRIPT, str(int(end_signal)), *command],
                stdin=read,
                stdout=log,
                stderr=log,
                cwd=cwd,
                user=user,
                group=user,
                extra_groups=None if user is None else [],
                # Ctrl-C in a terminal goes to its whole group; this child is stopped in order instead.
                start_new_session=True,
            )
        except BaseException:
            os.close(self._leash)
            raise
        finally:
            os.close(read)

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end, at most `timeout` seconds; raises subprocess.TimeoutExpired."""
        return self._process.wait(timeout)

    def send(self, number: signal.Signals) -> None:
        """Send it a signal; none when it has ended."""
        self._process.send_signal(number)

    def stop(self, timeout: float = STOP_SECONDS) -> None:
        """Tell it to end, and after `timeout` seconds make it; stopping twice is no error."""
        if self._process.poll() is None:
            self._process.send_signal(self._end_signal)
            try:
                self._process.wait(timeout)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._leash >= 0:
            with suppress(BrokenPipeError):
                os.write(self._leash, b"\n")
            os.close(self._leash)
            self._leash = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
