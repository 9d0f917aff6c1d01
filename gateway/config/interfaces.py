"""From the tables of interfaces to the options of what serves them, with what is wrong and what is doubtful."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import __version__
from gateway.config.checks import KeyProblem
from gateway.config.credentials import credential, credential_path
from gateway.config.interface_tables import OpcUaServerTable
from gateway.config.tables import OF_OPCUA_SERVER, Settings
from gateway.errors import ConfigurationError, Problem, SourceUnavailableError
from gateway.transport.opcua_certificates import application_uri_of, certificate_in, judge
from gateway.transport.opcua_source import REJECTED_FOLDER

if TYPE_CHECKING:
    from gateway.transport.opcua_server.wire import Options

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SHORTEST_PASSWORD = 16
_OPEN = "None"
_RANDOM = "put a long random text (openssl rand -hex 32) into it"
_MAKE = "labline opcua certificate makes both: certificate, and credential opcua_server_key.pem"


def opcua_server_options(settings: Settings) -> "Options | None":
    """Return how the gateway's own OPC UA server is served, None where it is not; raises ConfigurationError."""
    table = settings.opcua_server
    if table is None:
        return None
    from gateway.transport.opcua_server.wire import Options, User  # noqa: PLC0415 - not needed without it

    host, port = table.host_and_port
    key = credential_path(OF_OPCUA_SERVER)
    passwords = {user: credential(f"opcua_server_{user}_password") for user in table.users}
    problems = [*_user_problems(table, passwords), *_certificate_problems(table, key), *_folder_problems(table)]
    _refuse(problems)
    secured = table.certificate is not None and key is not None
    uri = application_uri_of(certificate_in(table.certificate)) if table.certificate is not None else None
    return Options(
        host=host,
        port=port,
        securities=tuple(dict.fromkeys(table.security)),
        application_uri=uri or f"urn:labline:{settings.line_path.replace('/', ':')}",
        line=settings.line_path,
        version=__version__,
        certificate=str(table.certificate) if secured else None,
        private_key=key.read_text(encoding="ascii") if secured and key is not None else None,
        clients=None if table.clients is None else str(table.clients),
        user_certificates=None if table.user_certificates is None else str(table.user_certificates),
        users=tuple(User(name=user, password=password or "") for user, password in passwords.items()),
        anonymous=table.anonymous,
        rejected=str(settings.store.directory / REJECTED_FOLDER),
    )


def i3x_tokens(settings: Settings) -> Mapping[str, str] | None:
    """Return the tokens of i3X by client, None where it is not served; raises ConfigurationError."""
    table = settings.i3x
    if table is None:
        return None
    tokens = {client: credential(f"i3x_{client}_token") for client in table.clients}
    problems: list[KeyProblem] = []
    if settings.console is None:
        problems.append(("i3x", "is served beside the console, and there is none", "add the table [console]"))
    for client, token in tokens.items():
        name = f"i3x_{client}_token"
        if token is None:
            problems.append(("i3x.clients", f"credential {name} is missing", _of_credential(name)))
        elif len(token) < _SHORTEST_PASSWORD:
            message = f"credential {name} has {len(token)} characters, fewer than {_SHORTEST_PASSWORD}"
            problems.append(("i3x.clients", message, _RANDOM))
    given = [token for token in tokens.values() if token]
    if len(given) > len(set(given)):
        problems.append(("i3x.clients", "two clients have the same token", _RANDOM))
    _refuse(problems)
    return {client: token for client, token in tokens.items() if token}


def _refuse(problems: list[KeyProblem]) -> None:
    if problems:
        raise ConfigurationError(
            tuple(Problem(file="configuration", key=key, message=message, hint=hint) for key, message, hint in problems)
        )


def _of_credential(name: str) -> str:
    return f"LoadCredential={name}:<file> in the unit, or CREDENTIALS_DIRECTORY=<its folder> for a check by hand"


def opcua_server_warnings(settings: Settings) -> list[str]:
    """Return what works but leaves the server open."""
    table = settings.opcua_server
    if table is None:
        return []
    warnings, outside = [], table.host_and_port[0] not in LOOPBACK
    if _OPEN in table.security:
        who = "anybody on the network can read and change them" if outside else "other users of this machine see them"
        warnings.append(f"opcua_server.security has None: values travel unprotected; {who}")
    if table.anonymous:
        warnings.append("opcua_server.anonymous is true: whoever reaches it reads predictions, lots and guidance")
    if outside and table.clients is None:
        warnings.append(
            "opcua_server.clients is not set: any program may try passwords; name a folder of trusted certificates"
        )
    return warnings


def _user_problems(table: OpcUaServerTable, passwords: dict[str, str | None]) -> list[KeyProblem]:
    problems = []
    if not table.users and table.user_certificates is None and not table.anonymous:
        hint = "name users or user_certificates; anonymous = true only on a bench"
        problems.append(("opcua_server.users", "nobody could sign in", hint))
    for user, password in passwords.items():
        name = f"opcua_server_{user}_password"
        if password is None:
            problems.append(("opcua_server.users", f"credential {name} is missing", _of_credential(name)))
        elif len(password) < _SHORTEST_PASSWORD:
            message = f"credential {name} has {len(password)} characters, fewer than {_SHORTEST_PASSWORD}"
            problems.append(("opcua_server.users", message, _RANDOM))
    if (table.users or table.user_certificates is not None) and set(table.security) == {_OPEN}:
        message = "is only None, so passwords and certificates would travel readably"
        problems.append(("opcua_server.security", message, "add a policy, such as Basic256Sha256/SignAndEncrypt"))
    return problems


def _certificate_problems(table: OpcUaServerTable, key: Path | None) -> list[KeyProblem]:
    if set(table.security) == {_OPEN}:
        return []
    if table.certificate is None:
        return [("opcua_server.certificate", "is missing, but security needs it", _MAKE)]
    if key is None:
        return [("opcua_server.certificate", "has no private key", _MAKE)]
    try:
        certificate = certificate_in(table.certificate)
    except SourceUnavailableError as error:
        return [("opcua_server.certificate", str(error), _MAKE)]
    judgement = judge(certificate, now=dt.datetime.now(dt.UTC), private_key=key)
    expired = "has expired"  # the gateway starts with it: clients refuse it, an alarm says so
    return [("opcua_server.certificate", wrong, _MAKE) for wrong in judgement.wrong if not wrong.startswith(expired)]


def _folder_problems(table: OpcUaServerTable) -> list[KeyProblem]:
    folders = {"clients": table.clients, "user_certificates": table.user_certificates}
    return [
        (f"opcua_server.{name}", f"{path} is no folder", "make it; DER or PEM files in it are trusted")
        for name, path in folders.items()
        if path is not None and not path.is_dir()
    ]
