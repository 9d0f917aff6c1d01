"""What a model must reach."""

from pydantic import Field

from gateway.training.recipe_tables.table import RecipeTable


class AcceptanceTable(RecipeTable):
    """``[acceptance]``: what the test part must reach, agreed beforehand. Exit code 1 where it does not."""

    minimum_gain_over_baselines: float = Field(
        default=0.0,
        ge=0,
        lt=1,
        description="share by which the error on the test rows must be smaller than that of the last laboratory value "
        "and that of the running mean; by itself it must be smaller",
    )
    minimum_gain_over_plain_models: float = Field(
        default=-0.05,
        ge=-1,
        lt=1,
        description="the same beside ridge, PLS and boosting on the same inputs, each with and without bias: the one "
        "of them that does best on the test rows; by itself the error may be 5 % larger",
    )
    minimum_r2: float | None = Field(default=None, description="least R2 on the test rows, as served; 1 is perfect")
    minimum_r2_laboratory: float | None = Field(
        default=None, description="least R2, as served, on the test rows that have a laboratory result"
    )
    maximum_rmse: float | None = Field(
        default=None, gt=0, description="in the unit: largest root mean square error on the test rows, as served"
    )
    coverage: tuple[float, float] | None = Field(
        default=None, description="[least, most] share of the test rows inside their interval"
    )
    minimum_accepted_share: float | None = Field(
        default=None, ge=0, le=1, description="least share of the test rows that the gates accept"
    )
