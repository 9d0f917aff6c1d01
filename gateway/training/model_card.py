"""A trained model's card, in Markdown: what it is for, what it reaches, what it may move."""

import math

from gateway.line.outputs import FunctionSpaceLimits
from gateway.time_units import SECOND_NS
from gateway.training.acceptance import acceptance_of
from gateway.training.card_comparison import blocks_left_out, comparison
from gateway.training.card_gates import gates_section
from gateway.training.card_lags import lags_section
from gateway.training.card_plots import COVERAGE, DOMAIN, PARITY, RESIDUALS
from gateway.training.card_summary import summary
from gateway.training.recipe import Recipe
from gateway.training.setpoint_findings import Setpoint, reaction_text
from gateway.training.trained_model import Demotions, Trained
from gateway.transport.onnx import runtime_version


def card(trained: Trained) -> str:
    """Return the model card."""
    recipe = trained.recipe
    return f"""# {recipe.name} {recipe.version}

{summary(trained)}
{trained.rows.about}.
{_odd(trained)}"As served" means: with the correction by the values that had arrived.

{_test_rows(trained)}
{comparison(trained)}
{lags_section(trained)}{_search(trained)}{_choice(trained)}
{blocks_left_out(trained)}
{gates_section(trained)}
{_setpoints(trained)}{_acceptance(trained)}
Golden vectors are exact with onnxruntime {runtime_version()}.
"""


def _odd(trained: Trained) -> str:
    """Return what was odd about the data, each thing with its count; empty where nothing was."""
    lines = "".join(f"- {what}: {count}\n" for what, count in trained.rows.odd.items())
    return f"\nOdd about the data:\n\n{lines}\n" if lines else ""


def _search(trained: Trained) -> str:
    """Return what the search for lags and windows came to; empty where the recipe has none."""
    search = trained.search
    if search is None:
        return ""
    steps = "".join(f"| {name} | {error:.4g} |\n" for name, error in search.path)
    return f"""## Search for lags and windows, on the rows before the test

{search.outcome[0].upper()}{search.outcome[1:]}. {search.trials} sets of inputs were tried.

| taken one after the other | error as served |
|---|---|
| (the recipe as written) | {search.error_written:.4g} |
{steps}
"""


def _choice(trained: Trained) -> str:
    rows = "\n".join(
        f"| {compared.kind} | {compared.r2:.3f} | {compared.r2_as_served:.3f} | {compared.error_as_served:.4g} |"
        for compared in trained.compared
    )
    return f"""## Choice, by blocks of the rows before the test that were left out

Each block is predicted by a model of the other blocks; "error as served" counts those of a model of earlier blocks too.

| kind | R2 by itself | R2 as served | error as served |
|---|---|---|---|
{rows}

Chosen: {trained.chosen.kind}{_weights(trained)}{_correction(trained.recipe, trained)}.
{_failed(trained)}
{_interval(trained)}
"""


def _weights(trained: Trained) -> str:
    weights = ", ".join(f"{kind} {weight:.0%}" for kind, weight in trained.chosen.weights.items())
    return f" ({weights})" if weights else ""


def _failed(trained: Trained) -> str:
    rows = "".join(f"- {item.kind} could not be made: {item.problem}\n" for item in trained.failed)
    return f"\n{rows}" if rows else ""


def _test_rows(trained: Trained) -> str:
    figures, unit = trained.figures, trained.recipe.output.unit
    return f"""## The test rows, which took no part in any of it

| figure | all rows | rows with a laboratory result |
|---|---|---|
| rows | {figures["test_rows"]:.0f} | {figures["laboratory_rows"]:.0f} |
| R2 by itself | {figures["r2_by_itself"]:.3f} | |
| R2 as served, all rows | {figures["r2_as_served"]:.3f} | {figures["r2_laboratory"]:.3f} |
| R2 as served, accepted rows | {figures["r2_accepted"]:.3f} | |
| root mean square error as served, {unit} | {figures["rmse_as_served"]:.4g} | {figures["rmse_laboratory"]:.4g} |
{_from_results_alone(trained)}| spread of the analyte (standard deviation), {unit} | {figures["spread"]:.4g} | |
| inside the {trained.output.coverage:.0%} interval | {figures["coverage"]:.1%} | {figures["coverage_laboratory"]:.1%} |
| mean half width, {unit} | {figures["mean_half_width"]:.4g} | |
| accepted by the gates | {figures["accepted_share"]:.1%} | |
| after a drift of the errors, in shadow until a person looks | {figures["demoted_share"]:.1%} | |
| shown to operators: share; R2; inside the interval | {figures["accepted_share_in_service"]:.1%}; \
{figures["r2_in_service"]:.3f}; {figures["coverage_in_service"]:.1%} | |

![said against measured]({PARITY})

![errors over time]({RESIDUALS})

![share inside the interval]({COVERAGE})

![distance from what was learned]({DOMAIN})
"""


