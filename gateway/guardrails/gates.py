"""The gates before and after inference, in their order, as three tables.

A gate is a pure function: it returns a reason, or None where it accepts. Of each input the first reason counts. Outputs
are judged only when every input has passed.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gateway.guardrails.reasons import Abstention, AbstentionPhrase, abstain, abstention_phrase
from gateway.history.windows import TagWindow
from gateway.inference.applicability_domain import Distance, as_judged, distance, largest
from gateway.inference.features import InputReading, parts_of, read_input
from gateway.line.definition import Aggregate, InputDefinition, ModelBundle, TagDefinition
from gateway.line.derived_inputs import Missing
from gateway.line.model_domain import Domain
from gateway.line.outputs import ValueOutput
from gateway.records.prediction import FeatureVector
from gateway.records.process import Quality, quality_of
from gateway.records.verdicts import Reason
from gateway.time_units import SECOND_NS


@dataclass(frozen=True, kw_only=True, slots=True)
class PredictedValue:
    """A predicted value of an analyte before its gates: corrected, with its interval's half width, if it has one."""

    value: float
    half_width: float | None


_EXTREMES = frozenset(
    {Aggregate.MIN, Aggregate.MAX, Aggregate.INTEGRAL, Aggregate.TIME_ABOVE, Aggregate.TIME_BELOW}
)  # of what is not known, they would take the least
_COVERAGE_OF_EXTREMES = 0.98  # an extreme may lie in any hole; what lacks is the time since the last confirmation

_MISSING = {  # what is given without more words
    Missing.OUTSIDE_BATCH: Abstention.OUTSIDE_BATCH,
    Missing.PHASE_NOT_REACHED: Abstention.PHASE_NOT_REACHED,
}

InputGate = Callable[[InputReading, InputDefinition, TagDefinition], Reason | None]
DomainGate = Callable[[Distance, Domain, tuple[str, ...]], Reason | None]
OutputGate = Callable[[PredictedValue, ValueOutput, str], Reason | None]


def _there(reading: InputReading, definition: InputDefinition, _tag: TagDefinition) -> Reason | None:
    """What stands on the batch or a category: whether there is one, that the model has learned."""
    if reading.missing is None:
        return None
    if reading.missing is Missing.UNKNOWN_CATEGORY and definition.category is not None:
        known = reading.text or abstention_phrase(AbstentionPhrase.NOT_KNOWN)
        levels = ", ".join(definition.category.levels)
        return abstain(Abstention.UNKNOWN_CATEGORY, category=definition.category.name, value=known, levels=levels)
    if reading.missing is Missing.BATCH_TOO_LONG:
        return abstain(
            Abstention.BATCH_TOO_LONG, input=definition.name, longest_seconds=definition.window_ns / SECOND_NS
        )
    return abstain(_MISSING[reading.missing], input=definition.name)


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
    needed = definition.minimum_coverage
    if definition.aggregate in _EXTREMES:
        needed = max(needed, _COVERAGE_OF_EXTREMES)
    if reading.coverage < needed:
        return abstain(Abstention.LOW_COVERAGE, input=definition.name, coverage=reading.coverage, minimum=needed)
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


def _rate(reading: InputReading, _definition: InputDefinition, tag: TagDefinition) -> Reason | None:
    steepest, allowed = reading.steepest_per_second, tag.max_rate_per_second
    if allowed is None or steepest is None or steepest <= allowed:
        return None
    return abstain(Abstention.CHANGES_TOO_FAST, tag=tag.name, rate=steepest, max_rate=allowed)


def _frozen(reading: InputReading, definition: InputDefinition, tag: TagDefinition) -> Reason | None:
    after_ns = definition.frozen_after_ns
    if after_ns is None or reading.unchanged_seconds * SECOND_NS < after_ns:
        return None
    return abstain(Abstention.FROZEN, tag=tag.name, seconds=reading.unchanged_seconds)


def _defined(reading: InputReading, definition: InputDefinition, _tag: TagDefinition) -> Reason | None:
    """All that it is computed from is known: then it has no value where the computation is not defined."""
    if reading.value is not None and math.isfinite(reading.value):
        return None
    return abstain(Abstention.NOT_DEFINED, input=definition.name, tags=", ".join(definition.tags))


def _t2(distance: Distance, domain: Domain, names: tuple[str, ...]) -> Reason | None:
    if distance.t2 <= domain.t2_limit:  # what is not finite is not below a limit
        return None
    farthest = ", ".join(largest(names, distance.t2_contributions))
    return abstain(Abstention.OUTSIDE_DOMAIN_T2, t2=distance.t2, limit=domain.t2_limit, inputs=farthest)


def _spe(distance: Distance, domain: Domain, names: tuple[str, ...]) -> Reason | None:
    if distance.spe <= domain.spe_limit:
        return None
    farthest = ", ".join(largest(names, distance.spe_contributions))
    return abstain(Abstention.OUTSIDE_DOMAIN_SPE, spe=distance.spe, limit=domain.spe_limit, inputs=farthest)


