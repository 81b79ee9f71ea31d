"""The program that runs Typst in a process of its own; it imports nothing of the monitor, to stay small.

Reads one request from standard input (MessagePack), writes a list of files to standard output (MessagePack).
Exit status: 0 done, REFUSED where Typst cannot set the document, with its words on standard error.
"""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any, Final

import msgspec

REFUSED: Final = 3  # apart from 1, with which Python ends for anything else


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A document to set: `main.typ` and the files that it reads, by name; `ppi` is of pictures."""

    sources: dict[str, bytes]
    format: str
    font_paths: list[str]
    standards: list[str] = []
    timestamp: datetime | None = None
    ppi: float | None = None


def main() -> int:
    """Set one document."""
    import typst

    # Its stubs know neither several sources nor several pages.
    compiler: Any = typst
    job = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Job)
    try:
        made = compiler.compile(
            dict(job.sources),
            format=job.format,
            ppi=job.ppi,
            font_paths=list(job.font_paths),
            ignore_system_fonts=True,
            timestamp=job.timestamp,
            pdf_standards=job.standards,
        )
    except typst.TypstError as why:
        sys.stderr.write(str(why))
        return REFUSED
    sys.stdout.buffer.write(msgspec.msgpack.encode(made if isinstance(made, list) else [made]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
