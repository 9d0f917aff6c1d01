"""What a model must reach."""

from pydantic import Field

from gateway.training.recipe_tables.table import RecipeTable


class AcceptanceTable(RecipeTable):
    """``[acceptance]``: what the test part must reach, agreed beforehand. Exit code 1 where it does not."""

    minimum_r2: float | None = Field(default=None, description="least R2 on the test rows, as served; 1 is perfect")
    coverage: tuple[float, float] | None = Field(
        default=None, description="[least, most] share of the test rows inside their interval"
    )
    minimum_accepted_share: float | None = Field(
        default=None, ge=0, le=1, description="least share of the test rows that the gates accept"
    )
