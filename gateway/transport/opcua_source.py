"""What is to be known of an OPC UA server before anything connects to it.

Apart from what connects, so that a configuration is read without the library of OPC UA: it takes a third of a second.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

REJECTED_FOLDER = "rejected-certificates"  # in the store's folder
TimeOf = Literal["source", "server", "arrival"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Security:
    """How a connection is protected; ``server_certificate``: a file, or a folder of several that are trusted.

    ``rejected``: the folder that keeps what was presented and is not trusted.
    """

    policy: str
    mode: str
    certificate: Path
    private_key: Path
    server_certificate: Path
    rejected: Path | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OpcUaSource:
    """A server and the tags to take from it: tag name to node (``nsu=<uri>;<identifier>``)."""

    name: str
    url: str
    nodes: Mapping[str, str]
    publishing_interval_ms: float
    sampling_interval_ms: float
    security: Security | None = None
    username: str | None = None
    password: str | None = None
    user_certificate: Path | None = None  # by which the gateway logs in, in place of name and password
    user_key: Path | None = None
    time_of: TimeOf = "source"  # whose time a value counts from: its source's, the server's, or that of its arrival
    indexes: Mapping[str, int] = field(default_factory=dict)  # by tag, the element to take of an array
