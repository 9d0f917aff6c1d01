"""The recipe of a model: where its rows come from, what its inputs are, how it is chosen, what it must reach.

The reference of its keys, docs/recipes.md, is made from the descriptions here (``gateway.training.recipe_reference``).
"""

import difflib
import math
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from gateway.contract.model_names import ModelName, PlainName
from gateway.errors import LablineError
from gateway.line.derived_inputs import BATCH_START
from gateway.training.input_names import NamedInput, name_clash, named_inputs
from gateway.training.recipe_tables.acceptance import AcceptanceTable
from gateway.training.recipe_tables.candidates import CandidatesTable
from gateway.training.recipe_tables.correction import BiasTable, FunctionSpaceTable
from gateway.training.recipe_tables.data import DataTable, HistoryTable, LaboratoryTable, SplitTable
from gateway.training.recipe_tables.inputs import InputsTable
from gateway.training.recipe_tables.manipulated import InterlockTable, ManipulatedTable
from gateway.training.recipe_tables.output import OutputsTable, OutputTable
from gateway.training.recipe_tables.search import SearchTable
from gateway.training.recipe_tables.table import RecipeTable
from gateway.training.several_outputs import recipe_of_each


class Recipe(RecipeTable):
    """The recipe itself: its own keys, which stand before the first table."""

    name: ModelName = Field(description="the model's name, under which the gateway knows it")
    version: PlainName = Field(description="the bundle's version; raise it for each training that is kept")
    intended_use: str = Field(description="what the model is for, and what not, for who signs it")
    seed: int = Field(default=0, description="of what is random in training; the same seed gives the same bytes")
    data: DataTable | None = Field(default=None, description="a file of numbers")
    laboratory: LaboratoryTable | None = Field(default=None, description="the analyte in that file")
    history: HistoryTable | None = Field(default=None, description="a line's own store, in the place of both")
    split: SplitTable = Field(default=SplitTable(), description="what tests the model")
    inputs: list[InputsTable] = Field(min_length=1, description="what the model sees")
    output: OutputTable = Field(description="what it says; of several analytes [[outputs]]")
    outputs: list[OutputsTable] = Field(
        default=[], max_length=0, description="what several models say, in the place of [output]"
    )
    search: SearchTable | None = Field(default=None, description="lags and windows to choose from")
    candidates: CandidatesTable = Field(default=CandidatesTable(), description="the kinds of models to choose from")
    bias: BiasTable | None = Field(default=BiasTable(), description="how laboratory results may correct it")
    function_space: FunctionSpaceTable = Field(
        default=FunctionSpaceTable(), description="how results of similar inputs may correct it"
    )
    acceptance: AcceptanceTable = Field(default=AcceptanceTable(), description="what it must reach")
    manipulated: list[ManipulatedTable] = Field(default=[], description="setpoints that it may suggest to move")

    @field_validator("inputs", mode="before")
    @classmethod
    def _table_for_each_tag(cls, tables: object) -> object:
        """Return [[inputs]] with a table of its own for each of ``tags``."""
        if not isinstance(tables, list):
            return tables
        return [
            {**{key: value for key, value in table.items() if key != "tags"}, "tag": tag} if tag is not None else table
            for table in tables
            for tag in _tags_of(table)
        ]

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        tables = (self.data is not None, self.laboratory is not None, self.history is not None)
        if tables not in {(True, True, False), (False, False, True)}:
            raise ValueError("give [data] and [laboratory], or [history]")
        if self.history is not None and self._columns_named():
            raise ValueError("a column is of a file; with [history] an input or setpoint is of a tag")
        return self

    def _columns_named(self) -> bool:
        tables = (*self.inputs, *self.manipulated)
        return any(table.column is not None for table in tables) or any(item.over_column for item in self.inputs)

    @property
    def named_inputs(self) -> tuple[NamedInput, ...]:
        """Return the inputs in the order in which the model has them."""
        return named_inputs(self.inputs)

    @model_validator(mode="after")
    def _products_are_known(self) -> Self:
        by_product = self.bias is not None and self.bias.per == "product"
        if by_product and self.laboratory is not None and self.laboratory.product_column is None:
            raise ValueError('[bias] per = "product" needs [laboratory] product_column: which product a row is of')
        return self

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        tags = Counter(table.tag for table in self.manipulated)
        clash = name_clash(self.named_inputs)
        if clash is not None:
            raise ValueError(clash)
        if tags and max(tags.values()) > 1:
            raise ValueError(f"setpoint {tags.most_common(1)[0][0]} has two [[manipulated]] tables")
        return self

    @model_validator(mode="after")
    def _has_batches(self) -> Self:
        of_batch = next((item.name for item in self.named_inputs if item.table.stretch is not None), None)
        if of_batch is None or self.data is None:
            return self
        if self.data.batch_column is None:
            raise ValueError(f"input {of_batch} is of a batch: name the file's batch_column in [data]")
        events = [event for item in self.inputs for event in (item.since, *(item.between or ())) if event is not None]
        if self.data.phase_column is None and any(event != BATCH_START for event in events):
            raise ValueError("an input begins or ends with a phase: name the file's phase_column in [data]")
        return self

    @model_validator(mode="after")
    def _looks_at_no_result_before_it_is_known(self) -> Self:
        if self.laboratory is None:
            return self
        looked_at = {column for table in self.inputs for column in table.columns}
        if self.laboratory.arrival_column is not None and self.laboratory.column in looked_at:
            raise ValueError(
                "an input is the laboratory's column, whose results arrive at times of their own (arrival_column): "
                "a row would look at results before they were known; leave the input out"
            )
        delay = max(self._delay_rows(self.laboratory), 1)
        early = [table.tag for table in self.inputs
                 if self.laboratory.column in table.columns and min(table.lags) < delay]  # fmt: skip
        if early:
            raise ValueError(
                f"input {early[0]} is the laboratory's column, which is known {delay} rows late at the soonest: "
                f"leave it out, or begin its lags_rows at {delay}"
            )
        return self

    def _delay_rows(self, laboratory: LaboratoryTable) -> int:
        """Return how many rows late results are at the soonest, as far as the recipe says."""
        if laboratory.delay_seconds is not None:
            return math.ceil(laboratory.delay_seconds / self.period_seconds)
        return laboratory.delay_rows or 0

    @model_validator(mode="after")
    def _times_are_of_files_with_times(self) -> Self:
        if self.laboratory is None or self.data is None or self.data.time_column is not None:
            return self
        if self.laboratory.file is not None or self.laboratory.arrival_column is not None:
            raise ValueError("times of results need times of rows: give [data] time_column, too")
        return self

    @model_validator(mode="after")
    def _setpoints_fit_the_inputs(self) -> Self:
        for table in self.manipulated:
            definitions = [item.definition(1.0) for item in self.named_inputs]
            levels = {item.tag for item in definitions if item.is_level}
            names = {item.name for item in definitions}
            unknown = sorted((table.gains.keys() - levels - names) | (set(table.follows) - levels))
            if unknown:
                near = difflib.get_close_matches(unknown[0], levels | names, n=1)
                hint = f"did you mean {near[0]}?" if near else f"inputs are of {', '.join(sorted(levels))}"
                raise ValueError(f"manipulated {table.tag} names {unknown[0]}, which is no input's tag; {hint}")
            following = {table.tag, *table.follows, *table.gains}
            bent = [
                item.name for item in definitions
                if item.bends and following.intersection(item.tags) and item.name not in table.gains
            ]  # fmt: skip
            if bent:
                raise ValueError(
                    f"manipulated {table.tag} moves {bent[0]} by an amount that hangs on how things stand; state its "
                    f"gain by that name, or leave the ratio or transform out"
                )
            own = [item for item in self.inputs if item.tag == table.tag]
            if any((item.unit, item.column) != (table.unit, table.column or item.column) for item in own):
                raise ValueError(f"manipulated {table.tag} has another unit or column than its [[inputs]]")
        return self

    @property
    def period_seconds(self) -> float:
        """Return how long one of the rows is in which lags, windows and ages are counted."""
        period = self.data or self.history
        if period is None:
            raise LookupError("a recipe has one of them")  # the validator has seen to it
        return period.period_seconds


