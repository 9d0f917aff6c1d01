"""What the gateway and its OPC UA server say to one another: a JSON document a line; each side checks what it reads."""

from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, TypeAdapter

from gateway.records.line_state import LineState

LONGEST_LINE_BYTES = 8 * 2**20
SILENT_SECONDS = 10.0  # without a word from the gateway for so long, no value counts any more


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """How much clients may ask for. What is beyond is refused with the status code that the standard has for it."""

    connections: int = 40
    sessions: int = 20
    subscriptions: int = 60
    subscriptions_of_session: int = 5
    items_of_session: int = 2000
    nodes_of_request: int = 1000
    queue_of_item: int = 100
    message_bytes: int = 2**20
    unread_bytes: int = 4 * 2**20
    fastest_publishing_ms: float = 250.0
    longest_session_ms: float = 120_000.0
    activation_seconds: float = 10.0


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class User(_Said):
    """Who may read, by name and password."""

    name: str
    password: str


class Options(_Said):
    """Where the server listens, and who may read.

    ``securities``: as in the configuration. ``private_key``: as PEM. ``clients``: a folder of the certificates of
    client applications that are taken; None: any. ``user_certificates``: a folder of those that people or programs
    identify themselves by. ``rejected``: the folder that keeps certificates which were not taken.
    """

    host: str
    port: int
    securities: tuple[str, ...]
    application_uri: str
    line: str
    version: str
    certificate: str | None = None
    private_key: str | None = None
    clients: str | None = None
    user_certificates: str | None = None
    users: tuple[User, ...] = ()
    anonymous: bool = False
    rejected: str | None = None
    limits: Limits = Limits()


class Told(_Said):
    """A line to the server: its options first; then states; without one, that the last still is what is committed."""

    options: Options | None = None
    state: LineState | None = None
    at_ns: int = 0


class Heard(_Said):
    """A line from the server: that it listens, or why it does not, and how many sessions there are."""

    listening: bool | None = None
    failure: str | None = None
    sessions: int = 0


TOLD = TypeAdapter(Told)
HEARD = TypeAdapter(Heard)


def namespace_of(line: str) -> str:
    """Return the namespace of a line's nodes, from its path."""
    return "urn:labline:line:" + line.replace("/", ":")
