"""The gates of a setpoint, and the second check that stands directly before publishing. Pure.

The second check shares nothing with the search that made the suggestion: it reads the very bytes that are
about to leave and holds them against the line's limits.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

from gateway.definitions import LineDefinition, ManipulatedTag, Stage
from gateway.guardrails.reasons import Abstention, abstain
from gateway.records import SECOND_NS, Reason

ROUNDING = 1e-9  # relative room for decimal rounding at a limit's edge


def judge_move(manipulated: ManipulatedTag, *, current: float, proposed: float) -> Reason | None:
    """Return why a move may not be suggested, or None: finite, inside the validated range, step not too large."""
    if not (math.isfinite(current) and math.isfinite(proposed)):
        return abstain(Abstention.SETPOINT_NOT_FINITE, tag=manipulated.tag)
    lower, upper = manipulated.validated
    if not lower <= proposed <= upper:
        return abstain(
            Abstention.SETPOINT_OUTSIDE_RANGE,
            tag=manipulated.tag,
            proposed=proposed,
            lower=lower,
            upper=upper,
        )
    step = abs(proposed - current)
    if step > manipulated.max_step * (1 + ROUNDING):
        return abstain(Abstention.STEP_TOO_LARGE, tag=manipulated.tag, step=step, max_step=manipulated.max_step)
    return None


def judge_present(
    manipulated: ManipulatedTag, *, present: Mapping[str, float], last_move_ns: int | None, at_ns: int
) -> Reason | None:
    """Return why a setpoint may not be moved from where it is now, or None.

    ``present``: the values of setpoints and interlock tags that are known well enough. Each interlock must hold, the
    present value be known and within the validated range, and the minimum interval have passed since it was last moved,
    by whomever, or suggested to move.
    """
    interlocked = judge_interlocks(manipulated, present)
    if interlocked is not None:
        return interlocked
    current = present.get(manipulated.tag)
    if current is None:
        return abstain(Abstention.SETPOINT_UNKNOWN, tag=manipulated.tag)
    lower, upper = manipulated.validated
    if not lower <= current <= upper:
        return abstain(
            Abstention.SETPOINT_OUTSIDE_RANGE, tag=manipulated.tag, proposed=current, lower=lower, upper=upper
        )
    if last_move_ns is None or at_ns - last_move_ns >= manipulated.minimum_interval_ns:
        return None
    return abstain(
        Abstention.TOO_SOON,
        tag=manipulated.tag,
        elapsed_seconds=(at_ns - last_move_ns) / SECOND_NS,
        minimum_seconds=manipulated.minimum_interval_ns / SECOND_NS,
    )


def judge_interlocks(manipulated: ManipulatedTag, present: Mapping[str, float]) -> Reason | None:
    """Return the first interlock that does not hold, or None; one whose tag is not known does not hold."""
    for interlock in manipulated.interlocks:
        value, (lower, upper) = present.get(interlock.tag), interlock.within
        if value is None or not lower <= value <= upper:
            told = "not known" if value is None else f"{value:.6g}"
            return abstain(
                Abstention.INTERLOCKED,
                tag=manipulated.tag,
                interlock=interlock.tag,
                lower=lower,
                upper=upper,
                value=told,
            )
    return None


def second_check(payload: bytes, line: LineDefinition, present: Callable[[str], float | None]) -> Reason | None:
    """Return why bytes about to be published must be withheld, or None.

    Guidance without a suggestion passes. Anything with one must be readable, of a model that stands at ``advise``
    or above, and inside every limit, measured from where the setpoint is *now*: ``present`` gives the value of a
    tag at this instant, or None where it is not known.
    """
    try:
        document = json.loads(payload)
        suggestion = document.get("suggestion")
        if suggestion is None and document.get("kind") != "setpoint":
            return None
        return _check_suggestion(document, suggestion, line, present)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return abstain(Abstention.UNREADABLE, error=repr(error))


def _check_suggestion(
    document: Mapping[str, Any],
    suggestion: Mapping[str, Any],
    line: LineDefinition,
    present: Callable[[str], float | None],
) -> Reason | None:
    tag, proposed = suggestion["tag"], float(suggestion["proposed"])
    model = line.model_named(document["model"]["name"])
    manipulated = next((item for item in model.bundle.manipulated if item.tag == tag), None) if model else None
    if model is None or manipulated is None or model.bundle.identity.sha256 != document["model"]["sha256"]:
        return abstain(Abstention.NOT_WITHIN_LINE, tag=tag)
    if model.stage < Stage.ADVISE:
        return abstain(Abstention.STAGE_TOO_LOW, stage=model.stage.name.lower())
    # arithmetic of its own from here on, so that an error in the search's gates is not repeated
    interlocked = _second_look_at_interlocks(manipulated, present)
    if interlocked is not None:
        return interlocked
    return _second_look_at_move(manipulated, present(tag), proposed)


def _second_look_at_interlocks(manipulated: ManipulatedTag, present: Callable[[str], float | None]) -> Reason | None:
    for interlock in manipulated.interlocks:
        held, (lower, upper) = present(interlock.tag), interlock.within
        if held is None or not (held >= lower and held <= upper):
            told = "not known" if held is None else f"{held:.6g}"
            return abstain(
                Abstention.INTERLOCKED,
                tag=manipulated.tag,
                interlock=interlock.tag,
                lower=lower,
                upper=upper,
                value=told,
            )
    return None


def _second_look_at_move(manipulated: ManipulatedTag, now: float | None, proposed: float) -> Reason | None:
    tag = manipulated.tag
    if now is None:
        return abstain(Abstention.SETPOINT_UNKNOWN, tag=tag)
    lower, upper = manipulated.validated
    if not (proposed >= lower and proposed <= upper):
        return abstain(Abstention.SETPOINT_OUTSIDE_RANGE, tag=tag, proposed=proposed, lower=lower, upper=upper)
    reach = manipulated.max_step * (1 + ROUNDING)
    if not (proposed <= now + reach and proposed >= now - reach):
        return abstain(Abstention.STEP_TOO_LARGE, tag=tag, step=abs(proposed - now), max_step=manipulated.max_step)
    return None
