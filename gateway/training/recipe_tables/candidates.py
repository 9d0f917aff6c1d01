"""Which models there are to choose from."""

from typing import Literal

from pydantic import Field

from gateway.training.recipe_tables.table import RecipeTable

Kind = Literal[
    "ridge", "pls", "lasso", "gradient_boosting", "extra_trees", "boosting_on_linear", "neural_network", "kernel",
    "linear_and_trees", "constant",
]  # fmt: skip

_ANY_PLANT: list[Kind] = [
    "kernel", "ridge", "pls", "lasso", "extra_trees", "gradient_boosting", "boosting_on_linear", "neural_network",
    "constant",
]  # fmt: skip


class CandidatesTable(RecipeTable):
    """``[candidates]``: the models to choose from, by the error in blocked cross-validation."""

    kinds: list[Kind] = Field(default=_ANY_PLANT, min_length=1, description="which kinds of models are compared")
    stack: bool = Field(
        default=True, description="whether a weighted mean of the kinds is compared with them, where there are several"
    )
    folds: int = Field(default=4, ge=2, description="in how many blocks of time the rows are left out, one at a time")
