"""``[sparkplug]``: the gateway as an edge node of Sparkplug B."""

from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.config.forms import Table, client_identifier, host_name
from gateway.config.measures import Duration

_ID = r"^[^+/#\x00-\x1f\x7f]+$"


def _identifier(text: str) -> str:
    """Return an id as it is; raises ValueError where it is none (Sparkplug 3.0, 4.1)."""
    client_identifier(text)
    if text == "STATE":
        raise ValueError("STATE is the place where hosts say whether they are online: choose another name")
    return text


Identifier = Annotated[str, Field(pattern=_ID, max_length=64), AfterValidator(_identifier)]


class SparkplugTable(Table):
    """``[sparkplug]``: values and states for hosts such as SCADA; the broker is [mqtt]'s unless host names another."""

    group_id: Identifier = Field(description="the group that the line belongs to, such as lyon")
    edge_node_id: Identifier = Field(description="the name of this gateway that no other has in the group")
    primary_host_id: Identifier | None = Field(
        default=None, description="the host whose absence is waited out; without it there is none to wait for"
    )
    host: Annotated[str, AfterValidator(host_name)] | None = Field(
        default=None, description="another broker; TLS, user and credentials are those of [mqtt]"
    )
    port: int | None = Field(default=None, ge=1, le=65535, description="the other broker's port; without it [mqtt]'s")
    client_id: Annotated[str, AfterValidator(client_identifier), Field(min_length=1, max_length=60)] | None = Field(
        default=None, description="a name that no other client of the broker has; without it [mqtt]'s with -sparkplug"
    )
    datatypes_in_data: bool = Field(
        default=False, description="for hosts that read no value without its datatype: true sends it with each"
    )
    keep: Duration = Field(
        default=7 * 86400.0, ge=60, description='how long what no host has heard is kept, such as "7d"'
    )
    keep_values: int = Field(
        default=100_000, ge=100, le=10_000_000, description="how many reports are kept at most; the oldest go first"
    )
