"""The gates of a setpoint, and the second check that stands directly before publishing. Pure.

The second check shares nothing with the search that made the suggestion: it reads the very bytes that are
about to leave, of every message and wherever in it a suggestion stands, and holds them against the line's limits and
the stage of that moment.
"""

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from gateway.guardrails.reasons import Abstention, AbstentionPhrase, abstain, abstain_in_words, abstention_phrase
from gateway.guardrails.stages import effective_stage
from gateway.line.definition import Interlock, LineDefinition, ManipulatedTag, Stage
from gateway.records.verdicts import Reason
from gateway.texts.catalogue import number_in_text
from gateway.time_units import SECOND_NS

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

    ``present``: the values of setpoints and interlock tags that are known well enough. The bundle must suggest moves of
    it at all, each interlock hold, the present value be known and within the validated range, and the minimum interval
    have passed since it was last moved, by whomever, or suggested to move.
    """
    if not manipulated.may_suggest:
        return abstain(Abstention.REACTION_NOT_SHOWN, tag=manipulated.tag)
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
        holds = value is not None and lower <= value <= upper
        if not holds or (interlock.states and value not in interlock.states):
            return _does_not_hold(manipulated, interlock, value)
    return None


def _does_not_hold(manipulated: ManipulatedTag, interlock: Interlock, value: float | None) -> Reason:
    """Return the reason that names the interlock, what it asks for and what its tag says."""
    stated = "not known" if value is None else f"{value:.6g}"  # a word of the contract
    shown = abstention_phrase(AbstentionPhrase.NOT_KNOWN) if value is None else number_in_text(stated)
    if interlock.states:
        return abstain_in_words(
            Abstention.NOT_IN_STATE,
            {"states": _alternatives(interlock.states), "value": shown},
            tag=manipulated.tag,
            interlock=interlock.tag,
            states=" or ".join(f"{state:g}" for state in interlock.states),
            value=stated,
        )
    lower, upper = interlock.within
    return abstain_in_words(
        Abstention.INTERLOCKED,
        {"value": shown},
        tag=manipulated.tag,
        interlock=interlock.tag,
        lower=lower,
        upper=upper,
        value=stated,
    )


def _alternatives(states: Iterable[float]) -> str:
    first, *others = (number_in_text(f"{state:g}") for state in states)
    for other in others:
        first = abstention_phrase(AbstentionPhrase.OR, first=first, second=other)
    return first


_MAY_SUGGEST = (b'"suggestion"', b'"setpoint"')  # what stands in every message that has to be looked at
_CLOSED = frozenset({"rejected", "expired", "superseded", "withdrawn", "resolved"})  # says that nothing is suggested

Present = Callable[[str], float | None]
"""A tag's value at this instant, or None where it is not known well enough."""


def may_suggest(payload: bytes) -> bool:
    """Return whether bytes may carry a suggestion: what does not need not be read before it is published."""
    return any(mark in payload for mark in _MAY_SUGGEST)


def second_check(payload: bytes, line: LineDefinition, present: Present, latches: Iterable[str] = ()) -> Reason | None:
    """Return why bytes about to be published must be withheld, or None; see ``refused_suggestions``."""
    return next(iter(refused_suggestions(payload, line, present, latches).values()), None)


def refused_suggestions(
    payload: bytes, line: LineDefinition, present: Present, latches: Iterable[str]
) -> dict[str, Reason]:
    """Return by the guidance's id why suggestions in bytes about to be published must be withheld; empty: none.

    Whatever carries a suggestion, a board too, must be readable, of a model whose effective stage is ``advise`` now,
    and inside every limit, measured from where the setpoint is *now*. ``latches``: the alarms that stand. What says
    that a guidance is over passes. What cannot be read has the empty id.
    """
    standing, refused = tuple(latches), dict[str, Reason]()
    try:
        for document in _documents(json.loads(payload)):
            reason = _judged(document, line, present, standing)
            if reason is not None:
                refused[str(document.get("id", ""))] = reason
    except (ValueError, AttributeError, RecursionError) as error:
        refused[""] = abstain(Abstention.UNREADABLE, error=repr(error))
    return refused


def _documents(document: Any) -> Iterator[Mapping[str, Any]]:
    """Yield every object in a document that suggests a move, however deep it stands."""
    if isinstance(document, dict):
        if document.get("suggestion") is not None or document.get("kind") == "setpoint":
            yield document
        for value in document.values():
            yield from _documents(value)
    elif isinstance(document, list):
        for value in document:
            yield from _documents(value)


def _judged(
    document: Mapping[str, Any], line: LineDefinition, present: Present, latches: tuple[str, ...]
) -> Reason | None:
    if document.get("state") in _CLOSED:
        return None
    try:
        return _check_suggestion(document, document["suggestion"], line, present, latches)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return abstain(Abstention.UNREADABLE, error=repr(error))


def _check_suggestion(
    document: Mapping[str, Any],
    suggestion: Mapping[str, Any],
    line: LineDefinition,
    present: Present,
    latches: tuple[str, ...],
) -> Reason | None:
    tag, proposed = suggestion["tag"], float(suggestion["proposed"])
    model = line.model_named(document["model"]["name"])
    manipulated = next((item for item in model.bundle.manipulated if item.tag == tag), None) if model else None
    if model is None or manipulated is None or model.bundle.identity.sha256 != document["model"]["sha256"]:
        return abstain(Abstention.NOT_WITHIN_LINE, tag=tag)
    stage = effective_stage(model, latches)
    if stage < Stage.ADVISE:
        return abstain(Abstention.STAGE_TOO_LOW, stage=stage.name.lower())
    if not manipulated.may_suggest:
        return abstain(Abstention.REACTION_NOT_SHOWN, tag=tag)
    # arithmetic of its own from here on, so that an error in the search's gates is not repeated
    if document.get("state") == "applied":  # it has happened: what interlocks and steps forbid is to make it
        return _second_look_at_range(manipulated, proposed)
    interlocked = _second_look_at_interlocks(manipulated, present)
    if interlocked is not None:
        return interlocked
    return _second_look_at_range(manipulated, proposed) or _second_look_at_move(manipulated, present(tag), proposed)


def _second_look_at_interlocks(manipulated: ManipulatedTag, present: Present) -> Reason | None:
    for interlock in manipulated.interlocks:
        held, (lower, upper) = present(interlock.tag), interlock.within
        outside = held is None or not (held >= lower and held <= upper)
        if outside or (interlock.states and all(held != state for state in interlock.states)):
            return _does_not_hold(manipulated, interlock, held)
    return None


def _second_look_at_range(manipulated: ManipulatedTag, proposed: float) -> Reason | None:
    lower, upper = manipulated.validated
    if proposed >= lower and proposed <= upper:
        return None
    return abstain(Abstention.SETPOINT_OUTSIDE_RANGE, tag=manipulated.tag, proposed=proposed, lower=lower, upper=upper)


def _second_look_at_move(manipulated: ManipulatedTag, now: float | None, proposed: float) -> Reason | None:
    tag = manipulated.tag
    if now is None:
        return abstain(Abstention.SETPOINT_UNKNOWN, tag=tag)
    reach = manipulated.max_step * (1 + ROUNDING)
    if not (proposed <= now + reach and proposed >= now - reach):
        return abstain(Abstention.STEP_TOO_LARGE, tag=tag, step=abs(proposed - now), max_step=manipulated.max_step)
    return None
