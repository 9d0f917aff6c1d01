"""From the configuration to what may be written, and what is wrong with it."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from gateway.config.setpoint_tables import WriteTable
from gateway.config.tables import Settings, TagTable
from gateway.errors import Problem
from gateway.line.definition import ModelAssignment
from gateway.line.setpoint_writes import Point, SetpointWrite, SetpointWrites, WriteProfile
from gateway.time_units import seconds_to_ns

_NEEDED: Mapping[WriteProfile, tuple[str, ...]] = {
    WriteProfile.REQUEST: (),
    WriteProfile.MTP: ("request", "requested", "minimum", "maximum", "external"),
    WriteProfile.METHOD: ("object", "method"),
}
_OF_PROFILE: Mapping[WriteProfile, frozenset[str]] = {
    WriteProfile.REQUEST: frozenset({"request", "minimum", "maximum", "external"}),
    WriteProfile.MTP: frozenset({"request", "requested", "apply", "feedback", "minimum", "maximum", "external"}),
    WriteProfile.METHOD: frozenset({"object", "method", "minimum", "maximum", "external"}),
}
_READ_ALONE = ("requested", "feedback", "minimum", "maximum", "external")
_NODES = {
    "request": Point.REQUEST, "requested": Point.REQUESTED, "apply": Point.APPLY, "feedback": Point.FEEDBACK,
    "minimum": Point.MINIMUM, "maximum": Point.MAXIMUM, "external": Point.EXTERNAL, "object": Point.METHOD_OBJECT,
    "method": Point.METHOD,
}  # fmt: skip


def writes_of(settings: Settings) -> SetpointWrites:
    """Return everything that may be written, by tag."""
    return SetpointWrites(
        by_tag={name: _write(name, tag, tag.write) for name, tag in settings.tags.items() if tag.write is not None},
        stop_tag=settings.setpoints.stop_tag,
        heartbeats={name: table.heartbeat for name, table in settings.opcua.items() if table.heartbeat is not None},
    )


def _write(name: str, tag: TagTable, table: WriteTable) -> SetpointWrite:
    nodes = {point: node for key, point in _NODES.items() if (node := getattr(table, key)) is not None}
    nodes[Point.ACTUAL] = tag.node
    if table.kind is WriteProfile.REQUEST:
        nodes.setdefault(Point.REQUEST, tag.node)
    return SetpointWrite(
        tag=name,
        source=tag.source,
        profile=table.kind,
        nodes=nodes,
        tolerance=table.tolerance,
        timeout_ns=seconds_to_ns(table.timeout),
        settle_ns=seconds_to_ns(table.settle),
        feedback_within_ns=seconds_to_ns(table.feedback_within),
        valid_ns=seconds_to_ns(table.valid_for),
        low_risk=table.low_risk,
        moves_per_hour=table.moves_per_hour,
        arguments=tuple(table.arguments),
    )


def write_problems(settings: Settings, path: Path, models: Iterable[ModelAssignment]) -> list[Problem]:
    """Return what is wrong with the tables of what is written."""
    moved = {item.tag: model for model in models for item in model.bundle.manipulated}
    problems: list[tuple[str, str, str]] = []
    for name, tag in settings.tags.items():
        if tag.write is not None:
            problems += _of_table(f"tags.{name}.write", tag, tag.write)
            problems += _of_models(f"tags.{name}.write", name, settings, moved)
    stop_tag = settings.setpoints.stop_tag
    if stop_tag is not None and stop_tag not in settings.tags:
        problems.append(("setpoints.stop_tag", f"there is no [tags.{stop_tag}]", "name one of the configured tags"))
    problems += _of_nodes(settings)
    return [Problem(file=str(path), key=key, message=message, hint=hint) for key, message, hint in problems]


def _of_nodes(settings: Settings) -> list[tuple[str, str, str]]:
    """Return which nodes are written by two tables, or are written by one and read as something else by any."""
    written: dict[tuple[str, str], str] = {}
    read: dict[tuple[str, str], str] = {}
    problems: list[tuple[str, str, str]] = []
    hint = "every setpoint has a node of its own: compare the tables"
    for key, source, node in _written_nodes(settings):
        if (source, node) in written:
            problems.append((key, f"is written by {written[source, node]}, too", hint))
        written.setdefault((source, node), key)
    for name, tag in settings.tags.items():
        for point in _READ_ALONE if tag.write is not None else ():
            node = getattr(tag.write, point)
            if node is not None:
                read[tag.source, node] = f"tags.{name}.write.{point}"
        apart = tag.write is not None and (tag.source, tag.node) not in {at[1:] for at in _written_by(name, tag)}
        if apart or name == settings.setpoints.stop_tag:
            read[tag.source, tag.node] = f"tags.{name}.node"
    problems += [(key, f"is read as {read[at]}", hint) for at, key in written.items() if at in read]
    return problems


def _written_nodes(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Yield the key, source and name of every node that is written."""
    for name, tag in settings.tags.items():
        yield from _written_by(name, tag)
    for source, table in settings.opcua.items():
        if table.heartbeat is not None:
            yield f"opcua.{source}.heartbeat", source, table.heartbeat


