"""The configuration as one typed model, with units and hints in its descriptions."""

import base64
import difflib
import ipaddress
import re
import uuid
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from gateway.config.measures import Duration, Rate, Size, Time, _ordered
from gateway.contract.lims.json_paths import FIELDS, is_path
from gateway.contract.lims.names import normalised
from gateway.contract.lims.numbers import is_finite_percent, number_text
from gateway.contract.lims.qualitative import MOST_TEXTS, flattened, list_problem
from gateway.contract.times import parse_rfc3339
from gateway.line.definition import Stage
from gateway.line.spc_rules import DEFAULT_RULES, FEWEST_PER_ANALYTE, RunRule
from gateway.records.laboratory import ResultStatus


def _endpoint(url: str) -> str:
    port = re.search(r":(\d+)(/|$)", url.rsplit("]", 1)[-1].removeprefix("opc.tcp:"))
    if port is not None and not 0 < int(port[1]) <= _LARGEST_PORT:
        raise ValueError(f"{port[1]} is no port: ports are 1 to {_LARGEST_PORT}")
    return url


def _host(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        pass
    if not re.fullmatch(r"[^\s/:@\[\]]+", host) or not host.isprintable():
        raise ValueError(f"{host!r} is no host: only its name or address, such as broker.local, 10.0.0.7 or fd00::7")
    return host


def _client_id(client_id: str) -> str:
    if client_id != client_id.strip() or not client_id.isprintable():
        raise ValueError(f"{client_id!r} begins or ends with a space, or has characters that nobody can see")
    return client_id


def _node(node: str) -> str:
    kind, _, identifier = node.split(";", 1)[1].partition("=")
    try:
        if kind == "g":
            uuid.UUID(identifier)
        if kind == "b":
            base64.b64decode(identifier, validate=True)
    except ValueError as error:
        form = "a GUID such as 09087e75-8e5e-499b-954f-f2a9603db28a" if kind == "g" else "base64"
        raise ValueError(f"{identifier!r} is not {form}") from error
    if kind == "i" and int(identifier) > _LARGEST_UINT32:
        raise ValueError(f"{identifier} is too large: a numeric identifier is at most {_LARGEST_UINT32}")
    return node


Limits = Annotated[tuple[float, float], AfterValidator(_ordered)]

_LARGEST_PORT = 65535

_LARGEST_UINT32 = 2**32 - 1

_NAME = r"^[A-Za-z0-9_.-]+$"

_NODE = r"^nsu=[^;]+;(i=\d+|[sgb]=.+)$"

_PREFIX = "LABLINE_"

_OF_WEBHOOK = ("lims_webhook_token", "lims_webhook_hmac", "lims_webhook_key.pem")

SECURITY_POLICIES = ("Basic256Sha256", "Aes128Sha256RsaOaep", "Aes256Sha256RsaPss")  # of OPC UA, those not deprecated

SECURITY_MODES = ("Sign", "SignAndEncrypt")

_URL = r"^opc\.tcp://([^/:\s\[\]]+|\[[0-9A-Fa-f:.]+(%[^\]\s]+)?\])(:\d{1,5})?(/.*)?$"

_FORMS = {
    _NAME: "a name of letters, digits, _, . and -",
    _NODE: "a node such as nsu=urn:acme:plant;s=R1.TI101",
    _URL: "an endpoint such as opc.tcp://10.0.0.5:4840 or opc.tcp://[fd00::5]:4840",
}

Name = Annotated[str, Field(pattern=_NAME, max_length=64)]

Foreign = Annotated[str, AfterValidator(normalised), StringConstraints(min_length=1)]  # as messages name it

Unit = Annotated[str, AfterValidator(normalised), StringConstraints(max_length=64)]

NodeText = Annotated[str, Field(pattern=_NODE), AfterValidator(_node)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class SiteTable(_Table):
    """``[site]``: where this gateway stands, in words of ISA-95."""

    enterprise: Name = Field(description="the enterprise")
    site: Name = Field(description="the site")
    area: Name = Field(description="the area")
    time_zone: str = Field(default="UTC", description='of the plant\'s shifts, such as "Europe/Paris"')
    line: Name = Field(description="the production line or process cell; one gateway serves one line")


class StoreTable(_Table):
    """``[store]``: where records are kept, and how much room they may take."""

    directory: Path = Field(
        description="a folder of this line's own, which the service may write; relative to this file"
    )
    quota: Size = Field(default=2 * 2**30, description='for telemetry, guidance and history, such as "2 GiB"')
    free_space_floor: Size = Field(default=512 * 2**20, description='kept free on the disk, such as "512 MiB"')
    history_retention: Duration = Field(default=30 * 86400.0, description='how long tag history is kept, such as "30d"')


class OpcUaTable(_Table):
    """``[opcua.<name>]``: an OPC UA server."""

    url: Annotated[str, AfterValidator(_endpoint)] = Field(
        pattern=_URL, description="the server's endpoint, opc.tcp://host:port"
    )
    security: str = Field(
        default="None", pattern=rf"^(None|({'|'.join(SECURITY_POLICIES)})/({'|'.join(SECURITY_MODES)}))$",
        description='"None" or policy and mode, such as "Basic256Sha256/SignAndEncrypt"',
    )  # fmt: skip
    certificate: Path | None = Field(
        default=None, description="this gateway's certificate, where security is set; relative to this file"
    )
    server_certificate: Path | None = Field(
        default=None,
        description="the server's certificate, pinned; or a folder of several, for a change without a stop",
    )
    username: str | None = Field(default=None, description="the user; the password is credential opcua_<name>_password")
    publishing_interval: Duration = Field(default=0.5, gt=0, description='how often values come in batches, "500ms"')
    sampling_interval: Duration = Field(default=0.25, gt=0, description='how often the server samples, "250ms"')
    max_clock_skew: Duration = Field(
        default=2.0, gt=0, description='beyond it values of this server, or of one tag, are not used, "2s"'
    )
    time: Literal["source", "server", "arrival"] = Field(
        default="source",
        description='whose time a value counts from: "source", "server", or "arrival" where neither clock is right',
    )


class TagTable(_Table):
    """``[tags.<name>]``: a process tag."""

    source: str = Field(description="the [opcua.<name>] it comes from")
    node: NodeText = Field(description="nsu=<namespace uri>;<identifier>, never a namespace index")
    index: int | None = Field(
        default=None, ge=0, le=_LARGEST_UINT32, description="of an array, the element to take; the first is 0"
    )
    equipment: Name = Field(description="the equipment it belongs to; that is how a prediction finds its lot")
    unit: Unit = Field(description="the engineering unit")
    validated: Limits | None = Field(default=None, description="[lower, upper]: outside, no model uses it")
    max_rate: Rate | None = Field(default=None, description='fastest believable change, such as "2.0/s"')
    frozen_after: Duration | None = Field(
        default=None, gt=0, description='a sensor that shows the very same value for so long is stuck, such as "10m"'
    )
    max_age: Duration = Field(default=10.0, gt=0, description='oldest value that may be used, such as "10s"')
    accept_uncertain: bool = Field(default=False, description="whether uncertain quality may be used")


class MqttTable(_Table):
    """``[mqtt]``: the broker."""

    host: Annotated[str, AfterValidator(_host)] = Field(min_length=1, description="the broker's host")
    port: int = Field(default=8883, ge=1, le=65535, description="the broker's port")
    tls: bool = Field(default=True, description="whether the connection is encrypted")
    ca_certificate: Path | None = Field(default=None, description="who signed the broker's certificate")
    certificate: Path | None = Field(
        default=None, description="this client's certificate; key: credential mqtt_key.pem"
    )
    username: str | None = Field(default=None, description="the user; the password is credential mqtt_password")
    protocol: Literal["5", "3.1.1"] = Field(default="5", description='"5" or "3.1.1"')
    client_id: Annotated[str, AfterValidator(_client_id)] = Field(
        min_length=1, max_length=60, description="unique at the broker; -in is appended for results"
    )
    session_expiry: Duration = Field(default=7 * 86400.0, ge=60, description="how long the broker keeps results for us")
    receive_maximum: int = Field(default=100, ge=1, le=1000, description="results in flight to us at once")
    topic_root: str = Field(
        default="{enterprise}/{site}/{area}/{line}/quality",
        pattern=r"^[^+#]+$",
        description="root of our topics",
    )


class MesTable(_Table):
    """``[mes]``: orders and lots."""

    topic: str = Field(default="mes/context/#", description="topic filter of context messages")


class MasterDataTable(_Table):
    """``[master_data]``: specifications that another system states."""

    topic: str | None = Field(
        default=None, description='topic filter of specifications, such as "mes/specifications/#"; without it none come'
    )
    ignore: list[str] = Field(
        default_factory=list, description="fields of specifications that nothing reads, and that do not matter"
    )


class MappingTable(_Table):
    """``[lims.mapping]``: where a laboratory's messages have our fields, as paths such as ``data.sample.id``."""

    items: str | None = Field(default=None, description="the path to a list whose elements are one result each")
    statuses: dict[str, ResultStatus] = Field(default_factory=dict, description="the laboratory's words for a status")
    paths: dict[str, str] = Field(
        description="our field to its path; $. begins at the message, where items names a list"
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


class LimsTable(_Table):
    """``[lims]``: laboratory results."""

    topic: str = Field(default="lims/results/#", description="topic filter of results")
    mapping: Literal["canonical", "senaite", "labvantage"] | MappingTable = Field(
        default="canonical", description="how messages are read: canonical, senaite, labvantage, or a table of paths"
    )
    decimal_comma: bool = Field(default=False, description="whether numbers in texts are written with a comma")
    source: Name = Field(default="lims", description="name of this interface; part of every result's identity")
    assume_status: ResultStatus | None = Field(
        default=None, description="status of a message without one; else such a result is for review"
    )
    analytes: dict[str, Name] = Field(default_factory=dict, description="the laboratory's test names to ours")
    ignore: list[str] = Field(
        default_factory=list,
        description="fields of messages and columns of files that do not matter",
    )


class BandsTable(_Table):
    """``[specification.bands]``: percent of target."""

    release: Limits = Field(description="[low, high] percent of target: inside, release")
    review: Limits = Field(description="[low, high] percent of target: inside, review; outside, hold")

    def are_finite(self, target: float) -> bool:
        """Return whether the limits that the bands mean are numbers."""
        return all(is_finite_percent(target, percent) for percent in (*self.release, *self.review))


def _texts(stated: Any) -> tuple[str, ...]:
    texts = flattened(stated)
    if texts is None:
        raise ValueError(
            f'must be a list of at most {MOST_TEXTS} texts such as ["absent"], or a table of such lists by language'
        )
    return texts


Texts = Annotated[tuple[str, ...], BeforeValidator(_texts)]


class SpecificationTable(_Table):
    """``[[specification]]``: limits of one analyte of one product, or the texts that it accepts."""

    product: Foreign = Field(description="material_definition_id")
    analyte: Name = Field(description="our name of the analyte")
    lower: float | None = Field(default=None, description="lower limit")
    upper: float | None = Field(default=None, description="upper limit")
    target: float | None = Field(default=None, description="what one aims at")
    unit: Unit | None = Field(default=None, description="the unit of all of them; docs/laboratory.md lists units")
    version: str | None = Field(default=None, description="the specification's version")
    inclusive: bool = Field(default=True, description="whether a value on a limit is inside")
    lower_inclusive: bool | None = Field(default=None, description="of the lower limit alone, else as inclusive says")
    upper_inclusive: bool | None = Field(default=None, description="of the upper limit alone, else as inclusive says")
    decimals: int | None = Field(
        default=None, ge=0, le=9, description="to how many decimals results are rounded before they are compared"
    )
    client: Foreign | None = Field(default=None, description="client_id: for this client's orders only; else for all")
    effective_from: Time | None = Field(default=None, description="in force for samples drawn from then on (RFC 3339)")
    effective_until: Time | None = Field(default=None, description="in force for samples drawn before then (RFC 3339)")
    required: bool = Field(default=False, description="whether no lot of the product is released without it")
    bands: BandsTable | None = Field(default=None, description="action bands around the target")
    accepts: Texts = Field(
        default=(),
        description='results in words that are inside, such as ["absent"]; a list, or a table of lists by language',
    )
    rejects: Texts = Field(
        default=(), description='results in words that are outside, such as ["detected"]; others are for review'
    )
    non_negative: bool | None = Field(
        default=None, description="whether no value can lie below 0; without it, where lower is 0"
    )
    assume_unit: bool = Field(
        default=False,
        description="whether a number without a unit is in the specification's; else flagged, or for review",
    )

    @model_validator(mode="after")
    def _consistent(self) -> "SpecificationTable":
        if self.lower is None and self.upper is None and not self.accepts:
            raise ValueError("a specification needs lower, upper or accepts")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"lower {number_text(self.lower)} is above upper {number_text(self.upper)}")
        if self.bands is not None and not self.target:
            raise ValueError("bands are percent of target: set a target other than 0")
        if self.bands is not None and self.target is not None and not self.bands.are_finite(self.target):
            raise ValueError("bands of this target are too large for a number")
        problem = list_problem(self.accepts, self.rejects)
        if problem is not None:
            raise ValueError(problem)
        if (
            self.effective_from
            and self.effective_until
            and not (parse_rfc3339(self.effective_from) < parse_rfc3339(self.effective_until))
        ):
            raise ValueError("effective_until must be after effective_from")
        return self


class TrendTable(_Table):
    """``[[trend]]``: how series of results are charted; the first that fits a series holds."""

    product: Foreign | None = Field(default=None, description="material_definition_id; without it of all products")
    analyte: Name | None = Field(default=None, description="our name of the analyte; without it of all")
    rules: list[RunRule] = Field(default=list(DEFAULT_RULES), description="which patterns are for a person to look at")
    ewma: bool = Field(default=False, description="whether the weighted average is watched, too (lambda .2, L 2.962)")
    cusum: bool = Field(default=False, description="whether the summed deviations are watched, too (k .5, h 5)")
    baseline: int = Field(default=25, ge=10, le=200, description="from how many first values limits are frozen")


class ControlTable(_Table):
    """``[[control]]``: a control material of the laboratory; its results are held against Westgard's rules."""

    material: Foreign = Field(description="what results name as their control_id")
    analyte: Name = Field(description="our name of the analyte")
    mean: float = Field(allow_inf_nan=False, description="its known value")
    standard_deviation: float = Field(gt=0, allow_inf_nan=False, description="of the measurement, in the same unit")
    unit: Unit | None = Field(default=None, description="of both; results are converted to it")


class TogetherTable(_Table):
    """``[[together]]``: analytes whose values in one sample are judged together (Hotelling's T2, alpha .01)."""

    product: Foreign = Field(description="material_definition_id")
    analytes: list[Name] = Field(min_length=2, max_length=20, description="our names of the analytes")
    baseline: int = Field(default=40, ge=10, le=500, description="from how many first samples the reference is frozen")

    @model_validator(mode="after")
    def _enough(self) -> "TogetherTable":
        if self.baseline < FEWEST_PER_ANALYTE * len(self.analytes):
            fewest = FEWEST_PER_ANALYTE * len(self.analytes)
            raise ValueError(f"a reference of {len(self.analytes)} analytes needs at least {fewest} samples")
        if len(set(self.analytes)) < len(self.analytes):
            raise ValueError("each analyte once")
        return self


def _stage(value: Any) -> Any:
    return Stage[value.upper()] if isinstance(value, str) and value.upper() in Stage.__members__ else value


class ModelTable(_Table):
    """``[[model]]``: a bundle at work."""

    bundle: Path = Field(description="the bundle's folder, relative to this file")
    equipment: Name = Field(description="the equipment it predicts for")
    every: Duration = Field(default=5.0, ge=0.1, description='how often it predicts, such as "5s"')
    stage: Annotated[Stage, BeforeValidator(_stage)] = Field(
        default=Stage.SHADOW, description="a ceiling: shadow, advise, approve or automatic"
    )
    bias: Literal["off", "signed", "auto"] = Field(
        default="off",
        description="what corrects it, within the bundle's bounds: off (nothing), signed (what a person has signed; "
        "laboratory results only propose) or auto (laboratory results)",
    )
    candidate: Path | None = Field(
        default=None, description="another version of it, which predicts beside it in shadow, to be compared"
    )
    expires_after: Duration = Field(default=600.0, gt=0, description='how long its advice is good, such as "10m"')


class ApprovalTable(_Table):
    """``[approval]``: whose signatures let a model rise above ``shadow``."""

    trusted_keys: Path | None = Field(
        default=None,
        description="a folder of Ed25519 public keys as PEM, one per approver; without it the config's stage holds",
    )


class ProceduresTable(_Table):
    """``[procedures]``: what the plant does when something fails, as Markdown files."""

    folder: Path | None = Field(default=None, description="a folder of .md files, relative to this file")


class SamplingTable(_Table):
    """``[sampling]``: which samples the laboratory is asked for when lots end."""

    enabled: bool = Field(default=False, description="whether requests are published")
    tests_per_hour: float | None = Field(default=None, gt=0, description="what the laboratory can do, for due times")
    tests: dict[Name, tuple[str, str]] = Field(
        default_factory=dict, description='by analyte, the test\'s id and name in the LIMS: ["QC-001", "Viscosity"]'
    )


class WebhookTable(_Table):
    """``[webhook]``: results over HTTP, without MQTT; credential lims_webhook_token has 16 characters or more."""

    port: int | None = Field(default=None, ge=1, le=65535, description="the port; without it there is no webhook")
    host: str = Field(default="127.0.0.1", description="the address to listen on; others than loopback need tls")
    certificate: Path | None = Field(
        default=None, description="the server's certificate as PEM; its key is credential lims_webhook_key.pem"
    )


class TextsTable(_Table):
    """``[texts]``: the language of sentences."""

    language: Literal["en"] = Field(default="en", description="language of the sentences in payloads")


class Settings(BaseSettings):
    """The whole file."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=_PREFIX, env_nested_delimiter="__", allow_inf_nan=False
    )

    site: SiteTable
    store: StoreTable
    mqtt: MqttTable
    opcua: dict[Name, OpcUaTable] = Field(default_factory=dict)
    tags: dict[Name, TagTable] = Field(default_factory=dict)
    mes: MesTable = MesTable()
    master_data: MasterDataTable = MasterDataTable()
    lims: LimsTable = LimsTable()
    specification: list[SpecificationTable] = Field(default_factory=list)
    trend: list[TrendTable] = Field(default_factory=list)
    together: list[TogetherTable] = Field(default_factory=list)
    control: list[ControlTable] = Field(default_factory=list)
    model: list[ModelTable] = Field(default_factory=list)
    approval: ApprovalTable = ApprovalTable()
    procedures: ProceduresTable = ProceduresTable()
    sampling: SamplingTable = SamplingTable()
    webhook: WebhookTable = WebhookTable()
    texts: TextsTable = TextsTable()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings fixes these names
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before file; the file comes in as the initial values of ``read``."""
        return (env_settings, init_settings)

    @property
    def line_path(self) -> str:
        """Return enterprise/site/area/line."""
        return f"{self.site.enterprise}/{self.site.site}/{self.site.area}/{self.site.line}"

    @property
    def topic_root(self) -> str:
        """Return the root of our topics with the site's names filled in."""
        return self.mqtt.topic_root.format(**self.site.model_dump()).strip("/")
