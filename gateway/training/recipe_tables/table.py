"""What all tables of a recipe have in common."""

from pydantic import BaseModel, ConfigDict, Field


class RecipeTable(BaseModel):
    """A table of a recipe: a key that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, frozen=True)


class TagTable(RecipeTable):
    """What an input or a setpoint is of: a tag of the line, a column of the file."""

    tag: str = Field(description="the tag, as the line's configuration calls it")
    column: str | None = Field(default=None, description="the file's column, where it is not called like the tag")
    unit: str = Field(description="its engineering unit; it must be the tag's unit on the line")


def must_ascend(name: str, limits: tuple[float, float]) -> None:
    """Raise ValueError where two limits leave no room between them."""
    if not limits[0] < limits[1]:
        raise ValueError(f"{name} {list(limits)} has no room between lower and upper")
