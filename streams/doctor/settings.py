"""Checks of the settings: where they came from, and those that are allowed but unwise."""

from __future__ import annotations

import difflib
import ipaddress
import os
import stat
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from dotenv import dotenv_values

from monitor.settings import PREFIX, Settings
from streams.doctor.finding import Finding, listed, ok, problem, warning

DOTENV, TOML = ".env", "monitor.toml"
# Read by the tools around the program, not by the program.
_OTHERS = frozenset({"MONITOR_PARTS_DIR"})
_FILES = ("kafka_ssl_ca_file", "kafka_ssl_cert_file", "kafka_ssl_key_file")
# An HMAC-SHA-256 key gains nothing beyond its hash's 32 bytes, and RFC 2104 advises against fewer.
KEY_BYTES = 32
NEW_KEY = "openssl rand -hex 32"


def check_settings(settings: Settings, environ: Mapping[str, str], folder: Path) -> list[Finding]:
    """All checks of the settings; `folder` is where `.env` and `monitor.toml` are looked for."""
    return [
        sources(environ, folder),
        encryption(settings),
        web_address(settings),
        registry_choice(settings),
        secrets(settings, folder),
    ]


def sources(environ: Mapping[str, str], folder: Path) -> Finding:
    """Which sources were used; a name that no setting has is a warning, because it is read by nobody."""
    known = {
        f"{PREFIX}{name}{ending}".upper() for name in Settings.model_fields for ending in ("", "_file")
    } | _OTHERS
    given = {
        "the environment": [name.upper() for name in environ if name.upper().startswith(PREFIX)],
        DOTENV: [name.upper() for name in _dotenv(folder) if name.upper().startswith(PREFIX)],
        TOML: [f"{PREFIX}{name}".upper() for name in _toml(folder)],
    }
    used = [f"{source} ({listed(sorted(names))})" for source, names in given.items() if names]
    what = f"taken from {', '.join(used)}; the rest are defaults" if used else "all are defaults"
    strangers = [
        f"{name} in {source}{_meant(name, known)}"
        for source, names in given.items()
        for name in sorted(names)
        if name not in known
    ]
    if strangers:
        return warning(
            "settings", f"no such setting: {listed(strangers)}", "Correct the name, or take it out."
        )
    return ok("settings", what)


def encryption(settings: Settings) -> Finding:
    """Whether what goes to Kafka is encrypted, and whether the files that TLS needs can be read."""
    name = "kafka encryption"
    protocol = settings.kafka_security_protocol
    unreadable = [
        f"{PREFIX}{setting}".upper() + f"={path}"
        for setting in _FILES
        if (path := getattr(settings, setting)) is not None and not _readable(path)
    ]
    if unreadable:
        return problem(
            name,
            f"cannot be read: {listed(unreadable)}",
            "Correct the path, or let this user read the file.",
        )
    if protocol.endswith("SSL"):
        return ok(name, f"{protocol}: encrypted, and the broker must show a certificate")
    hosts = (split_address(address)[0] for address in addresses(settings))
    outside = sorted({host for host in hosts if not is_loopback(host)})
    if not outside:
        return ok(name, f"{protocol}, which stays on this computer")
    password = (
        ", with the password" if settings.kafka_sasl_mechanism == "PLAIN" and "SASL" in protocol else ""
    )
    return warning(
        name,
        f"{protocol} to {listed(outside)}: exchanges cross the network readable{password}",
        "Set MONITOR_KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL and MONITOR_KAFKA_SSL_CA_FILE.",
    )


def web_address(settings: Settings) -> Finding:
    """Whether the worker's pages and metrics can be reached from other computers."""
    name, host = "web address", settings.web_host
    if is_loopback(host):
        return ok(name, f"{host} is reachable from this computer only")
    return warning(
        name,
        f"MONITOR_WEB_HOST={host}: who shares what with whom can be read without signing in",
        "Let only Prometheus and a proxy that asks for a sign-in reach the port, or use 127.0.0.1.",
    )


def registry_choice(settings: Settings) -> Finding:
    """Whether the registry is the example that comes with the program."""
    name = "registry choice"
    example: Path = Settings.model_fields["registry"].default
    if settings.registry.resolve().parts[-len(example.parts) :] != example.parts:
        return ok(name, str(settings.registry))
    return warning(
        name,
        f"{settings.registry} is the example registry: its agencies and agreements are made up",
        "For real exchanges point MONITOR_REGISTRY to a folder of your own.",
    )


def secrets(settings: Settings, folder: Path) -> Finding:
    """Whether there is a good key for pseudonyms, and whether files with secrets are closed to others."""
    name = "secrets"
    open_files = [file for file in (DOTENV, TOML) if _holds_secret(folder, file) and _open(folder / file)]
    if open_files:
        return warning(
            name, f"any user may read the secrets in {listed(open_files)}", f"chmod 600 {open_files[0]}"
        )
    if settings.pseudonym_key is None:
        return warning(
            name,
            "there is no MONITOR_PSEUDONYM_KEY: people who arrive unhashed get no lasting pseudonyms",
            f"Write the output of `{NEW_KEY}` to a file and name it in MONITOR_PSEUDONYM_KEY_FILE; keep it: "
            "another key gives other pseudonyms.",
        )
    if len(settings.pseudonym_key.get_secret_value().encode()) < KEY_BYTES:
        return warning(
            name,
            f"the key for pseudonyms is shorter than {KEY_BYTES} bytes: they can be undone by trying keys",
            f"Make one with `{NEW_KEY}`; pseudonyms change with it.",
        )
    return ok(name, "there is a key for pseudonyms, and no file with secrets is open to other users")


def addresses(settings: Settings) -> list[str]:
    """The bootstrap addresses, one by one."""
    return [part.strip() for part in settings.kafka_bootstrap.split(",") if part.strip()]


def split_address(address: str) -> tuple[str, int | None]:
    """Host and port of `host:port` or `[::1]:port`; the port is None where there is no number."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        return address, None
    return host.strip("[]"), int(port)


def is_loopback(host: str) -> bool:
    """Whether a host is this computer and no other; a name that must be looked up counts as another."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _meant(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _dotenv(folder: Path) -> Mapping[str, object]:
    return dotenv_values(folder / DOTENV) if (folder / DOTENV).is_file() else {}


def _toml(folder: Path) -> Mapping[str, object]:
    path = folder / TOML
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def _holds_secret(folder: Path, file: str) -> bool:
    names = _dotenv(folder) if file == DOTENV else _toml(folder)
    endings = ("password", "key", "database_url")  # a database's address may carry its password
    return any(name.lower().endswith(endings) for name in names)


def _open(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IROTH)


def _readable(path: Path) -> bool:
    return path.is_file() and os.access(path, os.R_OK)
