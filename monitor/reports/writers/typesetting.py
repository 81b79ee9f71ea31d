"""Typst, run in a process of its own: what it takes for a long annex is given back when it ends."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import msgspec

from monitor.errors import MonitorError
from monitor.reports.writers import typst_child
from monitor.reports.writers.typst_child import REFUSED, Job

EXTRA: Final = "install the extra: pip install 'data-sharing-monitor[reports]'"
LONGEST_S: Final = (
    900.0  # an annex of 5,000 pairs takes 10 s on an idle machine, and reports run at the lowest priority
)
_FONT: Final = "fontpkg_ibm_plex_sans_condensed"  # tables and charts; the serif comes with Typst
# For glibc: one heap instead of one a thread, and large pieces given back at once. It saves 40 of 680 MB.
_THRIFTY: Final = {"MALLOC_ARENA_MAX": "1", "MALLOC_MMAP_THRESHOLD_": "131072"}
_MOST_WORDS: Final = 500  # characters of what Typst says, which may quote all that it was given


class Refused(MonitorError):
    """Typst cannot set the document; the message has its words."""


def check_typesetter() -> None:
    """Raise MonitorError where Typst, or the typeface, is not installed."""
    if find_spec("typst") is None:
        raise MonitorError(f"PDF and DOCX reports need Typst: {EXTRA}")
    if not font_folders():
        raise MonitorError(f"PDF and DOCX reports need the typeface IBM Plex Sans: {EXTRA}")


def typeset(job: Job, longest_s: float = LONGEST_S) -> list[bytes]:
    """Set a document; one file, or one a page for pictures. Nothing is written to disk.

    Raises Refused for a document that cannot be set, and MonitorError where the process cannot be started, is
    ended from outside, or takes more than `longest_s` seconds; it is gone then.
    """
    # By its path and without the working directory on its path: it finds what is installed, nothing else.
    _give_back()
    command = [sys.executable, "-P", str(Path(typst_child.__file__))]
    try:
        done = subprocess.run(  # noqa: S603  # this interpreter and a file of ours
            command,
            input=msgspec.msgpack.encode(job),
            capture_output=True,
            timeout=longest_s,
            check=False,
            env=os.environ | _THRIFTY,
        )
    except subprocess.TimeoutExpired as why:
        raise MonitorError(f"Typst was ended: it took more than {longest_s:g} s for a {job.format}") from why
    except OSError as why:
        raise MonitorError(f"Typst could not be started: {why.strerror}") from why
    if done.returncode == 0:
        return msgspec.msgpack.decode(done.stdout, type=list[bytes])
    words = done.stderr.decode(errors="replace").strip()
    if done.returncode == REFUSED:
        raise Refused(f"Typst cannot set the {job.format}: {words[:_MOST_WORDS]}")
    if done.returncode == -signal.SIGKILL:
        raise MonitorError("Typst was killed, as happens where memory runs out")
    last = words.splitlines()[-1] if words else "it said nothing"
    raise MonitorError(f"Typst failed with status {done.returncode}: {last[:_MOST_WORDS]}")


def _give_back() -> None:
    """Return what is no longer used to the system, for the child to have: gathered figures, other formats."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:  # of glibc alone
        trim(0)


def font_folders() -> list[str]:
    """Where the typeface of tables and charts is; empty where it is not installed."""
    found = find_spec(_FONT)
    places = (
        [] if found is None else [Path(each) / "files" for each in found.submodule_search_locations or ()]
    )
    return [str(each) for each in places if each.is_dir()]
