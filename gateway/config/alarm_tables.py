"""Tables of the configuration about alarms and warnings."""

from datetime import time
from typing import Literal

from pydantic import Field

from gateway.config.forms import Table
from gateway.config.measures import Duration
from gateway.records.guidance import Severity
from gateway.records.users import Role
from gateway.transport.notices import NoticeKind


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
