"""Why a broker cannot be entered, in a sentence with what to do: each cause by its name. Pure."""

import socket
import ssl

from gateway.errors import NotConnectedError
from gateway.transport.mqtt_options import BrokerAddress

PROTOCOL_UNSUPPORTED, CLIENT_ID_INVALID, BAD_USER, NOT_AUTHORIZED = 0x84, 0x85, 0x86, 0x87
RETAIN_UNSUPPORTED = 0x9A

# reason codes of CONNACK (MQTT 5.0, 3.2.2.2); those of 3.1.1 come as the same
_REFUSALS: dict[int, str] = {
    PROTOCOL_UNSUPPORTED: 'the broker does not speak MQTT {spoken}: set mqtt.protocol = "{other}"',
    CLIENT_ID_INVALID: "the broker does not take the client id: set another mqtt.client_id",
    0x88: "the broker says that it cannot serve now: look at its log",
    0x89: "the broker says that it is too busy: look at its load",
    0x8A: "the broker has banned this client: look at its list of banned clients",
    0x95: "the broker finds the connect packet too large: look at its largest packet",
    0x97: "the broker has a quota that is exceeded: look at its limits",
    RETAIN_UNSUPPORTED: "the broker keeps no retained messages, which the gateway needs: allow retain",
    0x9B: "the broker does not take QoS 1, which the gateway needs: allow it",
    0x9C: "the broker sends us to another server: set mqtt.host to that one",
    0x9D: "the broker has moved: set mqtt.host to where it is now",
    0x9F: "the broker takes no more connections at this rate: look at its limits",
}
# what OpenSSL calls it -> what that means here
_TLS: tuple[tuple[str, str], ...] = (
    ("WRONG_VERSION_NUMBER", "does not speak TLS: is it the port for TLS? else set mqtt.tls = false on a bench"),
    ("UNEXPECTED_EOF", "ends the TLS handshake: does it speak TLS on this port, and take our certificate?"),
    ("CERTIFICATE_REQUIRED", "wants a client certificate: set mqtt.certificate and credential mqtt_key.pem"),
    ("UNKNOWN_CA", "does not know who signed our certificate: give it the authority of mqtt.certificate"),
    ("BAD_CERTIFICATE", "does not take our certificate: is mqtt.certificate the one that it knows?"),
    ("CERTIFICATE_EXPIRED", "says that our certificate has expired: renew mqtt.certificate"),
    ("HANDSHAKE_FAILURE", "and we have no TLS version or cipher in common, or it wants a client certificate"),
    ("UNSUPPORTED_PROTOCOL", "and we have no TLS version in common: it must speak TLS 1.2 or 1.3"),
    ("PROTOCOL_VERSION", "and we have no TLS version in common: it must speak TLS 1.2 or 1.3"),
)


class RefusedError(NotConnectedError):
    """The broker answered CONNECT with a refusal; ``code`` is its reason code (MQTT 5.0, 3.2.2.2)."""

    def __init__(self, message: str, *, code: int) -> None:
        super().__init__(message)
        self.code = code


class ClosedUnansweredError(NotConnectedError):
    """The connection was closed before CONNECT was answered."""


def cause_of(error: BaseException, address: BrokerAddress) -> str:
    """Return why a connection to a broker failed, where, and what to do."""
    place = f"{address.host}:{address.port}"
    if isinstance(error, RefusedError):
        return _refusal(error, address)
    if isinstance(error, ssl.SSLCertVerificationError):
        why = error.verify_message or "it cannot be verified"
        return f"the certificate of {place} is not trusted ({why}): {_authority_hint(error)}"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).upper()
        meaning = next(
            (meaning_of_name for name, meaning_of_name in _TLS if name in reason),
            f"fails in TLS ({error.reason or error})",
        )
        return f"{place} {meaning}"
    if isinstance(error, ClosedUnansweredError):
        return f"{place} does not answer as a broker does: {_unanswered_hint(address)}"
    return _socket_cause(error, address) or str(error) or repr(error)


def _socket_cause(error: BaseException, address: BrokerAddress) -> str | None:
    """Return what an error of the system's sockets means, None where it is no such error."""
    place = f"{address.host}:{address.port}"
    if isinstance(error, socket.gaierror):
        return f"there is no host named {address.host} (name look-up: {error.strerror}): is mqtt.host right?"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens on {place}: does the broker run, and is mqtt.port right?"
    if isinstance(error, TimeoutError):
        return f"{place} does not answer in time: is it the broker's address, and does a firewall let us through?"
    if isinstance(error, ConnectionError):
        return f"{place} does not answer as a broker does: {_unanswered_hint(address)}"
    if isinstance(error, OSError) and not isinstance(error, NotConnectedError):
        return f"{place} cannot be reached: {error.strerror or error}"
    return None


def _authority_hint(error: ssl.SSLCertVerificationError) -> str:
    message = (error.verify_message or "").lower()
    if "mismatch" in message or "not valid for" in message:
        return "set mqtt.host to a name that stands in the certificate"
    if "expired" in message or "not yet valid" in message:
        return "renew it, or set this machine's clock"
    return "set mqtt.ca_certificate to the authority that has signed it"


def _unanswered_hint(address: BrokerAddress) -> str:
    without = "does this port want TLS (mqtt.tls = true)?"
    tls = without if address.tls is None else "does this port speak TLS (on a bench without: mqtt.tls = false)?"
    return f'{tls} Does the broker speak MQTT {_spoken(address)} (else mqtt.protocol = "{_other(address)}")?'


def _refusal(error: RefusedError, address: BrokerAddress) -> str:
    if error.code in {BAD_USER, NOT_AUTHORIZED}:
        return _user_refused(address)
    sentence = _REFUSALS.get(error.code, f"the broker refused the connection: {error}")
    return sentence.format(spoken=_spoken(address), other=_other(address))


def _user_refused(address: BrokerAddress) -> str:
    if address.username is None:
        return "the broker lets nobody in without a user: set mqtt.username and credential mqtt_password"
    return (
        f"the broker refuses the user {address.username}: is credential mqtt_password right, "
        "and may this user connect with this client id?"
    )


def _spoken(address: BrokerAddress) -> str:
    return "5" if address.version_5 else "3.1.1"


def _other(address: BrokerAddress) -> str:
    return "3.1.1" if address.version_5 else "5"
