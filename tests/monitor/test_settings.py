"""Settings: where they come from, and what is said about a wrong one."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.errors import UsageProblem
from monitor.settings import load_settings

SECRET = "hunter2-very-secret"  # noqa: S105  # what must not be shown


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable of the machine and no file of the checkout has a say."""
    for name in list(os.environ):
        if name.startswith("MONITOR_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def complaint(monkeypatch: pytest.MonkeyPatch, **variables: str) -> str:
    """What is said about wrong variables."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UsageProblem) as caught:
        load_settings()
    return str(caught.value)


def test_the_defaults_are_those_of_the_contract() -> None:
    """People type these, or rely on them."""
    settings = load_settings()
    assert settings.kafka_bootstrap == "localhost:9092"
    assert settings.database_url == "sqlite:///monitor.db"
    assert (settings.web_host, settings.web_port) == ("127.0.0.1", 6066)
    assert settings.timezone == str(settings.zone) == "Asia/Ho_Chi_Minh"
    assert settings.alertmanager_urls == ()


def test_the_environment_wins_over_dotenv_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And what the program gives wins over all."""
    (tmp_path / "monitor.toml").write_text(
        'kafka_bootstrap = "toml:1"\nconsumer_group = "toml"\ntopic_prefix = "toml-"\nweb_port = 1111\n'
    )
    (tmp_path / ".env").write_text("MONITOR_KAFKA_BOOTSTRAP=dotenv:1\nMONITOR_CONSUMER_GROUP=dotenv\n")
    monkeypatch.setenv("MONITOR_KAFKA_BOOTSTRAP", "environment:1")
    settings = load_settings(web_port=2222)
    assert settings.kafka_bootstrap == "environment:1"
    assert settings.consumer_group == "dotenv"
    assert settings.topic_prefix == "toml-"
    assert settings.web_port == 2222


def test_values_are_read_as_people_write_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists by commas, durations as ISO 8601."""
    monkeypatch.setenv("MONITOR_ALERTMANAGER_URLS", "http://a:9093, http://b:9093,")
    monkeypatch.setenv("MONITOR_DEDUPE_WINDOW", "PT2H")
    monkeypatch.setenv("MONITOR_MAX_EVENT_AGE", "P30D")
    settings = load_settings()
    assert settings.alertmanager_urls == ("http://a:9093", "http://b:9093")
    assert (settings.dedupe_window, settings.max_event_age) == (timedelta(hours=2), timedelta(days=30))


@pytest.mark.parametrize(
    ("name", "value", "accepted"),
    [
        ("MONITOR_WEB_PORT", "70000", "65535"),
        ("MONITOR_WEB_PORT", "http", "integer"),
        ("MONITOR_KAFKA_SECURITY_PROTOCOL", "TLS", "'SASL_SSL'"),
        ("MONITOR_KAFKA_PROFILE", "redpanda", "'embedded'"),
        ("MONITOR_COMMIT_INTERVAL", "0", "greater than 0"),
        ("MONITOR_SESSION_TIMEOUT", "5", "6"),
        ("MONITOR_MAX_UNCOMMITTED", "10", "1000"),
        ("MONITOR_DEDUPE_WINDOW", "soon", "duration"),
        ("MONITOR_LATE_AFTER", "0:00:00", "greater than 0"),
        ("MONITOR_TOPIC_PREFIX", "a b", "pattern"),
        ("MONITOR_CONSUMER_GROUP", "", "1 character"),
        ("MONITOR_LOG_LEVEL", "loud", "'debug'"),
        ("MONITOR_TIMEZONE", "Nowhere/City", "Asia/Ho_Chi_Minh"),
        ("MONITOR_TIMEZONE", "Asia", "Asia/Ho_Chi_Minh"),
        ("MONITOR_TIMEZONE", "", "Asia/Ho_Chi_Minh"),
        ("MONITOR_TIMEZONE", "../../etc/passwd", "Asia/Ho_Chi_Minh"),
        ("MONITOR_TIMEZONE", "Asia/Kathmandu", "UTC hours"),
        ("MONITOR_TIMEZONE", "Asia/Kolkata", "UTC hours"),
        ("MONITOR_TIMEZONE", "Australia/Lord_Howe", "UTC hours"),
        ("MONITOR_DATABASE_URL", "mysql://host/name", "postgresql://USER@HOST:PORT/NAME"),
        ("MONITOR_DATABASE_URL", "monitor.db", "sqlite:///FILE"),
        ("MONITOR_DATABASE_URL", "sqlite://", "sqlite:///FILE"),
        ("MONITOR_DATABASE_URL", "sqlite:///:memory:", "sqlite:///FILE"),
    ],
)
def test_a_wrong_setting_names_itself_what_it_held_and_what_is_accepted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, accepted: str
) -> None:
    """One line is enough to put it right."""
    said = complaint(monkeypatch, **{name: value})
    assert f"{name}={value!r}" in said or (name in said and f"={value}" in said)
    assert accepted in said


def test_every_wrong_setting_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not one a start."""
    said = complaint(monkeypatch, MONITOR_WEB_PORT="x", MONITOR_LOG_LEVEL="y", MONITOR_TIMEZONE="z")
    for name in ("MONITOR_WEB_PORT", "MONITOR_LOG_LEVEL", "MONITOR_TIMEZONE"):
        assert name in said


def test_sasl_needs_a_user_and_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are named; neither is shown."""
    said = complaint(
        monkeypatch, MONITOR_KAFKA_SECURITY_PROTOCOL="SASL_SSL", MONITOR_KAFKA_SASL_PASSWORD=SECRET
    )
    assert "MONITOR_KAFKA_SASL_USERNAME" in said
    assert SECRET not in said
    monkeypatch.setenv("MONITOR_KAFKA_SASL_USERNAME", "monitor")
    assert load_settings().kafka_sasl_password is not None


@pytest.mark.parametrize(
    "variables",
    [
        {"MONITOR_DATABASE_URL": f"mysql://monitor:{SECRET}@host/name"},
        {"MONITOR_DATABASE_URL": f"mysql://monitor:a@b/{SECRET}@host/name"},
        {"MONITOR_DATABASE_URL": f"mysql://host/name?user=a&password={SECRET}"},
        {"MONITOR_PSEUDONYM_KEY": SECRET, "MONITOR_WEB_PORT": "x"},
        {"MONITOR_DATABASE_PASSWORD": SECRET, "MONITOR_TIMEZONE": "x"},
    ],
)
def test_no_secret_is_shown(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    """Complaints end in logs and tickets."""
    assert SECRET not in complaint(monkeypatch, **variables)


def test_settings_do_not_show_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even whole."""
    for name in ("PSEUDONYM_KEY", "DATABASE_PASSWORD", "KAFKA_SASL_PASSWORD", "KAFKA_SSL_KEY_PASSWORD"):
        monkeypatch.setenv(f"MONITOR_{name}", SECRET)
    settings = load_settings()
    assert SECRET not in repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize("where", ["environment", "dotenv", "toml"])
def test_a_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, where: str) -> None:
    """As containers mount them; the line break at its end is not part of it."""
    (tmp_path / "secret").write_text(f"{SECRET}\n")
    path = str(tmp_path / "secret")
    if where == "environment":
        monkeypatch.setenv("MONITOR_PSEUDONYM_KEY_FILE", path)
    elif where == "dotenv":
        (tmp_path / ".env").write_text(f"MONITOR_PSEUDONYM_KEY_FILE={path}\n")
    else:
        (tmp_path / "monitor.toml").write_text(f'pseudonym_key_file = "{path}"\n')
    key = load_settings().pseudonym_key
    assert key is not None
    assert key.get_secret_value() == SECRET


