"""`monitor xroad`: what has to do with security servers of X-Road."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import click

from monitor.cli.moments import point_in_time
from monitor.errors import MonitorError, UsageProblem
from monitor.settings import load_settings

# What X-Road's monitoring keeps by default: seven days.
FIRST_FROM = "7d"
_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group()
def xroad() -> None:
    """Security servers of X-Road, and the records that they keep."""


@xroad.command()
@click.option("--url", required=True, help="The security server's address: https://HOST[:PORT]/.")
@click.option(
    "--server", required=True, metavar="ID", help="Its identifier: INSTANCE/CLASS/CODE/SERVER-CODE."
)
@click.option("--client", required=True, metavar="ID", help="Who asks: INSTANCE/CLASS/CODE or …/SUBSYSTEM.")
@click.option("--ca-file", type=_FILE, help="Whom to trust, PEM; by default the system's authorities.")
@click.option("--cert-file", type=_FILE, help="The certificate to show, PEM.")
@click.option("--key-file", type=_FILE, help="Its key, PEM, where it is not in the same file.")
@click.option("--key-password-file", type=_FILE, help="The key's password, in a file.")
@click.option("--server-name", help="The name in the server's certificate, where it is not the address's.")
@click.option(
    "--from",
    "first_from",
    metavar="TIME",
    default=FIRST_FROM,
    show_default=True,
    help="Where to begin when this server was never asked: 2026-10-05, 2026-10-05T08:00, 3h, 7d.",
)
@click.option(
    "--overlap",
    type=click.IntRange(0, 3600),
    default=1,
    show_default=True,
    metavar="SECONDS",
    help="Ask so much again each time, for records that were written late.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(1, 3600),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one answer may take.",
)
@click.option("--follow", is_flag=True, help="Go on asking until told to stop.")
@click.option(
    "--interval",
    type=click.FloatRange(1, 86_400),
    default=60.0,
    show_default=True,
    metavar="SECONDS",
    help="With --follow: how long to wait between rounds.",
)
def pull(
    *,
    url: str,
    server: str,
    client: str,
    ca_file: Path | None,
    cert_file: Path | None,
    key_file: Path | None,
    key_password_file: Path | None,
    server_name: str | None,
    first_from: str,
    overlap: int,
    timeout: float,
    follow: bool,
    interval: float,
) -> None:
    """Ask a security server for its operational-monitoring records, and publish them to xroad-records.

    Reads over HTTPS what the server's monitoring took in up to 90 seconds ago, from where the last run ended.
    Writes the topic and, once Kafka has a page, the position (table xroad_collections). A page may be
    published twice after a crash; what comes twice within MONITOR_DEDUPE_WINDOW is counted as such and not
    added. One run a server.

    Exit status: 0 collected (or told to stop), 1 the server, Kafka or the database failed, 2 wrong use.
    """
    from sqlalchemy.exc import DBAPIError

    from monitor.log import set_up_logging
    from monitor.storage.engine import open_engine
    from monitor.storage.schema import check_schema
    from monitor.xroad.pull.connection import server_at, tls_context
    from monitor.xroad.pull.position import Position
    from monitor.xroad.pull.request import client_of, server_of
    from streams.xroad_pull import Order, Publisher, collect, known_for

    settings = load_settings()
    now = datetime.now(UTC)
    context = tls_context(ca_file, cert_file, key_file, _password(key_password_file))
    asked = server_of(server)
    order = Order(server_at(url, context, server_name), asked, client_of(client), timeout, overlap)
    begin = int(point_in_time(first_from, now, settings.zone).timestamp())
    set_up_logging(settings)
    engine = open_engine(settings.sqlalchemy_url)
    try:
        check_schema(engine)
        position = Position(engine, str(asked))
        position.load(begin, now)
        publisher = Publisher(settings)
        try:
            with _stopping() as stop:
                pause = interval if follow else None
                published = collect(
                    order, position, publisher.publish, stop, known=known_for(settings), follow=pause
                )
        finally:
            publisher.close()
    except DBAPIError as why:
        raise MonitorError(f"the database: {str(why.orig).strip().partition(chr(10))[0]}") from why
    except UsageProblem:
        raise
    except MonitorError as why:
        raise MonitorError(f"{asked}: {why}") from why
    finally:
        engine.dispose()
    reached = datetime.fromtimestamp(position.next_from, settings.zone)
    click.echo(f"{asked}: {published:,} records, up to {reached:%Y-%m-%d %H:%M:%S}")


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """Set when the process is told to end: the page under way is brought to its end."""
    stop = threading.Event()
    kinds = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(kind, lambda *_: stop.set()) for kind in kinds]
    try:
        yield stop
    finally:
        for kind, handler in zip(kinds, before, strict=True):
            signal.signal(kind, handler)


def _password(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as why:
        raise UsageProblem(f"--key-password-file {file}: cannot be read: {why}") from why
