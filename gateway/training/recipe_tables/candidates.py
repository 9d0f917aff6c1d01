"""Which models there are to choose from."""

from typing import Literal

from pydantic import Field

from gateway.training.recipe_tables.table import RecipeTable


class CandidatesTable(RecipeTable):
    """``[candidates]``: the models to choose from, by the error in blocked cross-validation."""

    kinds: list[Literal["ridge", "pls", "gradient_boosting", "extra_trees", "neural_network", "linear_and_trees"]] = (
        Field(min_length=1, description="which kinds of models are compared")
    )
    folds: int = Field(default=4, ge=2, description="in how many blocks of time the rows are left out, one at a time")
