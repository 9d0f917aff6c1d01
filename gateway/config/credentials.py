"""Passwords and keys that the service manager hands over as files."""

import difflib
import os
from collections.abc import Mapping
from pathlib import Path

from gateway.config.tables import OF_CONSOLE, OF_OPCUA_SERVER, OF_WEBHOOK, Settings


def unused_credentials(settings: Settings, environment: Mapping[str, str] | None = None) -> list[str]:
    """Return warnings about credentials that nothing reads and whose names are near to one that is read."""
    directory = (os.environ if environment is None else environment).get("CREDENTIALS_DIRECTORY")
    if not directory or not Path(directory).is_dir():
        return []
    known = known_credentials(settings)
    warnings = []
    for name in sorted(path.name for path in Path(directory).iterdir() if path.is_file()):
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.75)
        if name not in known and near:  # others may keep theirs there, too
            warnings.append(f"credential {name} is read by nothing; did you mean {near[0]}?")
    return warnings


def known_credentials(settings: Settings) -> list[str]:
    """Return the names of all credentials that a gateway with these settings may read."""
    servers = [f"opcua_{name}_{part}" for name in settings.opcua for part in ("password", "key.pem", "user_key.pem")]
    of_sinks = ("token", "password", "api_key", "api_secret", "client_id", "client_secret", "hmac", "key.pem")
    servers += [f"sink_{name}_{part}" for name in settings.sinks for part in of_sinks]
    servers += [] if settings.mes.pull is None else [f"mes_pull_{part}" for part in of_sinks]
    of_phrasing = [f"copilot_phrasing_{part}" for part in of_sinks if part not in {"api_secret", "hmac"}]
    servers += [] if settings.copilot.phrasing is None else of_phrasing
    servers += [f"notify_{name}_{part}" for name in settings.notify for part in ("password", "url")]
    own = settings.opcua_server
    if own is not None:
        servers += [OF_OPCUA_SERVER, *(f"opcua_server_{user}_password" for user in own.users)]
    servers += [] if settings.i3x is None else [f"i3x_{client}_token" for client in settings.i3x.clients]
    return [
        "mqtt_password",
        "mqtt_key.pem",
        "audit_key",
        "monitoring_token",
        "traces_token",
        OF_CONSOLE,
        *OF_WEBHOOK,
        *servers,
    ]


def credential(name: str, environment: Mapping[str, str] | None = None) -> str | None:
    """Return a secret from the credentials directory (systemd's LoadCredential), or None."""
    path = credential_path(name, environment)
    return path.read_text(encoding="utf-8").strip("\r\n") if path is not None else None


def credential_path(name: str, environment: Mapping[str, str] | None = None) -> Path | None:
    """Return where a credential stands, or None where there is none."""
    directory = (os.environ if environment is None else environment).get("CREDENTIALS_DIRECTORY")
    path = Path(directory) / name if directory else None
    return path if path is not None and path.is_file() else None
