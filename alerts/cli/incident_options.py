"""What the commands of incidents share: options, what was said with them, the registry, the database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import click

from alerts.incidents import told
from alerts.incidents.words import PersonalData
from monitor.errors import MonitorError
from monitor.registry.load import load_registry
from monitor.registry.problems import RegistryProblems
from monitor.registry.registry import Registry
from monitor.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Connection

_F = TypeVar("_F", bound=Callable[..., Any])


def by_desk(*, default: str | None = None) -> Callable[[_F], _F]:
    """The option `--by`; required unless there is a default."""
    # Click takes a default of None for one that was given, and then asks for nothing.
    given = {"required": True} if default is None else {"default": default, "show_default": True}
    return click.option(
        "--by",
        "desk",
        metavar="DESK",
        **given,
        help="Which desk does it: soc, soc/night, MOH/data-office. Never a person.",
    )


def facts_options(command: _F) -> _F:
    """The options that say what is known; None or empty where nothing is said."""
    choice = click.Choice(get_args(PersonalData))
    options = (
        click.option("--personal-data", type=choice, help="Whether personal data are concerned."),
        click.option("--category", "categories", multiple=True, help="A category of data; repeat it."),
        click.option("--records", type=click.IntRange(0, 2**53), help="How many records."),
        click.option("--persons", type=click.IntRange(0, 2**53), help="How many persons."),
        click.option("--service", "services", multiple=True, help="A service concerned; repeat it."),
        click.option("--agreement", "agreements", multiple=True, help="An agreement concerned; repeat it."),
        click.option("--alert", "alerts", multiple=True, help="The id of an alert; repeat it."),
        click.option("--event", "events", multiple=True, help="The id of an event; repeat it."),
        click.option("--set", "slots", multiple=True, metavar="NAME=TEXT", help="A text for the notice."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def told_facts(facts: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What was said of `facts_options`, checked: values by field, and slots."""
    values = {
        name: facts[name] for name in ("personal_data", "records", "persons") if facts[name] is not None
    }
    for name, option in (
        ("categories", "--category"),
        ("services", "--service"),
        ("agreements", "--agreement"),
        ("alerts", "--alert"),
        ("events", "--event"),
    ):
        if facts[name]:
            values[name] = told.names(option, facts[name])
    return values, dict(told.slot(one) for one in facts["slots"])


def registry_if_usable(settings: Settings) -> Registry:
    """The registry, or an empty one: an incident is recorded whatever state the registry is in."""
    try:
        return load_registry(settings.registry)
    except RegistryProblems:
        click.echo(
            f"{settings.registry} has problems (`monitor registry check`): codes stand alone", err=True
        )
        return Registry.of()


@contextmanager
def database(settings: Settings, *, read_only: bool = False) -> Iterator[Connection]:
    """One transaction on the database; its problems become sentences."""
    from sqlalchemy.exc import DBAPIError

    from monitor.storage.engine import open_engine
    from monitor.storage.schema import check_schema

    url = settings.sqlalchemy_url
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        raise MonitorError(f"there is no database {url.database}: `monitor migrate` makes it")
    engine = open_engine(url, read_only=read_only)
    try:
        check_schema(engine)
        with engine.begin() as connection:
            yield connection
    except DBAPIError as why:
        raise MonitorError(f"the database: {str(why.orig).strip().splitlines()[0]}") from why
    finally:
        engine.dispose()