def _finite(predicted: PredictedValue, _output: ValueOutput, model: str) -> Reason | None:
    if not math.isfinite(predicted.value):
        return abstain(Abstention.NOT_FINITE, model=model)
    return None


def _output_range(predicted: PredictedValue, output: ValueOutput, _model: str) -> Reason | None:
    lower, upper = output.valid
    if not lower <= predicted.value <= upper:
        return abstain(Abstention.OUTSIDE_OUTPUT_RANGE, value=predicted.value, lower=lower, upper=upper)
    return None


def _honest_interval(predicted: PredictedValue, _output: ValueOutput, model: str) -> Reason | None:
    return abstain(Abstention.NO_HONEST_INTERVAL, model=model) if predicted.half_width is None else None


def _interval_width(predicted: PredictedValue, output: ValueOutput, _model: str) -> Reason | None:
    widest = output.max_half_width
    if widest is None or predicted.half_width is None or predicted.half_width <= widest:
        return None
    return abstain(Abstention.INTERVAL_TOO_WIDE, half_width=predicted.half_width, max_half_width=widest)


# for each input
INPUT_GATES: tuple[InputGate, ...] = (
    _there, _quality, _age, _known, _samples_validated, _validated_range, _rate, _frozen,
)  # fmt: skip
# for what is computed from several windows, each of which has passed the gates of an input
COMPUTED_GATES: tuple[InputGate, ...] = (_there, _defined, _validated_range)
# for what is of no tag
_NO_TAG = TagDefinition(name="", source="", node="", equipment_id="", unit="", validated=None, max_age_ns=0)
# for all inputs together
DOMAIN_GATES: tuple[DomainGate, ...] = (_t2, _spe)
# for each output
OUTPUT_GATES: tuple[OutputGate, ...] = (_finite, _output_range, _honest_interval, _interval_width)


def judge_inputs(
    definitions: tuple[InputDefinition, ...],
    readings: tuple[InputReading, ...],
    tags: Mapping[str, TagDefinition],
) -> tuple[Reason, ...]:
    """Return the reasons why the inputs may not be used; empty where every gate accepts every input."""
    reasons: dict[str, Reason] = {}  # by sentence: inputs of one tag say the same thing once
    for definition, reading in zip(definitions, readings, strict=True):
        reason = _reason_of(reading, definition, tags)
        if reason is not None:
            reasons.setdefault(reason.text, reason)
    return tuple(reasons.values())


def _reason_of(reading: InputReading, definition: InputDefinition, tags: Mapping[str, TagDefinition]) -> Reason | None:
    """Return why an input may not be used: one of the windows that it is computed from, or what came of them."""
    if definition.is_plain and definition.tag:
        return _first_reason(reading, definition, tags[definition.tag])
    for part, read in zip(parts_of(definition), reading.parts, strict=False):  # what is of no tag has no parts
        reason = _first_reason(read, part, tags[part.tag]) if part.tag else None
        if reason is not None:
            return reason
    return _first_reason(reading, definition, _NO_TAG, gates=COMPUTED_GATES)


def _first_reason(
    reading: InputReading,
    definition: InputDefinition,
    tag: TagDefinition,
    *,
    gates: tuple[InputGate, ...] = INPUT_GATES,
) -> Reason | None:
    for gate in gates:
        reason = gate(reading, definition, tag)
        if reason is not None:
            return reason
    return None


def judge_domain(
    bundle: ModelBundle, features: FeatureVector, earlier: Sequence[tuple[float, ...]] = ()
) -> tuple[Reason, ...]:
    """Return the reason why the inputs together are not what the model has learned from; empty where they are.

    The inputs of a bundle without a domain are checked against their ranges only. ``earlier``: those of the predictions
    before, the newest first.
    """
    if bundle.domain is None:
        return ()
    measured = as_judged(bundle.domain, distance(bundle.domain, np.array(features.values, np.float64)), earlier)
    for gate in DOMAIN_GATES:
        reason = gate(measured, bundle.domain, features.names)
        if reason is not None:
            return (reason,)
    return ()


def judge_value(predicted: PredictedValue, output: ValueOutput, model: str) -> tuple[Reason, ...]:
    """Return the reason why a predicted value may not be used; empty where every gate accepts it."""
    for gate in OUTPUT_GATES:
        reason = gate(predicted, output, model)
        if reason is not None:
            return (reason,)
    return ()


def judge_probability(probability: float, model: str) -> tuple[Reason, ...]:
    """Return the reason why a predicted probability may not be used; empty where it is one."""
    if not math.isfinite(probability):
        return (abstain(Abstention.NOT_FINITE, model=model),)
    if not 0.0 <= probability <= 1.0:
        return (abstain(Abstention.OUTSIDE_OUTPUT_RANGE, value=probability, lower=0.0, upper=1.0),)
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
