"""The tables of what the gateway is connected to: OPC UA, the broker, laboratory and production systems."""

import difflib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.config.forms import URL, Name, NodeText, Table, client_identifier, endpoint, host_name, network
from gateway.config.measures import Duration
from gateway.config.pull_tables import MesPullTable
from gateway.contract.lims.json_paths import FIELDS, is_path
from gateway.contract.lims.mapping import MAPPINGS
from gateway.records.laboratory import ResultStatus

SECURITY_POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")  # of OPC UA, those not deprecated
SECURITY_MODES = ("Sign", "SignAndEncrypt")
SECURITY = rf"^(None|({'|'.join(SECURITY_POLICIES)})/({'|'.join(SECURITY_MODES)}))$"
TOPIC_ROOT = r"^[^+#]+$"
_LOOPBACK, _LARGEST_PORT = "127.0.0.1", 65535
if TYPE_CHECKING:
    MappingName = str
else:
    MappingName = Literal[tuple(MAPPINGS)]


class OpcUaTable(Table):
    """``[opcua.<name>]``: an OPC UA server."""

    url: Annotated[str, AfterValidator(endpoint)] = Field(
        pattern=URL, description="the server's endpoint, such as opc.tcp://10.0.0.5:4840"
    )
    security: str = Field(
        default="None", pattern=SECURITY,
        description='"None" or policy and mode, such as "Basic256Sha256/SignAndEncrypt"',
    )  # fmt: skip
    certificate: Path | None = Field(
        default=None, description="this gateway's certificate, needed with security; a path relative to this file"
    )
    server_certificate: Path | None = Field(
        default=None,
        description="the server's certificate that is trusted, or a folder of several, to change it without a stop",
    )
    username: str | None = Field(default=None, description="the user; the password is credential opcua_<name>_password")
    user_certificate: Path | None = Field(
        default=None,
        description="a certificate to log in by, in place of username; its key is credential opcua_<name>_user_key.pem",
    )
    publishing_interval: Duration = Field(
        default=0.5, gt=0, description='how often the server sends values, such as "500ms"'
    )
    sampling_interval: Duration = Field(
        default=0.25, gt=0, description='how often the server reads values, such as "250ms"'
    )
    max_clock_skew: Duration = Field(
        default=2.0, gt=0, description='how wrong the clock of the server or a tag may be, such as "2s"'
    )
    history: Duration | None = Field(
        default=None,
        gt=0,
        description='how much of the server\'s own history is fetched at the first connection, such as "30d"; '
        "without it nothing",
    )
    heartbeat: NodeText | None = Field(
        default=None,
        description="the integer variable that the gateway counts up each second while it can write setpoints",
    )
    time: Literal["source", "server", "arrival"] = Field(
        default="source",
        description='which time of a value counts: "source", "server", or "arrival" if neither clock is right',
    )


class MqttTable(Table):
    """``[mqtt]``: the broker."""

    host: Annotated[str, AfterValidator(host_name)] = Field(
        min_length=1, description="the broker's name or address, such as broker.local"
    )
    port: int = Field(default=8883, ge=1, le=65535, description="the broker's port, 1 to 65535")
    tls: bool = Field(default=True, description="whether the connection is encrypted: true or false")
    ca_certificate: Path | None = Field(
        default=None, description="the certificate (PEM) of the authority that signed the broker's"
    )
    certificate: Path | None = Field(
        default=None, description="this client's certificate (PEM); its private key is credential mqtt_key.pem"
    )
    username: str | None = Field(default=None, description="the user; the password is credential mqtt_password")
    websocket_path: str | None = Field(
        default=None, pattern=r"^/[!-~]*$",
        description='by websockets, and under which path, such as "/mqtt"; without it directly over TCP',
    )  # fmt: skip
    protocol: Literal["5", "3.1.1"] = Field(default="5", description='the version of MQTT, "5" or "3.1.1", in quotes')
    client_id: Annotated[str, AfterValidator(client_identifier)] = Field(
        min_length=1,
        max_length=60,
        description="a name that no other client of the broker has; the client for results gets -in appended",
    )
    session_expiry: Duration = Field(
        default=7 * 86400.0, ge=60, description='how long the broker keeps results while we are away, such as "7d"'
    )
    receive_maximum: int = Field(
        default=100, ge=1, le=1000, description="how many unacknowledged results the broker may send, 1 to 1000"
    )
    topic_root: str = Field(
        default="{enterprise}/{site}/{area}/{line}/quality",
        pattern=TOPIC_ROOT,
        description="the root of all topics that the gateway publishes",
    )


class MesTable(Table):
    """``[mes]``: orders and lots."""

    topic: str = Field(default="mes/context/#", description="the topic filter of orders and lots")
    pull: MesPullTable | None = Field(
        default=None, description="orders and lots that are fetched over HTTP; without the table none are"
    )


class UmhTable(Table):
    """``[umh]``: predictions in the form of the United Manufacturing Hub, too, below ``umh/v1``."""

    contract: str = Field(
        default="_historian", pattern=r"^_[A-Za-z0-9_-]{1,63}$", description="the data contract; it begins with _"
    )


class MasterDataTable(Table):
    """``[master_data]``: specifications that another system states."""

    topic: str | None = Field(
        default=None, description='topic filter of specifications, such as "mes/specifications/#"; without it none come'
    )
    ignore: list[str] = Field(
        default_factory=list, description="fields of specifications that nothing reads, and that do not matter"
    )


