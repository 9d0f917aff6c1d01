"""The gates before and after inference, in order, as tables that read like the design.

A gate is a pure function that returns a reason or None. For each input the first gate that speaks counts;
no output is judged unless every input passed.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gateway.definitions import Aggregate, InputDefinition, ModelBundle, TagDefinition
from gateway.guardrails.reasons import Abstention, abstain
from gateway.history.windows import TagWindow
from gateway.inference.features import InputReading, read_input
from gateway.records import SECOND_NS, Quality, Reason, quality_of

InputGate = Callable[[InputReading, InputDefinition, TagDefinition], Reason | None]
OutputGate = Callable[[float, ModelBundle], Reason | None]


def _quality(reading: InputReading, definition: InputDefinition, tag: TagDefinition) -> Reason | None:
    if reading.last_status is None:
        return abstain(Abstention.NO_VALUE, tag=tag.name, input=definition.name)
    worst_accepted = Quality.UNCERTAIN if tag.accept_uncertain else Quality.GOOD
    if quality_of(reading.last_status) > worst_accepted:
        return abstain(Abstention.BAD_QUALITY, tag=tag.name, status=f"0x{reading.last_status:08X}")
    return None


def _age(reading: InputReading, _definition: InputDefinition, tag: TagDefinition) -> Reason | None:
    if reading.age_ns is None or reading.age_ns > tag.max_age_ns:
        return abstain(
            Abstention.STALE,
            tag=tag.name,
            age_seconds=-1.0 if reading.age_ns is None else reading.age_ns / SECOND_NS,
            max_age_seconds=tag.max_age_ns / SECOND_NS,
        )
    return None


def _known(reading: InputReading, definition: InputDefinition, tag: TagDefinition) -> Reason | None:
    if reading.value is None or not math.isfinite(reading.value):
        return abstain(Abstention.NO_VALUE, tag=tag.name, input=definition.name)
    if reading.coverage < definition.minimum_coverage:
        return abstain(
            Abstention.LOW_COVERAGE,
            input=definition.name,
            coverage=reading.coverage,
            minimum=definition.minimum_coverage,
        )
    return None


def _validated_range(reading: InputReading, definition: InputDefinition, _tag: TagDefinition) -> Reason | None:
    lower, upper = definition.validated
    if reading.value is None or not lower <= reading.value <= upper:
        return abstain(
            Abstention.OUTSIDE_VALIDATED_RANGE,
            input=definition.name,
            value=math.nan if reading.value is None else reading.value,
            lower=lower,
            upper=upper,
        )
    return None


def _samples_validated(reading: InputReading, _definition: InputDefinition, tag: TagDefinition) -> Reason | None:
    """A mean may lie inside while the samples do not: each must be within the tag's own validated range."""
    if tag.validated is None or reading.extremes is None:
        return None
    for extreme in reading.extremes:
        if not tag.validated[0] <= extreme <= tag.validated[1]:
            lower, upper = tag.validated
            return abstain(Abstention.OUTSIDE_VALIDATED_RANGE, input=tag.name, value=extreme, lower=lower, upper=upper)
    return None


def _finite(value: float, bundle: ModelBundle) -> Reason | None:
    if not math.isfinite(value):
        return abstain(Abstention.NOT_FINITE, model=bundle.identity.name)
    return None


def _output_range(value: float, bundle: ModelBundle) -> Reason | None:
    lower, upper = bundle.output_valid
    if not lower <= value <= upper:
        return abstain(Abstention.OUTSIDE_OUTPUT_RANGE, value=value, lower=lower, upper=upper)
    return None


INPUT_GATES: tuple[InputGate, ...] = (_quality, _age, _known, _samples_validated, _validated_range)
OUTPUT_GATES: tuple[OutputGate, ...] = (_finite, _output_range)


def judge_inputs(
    definitions: tuple[InputDefinition, ...],
    readings: tuple[InputReading, ...],
    tags: Mapping[str, TagDefinition],
) -> tuple[Reason, ...]:
    """Return the reasons why the inputs may not be used; empty where every gate accepts every input."""
    reasons: dict[str, Reason] = {}  # by sentence: inputs of one tag say the same thing once
    for definition, reading in zip(definitions, readings, strict=True):
        reason = _first_reason(reading, definition, tags[definition.tag])
        if reason is not None:
            reasons.setdefault(reason.text, reason)
    return tuple(reasons.values())


def _first_reason(reading: InputReading, definition: InputDefinition, tag: TagDefinition) -> Reason | None:
    for gate in INPUT_GATES:
        reason = gate(reading, definition, tag)
        if reason is not None:
            return reason
    return None


def judge_output(value: float, bundle: ModelBundle) -> tuple[Reason, ...]:
    """Return the reason why a predicted value may not be used; empty where every gate accepts it."""
    for gate in OUTPUT_GATES:
        reason = gate(value, bundle)
        if reason is not None:
            return (reason,)
    return ()


@dataclass(frozen=True, kw_only=True, slots=True)
class PresentSetpoint:
    """Where a setpoint stands now, and when it last moved within the window looked at."""

    value: float
    moved_ns: int | None


def present_setpoint(tag: TagDefinition, window: TagWindow) -> PresentSetpoint | None:
    """Return where a setpoint stands at the window's end, or None where quality or age forbid to build on it."""
    present = InputDefinition(
        name=tag.name,
        tag=tag.name,
        aggregate=Aggregate.LAST,
        window_ns=0,
        lag_ns=0,
        unit=tag.unit,
        validated=(-math.inf, math.inf),
    )
    reading = read_input(present, tag, window)
    if _first_reason(reading, present, tag) is not None or reading.value is None:
        return None
    changes = np.flatnonzero(np.diff(window.values) != 0.0)
    return PresentSetpoint(value=reading.value, moved_ns=int(window.held_ns[changes[-1] + 1]) if len(changes) else None)
