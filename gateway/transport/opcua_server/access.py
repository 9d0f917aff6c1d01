"""Who may read, and that nobody can do anything else."""

import hmac
from pathlib import Path
from typing import Any

from asyncua import ua
from asyncua.crypto.permission_rules import PermissionRuleset, UserRole
from asyncua.crypto.permission_rules import User as Identified
from cryptography.hazmat.primitives.serialization import Encoding

from gateway.errors import SourceUnavailableError
from gateway.transport.opcua_certificates import certificates_in
from gateway.transport.opcua_rejected import OWN_SERVER, keep_rejected
from gateway.transport.opcua_server.wire import Options

_READING = frozenset(
    ua.NodeId(getattr(ua.ObjectIds, f"{name}Request_Encoding_DefaultBinary"))
    for name in (
        "CloseSession", "CloseSecureChannel", "Read", "Browse", "TranslateBrowsePathsToNodeIds", "RegisterNodes",
        "UnregisterNodes", "CreateSubscription", "ModifySubscription", "DeleteSubscriptions", "SetPublishingMode",
        "CreateMonitoredItems", "ModifyMonitoredItems", "DeleteMonitoredItems", "SetMonitoringMode", "Publish",
        "Republish",
    )
)  # fmt: skip


class OnlyReading(PermissionRuleset):  # type: ignore[misc]  # asyncua has no types
    """Allows the services that read to who is identified, and nothing to anybody else."""

    def check_validity(self, user: Any, action_type: Any, _body: Any) -> bool:
        """Return whether a user may ask for a service."""
        return user is not None and user.role is UserRole.User and action_type in _READING


class Users:
    """Identifies who asks: by name and password, by a certificate, or nobody where anonymous reading is allowed."""

    def __init__(self, options: Options) -> None:
        self._passwords = {user.name: user.password for user in options.users}
        self._certificates = options.user_certificates
        self._anonymous = options.anonymous

    def get_user(
        self, _server: Any, username: str | None = None, password: str | None = None, certificate: Any = None
    ) -> Identified | None:
        """Return who it is, None where they have not shown it."""
        if username is not None:
            expected = self._passwords.get(username)
            shown = (password or "").encode(errors="replace")
            same = hmac.compare_digest(shown, (expected or "").encode())  # of an unknown user, too: it takes as long
            return Identified(role=UserRole.User, name=username) if same and expected else None
        if self._anonymous:
            return Identified(role=UserRole.User, name="anonymous")
        if certificate is not None and is_in(self._certificates, bytes(certificate)):
            return Identified(role=UserRole.User, name="certificate")
        return None

    def tokens(self) -> tuple[type, ...]:
        """Return the kinds of identification that are taken."""
        by_password = (ua.UserNameIdentityToken,) if self._passwords else ()
        by_certificate = () if self._certificates is None else (ua.X509IdentityToken,)
        return (*by_password, *by_certificate, *((ua.AnonymousIdentityToken,) if self._anonymous else ()))


class ClientApplications:
    """Which client applications may open a session, by the certificate of their secure channel."""

    def __init__(self, options: Options) -> None:
        self._folder, self._rejected = options.clients, options.rejected

    def may(self, certificate: bytes | None) -> bool:
        """Return whether an application may; what is rejected is kept until a person trusts it."""
        if self._folder is None or certificate is None:  # None: a channel without security, where that is configured
            return True
        if is_in(self._folder, certificate):
            return True
        if self._rejected is not None:
            keep_rejected(Path(self._rejected), OWN_SERVER, certificate)
        return False


def is_in(folder: str | None, certificate: bytes) -> bool:
    """Return whether a certificate stands in a folder, read anew: what was taken away is trusted no longer."""
    if folder is None:
        return False
    try:
        return any(
            hmac.compare_digest(trusted.public_bytes(Encoding.DER), certificate)
            for trusted in certificates_in(Path(folder))
        )
    except SourceUnavailableError:
        return False
