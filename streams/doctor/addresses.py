"""Check of a bootstrap address, step by step: name, connection, TLS, Kafka, sign-in, metadata."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any

from kafka import KafkaAdminClient
from kafka.net.sasl import get_sasl_mechanism

from monitor.settings import Settings
from streams.clients import client_arguments
from streams.doctor.finding import Finding, brief, ok, problem
from streams.doctor.handshake import (
    NOT_A_SASL_LISTENER,
    UNSUPPORTED_MECHANISM,
    Mechanisms,
    NotKafka,
    brokers,
    greet,
    sasl_mechanisms,
    sign_in,
)
from streams.doctor.settings import split_address

_ADDRESS = "Correct MONITOR_KAFKA_BOOTSTRAP"
_PROTOCOL = "MONITOR_KAFKA_SECURITY_PROTOCOL"


class Wrong(Exception):
    """A step failed: what was seen, and what to do."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.what = what
        self.remedy = remedy


Advertised = frozenset[tuple[str, int]]  # hosts and ports under which brokers ask to be reached


def check_address(settings: Settings, address: str, seconds: float) -> tuple[Finding, Advertised]:
    """Go through the steps until one fails; no step waits longer than `seconds` for the network.

    Also returns the addresses of all brokers as this one tells them, none where it tells nothing.
    """
    name = f"broker {address}"
    try:
        told = _steps(settings, address, seconds)
    except Wrong as why:
        return problem(name, why.what, why.remedy), frozenset()
    signed_in = (
        f", signed in as {settings.kafka_sasl_username}"
        if settings.kafka_security_protocol.startswith("SASL")
        else ""
    )
    return ok(name, f"answers over {settings.kafka_security_protocol}{signed_in}"), told


def admin_client(settings: Settings, seconds: float, **changes: Any) -> KafkaAdminClient:
    """A client that gives up after `seconds`, on the whole for connecting and for each request after."""
    limits = {"bootstrap_timeout_ms": int(seconds * 1000), "request_timeout_ms": int(seconds * 1000)}
    return KafkaAdminClient(**client_arguments(settings) | limits | changes)


def connect(host: str, port: int, seconds: float) -> socket.socket:
    """A TCP connection. Raises Wrong where the name is unknown or nobody answers."""
    try:
        socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as why:
        raise Wrong(
            f"the name {host} cannot be looked up", f"{_ADDRESS}, or the name service of this computer."
        ) from why
    try:
        return socket.create_connection((host, port), seconds)
    except ConnectionRefusedError as why:
        raise Wrong(
            f"nothing listens on port {port} of {host}",
            f"Start Kafka (deploy/kafka/README.md), or {_ADDRESS[0].lower()}{_ADDRESS[1:]}.",
        ) from why
    except TimeoutError as why:
        raise Wrong(
            f"{host} did not answer on port {port} within {seconds:g} s",
            "A firewall may drop the packets: let this computer through, or correct the address.",
        ) from why
    except OSError as why:
        raise Wrong(f"{host} cannot be reached: {why.strerror or brief(why)}", f"{_ADDRESS}.") from why


def _steps(settings: Settings, address: str, seconds: float) -> Advertised:
    host, port = split_address(address)
    if port is None:
        raise Wrong(f"{address} has no port", f"{_ADDRESS}: host:port, comma separated.")
    with _greeted(settings, host, port, seconds) as connection:
        try:
            if settings.kafka_security_protocol.startswith("SASL"):
                _accepted(settings, sasl_mechanisms(connection, settings.kafka_sasl_mechanism))
                _sign_in(settings, connection, host)
            return brokers(connection)
        except (NotKafka, OSError) as why:
            refusal = why
    raise _unwilling(settings, host, port, seconds, refusal) from refusal


def _sign_in(settings: Settings, connection: socket.socket, host: str) -> None:
    dialogue = get_sasl_mechanism(settings.kafka_sasl_mechanism)(host=host, **client_arguments(settings))
    if not sign_in(connection, dialogue):
        raise Wrong(
            f"the sign-in as {settings.kafka_sasl_username} was refused",
            "Correct MONITOR_KAFKA_SASL_USERNAME and MONITOR_KAFKA_SASL_PASSWORD(_FILE), or add the user "
            "to Kafka.",
        )


def _greeted(settings: Settings, host: str, port: int, seconds: float) -> socket.socket:
    """A connection on which something speaks Kafka."""
    connection = connect(host, port, seconds)
    try:
        if settings.kafka_security_protocol.endswith("SSL"):
            connection = _encrypted(settings, connection, host)
        greet(connection)
    except TimeoutError as why:
        connection.close()
        raise Wrong(
            f"something listens, but did not say a word of Kafka within {seconds:g} s",
            "Look at the broker's log: it may be starting, or overloaded; or the port is another program's.",
        ) from why
    except NotKafka as why:
        connection.close()
        raise _no_kafka(settings, host, port, seconds, why) from why
    except ssl.SSLError as why:  # a broker that wants a client's certificate says so only now
        connection.close()
        raise _no_tls(why) from why
    except BaseException:
        connection.close()
        raise
    return connection


