"""Tables of the configuration about alarms and warnings."""

from pydantic import Field

from gateway.config.forms import Table
from gateway.config.measures import Duration


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
