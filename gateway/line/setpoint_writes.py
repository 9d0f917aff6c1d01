"""How an approved setpoint reaches the PLC: one record for each tag that the gateway may write."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.time_units import SECOND_NS


class WriteProfile(StrEnum):
    """By what agreement with the PLC a setpoint is written."""

    REQUEST = "request"  # a plain variable that the PLC takes over
    MTP = "mtp"  # the parameter of a process module: VExt, VReq, VOut (VDI/VDE/NAMUR 2658-3)
    METHOD = "method"  # an OPC UA method


class Point(StrEnum):
    """What a node is to a write, whichever profile it has."""

    REQUEST = "request"  # the variable that is written; of an MTP parameter: VExt
    REQUESTED = "requested"  # VReq: the value that the PLC has taken as requested
    APPLY = "apply"  # ApplyExt: takes the requested value over; not every module has one
    ACTUAL = "actual"  # the setpoint in force: the tag itself; of an MTP parameter: VOut
    FEEDBACK = "feedback"  # VFbk: where the process follows to
    MINIMUM = "minimum"  # the PLC's own live limits; VMin, VMax
    MAXIMUM = "maximum"
    EXTERNAL = "external"  # SrcExtAct, or a mode: true while the PLC listens to the gateway
    METHOD_OBJECT = "object"
    METHOD = "method"


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointWrite:
    """How one tag is written, and within which bounds of its own.

    ``nodes``: by point, ``nsu=<uri>;<identifier>``. ``low_risk``: stage ``automatic`` may move it without a person, at
    most ``moves_per_hour`` times. ``valid_ns``: for how long an approval may wait for its write. ``tolerance``: how far
    what is read back may be from what was written. ``settle_ns``: for how long it has to stay there, as a PLC takes a
    request over only with its next scan. ``feedback_within_ns``: how long the feedback, where there is one, may take
    to reach the value once it stands. ``arguments``: of a method, in their order: ``value`` or ``id``.
    """

    tag: str
    source: str
    profile: WriteProfile
    nodes: Mapping[Point, str]
    tolerance: float
    timeout_ns: int
    settle_ns: int
    valid_ns: int
    feedback_within_ns: int = 60 * SECOND_NS
    low_risk: bool = False
    moves_per_hour: int = 0
    arguments: tuple[str, ...] = ("value",)


@dataclass(frozen=True, kw_only=True, slots=True)
class SetpointWrites:
    """Everything that the gateway may write, by tag; ``stop_tag``: while it is not 0, nothing is written.

    ``heartbeats``: by source, the node of the counter by which the PLC sees that the gateway is there.
    """

    by_tag: Mapping[str, SetpointWrite] = field(default_factory=dict)
    stop_tag: str | None = None
    heartbeats: Mapping[str, str] = field(default_factory=dict)


NO_WRITES = SetpointWrites()
