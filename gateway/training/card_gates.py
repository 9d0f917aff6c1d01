"""The model card's sections on the gates: the ranges of the inputs, and which rows the gates refuse."""

from gateway.guardrails.reasons import Abstention
from gateway.line.sustained_outside import SustainedOutside
from gateway.training.refusals import Refusals
from gateway.training.trained_model import Trained

_GATES = {
    Abstention.OUTSIDE_VALIDATED_RANGE: "outside its validated range",
    Abstention.OUTSIDE_DOMAIN_T2: "farther out than learned (T2), mostly",
    Abstention.OUTSIDE_DOMAIN_SPE: "stands to others as never learned (SPE), mostly",
    Abstention.PROCESS_OUTSIDE: "inside, but shortly after the process was outside",
    Abstention.NOT_FINITE: "the value is no number",
    Abstention.OUTSIDE_OUTPUT_RANGE: "the value is outside its valid range",
    Abstention.NO_HONEST_INTERVAL: "no interval can be given",
    Abstention.INTERVAL_TOO_WIDE: "the interval is too wide",
}


def gates_section(trained: Trained) -> str:
    """Return how far inputs may go, and which rows the gates refuse: whether refusing pays, a person can judge."""
    return f"""## Gates

{_ranges(trained)}
Rows before the test, each block as a model of the other blocks would refuse it:

{_refusals(trained.refusals_of_blocks)}
Rows of the test:

{_refusals(trained.refusals)}
{_average(trained.domain.averaged_over)}{_state(trained.outside)}
A row for which several inputs are to blame counts at each of them.
"""


def _average(over: int) -> str:
    if over == 1:
        return ""
    return (
        f"Distances from the domain (T2, SPE) are averaged over {over} predictions; farther out than twice a limit "
        "each is judged by itself.\n"
    )


def _state(rules: SustainedOutside | None) -> str:
    if rules is None:
        return "Each prediction is judged by itself: to wait after the process was outside would cost too many.\n"
    return (
        f"After {rules.enters_after} of {rules.of} predictions outside by range or domain, nothing is predicted until "
        f"{rules.leaves_after} in a row are inside.\n"
    )


def _ranges(trained: Trained) -> str:
    rows = "".join(
        f"| {item.name} | {item.learned[0]:.6g} to {item.learned[1]:.6g} | "
        f"{item.validated[0]:.6g} to {item.validated[1]:.6g} |\n"
        for item in trained.inputs
        if item.learned is not None
    )
    return f"| input | learned | validated, with its margin |\n|---|---|---|\n{rows}"


def _refusals(refusals: Refusals) -> str:
    total, accepted = len(refusals.accepted), int(refusals.accepted.sum())
    rows = [("all gates: accepted", accepted, refusals.error_accepted)]
    rows += [("all gates: refused", total - accepted, refusals.error_refused)]
    rows += [
        (f"{_GATES[item.gate]} {item.input or ''}".rstrip(" "), item.rows, item.error) for item in refusals.refused
    ]
    lines = "".join(
        f"| {what} | {count} | {count / total:.1%} | {f'{error:.4g}' if count else ''} |\n"
        for what, count, error in rows
    )
    return f"| gate | rows | share | root mean square error as served |\n|---|---|---|---|\n{lines}"
