"""From the configuration to what may be written, and what is wrong with it."""

from collections.abc import Iterable, Mapping
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
    return [Problem(file=str(path), key=key, message=message, hint=hint) for key, message, hint in problems]


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
