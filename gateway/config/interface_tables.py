"""The tables of what other systems may read: the gateway's own OPC UA server, and i3X beside the console."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, model_validator

from gateway.config.connection_tables import SECURITY, SECURITY_POLICIES, host_and_port
from gateway.config.forms import Name, Table

_MOST_NAMES = 32
_EXAMPLE = "127.0.0.1:4841"
Security = Annotated[str, Field(pattern=SECURITY)]


class I3xTable(Table):
    """``[i3x]``: what the gateway has committed by i3X 1.0 (CESMII), beside the console under ``/v1``."""

    clients: list[Name] = Field(
        default=[], max_length=_MOST_NAMES,
        description="programs that may read; their tokens are credentials i3x_<client>_token, 16 characters or more. "
        "Users of the console may, too",
    )  # fmt: skip


class OpcUaServerTable(Table):
    """``[opcua_server]``: what the gateway has committed, as an OPC UA server that can only be read."""

    listen: str | int = Field(
        default=_EXAMPLE, description=f'host and port, or only a port of this machine: "{_EXAMPLE}"'
    )
    security: list[Security] = Field(
        default=[f"{policy}/SignAndEncrypt" for policy in SECURITY_POLICIES], min_length=1, max_length=7,
        description='policies and modes that clients may choose, such as "Basic256Sha256/SignAndEncrypt"; "None" only '
        "on a bench",
    )  # fmt: skip
    certificate: Path | None = Field(
        default=None,
        description="the server's certificate (labline opcua certificate); its key is credential opcua_server_key.pem",
    )
    clients: Path | None = Field(
        default=None,
        description="a folder of the client applications' certificates that are taken; without it any that signs in",
    )
    users: list[Name] = Field(
        default=[], max_length=_MOST_NAMES,
        description="who may read; their passwords are credentials opcua_server_<user>_password, 16 characters or more",
    )  # fmt: skip
    user_certificates: Path | None = Field(
        default=None, description="a folder of certificates by which users may sign in instead of a password"
    )
    anonymous: bool = Field(default=False, description="whether anybody may read without signing in: true or false")

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Return where it listens; raises ValueError where that is no address."""
        return host_and_port(self.listen, example=_EXAMPLE)

    @model_validator(mode="after")
    def _readable(self) -> "OpcUaServerTable":
        _ = self.host_and_port
        return self
