"""All settings, read once: MONITOR_* variables come before `.env`, and that before `monitor.toml`."""

from __future__ import annotations

import re
import tomllib
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from monitor.errors import UsageProblem

PREFIX = "MONITOR_"
# Beside this package, in the repository as in a wheel; a path and no import, as `alerts` builds on `monitor`.
SHIPPED_RULES = Path(__file__).resolve().parent.parent / "alerts" / "rules"
_SECRETS = (
    "kafka_sasl_password",
    "kafka_ssl_key_password",
    "pseudonym_key",
    "database_password",
    "alertmanager_password",
    "alertmanager_token",
    "webhook_secret",
    "webhook_urls",  # chat systems put a secret into the address
)
# The password of an address, before its @ or among its options.
_PASSWORD = re.compile(r"(://[^:/?#@]*:|[?&]password=)(.*?)(@(?!.*@)|&|$)")


class Settings(BaseSettings):
    """One object holds every setting; nothing else in the project reads the environment.

    A secret can be given as a file instead: MONITOR_KAFKA_SASL_PASSWORD_FILE=/run/secrets/kafka.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", toml_file="monitor.toml", extra="ignore", frozen=True
    )

    kafka_bootstrap: Annotated[str, Field(description="Kafka brokers, host:port, comma separated")] = (
        "localhost:9092"
    )
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_ssl_ca_file: Path | None = None
    kafka_ssl_cert_file: Path | None = None
    kafka_ssl_key_file: Path | None = None
    kafka_ssl_key_password: SecretStr | None = None
    kafka_profile: Annotated[
        Literal["kafka", "embedded"], Field(description="timeouts for Apache Kafka or the embedded broker")
    ] = "kafka"
    consumer_group: Annotated[str, Field(min_length=1, max_length=249)] = "data-sharing-monitor"
    instance_id: Annotated[
        str | None,
        Field(
            pattern=r"^[A-Za-z0-9._-]{1,100}$",
            description="a name kept over restarts: a worker that comes back gets its partitions at once",
        ),
    ] = None
    session_timeout: Annotated[
        float,
        Field(ge=6, le=300, description="seconds after which a silent worker's partitions go to others"),
    ] = 15.0
    topic_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = ""

    database_url: str = "sqlite:///monitor.db"
    database_password: SecretStr | None = None
    registry: Path = Path("deploy/registry")
    rules: Annotated[
        Path | None, Field(description="a folder of rules; without it, those that come with the monitor")
    ] = None
    alertmanager_urls: Annotated[tuple[str, ...], NoDecode] = ()
    alertmanager_username: str | None = None
    alertmanager_password: SecretStr | None = None
    alertmanager_token: Annotated[SecretStr | None, Field(description="a bearer token, without a user")] = (
        None
    )
    alert_interval: Annotated[
        float, Field(ge=0.2, le=300, description="seconds between repeats of open alerts to Alertmanager")
    ] = 30.0
    alert_ca_file: Annotated[
        Path | None,
        Field(description="whom to trust for Alertmanagers and webhooks, instead of the system's"),
    ] = None
    webhook_urls: Annotated[tuple[str, ...], NoDecode] = ()
    webhook_secret: Annotated[
        SecretStr | None, Field(description="what messages to webhooks are signed with")
    ] = None
    page_url: Annotated[
        str | None, Field(description="the address under which people reach the monitor's pages, for links")
    ] = None

    web_host: str = "127.0.0.1"
    web_port: Annotated[int, Field(ge=0, le=65535, description="0 chooses a free port")] = 6066

    pseudonym_key: Annotated[
        SecretStr | None,
        Field(description="key of the pseudonyms of officers and citizens, 16 bytes at least; keep it"),
    ] = None
    timezone: str = "Asia/Ho_Chi_Minh"
    calendar: Annotated[
        Path | None, Field(description="a YAML file of days off and worked that differ from the holidays")
    ] = None
    duties: Annotated[
        Path | None,
        Field(description="a YAML file of limits and targets; without it, those that come with the monitor"),
    ] = None
    report_rules: Annotated[
        Path | None,
        Field(description="a YAML file of how reports score agencies; without it, as the monitor comes"),
    ] = None
    service_quality: Annotated[
        Path | None,
        Field(description="a YAML file of the index of service quality; without it, as the monitor comes"),
    ] = None
    report_narratives: Annotated[
        Path | None,
        Field(description="a folder of what people write into reports, by period, agency and language"),
    ] = None
    report_schedule: Annotated[
        tuple[Literal["week", "month", "quarter", "year"], ...],
        NoDecode,
        Field(description="periods of which a worker makes the report by itself once they have ended"),
    ] = ()
    report_folder: Annotated[Path | None, Field(description="where those reports are written")] = None
    report_formats: Annotated[
        tuple[str, ...], NoDecode, Field(min_length=1, description="the formats they are written in")
    ] = ("html", "json", "csv")
    report_languages: Annotated[tuple[Literal["vi", "en"], ...], NoDecode, Field(min_length=1)] = ("vi",)
    report_agencies: Annotated[
        tuple[str, ...],
        NoDecode,
        Field(min_length=1, description="whose: national, all (every agency's score card), or codes"),
    ] = ("national",)
    report_time: Annotated[
        str,
        Field(
            pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|at-once)$",
            description="when: HH:MM on the first working day after the period's end, or at-once",
        ),
    ] = "08:00"
    report_reissue_after: Annotated[
        int | None,
        Field(ge=1, le=60, description="working days after which they are made again if figures changed"),
    ] = None

    commit_interval: Annotated[float, Field(gt=0, le=60, description="seconds between transactions")] = 0.15
    max_uncommitted: Annotated[
        int, Field(ge=1000, description="events a worker may hold before it waits for the database")
    ] = 500_000
    dedupe_window: Annotated[
        timedelta, Field(gt=timedelta(0), description="how far back in event time an id is remembered")
    ] = timedelta(hours=1)
    dedupe_max_ids: Annotated[int, Field(ge=1000, description="ids remembered per partition at the most")] = (
        200_000
    )
    late_after: Annotated[
        timedelta, Field(gt=timedelta(0), description="behind the newest event by more than this is late")
    ] = timedelta(minutes=5)
    max_event_age: Annotated[
        timedelta, Field(gt=timedelta(0), description="an event older than this is a dead letter")
    ] = timedelta(days=90)
    xroad_wait: Annotated[
        timedelta,
        Field(
            ge=timedelta(seconds=10),
            le=timedelta(days=7),
            description="how long one half of a call over X-Road waits for the other before it counts alone",
        ),
    ] = timedelta(minutes=30)
    security_retention: Annotated[
        timedelta, Field(ge=timedelta(days=1), description="how long single security events are kept")
    ] = timedelta(days=400)
    alert_retention: Annotated[
        timedelta,
        Field(ge=timedelta(days=1), description="how long alerts are kept after they were resolved"),
    ] = timedelta(days=1826)  # five years, which is also the longest an agreement runs without review
    stall_timeout: Annotated[
        float, Field(gt=0, description="seconds without progress, with work waiting, before a worker exits")
    ] = 600.0

    risk_half_life: Annotated[
        timedelta,
        Field(
            ge=timedelta(hours=1),
            le=timedelta(days=7),
            description="after this a detection weighs half in its agency's risk score",
        ),
    ] = timedelta(hours=24)

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["console", "json"] = "console"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  # pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before `.env` before `monitor.toml`."""
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)

    @model_validator(mode="before")
    @classmethod
    def _secrets_from_files(cls, values: Any) -> Any:
        """The sources hand over declared settings only, so the files' variables are looked up here."""
        import os

        from dotenv import dotenv_values

        if not isinstance(values, dict):
            return values
        variables = {**dotenv_values(".env"), **os.environ}
        for name in _SECRETS:
            variable = f"{PREFIX}{name}_file".upper()
            in_toml = values.pop(f"{name}_file", None)
            path = variables.get(variable) or in_toml
            if path and not values.get(name):
                try:
                    values[name] = Path(path).read_text(encoding="utf-8").strip()
                except OSError as why:
                    raise ValueError(f"{variable}: cannot read {path}: {why.strerror}") from why
                except UnicodeDecodeError as why:
                    raise ValueError(f"{variable}: {path} is not UTF-8") from why
        return values

    @field_validator(
        "alertmanager_urls",
        "webhook_urls",
        "report_schedule",
        "report_formats",
        "report_languages",
        "report_agencies",
        mode="before",
    )
    @classmethod
    def _split(cls, value: Any) -> Any:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("timezone")
    @classmethod
    def _known_zone_of_whole_hours(cls, value: str) -> str:
        try:
            zone = ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError) as why:  # a folder such as Asia is an OSError
            raise ValueError("not a time zone name such as Asia/Ho_Chi_Minh or Europe/Tallinn") from why
        from datetime import datetime

        for month in (1, 7):
            offset = datetime(2026, month, 1, tzinfo=zone).utcoffset()
            if offset is None or offset % timedelta(hours=1):
                raise ValueError(
                    f"its offset from UTC is {offset}; cells are UTC hours: local days must begin on one"
                )
        return value

    @field_validator("database_url")
    @classmethod
    def _supported_database(cls, value: str) -> str:
        try:
            url = make_url(value)
        except ArgumentError as why:
            raise ValueError("expected sqlite:///FILE or postgresql://USER@HOST:PORT/NAME") from why
        if url.get_backend_name() not in ("sqlite", "postgresql"):
            raise ValueError(
                f"{url.get_backend_name()} is not supported: sqlite:///FILE or postgresql://USER@HOST:PORT/NAME"
            )
        if url.get_backend_name() == "sqlite" and url.database in (None, "", ":memory:"):
            raise ValueError("an in-memory SQLite database would forget everything: sqlite:///FILE")
        return value

    @model_validator(mode="after")
    def _sasl_needs_a_user(self) -> Self:
        if self.kafka_security_protocol.startswith("SASL") and not (
            self.kafka_sasl_username and self.kafka_sasl_password
        ):
            raise ValueError(
                f"MONITOR_KAFKA_SECURITY_PROTOCOL={self.kafka_security_protocol} needs "
                "MONITOR_KAFKA_SASL_USERNAME and MONITOR_KAFKA_SASL_PASSWORD (or …_PASSWORD_FILE)"
            )
        return self

    @model_validator(mode="after")
    def _webhooks_need_a_secret(self) -> Self:
        if self.webhook_urls and self.webhook_secret is None:
            raise ValueError(
                "MONITOR_WEBHOOK_URLS needs MONITOR_WEBHOOK_SECRET (or …_SECRET_FILE): a receiver could not "
                "tell the monitor's messages from anybody's"
            )
        return self

    @model_validator(mode="after")
    def _a_schedule_needs_a_folder(self) -> Self:
        if self.report_schedule and self.report_folder is None:
            raise ValueError("MONITOR_REPORT_SCHEDULE needs MONITOR_REPORT_FOLDER")
        return self

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which days, periods and working hours are cut."""
        return ZoneInfo(self.timezone)

    @property
    def rules_folder(self) -> Path:
        """Where rules are read from."""
        return self.rules or SHIPPED_RULES

    @property
    def sqlalchemy_url(self) -> URL:
        """The database address with its driver and, where it was given apart, its password."""
        url = make_url(self.database_url)
        if url.get_backend_name() == "postgresql":
            url = url.set(drivername="postgresql+psycopg")
            if self.database_password is not None:
                url = url.set(password=self.database_password.get_secret_value())
        return url

    def topic(self, name: str) -> str:
        """A topic's full name: `exchanges` -> `<prefix>exchanges`."""
        return f"{self.topic_prefix}{name}"


