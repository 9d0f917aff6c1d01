"""Tables of the configuration about alarms and warnings."""

from datetime import time
from typing import Literal, Self

from pydantic import Field, model_validator

from gateway.config.forms import Foreign, Name, Table
from gateway.config.measures import Duration
from gateway.line.alarm_rules import Production
from gateway.records.guidance import Severity
from gateway.records.users import Role
from gateway.transport.notices import NoticeKind


class SuppressTable(Table):
    """``[[alarms.suppress]]``: alarms that call nobody while a condition of the plant holds (suppressed by design)."""

    name: Name = Field(description="what lists, records and the audit trail call it")
    equipment: Foreign = Field(description="of which equipment the condition is, and the warnings")
    production: Production | None = Field(
        default=None, description="that a lot runs (lot_runs), or that none does (between_lots), as production says"
    )
    states: list[Foreign] = Field(
        default_factory=list, description="that the equipment is in one of these states or phases, as production says"
    )
    products: list[Foreign] = Field(default_factory=list, description="that one of these products runs")
    tag: Name | None = Field(default=None, description="the tag that is compared")
    above: float | None = Field(default=None, description="that the tag's value is above this")
    below: float | None = Field(default=None, description="that the tag's value is below this")
    hysteresis: float = Field(
        default=0.0, ge=0, description="how far back beyond the mark the value must come before the condition ends"
    )
    max_age: Duration | None = Field(
        default=None, gt=0, description="how old the tag's value may be; without it: as [tags] says; older: unknown"
    )
    warnings: bool = Field(default=True, description="whether warnings of the equipment's predictions are suppressed")
    analytes: list[Foreign] = Field(default_factory=list, description="only warnings of these; without it: of all")
    sources: list[Name] = Field(
        default_factory=list, description="the gateway's own alarms of these servers, such as a lost connection"
    )
    alarms: list[str] = Field(
        default_factory=list, description="other alarms of the gateway, by code; none that is critical"
    )
    longest: Duration = Field(
        default=8 * 3600.0, gt=0, description="then it ends, until the condition has ended and come again"
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.production is None and not self.states and not self.products and self.tag is None:
            raise ValueError("states no condition: give production, states, products or tag")
        compared = self.above is not None or self.below is not None
        if (self.tag is not None) != compared:
            raise ValueError("tag goes with above, below or both")
        if self.above is not None and self.below is not None and not self.above < self.below:
            raise ValueError("above must be less than below: the value lies between them")
        if not (self.warnings or self.sources or self.alarms):
            raise ValueError("suppresses nothing: leave warnings true, or name sources or alarms")
        if self.analytes and not self.warnings:
            raise ValueError("analytes are those of warnings, and warnings is false")
        return self


class AlarmsTable(Table):
    """``[alarms]``: how often operators are called, and for how long a prediction must stand before they are."""

    most_per_10_minutes: int = Field(
        default=2,
        ge=1,
        le=1000,
        description="how many new warnings and suggestions of one equipment call operators in ten minutes; "
        "the rest is on the board, and one message names it; holds and what is critical are never kept back",
    )
    period: Duration = Field(
        default=600.0, gt=0, description="the ten minutes of that count; shorter only where the plant is simulated"
    )
    longest_shelve: Duration = Field(
        default=8 * 3600.0, gt=0, description='for how long a person may keep an alarm from calling, such as "8h"'
    )
    on_delay: Duration | None = Field(
        default=None,
        description="how long predictions must reach beyond a limit before they are a warning; "
        "without it: until the model has predicted twice more",
    )
    off_delay: Duration | None = Field(
        default=None,
        description="how long predictions must lie well inside before the warning ends; "
        "without it: until the model has predicted four times more",
    )
    dead_band: float = Field(
        default=0.25,
        ge=0,
        le=10,
        description="how far inside the limits that is, as a share of the half width of the prediction's interval",
    )
    ask_again_after: Duration = Field(
        default=8 * 3600.0,
        gt=0,
        description="after which time a rejected warning or suggestion may come back, "
        "although its condition is the same",
    )
    ask_again_grown: float = Field(
        default=0.5,
        gt=0,
        le=10,
        description="by which share further beyond the limit it comes back earlier; "
        "it does so at once when it becomes critical, crosses another limit, or has ended and comes again",
    )
    suppress: list[SuppressTable] = Field(default_factory=list)


class NotifyTable(Table):
    """``[notify.<name>]``: who outside the plant is told of alarms; the password or the address is a credential."""

    kind: NoticeKind = Field(description="email, webhook (JSON), teams or slack")
    to: list[str] = Field(default_factory=list, description="of email: the addresses")
    sender: str | None = Field(default=None, description="of email: the address it comes from")
    host: str | None = Field(default=None, description="of email: the SMTP server")
    port: int = Field(default=587, ge=1, le=65535, description="of email: its port")
    security: Literal["starttls", "tls", "none"] = Field(
        default="starttls", description="of email: starttls, tls, or none, which sends everything readably"
    )
    user: str | None = Field(
        default=None, description="of email: who signs in, with the credential notify_<name>_password"
    )
    url: str | None = Field(
        default=None,
        pattern=r"^https?://",
        json_schema_extra={"secret": "address"},
        description="of webhook, teams and slack: the address; better as the credential notify_<name>_url",
    )
    severities: list[Severity] = Field(
        default_factory=lambda: [Severity.CRITICAL],
        description='which alarms: of "critical", "warning" and "information"',
    )
    positions: list[Role] = Field(
        default_factory=list, description="whose alarms, by role, such as quality; without it: all"
    )
    ended: bool = Field(default=True, description="whether it is also told that an alarm is over")
    quiet_hours: tuple[time, time] | None = Field(
        default=None,
        description="from when to when only what is critical is told at once, in the plant's time zone, "
        'such as ["22:00", "06:00"]; the rest is told after them, in one notice',
    )
