"""Why a server cannot be used, in words: each cause by its name, with what to do."""

import errno
import socket
from collections.abc import Mapping

from asyncua import ua

from gateway.errors import LablineError
from gateway.transport.opcua_values import status_text

_Codes = ua.StatusCodes
_OTHERS_CERTIFICATE = "trust it there: in its folder or list of trusted clients; it may wait among the rejected ones"
_CAUSES: Mapping[int, tuple[str, str]] = {
    _Codes.BadUserAccessDenied: ("refuses the user or its password", "is the credential opcua_<name>_password right?"),
    _Codes.BadIdentityTokenRejected: ("refuses the user or its password", "set username; does it allow anonymous?"),
    _Codes.BadIdentityTokenInvalid: ("does not take this login", "set username; does it allow anonymous?"),
    _Codes.BadSecurityModeRejected: ("refuses this security", "set security to a policy and mode that it offers"),
    _Codes.BadSecurityPolicyRejected: ("refuses this security", "set security to a policy and mode that it offers"),
    _Codes.BadSecurityChecksFailed: ("does not trust this gateway's certificate", _OTHERS_CERTIFICATE),
    _Codes.BadCertificateUntrusted: ("does not trust this gateway's certificate", _OTHERS_CERTIFICATE),
    _Codes.BadCertificateInvalid: ("finds this gateway's certificate invalid", "make one: labline opcua certificate"),
    _Codes.BadCertificateTimeInvalid: (
        "finds this gateway's certificate expired, or not valid yet",
        "make a new one: labline opcua certificate; are both clocks right?",
    ),
    _Codes.BadCertificateUriInvalid: (
        "finds another application URI in this gateway's certificate",
        "make one: labline opcua certificate; the URI in it is what the gateway says",
    ),
    _Codes.BadCertificateHostNameInvalid: (
        "finds another host in this gateway's certificate",
        "make one with this host: labline opcua certificate --host",
    ),
    _Codes.BadCertificateUseNotAllowed: (
        "finds that this gateway's certificate is not for this use",
        "make one: labline opcua certificate",
    ),
    _Codes.BadTooManySessions: ("has no session left", "close other clients, or raise its limit of sessions"),
    _Codes.BadMaxConnectionsReached: ("has no connection left", "close other clients, or raise its limit"),
    _Codes.BadRequestTooLarge: ("sends a message beyond 16 MiB, which is refused", "which node has so large a value?"),
    _Codes.BadTcpServerTooBusy: ("is too busy", "the gateway tries again"),
    _Codes.BadTcpEndpointUrlInvalid: ("does not know this endpoint", "is the path behind the port right?"),
    _Codes.BadServerUriInvalid: ("does not know this endpoint", "is the path behind the port right?"),
    _Codes.BadTcpMessageTypeInvalid: ("does not speak OPC UA", "is the port right?"),
    _Codes.BadShutdown: ("is shutting down", "the gateway tries again"),
}


_SESSION_GONE = frozenset(
    {
        _Codes.BadSessionIdInvalid, _Codes.BadSessionClosed, _Codes.BadSessionNotActivated,
        _Codes.BadSecureChannelClosed, _Codes.BadSecureChannelIdInvalid,
        _Codes.BadConnectionClosed, _Codes.BadShutdown, _Codes.BadServerHalted,
    }
)  # fmt: skip
USER_REFUSED = frozenset({_Codes.BadUserAccessDenied, _Codes.BadIdentityTokenRejected, _Codes.BadIdentityTokenInvalid})
_BY_KIND: tuple[tuple[type[BaseException], str, str], ...] = (
    (socket.gaierror, "the host is unknown", "is its name right, and does this machine's DNS know it?"),
    (ConnectionRefusedError, "nothing listens at this port", "is the server up, and the port right?"),
    (TimeoutError, "it does not answer", "is the address right, and no firewall in between?"),
    (ConnectionError, "it ends the connection without a reason", "does it trust this gateway's certificate?"),
    (AssertionError, "it ends the connection without a reason", "does it trust this gateway's certificate?"),
)
_NO_ENDPOINT = "No matching endpoints"  # asyncua has no class of its own for it
_CHOOSE_SECURITY = "labline opcua server-certificate URL shows what it offers; set security, and both certificates"
# for a host with several addresses asyncio puts all errors into one text
_SEVERAL_REFUSED = f"[Errno {errno.ECONNREFUSED}]"


def cause_of(error: BaseException, *, protocol_error: Exception | None = None) -> tuple[str, str]:
    """Return (what is wrong, as a sentence after the address; what to do) of a failed attempt to connect.

    ``protocol_error``: why the transport has ended, if asyncua gives another reason.
    """
    if isinstance(protocol_error, LablineError | ua.UaStatusCodeError) and not isinstance(error, ua.UaStatusCodeError):
        error = protocol_error
    if isinstance(error, LablineError):
        return str(error), error.hint
    if isinstance(error, ua.UaStatusCodeError):
        return _refusal(error.code)
    # with security the endpoints are checked before, and the message names those offered
    if _NO_ENDPOINT in str(error):
        return "offers no connection without security", _CHOOSE_SECURITY
    for kind, what, hint in _BY_KIND:
        if isinstance(error, kind) or (kind is ConnectionRefusedError and _SEVERAL_REFUSED in str(error)):
            return f"cannot be reached: {what}", hint
    return f"cannot be reached: {str(error) or type(error).__name__}", "is the server up, and the address right?"


def _refusal(code: int) -> tuple[str, str]:
    what, hint = _CAUSES.get(code, ("", "look into the server's log"))
    name = status_text(code)
    return (f"{what} ({name})" if what else f"refuses the connection: {name}"), hint


def session_is_gone(error: ua.UaStatusCodeError) -> bool:
    """Return whether an answer says that the session or its channel is no more; any other shows a server at work."""
    return error.code in _SESSION_GONE
