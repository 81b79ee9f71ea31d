"""Why calls failed: fault codes of all of X-Road's versions, HTTP statuses, and what follows from them."""

from __future__ import annotations

import pytest

from monitor.events.kinds import USUAL_SEVERITY
from monitor.xroad.causes import OUTCOME_OF, SECURITY_KIND, Cause, cause_of


@pytest.mark.parametrize(
    ("code", "status", "cause"),
    [
        ("Server.ServerProxy.AccessDenied", None, Cause.DENIED),
        ("server.serverproxy.access_denied", 500, Cause.DENIED),
        ("Server.ServerProxy.UnknownService", None, Cause.UNKNOWN_SERVICE),
        ("Client.UnknownMember", None, Cause.UNKNOWN_SERVICE),
        ("Server.ClientProxy.SslAuthenticationFailed", None, Cause.CERTIFICATE),
        ("Server.ServerProxy.CertValidation", None, Cause.CERTIFICATE),
        ("Server.ClientProxy.InvalidSignatureValue", None, Cause.SIGNATURE),
        ("Server.ClientProxy.CannotCreateSignature", None, Cause.OTHER),
        ("Server.ServerProxy.OpMonitor.InvalidClientIdentifier", None, Cause.SCHEMA),
        ("Client.InvalidSoap", None, Cause.SCHEMA),
        ("Server.ServerProxy.MaintenanceMode", None, Cause.OVERLOAD),
        ("Server.ServerProxy.ServiceFailed.HttpError", 503, Cause.OVERLOAD),
        ("Server.ClientProxy.NetworkError", None, Cause.OTHER),
        ("Server.AccessDenied.InvalidXml", None, Cause.SCHEMA),
        (None, 401, Cause.DENIED),
        (None, 408, Cause.TIMEOUT),
        (None, 504, Cause.TIMEOUT),
        (None, 429, Cause.OVERLOAD),
        (None, 422, Cause.SCHEMA),
        (None, 404, Cause.OTHER),
        (None, None, Cause.OTHER),
    ],
)
def test_a_failure_has_a_cause(code: str | None, status: int | None, cause: Cause) -> None:
    """By its fault code first, the last part that tells anything; then by its HTTP status."""
    assert cause_of(False, code, None, status) is cause


def test_what_succeeded_has_none() -> None:
    """Where a record does not say whether it did, a fault or a status of 400 and more says no."""
    assert cause_of(True, "Server.AccessDenied", None, 403) is Cause.OK
    assert cause_of(None, None, None, 204) is Cause.OK
    assert cause_of(None, None, None, None) is Cause.OK
    assert cause_of(None, None, None, 403) is Cause.DENIED
    assert cause_of(None, "Server.AccessDenied", None, None) is Cause.DENIED
    assert cause_of(False, "Server.ClientProxy.IOError", "connect timed out", None) is Cause.TIMEOUT


def test_every_cause_has_an_outcome_and_every_kind_is_listed() -> None:
    """Denials and timeouts are outcomes of their own, all other failures faults."""
    assert {cause: OUTCOME_OF[cause] for cause in Cause} == {
        **dict.fromkeys(Cause, "fault"),
        Cause.OK: "ok",
        Cause.DENIED: "denied",
        Cause.TIMEOUT: "timeout",
    }
    assert set(SECURITY_KIND.values()) <= set(USUAL_SEVERITY)
