"""How the project's kafka-python clients connect: one place turns the settings into their arguments."""

from __future__ import annotations

from typing import Any

from monitor.settings import Settings


def client_arguments(settings: Settings) -> dict[str, Any]:
    """Arguments that every kafka-python client takes: addresses, TLS and SASL."""
    arguments: dict[str, Any] = {
        "bootstrap_servers": [host.strip() for host in settings.kafka_bootstrap.split(",") if host.strip()],
        "security_protocol": settings.kafka_security_protocol,
        "client_id": "data-sharing-monitor",
    }
    if settings.kafka_security_protocol.startswith("SASL"):
        arguments |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": _revealed(settings.kafka_sasl_password),
        }
    if settings.kafka_security_protocol.endswith("SSL"):
        arguments |= {
            "ssl_cafile": _path(settings.kafka_ssl_ca_file),
            "ssl_certfile": _path(settings.kafka_ssl_cert_file),
            "ssl_keyfile": _path(settings.kafka_ssl_key_file),
            "ssl_password": _revealed(settings.kafka_ssl_key_password),
        }
    return arguments


def _revealed(secret: Any) -> str | None:
    return None if secret is None else str(secret.get_secret_value())


def _path(path: Any) -> str | None:
    return None if path is None else str(path)
