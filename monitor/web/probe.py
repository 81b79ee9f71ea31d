"""Asks a worker on this machine whether it is ready: `python -m monitor.web.probe`, for Docker's HEALTHCHECK.

Exit status 0 when it is, 1 when it is not or does not answer (the reason is printed), 2 for wrong settings.
"""

from __future__ import annotations

import sys
from http.client import HTTPConnection, HTTPException

from monitor.errors import MonitorError
from monitor.settings import load_settings

# Longer than a worker takes to say that its database does not answer.
PATIENCE_S = 5.0
LONGEST_REASON = 500
# A worker that listens everywhere is asked where it surely is.
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # looked up, not listened on


def ready(host: str, port: int, patience: float = PATIENCE_S) -> tuple[bool, str]:
    """Whether the worker at an address is ready, and what it says; raises nothing."""
    connection = HTTPConnection(_EVERYWHERE.get(host, host), port, timeout=patience)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        said = answer.read(LONGEST_REASON).decode(errors="replace").strip()
        return answer.status == 200, said
    except (OSError, HTTPException) as why:
        return False, f"no answer from {host}:{port} ({why or type(why).__name__})"
    finally:
        connection.close()


def main() -> int:
    """Ask the worker that the settings name; print what it says."""
    try:
        settings = load_settings()
    except MonitorError as problem:
        sys.stderr.write(f"{problem}\n")
        return 2
    well, said = ready(settings.web_host, settings.web_port)
    sys.stdout.write(f"{said}\n")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
