"""The configuration file as one typed model; its descriptions are the hints of errors, with units."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from gateway.config.alarm_tables import AlarmsTable, NotifyTable
from gateway.config.certificate_tables import CertificatesTable
from gateway.config.connection_tables import (
    ConsoleTable,
    LimsTable,
    MasterDataTable,
    MesTable,
    MonitoringTable,
    MqttTable,
    OpcUaTable,
    TracesTable,
    UmhTable,
    WebhookTable,
)
from gateway.config.forms import LARGEST_UINT32, Limits, Name, NodeText, Table, Unit
from gateway.config.interface_tables import I3xTable, OpcUaServerTable
from gateway.config.knowledge_tables import CopilotTable, KnowledgeTable
from gateway.config.laboratory_tables import ControlTable, SamplingTable, SpecificationTable, TogetherTable, TrendTable
from gateway.config.load_tables import LaboratoryTable
from gateway.config.measures import Duration, Rate, Size
from gateway.config.review_table import ReviewTable
from gateway.config.setpoint_tables import SetpointsTable, WriteTable
from gateway.config.signature_table import SignatureTable, acts_that_can_be_signed, all_can_be_given
from gateway.config.sink_tables import SinkTable
from gateway.config.sparkplug_tables import SparkplugTable
from gateway.line.definition import Stage
from gateway.records.act_kinds import ActKind

PREFIX = "LABLINE_"
OF_CONSOLE = "console_key.pem"
OF_OPCUA_SERVER = "opcua_server_key.pem"
OF_WEBHOOK = ("lims_webhook_token", "lims_webhook_hmac", "lims_webhook_key.pem")


SinkName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$", max_length=32)]


class SiteTable(Table):
    """``[site]``: where this gateway stands, in the words of ISA-95."""

    enterprise: Name = Field(description="the enterprise, such as acme; part of every topic")
    site: Name = Field(description="the site of the enterprise, such as north; part of every topic")
    area: Name = Field(description="the area of the site, such as mixing; part of every topic")
    time_zone: str = Field(default="UTC", description='the time zone of the plant\'s shifts, such as "Europe/Paris"')
    line: Name = Field(description="the production line or process cell; one gateway serves one line")


class StoreTable(Table):
    """``[store]``: where records are kept, and how much room they may take."""

    directory: Path = Field(
        description="a folder of this line's own, which the service may write; relative to this file"
    )
    quota: Size = Field(
        default=2 * 2**30, description='the most that telemetry, guidance and history may take, such as "2 GiB"'
    )
    free_space_floor: Size = Field(
        default=512 * 2**20, description='how much of the disk is kept free, such as "512 MiB"'
    )
    history_retention: Duration = Field(default=30 * 86400.0, description='how long tag history is kept, such as "30d"')


class TagTable(Table):
    """``[tags.<name>]``: a process tag."""

    source: str = Field(description="the server that has it: the name in [opcua.<name>]")
    node: NodeText = Field(
        description="nsu=<namespace uri>;<identifier>, as labline opcua browse shows it, not a namespace index"
    )
    index: int | None = Field(
        default=None, ge=0, le=LARGEST_UINT32, description="which element of an array to take; the first is 0"
    )
    equipment: Name = Field(description="the equipment it belongs to; by it a prediction finds its lot")
    unit: Unit = Field(description="the engineering unit")
    validated: Limits | None = Field(
        default=None, description="[lower, upper]: no model uses a value outside of these limits"
    )
    max_rate: Rate | None = Field(default=None, description='the fastest change that can be real, such as "2.0/s"')
    frozen_after: Duration | None = Field(
        default=None, gt=0, description='after how long without any change a sensor counts as stuck, such as "10m"'
    )
    max_age: Duration = Field(default=10.0, gt=0, description='how old a value may be to be used, such as "10s"')
    accept_uncertain: bool = Field(
        default=False, description="whether values of uncertain OPC UA quality may be used: true or false"
    )
    write: WriteTable | None = Field(
        default=None, description="how an approved value is written to the PLC; without it nothing is written"
    )


def _stage(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if value.upper() not in Stage.__members__:
        raise ValueError(f'must be "shadow", "advise", "approve" or "automatic", not "{value}"')
    return Stage[value.upper()]


class ModelTable(Table):
    """``[[model]]``: a bundle at work."""

    bundle: Path = Field(description="the bundle's folder, relative to this file")
    equipment: Name = Field(description="the equipment it predicts for")
    every: Duration = Field(default=5.0, ge=0.1, description='how often it predicts, such as "5s"')
    stage: Annotated[Stage, BeforeValidator(_stage)] = Field(
        default=Stage.SHADOW, description="how far the model may go at most: shadow, advise, approve or automatic"
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
    on_delay: Duration | None = Field(
        default=None, description="how long its predictions must reach beyond a limit; without it: as in [alarms]"
    )
    off_delay: Duration | None = Field(
        default=None, description="how long its predictions must lie well inside; without it: as in [alarms]"
    )
    dead_band: float | None = Field(
        default=None, ge=0, le=10, description="how far inside that is, in half widths; without it: as in [alarms]"
    )


class ApprovalTable(Table):
    """``[approval]``: whose signatures let a model rise above ``shadow``."""

    trusted_keys: Path | None = Field(
        default=None,
        description="a folder of Ed25519 public keys (PEM), one for each approver; without it no signature is needed",
    )
    signed_stages: bool = Field(
        default=True, description="whether a model goes beyond advise only by a signed act: labline model stage"
    )


class ProceduresTable(Table):
    """``[procedures]``: what the plant does when something fails, as Markdown files."""

    folder: Path | None = Field(default=None, description="a folder of .md files, relative to this file")


class TextsTable(Table):
    """``[texts]``: the language in which people at the plant are addressed."""

    language: Literal["en", "de"] = Field(
        default="en", description="the language of titles, sentences and documents: en (English) or de (German)"
    )
    units: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(min_length=1, max_length=40)]] = Field(
        default_factory=dict,
        description='how the plant\'s screens write units, such as "degC" = "\u00b0C"; payloads keep their codes',
    )


class Settings(Table):
    """The whole file."""

    model_config = ConfigDict(validate_default=True)

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
    knowledge: KnowledgeTable = KnowledgeTable()
    copilot: CopilotTable = CopilotTable()
    certificates: CertificatesTable = CertificatesTable()
    sampling: SamplingTable = SamplingTable()
    review: ReviewTable = ReviewTable()
    laboratory: LaboratoryTable = LaboratoryTable()
    setpoints: SetpointsTable = SetpointsTable()
    webhook: WebhookTable = WebhookTable()
    console: ConsoleTable | None = Field(
        default=None, description="the operators' page; without the table there is none"
    )
    monitoring: MonitoringTable | None = Field(
        default=None, description="figures and probes for monitoring; without the table there are none"
    )
    i3x: I3xTable | None = Field(
        default=None, description="what is committed, readable by i3X; without the table it is not served"
    )
    opcua_server: OpcUaServerTable | None = Field(
        default=None, description="what is committed, readable by OPC UA; without the table there is no server"
    )
    umh: UmhTable | None = Field(
        default=None, description="predictions to the United Manufacturing Hub; without the table none"
    )
    sparkplug: SparkplugTable | None = Field(
        default=None, description="an edge node of Sparkplug B for hosts; without the table there is none"
    )
    traces: TracesTable | None = Field(
        default=None, description="spans of results for OpenTelemetry; without the table there are none"
    )
    texts: TextsTable = TextsTable()
    signatures: Annotated[
        dict[ActKind, SignatureTable], BeforeValidator(acts_that_can_be_signed), AfterValidator(all_can_be_given)
    ] = Field(default_factory=dict)
    alarms: AlarmsTable = AlarmsTable()
    notify: dict[Name, NotifyTable] = Field(default_factory=dict)
    sinks: dict[SinkName, SinkTable] = Field(default_factory=dict)

    @property
    def line_path(self) -> str:
        """Return enterprise/site/area/line."""
        return f"{self.site.enterprise}/{self.site.site}/{self.site.area}/{self.site.line}"

    @property
    def topic_root(self) -> str:
        """Return the root of our topics with the site's names filled in."""
        return self.mqtt.topic_root.format(**self.site.model_dump()).strip("/")