def _encrypted(settings: Settings, connection: socket.socket, host: str) -> socket.socket:
    authority = settings.kafka_ssl_ca_file
    try:
        # Set up as the clients set theirs up, which is less strict than Python's own default from 3.13 on.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if authority:
            context.load_verify_locations(authority)
        else:
            context.load_default_certs()
    except (ssl.SSLError, OSError) as why:
        raise Wrong(
            f"{authority} holds no certificate that could be read",
            "Correct MONITOR_KAFKA_SSL_CA_FILE: a file in PEM form.",
        ) from why
    if settings.kafka_ssl_cert_file:
        password = settings.kafka_ssl_key_password
        try:
            context.load_cert_chain(
                settings.kafka_ssl_cert_file,
                settings.kafka_ssl_key_file,
                password.get_secret_value() if password else "",
            )
        except (ssl.SSLError, OSError) as why:
            raise Wrong(
                "this client's certificate and key cannot be used together",
                "Check MONITOR_KAFKA_SSL_CERT_FILE, MONITOR_KAFKA_SSL_KEY_FILE and the key's password.",
            ) from why
    try:
        return context.wrap_socket(connection, server_hostname=host)
    except ssl.SSLCertVerificationError as why:
        raise Wrong(
            f"the broker's certificate is not accepted: {why.verify_message}",
            "Name the authority that signed it in MONITOR_KAFKA_SSL_CA_FILE; use a host name that it holds.",
        ) from why
    except (ssl.SSLError, ConnectionError) as why:
        raise _no_tls(why) from why


def _no_tls(why: OSError) -> Wrong:
    reason = getattr(why, "reason", None) or ""
    if "CERTIFICATE_REQUIRED" in reason or "HANDSHAKE_FAILURE" in reason or "BAD_CERTIFICATE" in reason:
        return Wrong(
            "the broker wants a certificate of this client, or did not accept it",
            "Set MONITOR_KAFKA_SSL_CERT_FILE and MONITOR_KAFKA_SSL_KEY_FILE to a pair that it trusts.",
        )
    return Wrong(
        f"TLS does not work on this port ({reason or brief(why)}): it may be the one without encryption",
        f"Use the TLS listener's port, or set {_PROTOCOL} to what this listener speaks.",
    )


def _no_kafka(settings: Settings, host: str, port: int, seconds: float, why: NotKafka) -> Wrong:
    if not settings.kafka_security_protocol.endswith("SSL") and (why.tls or _speaks_tls(host, port, seconds)):
        return Wrong(
            f"the port speaks TLS, but {_PROTOCOL} is {settings.kafka_security_protocol}",
            f"Set {_PROTOCOL} to SSL or SASL_SSL, and MONITOR_KAFKA_SSL_CA_FILE.",
        )
    return Wrong(f"something listens, but it is not Kafka: {why}", f"{_ADDRESS}.")


def _speaks_tls(host: str, port: int, seconds: float) -> bool:
    """Whether a TLS handshake gets an answer; nothing is sent over it, so nothing is trusted."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, port), seconds) as connection,
            context.wrap_socket(connection, server_hostname=host),
        ):
            return True
    except OSError:
        return False


def _accepted(settings: Settings, answer: Mechanisms) -> None:
    protocol = settings.kafka_security_protocol
    if answer.error == NOT_A_SASL_LISTENER:
        raise Wrong(
            f"this listener knows no sign-in, but {_PROTOCOL} is {protocol}",
            f"Use the port of the SASL listener, or set {_PROTOCOL} to {protocol.removeprefix('SASL_')}.",
        )
    if answer.error == UNSUPPORTED_MECHANISM:
        raise Wrong(
            f"the broker does not sign in with {settings.kafka_sasl_mechanism}, "
            f"but with {', '.join(answer.accepted) or 'nothing'}",
            "Set MONITOR_KAFKA_SASL_MECHANISM to one of them.",
        )


def _unwilling(settings: Settings, host: str, port: int, seconds: float, why: Exception) -> Wrong:
    """Kafka answers, but not this client: perhaps because it should have signed in."""
    if not settings.kafka_security_protocol.startswith("SASL"):
        answer = None
        with _greeted(settings, host, port, seconds) as connection, suppress(NotKafka, OSError):
            answer = sasl_mechanisms(connection, "PLAIN")
        if answer is not None and answer.error in (0, UNSUPPORTED_MECHANISM):
            offered = ", ".join(answer.accepted)
            return Wrong(
                f"the broker wants a sign-in ({offered}), but {_PROTOCOL} is "
                f"{settings.kafka_security_protocol}",
                f"Set {_PROTOCOL} to SASL_SSL (or SASL_PLAINTEXT), MONITOR_KAFKA_SASL_MECHANISM, "
                "MONITOR_KAFKA_SASL_USERNAME and MONITOR_KAFKA_SASL_PASSWORD_FILE.",
            )
    return Wrong(
        f"it speaks Kafka, but does not tell its brokers: {brief(why)}",
        "Look at the broker's log: it may be starting, or refuse this client.",
    )
