"""Models: which stage counts, and how well they do."""

from pydantic import Field

from gateway.console.views.parts import View


class AbstentionView(View):
    """How often a gate has kept a prediction back, of the newest predictions."""

    code: str
    text: str
    count: int


class ResidualView(View):
    """A laboratory result against what was predicted for its sample."""

    at: str
    measured: float
    predicted: float


class ModelOutputView(View):
    """What a model predicts."""

    analyte: str
    unit: str
    figures: dict[str, float] = Field(description="bias, residual charts in sigmas, coverage, number of results")
    residuals: list[ResidualView] = Field(description="the oldest first")


class InputView(View):
    """An input, and the range in which the model was validated."""

    name: str
    tag: str
    unit: str
    low: float | None
    high: float | None


class VersionView(View):
    """A version that a person has put into service or taken out."""

    at: str
    act: str
    version: str
    person: str
    reason: str


class ModelView(View):
    """A model at work."""

    name: str
    version: str
    sha256: str
    equipment_id: str
    intended_use: str
    stage: str = Field(description="the one that counts now")
    ceiling: str = Field(description="the highest that the configuration allows")
    demoted_by: list[str] = Field(description="latched alarms that keep it lower")
    predictions: int = Field(description="of the newest, how many the figures are of")
    abstained_share: float | None
    coverage: float | None = Field(description="share of laboratory results inside the predicted interval")
    abstentions: list[AbstentionView]
    outputs: list[ModelOutputView]
    inputs: list[InputView]
    versions: list[VersionView]


class ModelsView(View):
    """GET /api/models."""

    models: list[ModelView]
