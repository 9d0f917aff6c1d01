"""What ``check --connect`` tries of writing setpoints: every node, type, right and range, without writing anything."""

from gateway.cli.broker_probes import Finding
from gateway.config.connections import opcua_sources
from gateway.config.tables import Settings
from gateway.errors import LablineError
from gateway.line.definition import LineDefinition
from gateway.line.limits import Limits, intersection
from gateway.line.setpoint_writes import Point, SetpointWrite, WriteProfile
from gateway.time_units import SECOND_NS
from gateway.transport.opcua_writing import PlcPort, plc_port

_READ = (Point.ACTUAL, Point.REQUESTED, Point.FEEDBACK, Point.MINIMUM, Point.MAXIMUM, Point.EXTERNAL)


async def probe_writes(settings: Settings, line: LineDefinition) -> list[Finding]:
    """Return what is found of each tag that may be written, and of each heartbeat."""
    findings: list[Finding] = []
    for source in opcua_sources(settings):
        writes = [write for write in line.writes.by_tag.values() if write.source == source.name]
        beat = line.writes.heartbeats.get(source.name)
        if not writes and beat is None:
            continue
        try:
            async with plc_port(source) as port:
                findings += [await _probed(port, write, line) for write in writes]
                if beat is not None:
                    findings.append(await _heartbeat(port, source.name, beat))
        except LablineError as error:
            message = f"{error}; {error.hint}" if error.hint else str(error)
            findings.append(Finding(subject=f"opcua.{source.name} (writing)", ok=False, found=message))
    return findings


async def _probed(port: PlcPort, write: SetpointWrite, line: LineDefinition) -> Finding:
    subject = f"tags.{write.tag}.write"
    wrong = await _wrong(port, write)
    eu_range = await port.eu_range(*(write.nodes[at] for at in (Point.REQUEST, Point.ACTUAL) if at in write.nodes))
    limits = [line.tags[write.tag].validated, eu_range]
    limits += [item.validated for model in line.models for item in model.bundle.manipulated if item.tag == write.tag]
    lower, upper = intersection(*limits)
    if eu_range is not None and not eu_range[0] <= eu_range[1]:
        wrong.append("its EURange cannot be read or is empty, so nothing would be written")
    elif not lower <= upper:
        wrong.append("the ranges of tag, bundle and server (EURange) have nothing in common")
    if wrong:
        return Finding(subject=subject, ok=False, found="; ".join(wrong))
    words = _words(write, (lower, upper), eu_range) + await _feedback(port, write)
    return Finding(subject=subject, ok=True, found=words)


def _words(write: SetpointWrite, limits: Limits, eu_range: Limits | None) -> str:
    ranged = "no EURange" if eu_range is None else f"EURange {eu_range[0]:g} to {eu_range[1]:g}"
    return f"may be written by profile {write.profile}, from {limits[0]:g} to {limits[1]:g} ({ranged})"


async def _feedback(port: PlcPort, write: SetpointWrite) -> str:
    """Return where the feedback stands and for how long it is followed; empty where there is none."""
    nodes = {point.value: write.nodes[point] for point in (Point.ACTUAL, Point.FEEDBACK) if point in write.nodes}
    if Point.FEEDBACK.value not in nodes:
        return ""
    values = await port.read(nodes)
    actual, feedback = values.get(Point.ACTUAL), values.get(Point.FEEDBACK)
    if actual is None or feedback is None:  # lost between two readings
        return ", its feedback cannot be read at present"
    beside = "" if abs(feedback - actual) <= write.tolerance else f", now {feedback - actual:+.4g} beside the setpoint"
    return f", feedback {feedback:g} followed for {write.feedback_within_ns / SECOND_NS:g} s{beside}"


async def _wrong(port: PlcPort, write: SetpointWrite) -> list[str]:
    named = {point.value: write.nodes[point] for point in _READ if point in write.nodes}
    values = await port.read(named)
    wrong = [f"{node} has no good value" for point, node in named.items() if point not in values]
    external = write.nodes.get(Point.EXTERNAL)
    if external is not None and external in named.values() and Point.EXTERNAL in values:
        kind = await port.writable(external)
        wrong += [] if kind.is_boolean else [f"{external} is {kind.text}, not true or false"]
    if write.profile is WriteProfile.METHOD:
        types = await port.arguments(write.nodes[Point.METHOD])
        if len(types) != len(write.arguments):
            wrong.append(f"the method takes {len(types)} argument(s), not {len(write.arguments)}")
        elif not types[write.arguments.index("value")].is_known:
            wrong.append(f"the method's value is {types[write.arguments.index('value')].text}, no number")
        elif any(not types[at].is_text for at, name in enumerate(write.arguments) if name == "id"):
            wrong.append("the method's id is no text")
        if not await port.may_call(write.nodes[Point.METHOD]):
            wrong.append(f"this user may not call {write.nodes[Point.METHOD]}")
        return wrong
    written = [write.nodes[point] for point in (Point.REQUEST, Point.APPLY) if point in write.nodes]
    wrong += [f"this user may not write {node}" for node in written if not await port.may_write(node)]
    writable = await port.writable(write.nodes[Point.REQUEST])
    if not writable.is_known:
        wrong.append(f"{write.nodes[Point.REQUEST]} is {writable.text}, no number")
    return wrong


async def _heartbeat(port: PlcPort, source: str, node: str) -> Finding:
    writable, allowed = await port.writable(node), await port.may_write(node)
    ok = allowed and writable.typed(30_000, toward=0.0) is not None
    found = f"heartbeat {writable.text}" if ok else f"{node} is no integer of 16 bits or more that this user may write"
    return Finding(subject=f"opcua.{source}.heartbeat", ok=ok, found=found)
