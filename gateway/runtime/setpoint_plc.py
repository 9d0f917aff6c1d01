"""The PLC as the writer of setpoints sees it: everything that a move is judged by, and the only way to send one."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import structlog

from gateway.guardrails.reasons import Abstention, abstain
from gateway.guardrails.writing import PlantNow, manipulated_of
from gateway.line.definition import LineDefinition
from gateway.line.limits import Limits
from gateway.line.setpoint_writes import Point, SetpointWrite, WriteProfile
from gateway.records.setpoints import SetpointIntent
from gateway.records.verdicts import Reason
from gateway.setpoints.handshake import Seen
from gateway.transport.opcua_types import Writable
from gateway.transport.opcua_writing import TRUE, Variant, as_text

log = structlog.get_logger()

_READ_BACK = (Point.ACTUAL, Point.REQUESTED, Point.EXTERNAL, Point.FEEDBACK)
_LIMITS = (Point.MINIMUM, Point.MAXIMUM, Point.EXTERNAL)
_RANGED = (Point.REQUEST, Point.ACTUAL)


class Port(Protocol):
    """A connection to a PLC's server, node by node; see ``PlcPort`` for what each does and raises."""

    async def read(self, nodes: Mapping[str, str]) -> dict[str, float]:
        """Return by name the values that are numbers of good quality."""
        ...

    async def writable(self, node: str) -> Writable:
        """Return the type of a variable."""
        ...

    async def eu_range(self, *nodes: str) -> Limits | None:
        """Return the intersection of the variables' EURange, None where none has one."""
        ...

    async def arguments(self, method: str) -> tuple[Writable, ...]:
        """Return the types of a method's arguments."""
        ...

    async def write(self, node: str, value: Variant) -> None:
        """Write a variable."""
        ...

    async def call(self, parent: str, method: str, arguments: Sequence[Variant]) -> None:
        """Call a method."""
        ...

    async def beat(self, node: str) -> None:
        """Count a heartbeat up by one."""
        ...


class Plc:
    """One connection to a PLC; ``present``: a tag's value of now from the history, for tags of other servers."""

    def __init__(self, port: Port, *, source: str, present: Callable[[str], float | None]) -> None:
        self._port = port
        self._source = source
        self._present = present

    async def beat(self, node: str) -> None:
        """Count the heartbeat up by one."""
        await self._port.beat(node)

    async def apply(self, write: SetpointWrite) -> None:
        """Have the module take over what was requested; raises WriteRefusedError."""
        await self._port.write(write.nodes[Point.APPLY], TRUE)

    async def seen(self, write: SetpointWrite) -> Seen:
        """Return what the PLC shows after a value was sent."""
        points = {point: write.nodes[point] for point in _READ_BACK if point in write.nodes}
        values = await self._port.read({point.value: node for point, node in points.items()})
        return Seen(
            actual=values.get(Point.ACTUAL),
            requested=values.get(Point.REQUESTED),
            external=_true_or_false(values.get(Point.EXTERNAL)),
            feedback=values.get(Point.FEEDBACK),
        )

    async def at_this_instant(
        self, intent: SetpointIntent, write: SetpointWrite, line: LineDefinition
    ) -> tuple[PlantNow, Writable]:
        """Return what the plant shows at this instant, in one read, and the type that the value is written in."""
        tags = _tags_of(intent, line)
        nodes = {f"tag {tag}": line.tags[tag].node for tag in tags if line.tags[tag].source == self._source}
        nodes |= {point.value: write.nodes[point] for point in _LIMITS if point in write.nodes}
        writable = await self._writable(write)
        eu_range = await self._port.eu_range(*(write.nodes[point] for point in _RANGED if point in write.nodes))
        values = await self._port.read(nodes)
        present = {tag: values.get(f"tag {tag}") if f"tag {tag}" in nodes else self._present(tag) for tag in tags}
        known = {tag: value for tag, value in present.items() if value is not None}
        toward = known.get(intent.tag, intent.from_value)
        return (
            PlantNow(
                to_write=writable.typed(intent.to_value, toward=toward),
                tags=known,
                eu_range=eu_range,
                external=_true_or_false(values.get(Point.EXTERNAL)),
                external_declared=Point.EXTERNAL in write.nodes,
                limits_declared=(Point.MINIMUM in write.nodes, Point.MAXIMUM in write.nodes),
                minimum=values.get(Point.MINIMUM),
                maximum=values.get(Point.MAXIMUM),
            ),
            writable,
        )

    async def stop_tag(self, line: LineDefinition) -> Reason | None:
        """Return why the stop tag lets nothing be sent at this instant, None where it does or there is none."""
        stop_tag = line.writes.stop_tag
        if stop_tag is None or stop_tag not in line.tags:
            return None
        tag = line.tags[stop_tag]
        here = tag.source == self._source
        value = (await self._port.read({"stop": tag.node})).get("stop") if here else self._present(stop_tag)
        return None if value == 0.0 else abstain(Abstention.STOP_TAG, tag=stop_tag)

    async def _writable(self, write: SetpointWrite) -> Writable:
        if write.profile is not WriteProfile.METHOD:
            return await self._port.writable(write.nodes[Point.REQUEST])
        types = await self._port.arguments(write.nodes[Point.METHOD])
        fits = len(types) == len(write.arguments)
        if not fits or not all(types[at].is_text for at, name in enumerate(write.arguments) if name == "id"):
            return Writable(variant_type=None)
        return types[write.arguments.index("value")]

    async def send(self, intent: SetpointIntent, write: SetpointWrite, writable: Writable, value: float) -> None:
        """Send the value: the only place from which a setpoint goes to a PLC."""
        log.info("a setpoint is written", tag=intent.tag, value=value, approved_by=intent.approved_by)
        if write.profile is WriteProfile.METHOD:
            texts = {"value": writable.variant(value), "id": as_text(intent.intent_id)}
            arguments = [texts[name] for name in write.arguments]
            await self._port.call(write.nodes[Point.METHOD_OBJECT], write.nodes[Point.METHOD], arguments)
        else:
            await self._port.write(write.nodes[Point.REQUEST], writable.variant(value))


def _true_or_false(value: float | None) -> bool | None:
    """Return what a Boolean shows; None where it is not known, as of the number of a mode that is neither 0 nor 1."""
    return value == 1.0 if value in {0.0, 1.0} else None


def _tags_of(intent: SetpointIntent, line: LineDefinition) -> tuple[str, ...]:
    manipulated, stop_tag = manipulated_of(intent, line), line.writes.stop_tag
    interlocks = () if manipulated is None else manipulated.interlocks
    named = (intent.tag, *(interlock.tag for interlock in interlocks), *((stop_tag,) if stop_tag else ()))
    return tuple(tag for tag in dict.fromkeys(named) if tag in line.tags)
