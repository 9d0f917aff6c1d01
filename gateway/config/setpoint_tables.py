"""The tables of what is written to PLCs: ``[tags.<name>.write]`` and ``[setpoints]``."""

from typing import Literal

from pydantic import Field

from gateway.config.forms import Name, NodeText, Table
from gateway.config.measures import Duration
from gateway.line.setpoint_writes import WriteProfile


class WriteTable(Table):
    """``[tags.<name>.write]``: how an approved value of a setpoint is written."""

    profile: Literal["request", "mtp", "method"] = Field(
        description="request (a plain variable), mtp (VExt, VReq, VOut of VDI/VDE/NAMUR 2658) or method (OPC UA method)"
    )
    request: NodeText | None = Field(
        default=None, description="the variable that is written: VExt, or of profile request another node than the tag"
    )
    requested: NodeText | None = Field(default=None, description="VReq: what the PLC has taken as requested (mtp)")
    apply: NodeText | None = Field(default=None, description="ApplyExt, where the module has one (mtp)")
    feedback: NodeText | None = Field(default=None, description="VFbk: what follows the setpoint (mtp)")
    minimum: NodeText | None = Field(default=None, description="the PLC's own live lower limit: VMin")
    maximum: NodeText | None = Field(default=None, description="the PLC's own live upper limit: VMax")
    external: NodeText | None = Field(
        default=None, description="SrcExtAct, or another Boolean: true while the PLC takes values from the gateway"
    )
    object: NodeText | None = Field(default=None, description="the object of the method (method)")
    method: NodeText | None = Field(default=None, description="the method that is called (method)")
    arguments: list[Literal["value", "id"]] = Field(
        default=["value"], description='what the method is called with, in its order: "value", "id" of the intent'
    )
    tolerance: float = Field(ge=0, description="how far what is read back may be from what was written, in its unit")
    timeout: Duration = Field(default=5.0, gt=0, le=60, description='how long the PLC may take, such as "5s"')
    settle: Duration = Field(default=1.0, ge=0, le=60, description='how long it must stay there, such as "1s"')
    feedback_within: Duration = Field(
        default=60.0, gt=0, le=3600, description='how long feedback may take to reach the value, such as "60s" (mtp)'
    )
    valid_for: Duration = Field(default=30.0, gt=0, description='how long an approval may wait, such as "30s"')
    low_risk: bool = Field(default=False, description="whether stage automatic may move it without a person")
    moves_per_hour: int = Field(default=0, ge=0, le=3600, description="at most so many moves without a person an hour")

    @property
    def kind(self) -> WriteProfile:
        """Return the profile."""
        return WriteProfile(self.profile)


class SetpointsTable(Table):
    """``[setpoints]``: what holds for all writing."""

    stop_tag: Name | None = Field(
        default=None, description="a tag: while it is not 0, or not known, nothing is written to any PLC"
    )
