"""How laboratory results may correct a model."""

from typing import Annotated, Literal

from pydantic import Field

from gateway.training.recipe_tables.table import RecipeTable


class BiasTable(RecipeTable):
    """``[bias]``: trusts and half lives to choose from, and the bounds of the correction by laboratory results.

    Every key has a default, and so has the table. "No correction" is always a choice: a model is corrected only where
    this makes the error on left-out blocks smaller.
    """

    enabled: bool = Field(default=True, description="whether results may correct the model at all")
    trusts: list[Annotated[float, Field(gt=0, le=1)]] = Field(
        default=[0.3, 0.6, 1.0], min_length=1, description="share of an error that a result corrects, to choose from"
    )
    half_lives_rows: list[Annotated[float, Field(gt=0)]] | None = Field(
        default=None,
        min_length=1,
        description="rows, after how long a correction counts half, to choose from; by itself 2, 5, 23 and 1000 times "
        "the rows from one laboratory result to the next",
    )
    max_step: float | None = Field(
        default=None,
        gt=0,
        description="in the analyte's unit: the most that one result may change; by itself the 99.5 % quantile of the "
        "errors on left-out blocks",
    )
    max_total: float | None = Field(
        default=None,
        gt=0,
        description="in the analyte's unit: the most that a value is ever corrected by; by itself twice that quantile, "
        "and no less than max_step",
    )
    max_age_rows: float | None = Field(
        default=None,
        gt=0,
        description="rows, how old a result may be that a correction stands on; by itself the delay of a result and "
        "four laboratory intervals; of a product 40",
    )
    per: Literal["product"] | None = Field(
        default=None,
        description="product: also try a bias for each product by itself (in service: the material_definition_id of "
        "the context; in a file: [laboratory] product_column)",
    )


class FunctionSpaceTable(RecipeTable):
    """``[function_space]``: a correction that carries each laboratory error to where time and inputs resemble.

    It is one of the choices beside none and the biases, and is taken where it serves better on left-out blocks. A
    configuration with ``bias = "signed"`` refuses a bundle with it: it is no single number that a person could sign.
    """

    enabled: bool = Field(
        default=True,
        description="whether it is tried at all; not where [bias] enabled = false, nor with over 2000 results",
    )
    weights: list[Annotated[float, Field(ge=0)]] = Field(
        default=[1.0], min_length=1, description="of the likeness of inputs beside that of time alone, to choose from"
    )
    tau_rows: float | None = Field(
        default=None,
        gt=0,
        description="rows, after which time alone says a third (1/e); by itself 4 laboratory intervals",
    )
    memory_rows: float | None = Field(
        default=None, gt=0, description="rows, after which like inputs say a third; by itself 40 laboratory intervals"
    )
    length: float = Field(
        default=1.0, gt=0, description="standard deviations of inputs, in the mean, over which they are alike"
    )
    noise: float = Field(
        default=0.1, ge=0.001, description="variance of a result's own error, of the one that time alone explains"
    )
    max_residual: float | None = Field(
        default=None,
        gt=0,
        description="in the analyte's unit: a larger error counts as so large; by itself 1.5 times the 99.5 % quantile "
        "of errors on left-out blocks",
    )
    max_total: float | None = Field(
        default=None,
        gt=0,
        description="in the analyte's unit: the most that a value is ever corrected by; by itself as max_residual",
    )
    max_age_rows: float | None = Field(
        default=None, gt=0, description="rows, how old a result may be that counts; by itself 60 laboratory intervals"
    )
    most_results: int = Field(default=60, ge=1, le=60, description="how many results it stands on, the newest")
