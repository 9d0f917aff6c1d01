"""What comes of a recipe: everything that the bundle's files and the card are made from."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gateway.line.definition import InputDefinition, Predict
from gateway.line.model_domain import Domain
from gateway.line.outputs import BiasLimits, FunctionSpaceLimits, ValueOutput
from gateway.line.sustained_outside import SustainedOutside
from gateway.training.backtest import Served
from gateway.training.lag_choice import LagChoice
from gateway.training.recipe import Recipe
from gateway.training.refusals import Refusals
from gateway.training.rows import Rows
from gateway.training.search_result import SearchResult
from gateway.training.setpoint_findings import Setpoint


@dataclass(frozen=True, kw_only=True)
class Compared:
    """One candidate in cross-validation: how it does by itself and as served, and with which correction."""

    kind: str
    error: float
    r2: float
    error_as_served: float
    r2_as_served: float
    correction: BiasLimits | FunctionSpaceLimits | None
    left_out: NDArray[np.float64]  # what models of the other blocks say of a row
    later: NDArray[np.float64]  # what models of earlier blocks say; NaN where there is none
    settings: Mapping[str, int] = field(default_factory=dict)  # by kind: how freely it follows the rows
    weights: Mapping[str, float] = field(default_factory=dict)  # by kind, of a weighted mean of several


@dataclass(frozen=True, kw_only=True)
class Failed:
    """A candidate that could not be made, and why."""

    kind: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What a plain means reaches on the same rows; ``model``: whether it is one. Errors are root mean squares."""

    name: str
    model: bool
    error: float  # of the test rows
    r2: float
    error_laboratory: float  # of the test rows that have a laboratory result
    error_of_blocks: tuple[float, ...]  # of each left-out block before the test


@dataclass(frozen=True, kw_only=True)
class Block:
    """How the chosen model does, as served with its interval, on a block of time that was left out."""

    first: str  # the names of its first and last row
    last: str
    rows: int
    error: float
    coverage: float
    half_width: float  # the mean


@dataclass(frozen=True, kw_only=True)
class Demotions:
    """How often the charts of errors would have put the model into shadow, and over how many laboratory results."""

    left_out: int  # rows before the test, by models of the other blocks
    left_out_results: int
    later: int  # by models of the blocks before
    later_results: int
    test: int
    test_results: int


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What came of a recipe: everything that the bundle's files and the card are made from."""

    recipe: Recipe
    rows: Rows
    made_from: slice
    test: slice
    inputs: tuple[InputDefinition, ...]
    compared: tuple[Compared, ...]
    failed: tuple[Failed, ...]
    chosen: Compared
    onnx: bytes
    predict: Predict
    output: ValueOutput
    domain: Domain
    served: Served  # of the test rows, with the results of those whose inputs the gates accept, as in service
    demoted: NDArray[np.bool_]  # at which test rows a drift of the errors has put the model into shadow
    outside: SustainedOutside | None
    refusals: Refusals  # of the test rows
    refusals_of_blocks: Refusals  # of the rows before the test, by gates that have not seen them
    figures: dict[str, float]
    baselines: tuple[Baseline, ...] = ()
    blocks: tuple[Block, ...] = ()
    error_from_results_alone: float = float("nan")  # of the test rows, made from rows with a result alone
    setpoints: tuple[Setpoint, ...] = ()
    block_coverages: tuple[float, ...] = ()  # of blocks left out, when the others calibrated the interval
    run_length: float = 0.0  # of the charts of errors: laboratory results until a false alarm, on left-out errors
    demotions: Demotions = Demotions(left_out=0, left_out_results=0, later=0, later_results=0, test=0, test_results=0)
    search: SearchResult | None = None  # for lags and windows, where the recipe has one
    lags: LagChoice | None = None  # of inputs whose lags the recipe leaves open

    @property
    def accepted(self) -> NDArray[np.bool_]:
        """Return which of the test rows the gates would accept."""
        return self.refusals.accepted

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return what a person should know before signing, as sentences."""
        failed = tuple(f"{item.kind} could not be made: {item.problem}" for item in self.failed)
        return failed + tuple(warning for setpoint in self.setpoints for warning in setpoint.warnings)


def data_sha256(trained: Trained) -> str:
    """Return the hash of what the model has learned from: the data file and the rows that came of it."""
    digest = hashlib.sha256(trained.rows.data_sha256.encode())
    digest.update(trained.rows.features.tobytes())
    digest.update(trained.rows.values.tobytes())
    for tag in sorted(trained.rows.setpoints):
        digest.update(trained.rows.setpoints[tag].tobytes())
    return digest.hexdigest()


Progress = Callable[[str, int, int], None]
