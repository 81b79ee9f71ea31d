"""Ports of the loopback address: nothing of a stack is to be reached from outside."""

from __future__ import annotations

import socket

HOST = "127.0.0.1"


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def usual_or_free(usual: int) -> int:
    """The usual port of a program where nobody has it, and any free one otherwise."""
    with socket.socket() as probe:
        # A port whose last connections are still fading is free, as it is for servers.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, usual))
        except OSError:
            return free_port()
        return usual