def _from_results_alone(trained: Trained) -> str:
    error, unit = trained.error_from_results_alone, trained.recipe.output.unit
    return (
        ""
        if math.isnan(error)
        else f"| the same, made from rows with a laboratory result alone, {unit} | {error:.4g} | |\n"
    )


def _acceptance(trained: Trained) -> str:
    criteria = "\n".join(
        f"| {criterion['figure']} | {criterion['criterion']} | {criterion['reached']} | {'met' if met else 'NOT MET'} |"
        for criterion, met in acceptance_of(trained)
    )
    return f"""## Acceptance

| figure | criterion | reached | |
|---|---|---|---|
{criteria}
"""


def _setpoints(trained: Trained) -> str:
    """Return the card's section about setpoints; empty where the model moves none."""
    if not trained.setpoints:
        return ""
    recipe = trained.recipe
    rows = "\n".join(_setpoint_row(setpoint, recipe) for setpoint in trained.setpoints)
    open_ones = [setpoint.table.tag for setpoint in trained.setpoints if setpoint.table.effect is None]
    directions = "" if not open_ones else (
        f"\nThe recipe does not say in which direction {', '.join(open_ones)} acts (`effect`): rows in which people\n"
        "moved it in answer to the analyte may show that reversed."
    )  # fmt: skip
    warnings = "".join(f"- Warning: {warning}\n" for warning in trained.warnings)
    return f"""## Setpoints that it may suggest to move

What the model says of a move is held against what the rows before the test show of the setpoint itself, beyond what the
inputs that do not follow it explain, over blocks of time that were left out. Reactions are settled ones.{directions}

| setpoint | validated | stood in the data at | follows it | reaction | verdict | suggests moves |
|---|---|---|---|---|---|---|
{rows}

{warnings}
"""


def _setpoint_row(setpoint: Setpoint, recipe: Recipe) -> str:
    table, (lower, upper) = setpoint.table, setpoint.table.validated
    return (
        f"| {table.tag} | {lower:g} to {upper:g} {table.unit} | "
        f"{_span(setpoint.covered)} | {_followers(setpoint)} | {reaction_text(setpoint, recipe)} | "
        f"{setpoint.verdict.value} | {'yes' if setpoint.may_suggest else 'NO'} |"
    )


def _span(covered: tuple[float, float] | None) -> str:
    return "not known" if covered is None else f"{covered[0]:.4g} to {covered[1]:.4g}"


def _followers(setpoint: Setpoint) -> str:
    followers = [f"{follower.tag} by {follower.value:.4g} ({follower.source})" for follower in setpoint.followers]
    followers += [
        f"{name} by {gain:g} (declared)" for name, gain in setpoint.table.gains.items() if name in setpoint.gains
    ]
    return ", ".join(followers) or "nothing"


def _correction(recipe: Recipe, trained: Trained) -> str:
    correction = trained.chosen.correction
    if correction is None:
        return ", never corrected"
    if isinstance(correction, FunctionSpaceLimits):
        return (
            f", corrected in function space by the newest {correction.most_results} results of similar inputs (weight "
            f"{correction.weight:g} beside time alone), by at most {correction.max_total:.4g} {recipe.output.unit}"
        )
    rows = "" if correction.half_life_ns is None else (
        f", fading to half in {correction.half_life_ns / SECOND_NS / recipe.period_seconds:g} rows"
    )  # fmt: skip
    each = ", for each product by itself" if correction.per_product else ""
    return f", corrected with a trust of {correction.trust:g}{rows}{each}"


def _interval(trained: Trained) -> str:
    """Return how the interval follows errors, and how it covered blocks that were left out."""
    output = trained.output
    kind = "fixed"
    if output.tracked is not None:
        kind = f"follows the size of recent errors (rate {output.tracked.rate:g})"
    if output.adaptive is not None:
        kind = f"follows its hits and misses (rate {output.adaptive.rate:g})"
    if output.proportional is not None:
        kind += ", in proportion to the value"
    blocks = ", ".join(f"{share:.1%}" for share in trained.block_coverages)
    return (
        f"The {output.coverage:.0%} interval: {kind}; inside it were, of each block when the others calibrated it, "
        f"{blocks}. Drift: on left-out errors a false alarm comes after {trained.run_length:.0f} laboratory results "
        f"in the mean. {_demotions(trained.demotions)}"
    )


def _demotions(counted: Demotions) -> str:
    """Return how often the charts would have put the model into shadow."""
    return (
        "Errors that last put a model into shadow until a person has looked. With these limits that would have "
        f"happened {counted.left_out} times in the {counted.left_out_results} results of left-out blocks, "
        f"{counted.later} times in the {counted.later_results} that models of earlier blocks predict, as in service, "
        f"and {counted.test} times in the {counted.test_results} of the test rows."
    )
