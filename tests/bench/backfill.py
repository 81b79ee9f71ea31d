"""`python -m tests.bench.backfill`: how fast history is counted, and in how much memory.

Writes a file of simulated exchanges into a temporary folder and counts it with the real command, judging and
committing to SQLite; the figures are those of the process, from its start to its end.
"""

from __future__ import annotations

import argparse
import gzip
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.e2e.exactness import differences
from tests.e2e.history import HARSH, PLAIN, BackfillProcess, history_settings, stage_of, write_history

SECONDS = 3600
BAR = 100_000  # lines a second, on one core


def measure(folder: Path, lines: int, *, structured: bool = False, packed: bool = False) -> str:
    """Count a file of so many lines; return a sentence. Raises RuntimeError when a total is wrong."""
    path = folder / "history.ndjson"
    account = write_history(path, lines, seed=7, shares=HARSH if structured else PLAIN)
    size = path.stat().st_size
    if packed:
        path = _packed(path)
    stage = stage_of(history_settings(f"sqlite:///{folder}/backfill.db"), folder, account)
    backfill = BackfillProcess(stage, path)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.perf_counter()
    backfill.start()
    peak = 0.0
    assert backfill.process is not None
    while backfill.process.poll() is None:
        peak = max(peak, backfill.peak_memory_mb())
        time.sleep(0.02)
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    wrong = differences(stage)
    backfill.kill()
    if wrong:
        raise RuntimeError(f"it counted wrongly: {wrong[:3]}")
    form = " in gzip" if packed else ""
    return (
        f"backfill: {lines:,} lines of {size / lines:.0f} bytes{form} counted exactly "
        f"in {seconds:.1f} s, {lines / seconds:,.0f}/s from start to end, {lines / processor:,.0f}/s of one "
        f"processor's time (bar: {BAR:,}); {peak:.0f} MB at the peak, database {_size(folder):.0f} MB"
    )


def _packed(path: Path) -> Path:
    packed = path.with_suffix(".ndjson.gz")
    with path.open("rb") as plain, gzip.open(packed, "wb", compresslevel=6) as file:
        shutil.copyfileobj(plain, file, 1 << 20)
    path.unlink()
    return packed


def _size(folder: Path) -> float:
    return sum(each.stat().st_size for each in folder.glob("backfill.db*")) / 1e6


def main() -> int:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.backfill", description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--structured", action="store_true", help="some are CloudEvents, more are wrong")
    parser.add_argument("--gzip", action="store_true", help="the file is packed")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-backfill-") as folder:
        load = os.getloadavg()[0]
        said = measure(Path(folder), given.lines, structured=given.structured, packed=given.gzip)
    print(f"{said}; load {load:.2f}, Python {sys.version.split()[0]}")  # noqa: T201  # this is its purpose
    return 0


if __name__ == "__main__":
    sys.exit(main())