def test_a_secret_s_file_that_cannot_be_read_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With the reason; a file that is no text shows nothing of itself."""
    said = complaint(monkeypatch, MONITOR_PSEUDONYM_KEY_FILE=str(tmp_path / "missing"))
    assert "MONITOR_PSEUDONYM_KEY_FILE" in said
    assert "No such file" in said
    (tmp_path / "binary").write_bytes(SECRET.encode() + b"\xff")
    said = complaint(monkeypatch, MONITOR_PSEUDONYM_KEY_FILE=str(tmp_path / "binary"))
    assert "MONITOR_PSEUDONYM_KEY_FILE" in said
    assert SECRET not in said


def test_the_database_s_password_may_be_given_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the address can be shown."""
    monkeypatch.setenv("MONITOR_DATABASE_URL", "postgresql://monitor@db:5432/monitor")
    monkeypatch.setenv("MONITOR_DATABASE_PASSWORD", SECRET)
    url = load_settings().sqlalchemy_url
    assert (url.drivername, url.password, url.host) == ("postgresql+psycopg", SECRET, "db")


UNREADABLE = [("monitor.toml", b"web_port = = 1"), ("monitor.toml", b"\xff"), (".env", b"\xff\xfe")]


@pytest.mark.parametrize(("name", "content"), UNREADABLE)
def test_a_file_that_cannot_be_understood_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    """As wrong use, not as a fault of the program."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageProblem, match=name.lstrip(".")):
        load_settings()


def test_a_topic_s_full_name_has_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several monitors can share a cluster."""
    assert load_settings().topic("exchanges") == "exchanges"
    monkeypatch.setenv("MONITOR_TOPIC_PREFIX", "test-")
    assert load_settings().topic("exchanges") == "test-exchanges"
