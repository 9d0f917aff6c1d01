"""The section of a model's card about lags that its recipe leaves open."""

from gateway.training.lag_choice import LagChoice
from gateway.training.trained_model import Trained

_SHOWN = 8


def lags_section(trained: Trained) -> str:
    """Return how they were chosen, in Markdown; empty where the recipe says them all."""
    choice = trained.lags
    if choice is None:
        return ""
    by_error = sorted(zip(choice.errors, choice.schemes, strict=True), key=lambda pair: pair[0])
    rows = "".join(
        f"| {scheme.name}{' (taken)' if scheme == choice.scheme else ''} | {scheme.inputs} | {error:.4g} |\n"
        for error, scheme in by_error[:_SHOWN]
    )
    return f"""## Lags that the recipe leaves open

Chosen on blocks of the rows before the test that were left out, by two fast models, about as served: of the schemes
that do as well as the best one (within 1 %), the one with the fewest inputs. {len(choice.schemes)} were compared; the
best ones:

| of each tag | inputs | error |
|---|---|---|
{rows}{_plainer(choice)}
"""


def _plainer(choice: LagChoice) -> str:
    """Return which tags have fewer inputs; empty where none has."""
    if not choice.plainer:
        return ""
    tags = "".join(f"- of {tag}: {scheme.name}\n" for tag, scheme in choice.plainer.items())
    return f"""
Some tags move on, and soon lie outside what was learned for good. Where the error is no larger without their levels,
these are left out, as nothing would be predicted then.

{tags}"""