def load_settings(**given: Any) -> Settings:
    """Read the settings; `given` wins over every source.

    Raises UsageProblem naming each wrong variable, what it held and what is accepted.
    """
    try:
        return Settings(**given)
    except ValidationError as problem:
        lines = []
        for error in problem.errors():
            where = (
                f"{PREFIX}{'_'.join(str(part) for part in error['loc'][:1])}".upper() if error["loc"] else ""
            )
            held = error.get("input")
            secret = any(where == f"{PREFIX}{name}".upper() for name in _SECRETS)
            if isinstance(held, str):
                held = _PASSWORD.sub(r"\1***\3", held)
            if isinstance(held, timedelta):
                held = str(held)
            shown = f"={held!r}" if where and not secret and isinstance(held, str | int | float) else ""
            message = error["msg"].removeprefix("Value error, ")
            lines.append(f"{where}{shown}: {message}" if where else message)
        raise UsageProblem("wrong setting\n  " + "\n  ".join(lines)) from problem
    except tomllib.TOMLDecodeError as problem:
        raise UsageProblem(f"monitor.toml is not TOML: {problem}") from problem
    except UnicodeDecodeError as problem:
        raise UsageProblem(
            f"monitor.toml, .env or a file named in them is not UTF-8: {problem.reason}"
        ) from problem
