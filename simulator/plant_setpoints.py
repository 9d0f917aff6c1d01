"""The PLC's side of the plant's setpoints: a block for each, its limits, and everything that was requested of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from simulator.plant import Plant
from simulator.setpoint_block import SetpointBlock

Limits = tuple[float, float]


@dataclass(frozen=True, kw_only=True, slots=True)
class WrittenSetpoint:
    """A setpoint that may be written: the tag's validated range, the PLC's own limits, its EURange, and a tolerance."""

    validated: Limits
    plc: Limits
    eu_range: Limits
    tolerance: float


WRITTEN: Mapping[str, WrittenSetpoint] = {
    "reactor_temperature_setpoint": WrittenSetpoint(
        validated=(75.0, 81.0), plc=(74.0, 81.5), eu_range=(60.0, 95.0), tolerance=0.02
    ),
    "neutraliser_flow_setpoint": WrittenSetpoint(
        validated=(28.0, 72.0), plc=(25.0, 75.0), eu_range=(0.0, 100.0), tolerance=0.2
    ),
}
POINTS = ("request", "minimum", "maximum", "external")
BEAT = "beat"


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A value that a client wrote, with where the setpoint stood and the PLC's limits at that instant."""

    tag: str
    value: float
    before: float
    plc: Limits

    @property
    def is_outside(self) -> bool:
        """Return whether it lies outside any limit that the plant knows."""
        limits = (WRITTEN[self.tag].validated, WRITTEN[self.tag].eu_range, self.plc)
        return not all(lower <= self.value <= upper for lower, upper in limits)


class PlantSetpoints:
    """The blocks at work: they take requests while the gateway's heartbeat lives, and move the plant's setpoints."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self.requests: list[Request] = []
        self.blocks = {
            tag: SetpointBlock(setpoint=plant.setpoints[tag], minimum=written.plc[0], maximum=written.plc[1])
            for tag, written in WRITTEN.items()
        }

    def request(self, tag: str, value: float) -> None:
        """Take what a client has written to a request."""
        block = self.blocks[tag]
        self.requests.append(Request(tag=tag, value=value, before=block.setpoint, plc=(block.minimum, block.maximum)))
        block.request = value

    def beat(self, count: int) -> None:
        """Take the gateway's heartbeat."""
        for block in self.blocks.values():
            block.beat = count

    def move(self, tag: str, value: float) -> None:
        """Let an operator move a setpoint by hand."""
        self.blocks[tag].setpoint = value

    def scan(self, now_seconds: float) -> None:
        """Run every block once; the plant then has their setpoints."""
        for tag, block in self.blocks.items():
            block.scan(now_seconds)
            self._plant.setpoints[tag] = block.setpoint

    def point(self, tag: str, point: str) -> float | bool:
        """Return what a variable of a block shows."""
        block = self.blocks[tag]
        shown: dict[str, float | bool] = {
            "request": block.request,
            "minimum": block.minimum,
            "maximum": block.maximum,
            "external": block.external,
        }
        return shown[point]
