"""What a person should know of a setpoint before signing the model, as sentences. Pure."""

from gateway.training.recipe import Recipe
from gateway.training.setpoint_findings import Setpoint, Verdict, reaction_text

_RANGE_ROOM = 0.05  # share of the validated range by which it may exceed what the data cover without a word
WHAT_TO_DO = {
    Verdict.NOTHING_FOLLOWS: "name what follows it in gains or follows, or make the setpoint an input",
    Verdict.NOT_MOVED: "train on more rows, in which it was moved on purpose, at least a dozen times",
    Verdict.NO_REACTION: "move it on purpose while the other inputs stand, and train on those rows",
    Verdict.UNEXPECTED: "look for moves that answer to the analyte; train on moves that were made on purpose",
    Verdict.OPPOSITE: "look for inputs that are effects, or that stand for the setpoint",
    Verdict.OTHER_SIZE: "look for inputs that follow it without being named, or for wrong gains",
    Verdict.UNCONFIRMED_GAINS: "name what follows it in gains or follows",
}


def reaction_warnings(setpoint: Setpoint, recipe: Recipe) -> tuple[str, ...]:
    """Return what the data do not confirm of the model's reaction, and what to do; empty where they confirm it."""
    if setpoint.verdict is Verdict.CONFIRMED:
        return ()
    suggested = "no move of it is suggested"
    if setpoint.may_suggest:
        suggested = "its moves are suggested all the same, as the recipe says (suggest)"
    shown = "" if setpoint.data_reaction is None else f" ({reaction_text(setpoint, recipe)})"
    what, act = setpoint.verdict.value, WHAT_TO_DO[setpoint.verdict]
    return (f"{setpoint.table.tag}: {what}{shown}; {suggested}. {act[0].upper()}{act[1:]}.",)


def limit_warnings(setpoint: Setpoint) -> tuple[str, ...]:
    """Return whether the validated range is wider than what the data cover, or nothing is known of it."""
    table, covered = setpoint.table, setpoint.covered
    if covered is None:
        return (f"{table.tag}: where it stood is not known at any row; does the data have it?",)
    lower, upper = table.validated
    room = _RANGE_ROOM * (upper - lower)
    if covered[0] - lower <= room and upper - covered[1] <= room:
        return ()
    return _one(
        f"{table.tag}: validated {lower:g} to {upper:g} is wider than what the data cover, {covered[0]:.4g} to "
        f"{covered[1]:.4g} {table.unit}. Beyond that nothing is known of a move's effect: narrow validated."
    )


def size_warnings(setpoint: Setpoint, recipe: Recipe, half_width: float) -> tuple[str, ...]:
    """Return whether the largest step moves the analyte by less than the half width of the interval."""
    effect = abs(setpoint.model_reaction) * setpoint.table.max_step
    if setpoint.verdict is not Verdict.CONFIRMED or effect >= half_width:
        return ()
    return _one(
        f"{setpoint.table.tag}: its largest step moves {recipe.output.analyte} by {effect:.3g} {recipe.output.unit}, "
        f"less than the interval's half width of {half_width:.3g}; moves will rarely be worth a suggestion."
    )


def _one(warning: str) -> tuple[str, ...]:
    return (warning,)