def _tags_of(table: object) -> list[Any]:
    """Return the tags of one of [[inputs]] that names several; [None] where it is to be taken as it stands."""
    several = table.get("tags") if isinstance(table, dict) and "tag" not in table and "column" not in table else None
    return several if isinstance(several, list) and several else [None]


def read_recipe(path: Path) -> Recipe:
    """Return the recipe in a file; raises LablineError as ``read_recipes`` does, and where there are several."""
    recipes = read_recipes(path)
    if len(recipes) > 1:
        raise LablineError(f"{path} makes several models", hint="name a recipe with one [output]")
    return recipes[0]


def read_recipes(path: Path) -> tuple[Recipe, ...]:
    """Return the recipe of each analyte in a file; raises LablineError with everything that is wrong with it."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LablineError(f"{path} cannot be read: {error.strerror}", hint="name the recipe's file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise LablineError(f"{path} is not TOML: {error}", hint="see models/recipes for recipes that work") from error
    recipes, problems = list[Recipe](), list[str]()
    try:
        for below, recipe in recipe_of_each(document):
            try:
                recipes.append(Recipe.model_validate(recipe))
            except ValidationError as error:
                problems.extend(f"{below}{_problem(problem)}" for problem in error.errors())
    except ValueError as error:
        problems.append(str(error))
    names = Counter(recipe.name for recipe in recipes)
    problems.extend(f"two outputs make the bundle {name}" for name, count in names.items() if count > 1)
    if problems:
        raise LablineError(f"{path}: {'; '.join(dict.fromkeys(problems))}", hint="docs/recipes.md lists every key")
    return tuple(recipes)


def _problem(error: Any) -> str:
    """Return one of pydantic's errors as a sentence: the key, what is wrong, and for an unknown key what was meant."""
    where, message = error["loc"], error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        near = difflib.get_close_matches(str(where[-1]), sorted(_keys_of_table_at(where)), n=1)
        message = "is no key here" + (f"; did you mean {near[0]}?" if near else "")
    return f"{'.'.join(str(part) for part in where) or 'the recipe'}: {message}"


def _keys_of_table_at(where: tuple[str | int, ...]) -> set[str]:
    """Return the keys that the table at a place has."""
    tables: dict[str, type[RecipeTable]] = {
        "data": DataTable, "laboratory": LaboratoryTable, "history": HistoryTable, "split": SplitTable,
        "inputs": InputsTable, "output": OutputTable, "bias": BiasTable, "search": SearchTable,
        "function_space": FunctionSpaceTable, "candidates": CandidatesTable, "outputs": OutputsTable,
        "acceptance": AcceptanceTable, "manipulated": ManipulatedTable, "interlocks": InterlockTable,
    }  # fmt: skip
    names = [part for part in where[:-1] if isinstance(part, str)]
    return set((tables[names[-1]] if names else Recipe).model_fields)