class MappingTable(Table):
    """``[lims.mapping]``: where a laboratory's messages have our fields, as paths such as ``data.sample.id``."""

    items: str | None = Field(default=None, description="the path to a list whose elements are one result each")
    statuses: dict[str, ResultStatus] = Field(default_factory=dict, description="the laboratory's words for a status")
    paths: dict[str, str] = Field(
        description="for each of our fields its path in the message; $. begins at the whole message if items is set"
    )

    @model_validator(mode="after")
    def _readable(self) -> "MappingTable":
        unknown = sorted(self.paths.keys() - FIELDS)
        if unknown:
            near = difflib.get_close_matches(unknown[0], FIELDS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"fields are {', '.join(sorted(FIELDS))}"
            raise ValueError(f"{unknown[0]} is no field of a result; {hint}")
        missing = [name for name in ("sample_id", "test_id", "value") if name not in self.paths]
        if missing:
            raise ValueError(f"paths has no {missing[0]}, without which no result is understood")
        if self.items is not None and ("[" in self.items or self.items.startswith("$.")):
            raise ValueError(f"items is {self.items!r}; it must be names with dots between them, such as report.values")
        wrong = [path for path in (*self.paths.values(), *([self.items] if self.items else [])) if not is_path(path)]
        if wrong:
            raise ValueError(f"{wrong[0]!r} is no path such as data.sample.id or limits[0].low")
        return self


class LimsTable(Table):
    """``[lims]``: laboratory results."""

    topic: str = Field(default="lims/results/#", description="the topic filter of results")
    mapping: MappingName | MappingTable = Field(
        default="canonical", description=f"how messages are read: {', '.join(MAPPINGS)}, or a table of paths"
    )
    decimal_comma: bool = Field(default=False, description="whether numbers in texts are written as 9,8: true or false")
    source: Name = Field(default="lims", description="the name of this interface; part of every result's identity")
    assume_status: ResultStatus | None = Field(
        default=None, description="the status of results that name none; without it they are for review"
    )
    analytes: dict[str, Name] = Field(
        default_factory=dict, description="for each test name of the laboratory our name of the analyte"
    )
    ignore: list[str] = Field(
        default_factory=list, description="fields of messages and columns of files that do not matter"
    )


class WebhookTable(Table):
    """``[webhook]``: results over HTTP, without MQTT; credential lims_webhook_token has 16 characters or more."""

    port: int | None = Field(default=None, ge=1, le=65535, description="the port; without it there is no webhook")
    host: str = Field(default="127.0.0.1", description="the address to listen on; any but 127.0.0.1 needs certificate")
    certificate: Path | None = Field(
        default=None, description="the server's certificate as PEM; its key is credential lims_webhook_key.pem"
    )


class MonitoringTable(Table):
    """``[monitoring]``: /metrics, /healthz and /readyz; who asks for metrics shows credential monitoring_token."""

    listen: str | int = Field(
        default="127.0.0.1:9464",
        description='host and port, or only a port of this machine: "127.0.0.1:9464"; others need a token',
    )

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Return where it listens; raises ValueError where that is no address."""
        return host_and_port(self.listen, example="127.0.0.1:9464")

    @model_validator(mode="after")
    def _readable(self) -> "MonitoringTable":
        _ = self.host_and_port
        return self


class TracesTable(Table):
    """``[traces]``: spans of results for OpenTelemetry; a collector may want credential traces_token."""

    endpoint: str = Field(
        default="http://127.0.0.1:4318/v1/traces",
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="where the collector takes OTLP over HTTP, such as https://collector.example.com:4318/v1/traces",
    )
    share: float = Field(
        default=0.1, ge=0, le=1, description="which share of results is traced, where their sender does not say: 0 to 1"
    )
    ca_certificate: Path | None = Field(
        default=None, description="the certificate (PEM) of the authority that signed the collector's"
    )


class ConsoleTable(Table):
    """``[console]``: the operators' page; with tls_certificate the key is credential console_key.pem."""

    listen: str | int = Field(
        default="127.0.0.1:8443",
        description='host and port, or only a port of this machine: "127.0.0.1:8443"; others need tls_certificate',
    )
    tls_certificate: Path | None = Field(
        default=None, description="the console's certificate as PEM; its key is credential console_key.pem"
    )
    session_minutes: float = Field(
        default=15.0, ge=1, le=24 * 60, description="after so many minutes without a person's act a session ends"
    )
    session_hours: float = Field(
        default=12.0, gt=0, le=24, description="a session ends after so many hours at the latest"
    )
    trusted_proxies: list[Annotated[str, AfterValidator(network)]] = Field(
        default=[], max_length=16,
        description="proxies whose X-Forwarded-For counts: addresses or networks; without them that of the connection",
    )  # fmt: skip
    demo_link_sha256: str | None = Field(
        default=None,
        pattern=r"^[0-9a-f]{64}$",
        json_schema_extra={"secret": "value"},
        description="of the link by which the demo signs in, on loopback only",
    )

    @property
    def host_and_port(self) -> tuple[str, int]:
        """Return where it listens; raises ValueError where that is no address."""
        return host_and_port(self.listen, example="127.0.0.1:8443")

    @model_validator(mode="after")
    def _readable(self) -> "ConsoleTable":
        _ = self.host_and_port
        return self


def host_and_port(listen: str | int, *, example: str) -> tuple[str, int]:
    """Return where something listens, as a table says it; raises ValueError where that is no address."""
    if isinstance(listen, int):
        return _LOOPBACK, _port(listen)
    host, _, port = listen.rpartition(":")
    if not port.isdecimal():
        raise ValueError(f"{listen!r} is no host and port, such as {example}")
    return host_name(host.removeprefix("[").removesuffix("]") or _LOOPBACK), _port(int(port))


def _port(port: int) -> int:
    if not 1 <= port <= _LARGEST_PORT:
        raise ValueError(f"{port} is no port: ports are 1 to {_LARGEST_PORT}")
    return port
