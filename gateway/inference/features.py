"""From windows to a feature vector. Training and service run this same code. Pure."""

import hashlib
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.definitions import InputDefinition, TagDefinition
from gateway.history.windows import TagWindow, WindowRequest, aggregate, usable
from gateway.records import FeatureVector, InputEvidence


@dataclass(frozen=True, kw_only=True, slots=True)
class InputReading:
    """One input as read: its value, the extremes of its samples, how much was known, and how fresh it was."""

    value: float | None
    extremes: tuple[float, float] | None
    coverage: float
    age_ns: int | None
    last_status: int | None
    evidence: InputEvidence


def window_request(definition: InputDefinition, end_ns: int) -> WindowRequest:
    """Return which window an input needs for the instant ``end_ns``."""
    end = end_ns - definition.lag_ns
    return WindowRequest(tag=definition.tag, start_ns=end - definition.window_ns, end_ns=end)


def read_input(definition: InputDefinition, tag: TagDefinition, window: TagWindow) -> InputReading:
    """Return one input read from its window.

    The age is the time from when the value was last known to hold (its source time, or a later confirmation
    by its server) to the window's end: a dead-banded value that its server still vouches for is not old.
    """
    value, covered = aggregate(definition.aggregate, window, accept_uncertain=tag.accept_uncertain)
    known = len(window) > 0
    used = window.values[usable(window.statuses, window.values, accept_uncertain=tag.accept_uncertain)]
    return InputReading(
        value=value,
        extremes=(float(used.min()), float(used.max())) if len(used) else None,
        coverage=covered,
        age_ns=max(window.end_ns - max(int(window.held_ns[-1]), window.confirmed_ns), 0) if known else None,
        last_status=int(window.statuses[-1]) if known else None,
        evidence=InputEvidence(
            tag=definition.tag,
            count=len(window),
            first_ns=int(window.held_ns[0]) if known else None,
            last_ns=int(window.held_ns[-1]) if known else None,
            worst_status=int(window.statuses.max()) if known else 0,
            samples_sha256=window.sha256(),
        ),
    )


def read_inputs(
    definitions: tuple[InputDefinition, ...],
    tags: Mapping[str, TagDefinition],
    windows: Mapping[WindowRequest, TagWindow],
    end_ns: int,
) -> tuple[InputReading, ...]:
    """Return all inputs of a model at the instant ``end_ns``, in the bundle's order."""
    return tuple(
        read_input(definition, tags[definition.tag], windows[window_request(definition, end_ns)])
        for definition in definitions
    )


def feature_vector(
    definitions: tuple[InputDefinition, ...], readings: tuple[InputReading, ...], end_ns: int
) -> FeatureVector | None:
    """Return the vector, or None where any input has no value."""
    values = tuple(reading.value for reading in readings if reading.value is not None)
    if len(values) != len(definitions):
        return None
    names = tuple(definition.name for definition in definitions)
    digest = hashlib.sha256("\n".join(names).encode() + struct.pack(f"<{len(values)}d", *values))
    return FeatureVector(
        end_ns=end_ns,
        names=names,
        values=values,
        evidence=tuple(reading.evidence for reading in readings),
        sha256=digest.hexdigest(),
    )
