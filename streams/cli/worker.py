"""`monitor worker`: read, judge, count."""

from __future__ import annotations

import sys

import click

from monitor.settings import load_settings


@click.command()
def worker() -> None:
    """Run a worker: read exchanges from Kafka, judge and count them, serve /metrics and the overview page.

    Reads the topics of the contract and the registry; writes to the database and the topic dead-letters;
    runs until SIGTERM or Ctrl-C. Start several with the same settings to share the partitions. Exit status
    0 when told to stop, 1 when it ended itself (start it again: that is always safe), 2 for wrong settings.
    """
    from streams.worker import run

    sys.exit(run(load_settings()))