def _written_by(name: str, tag: TagTable) -> Iterator[tuple[str, str, str]]:
    if tag.write is None:
        return
    for point in ("request", "apply"):
        node = getattr(tag.write, point)
        if node is not None:
            yield f"tags.{name}.write.{point}", tag.source, node
    if tag.write.method is not None:  # objects of one type may have the same method
        yield f"tags.{name}.write.method", tag.source, f"{tag.write.object} {tag.write.method}"
    if tag.write.kind is WriteProfile.REQUEST and tag.write.request is None:
        yield f"tags.{name}.node", tag.source, tag.node


def _of_table(key: str, tag: TagTable, table: WriteTable) -> list[tuple[str, str, str]]:
    problems = [
        (f"{key}.{node}", f"is missing, but profile {table.profile} needs it", "labline opcua browse lists the nodes")
        for node in _NEEDED[table.kind]
        if getattr(table, node) is None
    ]
    problems += [
        (f"{key}.{node}", f"has no meaning in profile {table.profile}", "take it out, or choose another profile")
        for node in sorted(_NODES.keys() - _OF_PROFILE[table.kind])
        if getattr(table, node) is not None
    ]
    if table.kind is WriteProfile.METHOD and "value" not in table.arguments:
        problems.append((f"{key}.arguments", "has no value", 'write arguments = ["value"]'))
    if tag.index is not None:
        problems.append((f"{key}.profile", "elements of an array are not written", "name a node of its own"))
    if table.low_risk and table.moves_per_hour == 0:
        hint = "say how often it may be moved by itself, or take low_risk out"
        problems.append((f"{key}.moves_per_hour", "is 0, but low_risk is true", hint))
    if table.feedback is None and "feedback_within" in table.model_fields_set:
        problems.append(
            (f"{key}.feedback_within", "has no meaning without feedback", "name the node of VFbk, or take it out")
        )
    if table.settle > table.timeout:
        problems.append((f"{key}.settle", "is longer than timeout", "make timeout the longer one"))
    return problems


def _of_models(
    key: str, name: str, settings: Settings, moved: Mapping[str, ModelAssignment]
) -> list[tuple[str, str, str]]:
    problems = []
    if settings.model and name not in moved:
        hint = f"these are: {', '.join(sorted(moved)) or 'none'}"
        problems.append((key, "no model suggests moves of this tag", hint))
    model, write = moved.get(name), settings.tags[name].write
    finest = [item.resolution for item in model.bundle.manipulated if item.tag == name] if model is not None else []
    if write is not None and any(2 * write.tolerance >= resolution for resolution in finest):
        message = f"is {write.tolerance:g}, but moves of {min(finest):g} must be told from none"
        problems.append((f"{key}.tolerance", message, "make it less than half of the bundle's resolution"))
    if settings.tags[name].validated is None:
        problems.append((key, f"tags.{name}.validated is missing", "say in which range it may be written"))
    return problems
