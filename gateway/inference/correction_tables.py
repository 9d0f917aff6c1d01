"""The tables of an output in ``bundle.toml``: its interval, what corrects it, and how its errors are charted. Pure."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gateway.line.outputs import CUSUM_H, EWMA_L

MOST_RESULTS = 60  # that a correction stands on: a system of so many is solved at each prediction


class ManifestTable(BaseModel):
    """A table of ``bundle.toml``: a key that it does not know is refused."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, defer_build=True)


class WideningTable(ManifestTable):
    """``[output.interval.widening]``: by how much it is wider, the older the newest result behind the correction is.

    ``factor`` holds at ``age_seconds``, ascending, with straight lines between; ``uncorrected`` without a correction.
    """

    age_seconds: list[Annotated[float, Field(ge=0)]] = Field(min_length=1)
    factor: list[Annotated[float, Field(gt=0)]]
    uncorrected: float = Field(gt=0)

    @model_validator(mode="after")
    def _ascending(self) -> "WideningTable":
        factors = [*self.factor, self.uncorrected]
        if len(self.age_seconds) != len(self.factor):
            raise ValueError("age_seconds and factor must have as many entries")
        if sorted(set(self.age_seconds)) != self.age_seconds or sorted(factors) != factors:
            raise ValueError("ages must ascend, and no factor be smaller than the one before: age makes nothing surer")
        return self


class ProportionalTable(ManifestTable):
    """``[output.interval.proportional]``: it is as wide as the value is large.

    ``half_width`` is that of a value ``at``; it is no narrower than at the value ``least``. Errors and ``sigma`` are
    taken in the same proportion.
    """

    at: float = Field(gt=0)
    least: float = Field(gt=0)


class IntervalTable(ManifestTable):
    """``[output.interval]``: how the interval was made; ``half_width`` from calibration residuals."""

    method: str
    coverage: float = Field(gt=0, lt=1)
    half_width: float = Field(gt=0)
    calibration_rows: int = Field(gt=0)
    max_half_width: float | None = Field(default=None, gt=0)
    widening: WideningTable | None = None
    proportional: ProportionalTable | None = None


class BiasTable(ManifestTable):
    """``[output.bias]``: how far laboratory results may correct the value, where the configuration lets them."""

    trust: float = Field(gt=0, le=1)
    max_step: float = Field(gt=0)
    max_total: float = Field(gt=0)
    max_age_seconds: float = Field(gt=0)
    half_life_seconds: float | None = Field(default=None, gt=0)
    per: Literal["product"] | None = None


class CorrectionTable(ManifestTable):
    """``[output.correction]``: a correction by laboratory results of similar inputs, in the place of ``bias``.

    Inputs are standardised as ``inputs`` in ``reference.json`` says. See ``gateway.inference.function_space``.
    """

    kind: Literal["function_space"]
    tau_seconds: float = Field(gt=0)
    memory_seconds: float = Field(gt=0)
    length: float = Field(gt=0)
    weight: float = Field(ge=0)
    noise: float = Field(ge=0.001)
    max_residual: float = Field(gt=0)
    max_total: float = Field(gt=0)
    max_age_seconds: float = Field(gt=0)
    most_results: int = Field(ge=1, le=MOST_RESULTS)


class AdaptiveTable(ManifestTable):
    """``[output.adaptive]``: how fast the interval follows its hits and misses, and between which coverages."""

    rate: float = Field(gt=0, lt=1)
    min_coverage: float = Field(gt=0, lt=1)
    max_coverage: float = Field(gt=0, lt=1)


class TrackedTable(ManifestTable):
    """``[output.tracked]``: how fast the interval follows the size of errors, and how far from training's.

    ``mean_error``: their mean size there, over what the age of the correction explains.
    """

    rate: float = Field(gt=0, lt=1)
    mean_error: float = Field(gt=0)
    least_scale: float = Field(gt=0, le=1)
    most_scale: float = Field(ge=1)


class DriftTable(ManifestTable):
    """``[output.drift]``: the standard deviation of errors in service, which the charts of residuals are scaled by.

    ``winsorise``: errors count as that many sigmas at most. ``ewma_limit`` in sigmas of the average, ``cusum_limit`` in
    sigmas of errors.
    """

    sigma: float = Field(gt=0)
    winsorise: float | None = Field(default=None, gt=0)
    ewma_limit: float = Field(default=EWMA_L, gt=0)
    cusum_limit: float = Field(default=CUSUM_H, gt=0)
